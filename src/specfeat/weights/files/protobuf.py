"""Protocol buffers' wire format: the fields of a message, as bytes of the file, nothing copied.

After "Encoding" in the protocol buffers' documentation. TensorFlow's own classes would need TensorFlow, and
take a multiple of the file in memory.
"""

from collections.abc import Iterator

Field = tuple[int, int | memoryview]


def iterate_fields(message: memoryview) -> Iterator[Field]:
    """Yield the number and the value of each field: an integer, or the bytes of anything else.

    Raises:
        ValueError: the message ends in the middle of a field, or has groups (which nobody writes).
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        size = {1: 8, 5: 4}.get(kind)
        if kind == 2:
            size, at = _varint(message, at)
        if size is None or size > len(message) - at:
            raise ValueError(f"a field of kind {kind} does not fit")
        yield key >> 3, message[at : at + size]
        at += size


def iterate_integers(value: int | memoryview) -> Iterator[int]:
    """Yield the integers of a repeated field, packed or one by one."""
    if isinstance(value, int):
        yield value
        return
    at = 0
    while at < len(value):
        number, at = _varint(value, at)
        yield number


def get_last_value(message: memoryview, number: int) -> int | memoryview | None:
    """The last value of a field, which is the one that counts, or None."""
    found: int | memoryview | None = None
    for key, value in iterate_fields(message):
        if key == number:
            found = value
    return found


def get_message(value: int | memoryview | None) -> memoryview:
    """Take a field that must be a message; one that is not there is an empty one."""
    if isinstance(value, int):
        raise ValueError("a number where a message belongs")
    return memoryview(b"") if value is None else value


def get_text(value: int | memoryview | None) -> str:
    """Take a field that must be text."""
    return bytes(get_message(value)).decode("utf-8")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ValueError("the message ends within a number")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number of more than ten bytes")
