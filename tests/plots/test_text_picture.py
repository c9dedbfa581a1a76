"""Images that are drawn with characters."""

import re

import numpy as np
import pytest

from specfeat.plots.text_picture import TextStyle, choose_text_style, draw_image, find_limits, resize_image

RAMP = np.arange(12, dtype=np.float32).reshape(4, 3)  # 4 columns, 3 values


def test_a_character_is_lighter_where_the_value_is_larger() -> None:
    """The last value is at the top, time goes to the right, and NaN is blank."""
    image = np.array([[0, 1], [4, np.nan]], np.float32)

    assert draw_image(image, TextStyle.SHADES, (2, 2), (0, 4)) == ["░ ", " █"]
    assert draw_image(image, TextStyle.ASCII, (2, 2), (0, 4)) == [": ", " @"]


def test_a_half_block_has_the_greys_of_two_values() -> None:
    """The upper half is the foreground and the lower half the background; blank halves have no colour."""
    image = np.array([[0, 23], [np.nan, 23], [0, np.nan]], np.float32)
    (line,) = draw_image(image, TextStyle.GREYS, (3, 1), (0, 23))

    assert re.sub(r"\x1b\[[0-9;]*m", "", line) == "▀▀▄"
    assert line.startswith("\x1b[0;38;5;255;48;5;232m▀\x1b[0;38;5;255m▀\x1b[0;38;5;232m▄")
    assert line.endswith("\x1b[0m")


@pytest.mark.parametrize(("columns", "lines"), [(2, 3), (4, 1), (8, 6), (3, 2)])
def test_the_mean_of_an_image_remains(columns: int, lines: int) -> None:
    """An image that grows repeats its values; one that shrinks has means."""
    resized = resize_image(RAMP, columns, lines)

    assert resized.shape == (columns, lines)
    assert RAMP.min() <= resized.min() <= resized.max() <= RAMP.max()
    if 4 % columns == 0 and 3 % lines == 0:
        blocks = RAMP.reshape(columns, 4 // columns, lines, 3 // lines)
        assert np.allclose(resized, blocks.mean(axis=(1, 3)))
    if columns == 8:
        assert np.array_equal(resized, RAMP.repeat(2, axis=0).repeat(2, axis=1))


def test_the_style_is_what_the_output_can_show() -> None:
    """Colours need a terminal that wants them, and block characters an encoding that has them."""
    term = {"TERM": "xterm-256color"}
    choose = choose_text_style
    assert choose(is_terminal=True, encoding="utf-8", environment=term) is TextStyle.GREYS
    assert choose(is_terminal=False, encoding="utf-8", environment=term) is TextStyle.SHADES
    assert (
        choose(is_terminal=True, encoding="utf-8", environment={**term, "NO_COLOR": "1"}) is TextStyle.SHADES
    )
    assert choose(is_terminal=True, encoding="utf-8", environment={"TERM": "dumb"}) is TextStyle.SHADES
    assert choose(is_terminal=True, encoding="latin-1", environment=term) is TextStyle.ASCII


def test_limits_ignore_what_is_not_finite() -> None:
    """An image without a finite value has the limits 0 and 1, and a constant one can be drawn."""
    assert find_limits(np.array([[np.nan, 3], [np.inf, -2]], np.float32)) == (-2, 3)
    assert find_limits(np.full((2, 2), np.nan, np.float32)) == (0, 1)
    constant = np.full((2, 2), 5, np.float32)
    assert draw_image(constant, TextStyle.SHADES, (2, 1), find_limits(constant)) == ["  "]
