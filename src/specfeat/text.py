"""Words that messages share."""

import difflib
from collections.abc import Iterable


def suggest_name(value: object, names: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for a near miss, else nothing."""
    known = {name.lower(): name for name in names}
    close = difflib.get_close_matches(str(value).lower(), known, n=1, cutoff=0.6)
    return f" (did you mean {known[close[0]]!r}?)" if close else ""


def format_value(value: object) -> str:
    """Show a wrong value as the YAML has it, short, and say when it is quoted text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "empty"
    text = repr(value)
    text = text if len(text) <= 60 else text[:57] + "..."
    return f"the text {text}" if isinstance(value, str) else text


def shorten_text(text: str, most: int) -> str:
    """Leave out the middle of a text that has more than `most` characters."""
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 2 :]}"


def format_shape(shape: tuple[int, ...]) -> str:
    """Write a shape as people say it: `96 x 64 x 1`."""
    return " x ".join(map(str, shape))
