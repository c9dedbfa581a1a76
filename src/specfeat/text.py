"""Formats values, names and counts for messages."""

import difflib
import os
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import chain, count

from specfeat.files import format_path

_MAX_NAMES, _MAX_EXTENSIONS = 3, 4  # how many files, or extensions of files, a message lists
_KILO, _PREFIXES = 1000, "kMGTP"  # the prefixes of the SI
_MAX_VALUE_LENGTH = 60  # characters of a wrong value that a message repeats


def suggest_name(value: object, names: Iterable[str]) -> str:
    """Return ` (did you mean 'NAME'?)` with the name that is most similar to a value; "" if none is similar.

    Args:
        value: the word that the user wrote. Small and capital letters count as equal.
        names: the possible names.
    """
    names_in_lower_case = {name.lower(): name for name in names}
    # With 0.6, difflib's default, a name is found if two letters are swapped or missing, but other words are
    # not.
    matches = difflib.get_close_matches(str(value).lower(), names_in_lower_case, n=1, cutoff=0.6)
    return f" (did you mean {names_in_lower_case[matches[0]]!r}?)" if matches else ""


def format_value(value: object) -> str:
    """Return a wrong value in the form of YAML, shortened, with the words "the text" before a text.

    So the message shows the difference between '16' in quotes and the number 16.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "empty"
    text = repr(value)
    if len(text) > _MAX_VALUE_LENGTH:
        text = text[: _MAX_VALUE_LENGTH - 3] + "..."
    return f"the text {text}" if isinstance(value, str) else text


def shorten_text(text: str, max_characters: int) -> str:
    """Return a text, with ` ... ` instead of its middle if it has more than `max_characters` characters."""
    if len(text) <= max_characters:
        return text
    half = max_characters // 2
    return f"{text[:half]} ... {text[-half:]}"


def format_shape(shape: tuple[int, ...]) -> str:
    """Return a shape as text, e.g. `96 x 64 x 1`."""
    return " x ".join(map(str, shape))


def format_count(number: int, singular: str, plural: str = "") -> str:
    """Return a number and the word for the things that are counted, e.g. `1 band` or `2 bands`.

    Args:
        number: the number of things.
        singular: the word for one thing.
        plural: the word for several things; "" for the singular with an "s".
    """
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def format_bytes(size: int) -> str:
    """Return a size in bytes with a unit, in steps of 1000 as for disks, e.g. `312 bytes` or `1.5 MB`."""
    if size < _KILO:
        return format_count(size, "byte")
    return f"{_format_prefixed(size)}B"


def format_large_number(number: int) -> str:
    """Return a number with three digits and a letter for thousands (k), millions (M) and so on: `69.2 M`."""
    return str(number) if number < _KILO else _format_prefixed(number)


def _format_prefixed(number: int) -> str:
    value = float(number)
    for prefix in _PREFIXES:
        value /= _KILO
        if value < _KILO - 0.5 or prefix == _PREFIXES[-1]:
            break
    return f"{value:,.{1 if value < 99.95 else 0}f} {prefix}"


def make_path_fields(path: str) -> dict[str, str]:
    """Return a path for JSON: as text, and its bytes in hexadecimal if they are not UTF-8."""
    name = os.fsencode(path)
    text = name.decode("utf-8", "replace")
    return {"path": text} if text.encode() == name else {"path": text, "path_hex": name.hex()}


def describe_files(paths: Sequence[str]) -> str:
    """Return the names of up to three files; for more files, the number of files with each extension.

    Args:
        paths: the paths of the files, at least one.

    Returns:
        The text, e.g. "notes.txt, labels.mat" or "12 .txt, 3 .json, 1 without extension".
    """
    if len(paths) <= _MAX_NAMES:
        return ", ".join(map(format_path, paths))
    counts = Counter(os.path.splitext(path)[1].lower() for path in paths)  # names of any bytes
    kinds = [
        f"{count} {format_path(extension) or 'without extension'}"
        for extension, count in counts.most_common(_MAX_EXTENSIONS)
    ]
    rest = len(paths) - sum(count for _, count in counts.most_common(_MAX_EXTENSIONS))
    return ", ".join([*kinds, f"{rest} more"] if rest else kinds)


def suggest_free_name(name: str, used: Collection[str]) -> str:
    """Return a name that is not used yet: the name itself, or the name followed by a number."""
    candidates = chain([name], (f"{name}_{number}" for number in count(1)))
    return next(candidate for candidate in candidates if candidate not in used)


def join_names(names: Sequence[str], last_word: str = "and") -> str:
    """Return names as a list in a sentence, e.g. "a, b and c"."""
    return f" {last_word} ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
