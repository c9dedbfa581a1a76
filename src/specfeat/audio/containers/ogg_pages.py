"""The pages of an Ogg file (RFC 3533, section 6), and whether they are of one stream."""

from specfeat.audio.containers.file_bytes import FileBytes

PAGE_MARK = b"OggS\0"
PAGE_HEADER_BYTES = 27
BEGIN_OF_STREAM = 2  # a bit of the byte at 5
SERIAL_AT = 14


def has_several_streams(file: FileBytes) -> bool:
    """Return whether one Ogg stream follows another, or the last page is not of the first page's stream.

    Two streams may have the same serial number. So what tells is a page that begins a stream and comes after
    one that does not. Only the headers of the pages are looked at.

    Args:
        file: the file.

    Raises:
        OSError: the file cannot be read.
    """
    position = file.find(PAGE_MARK, 0)
    first_serial = last_serial = file.read(position + SERIAL_AT, 4)
    is_after_beginnings = False
    while position >= 0:
        header = file.read(position, PAGE_HEADER_BYTES)
        if len(header) < PAGE_HEADER_BYTES:
            break
        if not header.startswith(PAGE_MARK):  # something else stands between two pages, or after the last
            position = file.find(PAGE_MARK, position + 1)
            continue
        is_beginning = bool(header[5] & BEGIN_OF_STREAM)
        if is_beginning and is_after_beginnings:
            return True
        is_after_beginnings = is_after_beginnings or not is_beginning
        last_serial = header[SERIAL_AT : SERIAL_AT + 4]
        segment_lengths = file.read(position + PAGE_HEADER_BYTES, header[26])
        position += PAGE_HEADER_BYTES + header[26] + sum(segment_lengths)
    return last_serial != first_serial
