"""The frames of an MPEG audio file (ISO/IEC 11172-3 and 13818-3), and a view of it that has no known length.

libsndfile stops at the length in the Xing frame. Without a Xing frame, it guesses the length from the bit
rate of the first frames. So it stops too early if the beginning has a higher bit rate than the rest.
"""

import re

from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.containers.file_view import FileView
from specfeat.audio.containers.trailing_data import ID3V1_BYTES, find_end_without_tags, skip_tags

LENGTH_MARKS = (b"Xing", b"Info", b"VBRI")  # the first frame has one of them if it declares the length
LENGTH_MARK_BYTES = 192  # they stand at the beginning of the frame
CHAIN_FRAMES = 4  # so many headers of one kind, each where the frame before it ends, are no chance
SEARCH_BYTES = 1_048_576  # frames are searched for in so many bytes
ENDLESS_FACTOR = 2**16  # how many times longer the view claims to be: more than the ratio of two bit rates
TAIL_BYTES = 16_384  # several of the largest frames

# 11 bits of sync, a version and a layer that exist, a bit rate and a sample rate that exist.
_FRAME_HEADER = re.compile(rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff][\x10-\xef]")
# kbit/s by the layer and the code, for MPEG 1 and for MPEG 2 and 2.5.
_BIT_RATES = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SAMPLE_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def make_endless_view(file: FileBytes) -> FileView:
    """Make a view of an MPEG file with an end so far away that libsndfile reads every frame.

    Raises:
        OSError: the file cannot be read.
    """
    end = _find_last_frame_end(file)
    claimed_size = end * ENDLESS_FACTOR
    # libsndfile looks for an ID3v1 tag in the last bytes.
    return FileView(file, end, claimed_size, {claimed_size - ID3V1_BYTES: bytes(ID3V1_BYTES)})


def declares_length(file: FileBytes) -> bool:
    """Return whether the first frame of an MPEG file declares a length.

    Raises:
        OSError: the file cannot be read.
    """
    frame = find_frames(file, 0, find_end_without_tags(file, 0))
    if frame < 0:
        return True
    beginning = file.read(frame, LENGTH_MARK_BYTES)
    return any(mark in beginning for mark in LENGTH_MARKS)


def has_frames_after(file: FileBytes, position: int) -> bool:
    """Return whether frames follow that the decoder has not read.

    Fewer than `CHAIN_FRAMES` do not count: behind a damaged place, they may be chance.

    Args:
        file: the file.
        position: where the decoder has stopped, in bytes.

    Raises:
        OSError: the file cannot be read.
    """
    end = find_end_without_tags(file, min(position, file.size))
    return find_frames(file, position, end, needs_long_chain=True) >= 0


def find_frames(file: FileBytes, start: int, end: int, *, needs_long_chain: bool = False) -> int:
    """Return the first place that begins several frames, one after another; -1 if there is none.

    Args:
        file: the file.
        start: where the search begins; it ends after `SEARCH_BYTES`.
        end: where the content of the file ends.
        needs_long_chain: whether two or three frames that end with the content do not count.

    Raises:
        OSError: the file cannot be read.
    """
    least = CHAIN_FRAMES if needs_long_chain else 2
    start = skip_tags(file, start)  # a picture in a tag may look like frames
    places = file.search(_FRAME_HEADER, start, min(end, start + SEARCH_BYTES), 3)
    return next((place for place in places if _begins_chain(file, place, end, least)), -1)


def _begins_chain(file: FileBytes, position: int, end: int, least: int) -> bool:
    """Return whether `CHAIN_FRAMES` of one kind follow each other, or `least` that end with the content."""
    first_kind = _get_kind(file.read(position, 4))
    for number in range(CHAIN_FRAMES):
        if number >= least and position == end:
            return True
        header = file.read(position, 4)
        length = _measure_frame(header)
        if not length or _get_kind(header) != first_kind or position + length > end:
            return False
        position += length
    return True


def _find_last_frame_end(file: FileBytes) -> int:
    """Return where the last whole frame ends: behind a part of a frame, libsndfile loses its last block."""
    end = find_end_without_tags(file, 0)
    position = find_frames(file, max(0, end - TAIL_BYTES), end)
    last_end = end
    while 0 <= position < end:
        length = _measure_frame(file.read(position, 4))
        if length and position + length <= file.size:
            position = last_end = position + length
        else:
            position = find_frames(file, position + 1, end)
    return last_end


def _get_kind(header: bytes) -> tuple[int, int]:
    """Return version and layer, and the code of the sample rate, which do not change in a stream."""
    return (header[1] & 0xFE, header[2] & 0x0C) if len(header) == 4 else (0, 0)


def _measure_frame(header: bytes) -> int:
    """Return the length in bytes of the frame with this header; 0 if it is none, or of a free bit rate."""
    if len(header) < 4 or header[0] != 0xFF or header[1] < 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bit_code, rate_code, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer == 4 or bit_code in (0, 15) or rate_code == 3:
        return 0
    table = _BIT_RATES[(1, layer) if version == 3 else (2, min(layer, 2))]
    bits, rate = 1000 * table[bit_code], _SAMPLE_RATES[version][rate_code]
    if layer == 1:
        return 4 * (12 * bits // rate + padding)
    return (72 if layer == 3 and version != 3 else 144) * bits // rate + padding
