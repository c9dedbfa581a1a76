"""Draws images with characters, for a terminal that shows no pictures. matplotlib is not needed."""

from collections.abc import Mapping, Sequence
from enum import Enum

import numpy as np
from numpy.typing import NDArray

_SHADES = {"shades": " ░▒▓█", "ascii": " .:-=+*#%@"}
_UPPER_HALF, _LOWER_HALF = "▀", "▄"
# The 24 greys of the palette of 256 colours that xterm has introduced, from dark to light.
_FIRST_GREY, _GREYS = 232, 24
_RESET = "\x1b[0m"


class TextStyle(Enum):
    """The characters and colours that a terminal can show."""

    GREYS = "greys"  # half blocks in 24 greys
    SHADES = "shades"  # the block characters ░▒▓█
    ASCII = "ascii"


def choose_text_style(*, is_terminal: bool, encoding: str, environment: Mapping[str, str]) -> TextStyle:
    """Return the best style for an output.

    Args:
        is_terminal: whether the output is a terminal, and not a file or a pipe.
        encoding: the encoding of the output.
        environment: the environment variables: `NO_COLOR` (https://no-color.org) and `TERM`.
    """
    try:
        "░▀".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return TextStyle.ASCII
    has_colors = is_terminal and not environment.get("NO_COLOR") and environment.get("TERM", "dumb") != "dumb"
    return TextStyle.GREYS if has_colors else TextStyle.SHADES


def get_terminal_width(columns: int) -> int:
    """Return how many characters the lines of a plot have: those of the terminal, from 40 to 160."""
    return min(160, max(40, columns))


def draw_image(
    image: NDArray[np.float32], style: TextStyle, size: tuple[int, int], limits: tuple[float, float]
) -> list[str]:
    """Return an image as lines of characters, the last value at the top; light means large.

    Args:
        image: shape (columns, values); NaN is left blank.
        style: the characters and colours.
        size: how many characters the lines have, and how many lines there are.
        limits: the values of the darkest and of the lightest character.
    """
    width, height = size
    rows_per_line = 2 if style is TextStyle.GREYS else 1
    cells = resize_image(image, width, height * rows_per_line).T[::-1]  # (rows from the top, columns)
    levels = _GREYS if style is TextStyle.GREYS else len(_SHADES[style.value])
    span = limits[1] - limits[0] or 1.0
    with np.errstate(invalid="ignore"):
        numbers = np.clip((cells - limits[0]) / span * levels, 0, levels - 1)
    grid = np.where(np.isfinite(numbers), numbers, -1).astype(int).tolist()
    if style is TextStyle.GREYS:
        return [_draw_grey_line(*grid[2 * line : 2 * line + 2]) for line in range(height)]
    return ["".join(" " if n < 0 else _SHADES[style.value][n] for n in line) for line in grid]


def _draw_grey_line(upper: Sequence[int], lower: Sequence[int]) -> str:
    parts: list[str] = []
    last_code = ""
    for top, bottom in zip(upper, lower, strict=True):
        code, character = _RESET, " "
        if top >= 0:
            code = f"\x1b[0;38;5;{_FIRST_GREY + top}{'' if bottom < 0 else f';48;5;{_FIRST_GREY + bottom}'}m"
            character = _UPPER_HALF
        elif bottom >= 0:
            code, character = f"\x1b[0;38;5;{_FIRST_GREY + bottom}m", _LOWER_HALF
        parts += [code] if code != last_code else []
        parts.append(character)
        last_code = code
    return "".join(parts) + _RESET


def resize_image(image: NDArray[np.float32], columns: int, lines: int) -> NDArray[np.float32]:
    """Return an image of another size: means where it becomes smaller, repeated values where it grows.

    NaN is left out of the means.
    """
    for axis, size in enumerate((columns, lines)):
        length = image.shape[axis]
        edges = np.arange(size + 1) * length / size
        starts = np.minimum(np.floor(edges[:-1]).astype(int), length - 1)
        ends = np.maximum(np.ceil(edges[1:] - 1e-9).astype(int), starts + 1)
        known = np.isfinite(image)
        sums = np.insert(np.cumsum(np.where(known, image, 0), axis=axis, dtype=np.float64), 0, 0, axis=axis)
        counts = np.insert(np.cumsum(known, axis=axis), 0, 0, axis=axis)
        total = sums.take(ends, axis=axis) - sums.take(starts, axis=axis)
        count = counts.take(ends, axis=axis) - counts.take(starts, axis=axis)
        image = np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
    return image


def find_limits(*images: NDArray[np.float32]) -> tuple[float, float]:
    """Return the smallest and the largest finite value of some images; (0, 1) if there is none."""
    finite = [image[np.isfinite(image)] for image in images]
    values = [values for values in finite if values.size]
    if not values:
        return 0.0, 1.0
    return float(min(one.min() for one in values)), float(max(one.max() for one in values))


def add_left_labels(lines: Sequence[str], labels: Mapping[int, str]) -> list[str]:
    """Put labels before lines, all of one width.

    Args:
        lines: the lines, from the top.
        labels: the label of a line, by the number of the line from the top.
    """
    width = max((len(label) for label in labels.values()), default=0)
    return [f"{labels.get(number, ''):>{width}} {line}" for number, line in enumerate(lines)]


def draw_time_axis(start_s: float, end_s: float, width: int) -> str:
    """Return a line with the times at both ends and in the middle, in seconds."""
    texts = [f"{start_s:.4g} s", f"{(start_s + end_s) / 2:.4g} s", f"{end_s:.4g} s"]
    gap = max(1, (width - sum(map(len, texts))) // 2)
    return (" " * gap).join(texts)
