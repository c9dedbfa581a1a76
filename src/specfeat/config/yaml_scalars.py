"""Reads the scalars of YAML by the core schema of YAML 1.2.2 (chapter 10.3.2).

ruamel.yaml could do this, but it follows a `%YAML` directive in the file: in YAML 1.1, `1:30` is 90, `010` is
8, and `no` is false. A config must have the same meaning with and without such a directive.
"""

import math
import re
from collections.abc import Callable

# The tags that the parser may give to a plain scalar. The core schema replaces all of them: it has no
# timestamp and no value tag ("=" in YAML 1.1), so these scalars are text.
SCALAR_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "value")
)
# The largest number of characters of a number. Every float64 can be written with fewer. The limit is needed,
# because the time that Python takes to read an integer grows with the square of its length, and it refuses
# integers of more than 4,300 digits.
MAX_NUMBER_LENGTH = 300

_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], int | float]], ...] = (
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)"), lambda text: float(text.replace(".", ""))),
    (re.compile(r"\.(nan|NaN|NAN)"), lambda _: math.nan),
)
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def read_plain_scalar(text: str) -> str | int | float | bool | None:
    """Return the value of a scalar without quotes."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if len(text) <= MAX_NUMBER_LENGTH:
        for pattern, convert in _NUMBERS:
            if pattern.fullmatch(text):
                return convert(text)
    return text


def has_lone_surrogate(text: str) -> bool:
    r"""Return whether a text contains half of a character, such as "\ud800", which UTF-8 cannot encode."""
    return any("\ud800" <= c <= "\udfff" for c in text)
