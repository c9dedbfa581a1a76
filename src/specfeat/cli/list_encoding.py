"""The encoding of a list of names: detects UTF-16, and removes what Windows programs add to UTF-8."""

import codecs
import os

_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
# In UTF-16, every second byte of ASCII text is NUL. A list of names that end in NUL bytes has so many NUL
# bytes only if its names have one or two bytes.
_MIN_NUL_SHARE = 3 / 8


def is_utf16(data: bytes, *, null: bool) -> bool:
    """Return whether a list is in UTF-16 or UTF-32, as some Windows programs write it.

    Args:
        data: the list.
        null: whether the user says that its names end in NUL bytes.
    """
    if b"\0" not in data:
        return False
    encoding = _MARKS.get(data[:2])
    if (encoding and not null) or data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return True
    for name in [encoding] if encoding else _MARKS.values():
        text = _decode_bytes(data[2:] if encoding else data, name)
        has_line = bool(encoding) and "\n" in text
        is_ascii = _has_many_nuls(data) and any(character in text for character in "\n/.")
        if has_line or is_ascii:
            return True
    return False


def _decode_bytes(data: bytes, encoding: str) -> str:
    """Return the text of bytes; "" if they are not in this encoding."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return ""
    return "" if "\0" in text else text


def _has_many_nuls(data: bytes) -> bool:
    counts = (data[::2].count(0), data[1::2].count(0))
    return min(counts) == 0 and max(counts) > _MIN_NUL_SHARE * len(data)


def remove_windows_marks(names: list[bytes]) -> list[bytes]:
    """Remove the UTF-8 mark at the start of a list, and the carriage returns at the ends of its lines.

    These bytes may also belong to a name. So they are kept if a file with them in its name exists.

    Args:
        names: the lines of a list, without line feeds.
    """
    first, *others = names or [b""]
    if first.startswith(codecs.BOM_UTF8) and not os.path.lexists(first):
        first = first.removeprefix(codecs.BOM_UTF8)
    return [_remove_carriage_return(name) for name in (first, *others)]


def _remove_carriage_return(name: bytes) -> bytes:
    is_mark = name.endswith(b"\r") and not os.path.lexists(name)
    return name[:-1] if is_mark else name
