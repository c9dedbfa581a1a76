"""Containers with one header, and then nothing but sound: what the header says about its length.

Sources: AU (Sun's audio(4)), NIST SPHERE (its header is text), Psion's ALaw (WVE), MathWorks' "MAT-File
Format" (MAT4, MAT5), and for AVR, MPC2K, XI, IRCAM, PAF, PVF and SDS libsndfile's modules of these names.
"""

import re
import struct

from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.containers.sound_extent import SoundExtent

AU_UNKNOWN_LENGTH = 2**32 - 1
NIST_HEADER_BYTES = 1024
MAT5_HEADER_BYTES = 128
MAT5_MATRIX = 14  # the type of an element that is a matrix
MAX_MATRICES = 16


def find_plain_sound(file: FileBytes, container: str, sample_bytes: int) -> SoundExtent | None:
    """Return where the sound of a file with a plain header stands; None for other containers.

    Args:
        file: the file.
        container: libsndfile's name of the file format, e.g. "AU".
        sample_bytes: the length of one sample of all channels, in bytes.

    Raises:
        OSError: the file cannot be read.
    """
    head = file.read(0, 4096)
    if container == "AU":
        return _read_au(head)
    if container == "NIST":
        return _read_nist(head, sample_bytes)
    if container == "MAT4":
        return _read_mat4(file, sample_bytes)
    if container == "MAT5":
        return _read_mat5(file, head)
    if container == "SDS":
        return _read_sds(head, sample_bytes)
    if container in ("IRCAM", "PAF", "PVF", "XI"):
        return _read_header_without_length(file, head, container)
    # Where the number of samples stands, and its layout; where the sound begins.
    fields = {"AVR": (26, ">I", 128), "WVE": (18, ">I", 32), "MPC2K": (30, "<I", 42)}.get(container)
    if fields:
        place, layout, start = fields
        return SoundExtent(start, struct.unpack_from(layout, head.ljust(64, b"\0"), place)[0] * sample_bytes)
    return None


def _read_au(head: bytes) -> SoundExtent:
    order = "<" if head[:4] == b"dns." else ">"
    start, length = struct.unpack_from(order + "II", head.ljust(12, b"\0"), 4)
    return SoundExtent(start, None if length == AU_UNKNOWN_LENGTH else length, 0, 8, order + "I")


def _read_nist(head: bytes, sample_bytes: int) -> SoundExtent:
    size = re.match(rb"NIST_1A\n\s*(\d{1,7})\n", head)
    samples = re.search(rb"\nsample_count -i (\d{1,15})", head)
    start = int(size[1]) if size else NIST_HEADER_BYTES
    return SoundExtent(start, int(samples[1]) * sample_bytes if samples else None)


def _read_mat4(file: FileBytes, sample_bytes: int) -> SoundExtent | None:
    """Read a MAT file of version 4: the first matrix is the sample rate, the second one the sound."""
    position = 0
    for number in range(2):
        header = file.read(position, 20)
        if len(header) < 20:
            return None
        order = _guess_order(header)
        _, rows, columns, _, name_length = struct.unpack(order + "5I", header)
        start = position + 20 + name_length
        if number == 1:
            return SoundExtent(start, columns * sample_bytes)
        position = start + 8 * rows * columns
    return None


def _guess_order(header: bytes) -> str:
    """Return the byte order in which the length of a matrix's name is small."""
    return "<" if struct.unpack_from("<I", header, 16)[0] < 2**16 else ">"


def _read_mat5(file: FileBytes, head: bytes) -> SoundExtent | None:
    """Read a MAT file of version 5: the sound is the last matrix of the first two."""
    order = "<" if head[126:128] == b"IM" else ">"
    position, found = MAT5_HEADER_BYTES, None
    for _ in range(2):
        header = file.read(position, 8)
        if len(header) < 8:
            break
        kind, length = struct.unpack(order + "II", header)
        if kind != MAT5_MATRIX:
            break
        found, position = position + 8, position + 8 + length
    if found is None:
        return None
    for _ in range(3):  # flags, dimensions and name stand before the values
        kind, length = struct.unpack(order + "II", file.read(found, 8).ljust(8, b"\0"))
        is_short = kind >> 16 != 0  # up to 4 bytes of content, in the header itself
        found += 8 if is_short else 8 + length + -length % 8
    kind, length = struct.unpack(order + "II", file.read(found, 8).ljust(8, b"\0"))
    return SoundExtent(found + 8, length)


def _read_sds(head: bytes, sample_bytes: int) -> SoundExtent:
    """Read MIDI's Sample Dump Standard: the number of samples has 21 bits, a block 120 bytes of samples."""
    fields = head[10:13].ljust(3, b"\0")
    samples = fields[0] | fields[1] << 7 | fields[2] << 14
    block_samples = {1: 60, 2: 40, 3: 30}.get(sample_bytes, 1)
    return SoundExtent(21, -(-samples // block_samples) * 127)


def _read_header_without_length(file: FileBytes, head: bytes, container: str) -> SoundExtent:
    """Read a header that gives no length: only a second header tells that two files are joined."""
    if container == "PVF":
        start = mark_end = _find_line_end(head, 2)
    elif container == "XI":
        start, mark_end = 298 + 40 * max(1, int.from_bytes(head[296:298], "little")), 21
    else:
        start, mark_end = {"IRCAM": 1024, "PAF": 2048}[container], 16
    has_other_sound = file.find(head[:mark_end], start) >= 0
    return SoundExtent(start, None, has_other_sound=has_other_sound)


def _find_line_end(head: bytes, count: int) -> int:
    position = 0
    for _ in range(count):
        position = head.find(b"\n", position) + 1
    return position
