"""What the scalars of YAML mean: the core schema of YAML 1.2.2, chapter 10.3.2.

ruamel.yaml would do this itself, but by the version that a `%YAML` directive in the file names: in YAML 1.1
`1:30` is 90, `010` is 8, and `no` is false. A config has the same meaning with and without such a directive.
"""

import math
import re
from collections.abc import Callable

# The tags that a plain scalar may get from the parser. All are read by the core schema: a timestamp is text,
# as is "=", the value tag of YAML 1.1.
SCALAR_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "value")
)
# Characters of a number. Every float64 can be written with fewer; Python takes a time that grows with the
# square of the length of an integer, and refuses one of more than 4,300 digits.
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
    """Return the value of a scalar that is written without quotes."""
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
    r"""Return whether a text has half of a character, as the escape "\ud800" makes it: it has no UTF-8."""
    return any("\ud800" <= c <= "\udfff" for c in text)
