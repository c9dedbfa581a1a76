"""What programs write behind the sound of a file: tags, and zeros up to the end of a disk cluster.

Formats: ID3v1 (id3.org/ID3v1), ID3v2.4 (id3.org/id3v2.4.0-structure, section 3.1), APEv2
(wiki.hydrogenaud.io, "APEv2 specification"), Lyrics3v2 is left out.
"""

import struct

from specfeat.audio.containers.file_bytes import FileBytes

ZERO_STEP_BYTES = 65_536
ID3V1_BYTES = 128  # "TAG", and the fields
ID3V2_HEADER_BYTES = 10
APE_BYTES = 32  # the header or the footer of an APEv2 tag
APE_HAS_HEADER = 0x8000_0000
APE_IS_HEADER = 0x2000_0000
MAX_TAGS = 16  # more tags than this, one after another, are not looked for


def find_end_without_tags(file: FileBytes, start: int) -> int:
    """Return where the content of a file ends if tags and zeros at its end do not count.

    Args:
        file: the file.
        start: the end is never before this place.

    Raises:
        OSError: the file cannot be read.
    """
    end = file.size
    for _ in range(MAX_TAGS):
        before = end
        end = _strip_tag(file, _strip_zeros(file, start, end))
        if end == before or end <= start:
            break
    return max(start, end)


def find_end_without_exact_tags(file: FileBytes, start: int) -> int:
    """Return where the content of a file ends if the tags that end with the file do not count.

    This is for sound whose length is not known: zeros at its end may be silence.

    Args:
        file: the file.
        start: the end is never before this place.

    Raises:
        OSError: the file cannot be read.
    """
    end = file.size
    if file.read(end - ID3V1_BYTES, 3) == b"TAG":
        end -= ID3V1_BYTES
    if file.read(end - APE_BYTES, 8) == b"APETAGEX":
        end = _find_ape_start(file, end - APE_BYTES) or end
    return max(start, end)


def skip_tags(file: FileBytes, position: int) -> int:
    """Return the place behind the ID3v2 tags that stand one after another from a position on.

    Raises:
        OSError: the file cannot be read.
    """
    for _ in range(MAX_TAGS):
        header = file.read(position, ID3V2_HEADER_BYTES)
        if header[:3] != b"ID3" or len(header) < ID3V2_HEADER_BYTES:
            break
        size = 0
        for byte in header[6:]:  # 7 bits in each byte
            size = size << 7 | byte & 127
        position += ID3V2_HEADER_BYTES + size
    return position


def _strip_zeros(file: FileBytes, start: int, end: int) -> int:
    while end > start:
        step = max(start, end - ZERO_STEP_BYTES)
        rest = file.read(step, end - step).rstrip(b"\0")
        if rest:
            return step + len(rest)
        end = step
    return end


def _strip_tag(file: FileBytes, end: int) -> int:
    """Return the place where the tag begins that ends at `end`, or near it if its own end was zeros."""
    # The last bytes of ID3v1 and of an APE footer may be zeros, so the tag may end a little later.
    window_start = max(0, end - ID3V1_BYTES)
    window = file.read(window_start, end - window_start)
    at = window.rfind(b"TAG")
    if at >= 0 and window[max(0, at - 3) : at] != b"APE" and window_start + at + ID3V1_BYTES <= file.size:
        return window_start + at
    at = window.rfind(b"APETAGEX")
    if at >= 0 and len(window) - at <= APE_BYTES:
        return _find_ape_start(file, window_start + at) or end
    return end


def _find_ape_start(file: FileBytes, footer_start: int) -> int | None:
    """Return where the APE tag with this footer begins; None if it is not a footer."""
    footer = file.read(footer_start, APE_BYTES)
    if len(footer) < APE_BYTES:
        return None
    size, _, flags = struct.unpack_from("<III", footer, 12)
    start = footer_start + APE_BYTES - size - (APE_BYTES if flags & APE_HAS_HEADER else 0)
    return None if flags & APE_IS_HEADER or not 0 <= start <= footer_start else int(start)
