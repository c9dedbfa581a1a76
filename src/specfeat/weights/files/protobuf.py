"""Reads the wire format of protocol buffers: the fields of a message as parts of the file, without copies.

The format is described in "Encoding" in the documentation of protocol buffers. The `protobuf` library cannot
replace this module, for two reasons: it makes every node and copies every array before their number can be
limited, and TensorFlow's classes for it import all of TensorFlow.
"""

from collections.abc import Iterator

from specfeat.errors import WeightsError

MAX_FIELDS = 1_000_000  # of one file, in all messages; each takes microseconds. Large graphs have 500,000
MAX_TEXT_BYTES = 1000  # of a name

Value = int | memoryview  # the value of a field: an integer for a varint, else the bytes


class FieldCounter:
    """Counts the fields that are read from a file; a megabyte can contain half a million."""

    def __init__(self) -> None:
        self._count = 0

    def add(self) -> None:
        """Count one more field.

        Raises:
            WeightsError: there are too many.
        """
        self._count += 1
        if self._count > MAX_FIELDS:
            raise WeightsError(f"has more than {MAX_FIELDS:,} fields beside its arrays; wanted fewer")


def iterate_fields(message: memoryview, counter: FieldCounter) -> Iterator[tuple[int, Value]]:
    """Yield the number and the value of each field of a message.

    Args:
        message: the message.
        counter: the counter of the file that the message is part of.

    Raises:
        ValueError: the message ends in the middle of a field, or has groups, which are obsolete.
        WeightsError: the file has too many fields.
    """
    position = 0
    while position < len(message):
        counter.add()
        key, position = read_varint(message, position)
        wire_type = key & 7
        if wire_type == 0:
            value, position = read_varint(message, position)
            yield key >> 3, value
            continue
        size = {1: 8, 5: 4}.get(wire_type)
        if wire_type == 2:
            size, position = read_varint(message, position)
        if size is None or size > len(message) - position:
            raise ValueError(f"a field of wire type {wire_type} leads out of the message")
        yield key >> 3, message[position : position + size]
        position += size


def iterate_integers(value: Value) -> Iterator[int]:
    """Yield the integers of one value of a repeated field: one integer, or several that are packed."""
    if isinstance(value, int):
        yield value
        return
    position = 0
    while position < len(value):
        number, position = read_varint(value, position)
        yield number


def get_last_value(message: memoryview, number: int, counter: FieldCounter) -> Value | None:
    """Return the value of a field, or None if it is not set; if it is set several times, the last value."""
    last: Value | None = None
    for field, value in iterate_fields(message, counter):
        if field == number:
            last = value
    return last


def get_message(value: Value | None) -> memoryview:
    """Return the bytes of a field that must be a message; a field that is not set is an empty message.

    Raises:
        ValueError: the value is a number.
    """
    if isinstance(value, int):
        raise ValueError("a number in place of a message")
    return memoryview(b"") if value is None else value


def get_text(value: Value | None) -> str:
    """Return the text of a field that must be a text; a field that is not set is an empty text.

    Raises:
        ValueError: the value is a number, or not UTF-8.
        WeightsError: the text is too long for a name.
    """
    text = get_message(value)
    if len(text) > MAX_TEXT_BYTES:
        raise WeightsError(f"has a name of {len(text):,} bytes; wanted {MAX_TEXT_BYTES:,} or fewer")
    return bytes(text).decode("utf-8")


def read_varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return an integer of 7 bits per byte, lowest bits first, and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise ValueError("the message ends within a number")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number of more than ten bytes")
