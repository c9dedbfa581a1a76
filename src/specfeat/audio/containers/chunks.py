"""The chunks of WAV, RF64, BW64, W64, AIFF, SVX and CAF files, and the sound in one of them.

Formats: WAV (Microsoft's "Multimedia Programming Interface and Data Specifications 1.0", 1991), RF64 (EBU
Tech 3306), BW64 (ITU-R BS.2088), W64 (Sony's "Sony Picture Digital Wave 64"), AIFF (Apple's "Audio
Interchange File Format 1.3", 1989), 8SVX (IFF, 1985), CAF (Apple's "Core Audio Format Specification 1.0").
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.containers.sound_extent import SoundExtent

MAX_CHUNKS = 100_000  # a file of empty chunks would take minutes
LENGTH_IN_DS64 = 2**32 - 1  # RF64: the length of the sound stands in the chunk `ds64`


class ChunkLayout(NamedTuple):
    """How a container stores its chunks.

    Attributes:
        header: the layout of name and length, for the module `struct`.
        first: the place of the first chunk.
        alignment: the length of a chunk with its padding is a multiple of this many bytes.
        is_header_counted: whether the length includes name and length.
        sound: the beginning of the name of the chunk with the sound.
        skipped: how many bytes of this chunk stand before the sound.
    """

    header: str
    first: int
    alignment: int
    is_header_counted: bool
    sound: bytes
    skipped: int

    @property
    def size(self) -> int:
        """The length of name and length in bytes."""
        return struct.calcsize(self.header)


class Chunk(NamedTuple):
    """One chunk.

    Attributes:
        name: its name.
        start: the place of its content.
        length: the length of its content as declared; it may reach beyond the end of the file.
    """

    name: bytes
    start: int
    length: int


_RIFF = ChunkLayout("<4sI", 12, 2, False, b"data", 0)
LAYOUTS = {
    "WAV": _RIFF,
    "WAVEX": _RIFF,
    "RF64": _RIFF,
    "W64": ChunkLayout("<16sQ", 40, 8, True, b"data", 0),
    "AIFF": ChunkLayout(">4sI", 12, 2, False, b"SSND", 8),
    "SVX": ChunkLayout(">4sI", 12, 2, False, b"BODY", 0),
    "CAF": ChunkLayout(">4sQ", 8, 1, False, b"data", 4),
}


def find_sound_chunk(file: FileBytes, container: str) -> SoundExtent | None:
    """Return where the sound of a file of chunks stands; None if no chunk has sound.

    libsndfile takes the last chunk with sound.

    Args:
        file: the file.
        container: one of `LAYOUTS`.

    Raises:
        OSError: the file cannot be read.
    """
    layout = get_layout(file, container)
    others: dict[bytes, Chunk] = {}
    sounds: list[Chunk] = []
    for chunk in iterate_chunks(file, layout):
        if chunk.name.startswith(layout.sound):
            sounds.append(chunk)
        elif chunk.name[:4] in (b"fmt ", b"ds64"):
            others[chunk.name[:4]] = chunk
    if not sounds:
        return None
    extent = _read_sound_chunk(file, sounds[-1], layout)
    if container == "RF64" and extent.length == LENGTH_IN_DS64 and b"ds64" in others:
        place = others[b"ds64"].start + 8
        length = int.from_bytes(file.read(place, 8), "little")
        extent = extent._replace(length=length, length_place=place, length_layout="<Q")
    if b"fmt " in others:
        field = file.read(others[b"fmt "].start + 12, 2)
        block_bytes = int.from_bytes(field, "little" if layout.header[0] == "<" else "big")
        extent = extent._replace(block_bytes=block_bytes)
    return extent._replace(has_other_sound=any(chunk.length > layout.skipped for chunk in sounds[:-1]))


def _read_sound_chunk(file: FileBytes, sound: Chunk, layout: ChunkLayout) -> SoundExtent:
    skipped = layout.skipped
    if layout.sound == b"SSND":  # the sound of AIFF begins so many bytes later
        skipped += int.from_bytes(file.read(sound.start, 4))
    header_bytes = layout.size if layout.is_header_counted else 0
    number = layout.header[0] + layout.header[-1]
    return SoundExtent(
        start=sound.start + skipped,
        length=sound.length - skipped,
        length_place=sound.start - struct.calcsize(number),
        length_layout=number,
        length_extra=skipped + header_bytes,
    )


def get_layout(file: FileBytes, container: str) -> ChunkLayout:
    """Return the layout of a container's chunks; that of RIFX has the bytes of numbers in the other order.

    Raises:
        OSError: the file cannot be read.
    """
    layout = LAYOUTS[container]
    return layout._replace(header=">4sI") if file.read(0, 4) == b"RIFX" else layout


def iterate_chunks(file: FileBytes, layout: ChunkLayout) -> Iterator[Chunk]:
    """Yield the chunks of a file, at most `MAX_CHUNKS`.

    Raises:
        OSError: the file cannot be read.
    """
    position = layout.first
    for _ in range(MAX_CHUNKS):
        chunk = _read_chunk(file, position, layout)
        if chunk is None:
            return
        yield chunk
        position = _find_next(file, chunk, layout)


def _read_chunk(file: FileBytes, position: int, layout: ChunkLayout) -> Chunk | None:
    header = file.read(position, layout.size)
    if len(header) < layout.size:
        return None
    name, length = struct.unpack(layout.header, header)
    return Chunk(name, position + layout.size, length - (layout.size if layout.is_header_counted else 0))


def _find_next(file: FileBytes, chunk: Chunk, layout: ChunkLayout) -> int:
    """Return the place behind a chunk; some programs leave out its padding."""
    end = chunk.start + max(0, chunk.length)
    padded_end = end + -(chunk.length) % layout.alignment
    is_unpadded = layout.alignment == 2 and padded_end > end and _is_name(file.read(end, 4))
    return end if is_unpadded else padded_end


def skip_chunks(file: FileBytes, position: int, container: str) -> int:
    """Return the place behind the chunks that stand one after another from a position on.

    Raises:
        OSError: the file cannot be read.
    """
    layout = get_layout(file, container)
    for _ in range(MAX_CHUNKS):
        # Some programs leave out the padding of the sound, others count it.
        places = sorted({position, position + 1, position + -position % layout.alignment})
        chunks = (_read_chunk(file, place, layout) for place in places)
        chunk = next((chunk for chunk in chunks if chunk and _is_whole(file, chunk, layout)), None)
        if chunk is None:
            return position
        position = _find_next(file, chunk, layout)
    return position


def _is_whole(file: FileBytes, chunk: Chunk, layout: ChunkLayout) -> bool:
    if chunk.name.startswith(file.read(0, 4)):  # another file
        return False
    is_named = layout.is_header_counted or _is_name(chunk.name)  # the names of W64 are numbers
    return is_named and chunk.length >= 0 and chunk.start + chunk.length <= file.size


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and name.isascii() and name.decode().isprintable() and name.strip() != b""
