"""The frames of a FLAC file (RFC 9639, section 9): those of another rate, and those that nobody has read."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from specfeat.audio.containers.file_bytes import SEARCH_STEP_BYTES, FileBytes
from specfeat.audio.containers.trailing_data import find_end_without_tags, skip_tags

STREAM_INFO_BYTES = 42  # "fLaC", the header of the block STREAMINFO, and its 34 bytes
FRAME_HEADER_BYTES = 16  # the longest header
TAIL_BYTES = 131_072  # more than a decoder reads ahead, and more than most frames
MAX_TAIL_BYTES = 2**22  # a frame of 8 channels, 24 bits and 65,535 samples has 1.6 MB
MAX_FALSE_HEADERS = 1_000  # whose check sum (CRC-8) is right by chance: there is one in 25 MB
_SAMPLE_RATES = (0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000)
_ADVICE = "split the file, or convert it with ffmpeg"
_FRAME_SYNC = re.compile(rb"\xff[\xf8\xf9]")
_STREAM_MARK = rb"fLaC[\x00\x80]\x00\x00\x22"  # and the header of the block STREAMINFO


class FlacFrame(NamedTuple):
    """The header of one frame.

    Attributes:
        position: where it stands in the file, in bytes.
        first_sample: the number of its first sample.
        samples: how many samples of each channel it has.
        rate: samples per second; 0 if the frame refers to the header of the file.
    """

    position: int
    first_sample: int
    samples: int
    rate: int

    @property
    def end(self) -> int:
        """The number of the first sample after it."""
        return self.first_sample + self.samples


class StreamInfo(NamedTuple):
    """What the beginning of a FLAC file says (RFC 9639, section 8.2).

    Attributes:
        start: where "fLaC" stands in the file.
        block_size: the largest number of samples in a frame; all frames but the last have it if their header
            numbers frames instead of samples.
        rate: samples per second.
        depth: the number of bits of a sample.
        samples: of each channel; 0 if the encoder did not know it.
    """

    start: int
    block_size: int
    rate: int
    depth: int
    samples: int


def read_stream_info(file: FileBytes) -> StreamInfo | None:
    """Read the block STREAMINFO; None if the file has none.

    Raises:
        OSError: the file cannot be read.
    """
    tags_end = skip_tags(file, 0)
    start = file.find(b"fLaC", tags_end, tags_end + SEARCH_STEP_BYTES)
    content = file.read(start, STREAM_INFO_BYTES)
    if len(content) < STREAM_INFO_BYTES:
        return None
    fields = int.from_bytes(content[18:26])
    return StreamInfo(
        start=start,
        block_size=int.from_bytes(content[10:12]),
        rate=fields >> 44,
        depth=(fields >> 36 & 31) + 1,
        samples=fields & 2**36 - 1,
    )


def find_second_stream(file: FileBytes, info: StreamInfo) -> str | None:
    """Describe a place where another stream begins, or where the rate changes; None if there is none.

    The decoder would give the samples of the other rate as if they had the first one.

    Args:
        file: the file.
        info: what its beginning says.

    Raises:
        OSError: the file cannot be read.
    """
    start, false_headers = info.start + STREAM_INFO_BYTES, 0
    for place in file.search(_make_suspect_pattern(info.rate), start, file.size, FRAME_HEADER_BYTES):
        if file.read(place, 1) == b"f":
            return f"another FLAC stream follows; {_ADVICE}"
        frame = _read_frame(file, place, info)
        if frame and frame.rate not in (0, info.rate):
            if _is_confirmed(file, frame, info):
                return f"its sample rate changes from {info.rate} to {frame.rate} Hz; {_ADVICE}"
            false_headers += 1
            if false_headers > MAX_FALSE_HEADERS:
                return f"many bytes in it look like frames of another sample rate; {_ADVICE}"
    return None


def describe_unread_frames(file: FileBytes, info: StreamInfo, samples: int, position: int) -> str | None:
    """Describe the frames at the end of the file that a decoder has not read; None if there are none.

    Args:
        file: the file.
        info: what its beginning says.
        samples: how many samples the decoder has given.
        position: where the decoder has stopped reading, in bytes; it may have read ahead.

    Raises:
        OSError: the file cannot be read.
    """
    frames = _find_last_frames(file, info)
    if not frames:
        return None
    is_joined = any(after.first_sample <= before.first_sample for before, after in pairwise(frames))
    if is_joined or frames[-1].position >= position:
        return f"more FLAC frames follow the sound that its header describes; {_ADVICE}"
    if frames[-1].end > samples:
        end = frames[-1].end
        return (
            f"its header says that the sound ends there, but its last frame ends at sample {end}; {_ADVICE}"
        )
    return None


def _make_suspect_pattern(rate: int) -> "re.Pattern[bytes]":
    """Make a pattern for the beginning of a stream, and for headers with the code of another rate."""
    known_codes = {0, _SAMPLE_RATES.index(rate) if rate in _SAMPLE_RATES else 0}
    codes = [code for code in range(15) if code not in known_codes]
    third_bytes = [size << 4 | code for size in range(1, 16) for code in codes]
    third = b"".join(re.escape(bytes([byte])) for byte in third_bytes)
    return re.compile(_STREAM_MARK + rb"|\xff[\xf8\xf9][" + third + rb"][\x00-\xaf]", re.DOTALL)


def _find_last_frames(file: FileBytes, info: StreamInfo) -> list[FlacFrame]:
    """Return the frames that begin in the last bytes before the tags and zeros at the end of the file."""
    end, begin, tail = find_end_without_tags(file, 0), info.start + STREAM_INFO_BYTES, TAIL_BYTES
    while True:
        start = max(begin, end - tail)
        candidates = list(_iterate_frames(file, start, end, info))
        if frames := _select_confirmed(file, candidates, info):
            return frames
        if start == begin or tail >= MAX_TAIL_BYTES:
            return []
        tail *= 4


def _iterate_frames(file: FileBytes, start: int, end: int, info: StreamInfo) -> Iterator[FlacFrame]:
    for place in file.search(_FRAME_SYNC, start, end, 1):
        if frame := _read_frame(file, place, info):
            yield frame


def _select_confirmed(file: FileBytes, frames: list[FlacFrame], info: StreamInfo) -> list[FlacFrame]:
    """Return the frames that a neighbour continues; a single one counts if its check sum is right."""
    starts = {(frame.first_sample, frame.rate) for frame in frames}
    ends = {(frame.end, frame.rate) for frame in frames}
    linked = [
        frame
        for frame in frames
        if (frame.end, frame.rate) in starts or (frame.first_sample, frame.rate) in ends
    ]
    if linked:
        return linked
    return [frame for frame in frames[-1:] if _is_confirmed(file, frame, info)]


def _is_confirmed(file: FileBytes, frame: FlacFrame, info: StreamInfo) -> bool:
    """Return whether a frame continues this one, or it is the last and its check sum (CRC-16) is right."""
    end = min(file.size, frame.position + TAIL_BYTES)
    for other in _iterate_frames(file, frame.position + 2, end, info):
        if (other.first_sample, other.rate) == (frame.end, frame.rate):
            return True
    content_end = find_end_without_tags(file, frame.position)
    is_last = content_end - frame.position <= TAIL_BYTES
    return is_last and _compute_crc16(file.read(frame.position, content_end - frame.position)) == 0


def _read_frame(file: FileBytes, position: int, info: StreamInfo) -> FlacFrame | None:
    """Read a frame's header (RFC 9639, section 9.1); None if these bytes are none, which its CRC-8 tells."""
    header = file.read(position, FRAME_HEADER_BYTES)
    if len(header) < 6 or header[1] not in (0xF8, 0xF9) or header[3] & 1 or header[3] >> 4 > 10:
        return None
    size_code, rate_code = header[2] >> 4, header[2] & 15
    if size_code == 0 or rate_code == 15 or header[3] >> 1 & 7 == 3:
        return None
    number_bytes = max(1, 8 - (header[4] ^ 0xFF).bit_length())  # the leading ones, as in UTF-8
    if number_bytes == 8 or header[4] >> 6 == 2:
        return None
    number = header[4] & (0x7F >> (number_bytes if number_bytes > 1 else 0))
    for byte in header[5 : 4 + number_bytes]:
        number = number << 6 | byte & 63
    size_at = 4 + number_bytes
    rate_at = size_at + {6: 1, 7: 2}.get(size_code, 0)
    end = rate_at + {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if end >= len(header) or _compute_crc8(header[:end]) != header[end]:
        return None
    samples = (
        int.from_bytes(header[size_at:rate_at]) + 1 if size_code in (6, 7) else _get_block_size(size_code)
    )
    rate = _get_rate(rate_code, int.from_bytes(header[rate_at:end]))
    return FlacFrame(position, number if header[1] == 0xF9 else number * info.block_size, samples, rate)


def _get_rate(code: int, field: int) -> int:
    return field * {12: 1000, 13: 1, 14: 10}[code] if code >= 12 else _SAMPLE_RATES[code]


def _get_block_size(code: int) -> int:
    if code == 1:
        return 192
    return 576 << (code - 2) if code < 6 else 256 << (code - 8)


def _compute_crc8(data: bytes) -> int:
    """Compute the CRC-8 of a frame's header, with the polynomial x^8 + x^2 + x + 1."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc


def _compute_crc16(data: bytes) -> int:
    """Compute the CRC-16 of a frame, with the polynomial x^16 + x^15 + x^2 + 1; 0 if it includes its CRC."""
    crc = 0
    for byte in data:
        crc = crc << 8 & 0xFF00 ^ _CRC16_TABLE[crc >> 8 ^ byte]
    return crc


def _make_crc16_table() -> tuple[int, ...]:
    table = []
    for crc in range(0, 65_536, 256):
        for _ in range(8):
            crc = (crc << 1 ^ 0x8005) & 0xFFFF if crc & 0x8000 else crc << 1
        table.append(crc)
    return tuple(table)


_CRC16_TABLE = _make_crc16_table()
