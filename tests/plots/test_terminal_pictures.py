"""Pictures for terminals, decoded again as their protocols say."""

import base64
import re

import numpy as np
import pytest
from numpy.typing import NDArray

from specfeat.plots.terminal_pictures import encode_iterm, encode_kitty, encode_sixel, find_protocol

PNG = b"\x89PNG" + bytes(range(256)) * 40


def test_kitty_gets_the_picture_in_chunks() -> None:
    """The payloads joined are the PNG; each has at most 4096 characters, and only the last one says m=0."""
    commands = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", encode_kitty(PNG))

    assert base64.b64decode("".join(payload for _, payload in commands)) == PNG
    assert [keys for keys, _ in commands] == ["a=T,f=100,q=2,m=1", "m=1", "m=1", "m=0"]
    assert max(len(payload) for _, payload in commands) == 4096
    assert "".join(f"\x1b_G{keys};{payload}\x1b\\" for keys, payload in commands) == encode_kitty(PNG)


def test_iterm_gets_the_picture_and_its_size() -> None:
    """The payload is the PNG, shown in the line."""
    match = re.fullmatch(r"\x1b\]1337;File=inline=1;size=(\d+):([^\x07]*)\x07", encode_iterm(PNG))

    assert match
    assert int(match[1]) == len(PNG)
    assert base64.b64decode(match[2]) == PNG


def decode_sixel(text: str) -> NDArray[np.int64]:
    """Return the pixels of sixel text in percent, shape (height, width, 3)."""
    match = re.fullmatch(r'\x1bP0;1q"1;1;(\d+);(\d+)(.*)\x1b\\', text)
    assert match
    width, height = int(match[1]), int(match[2])
    pixels = np.full((height + 5, width, 3), -1)
    colors = {
        number: [int(part) for part in rgb.split(";")]
        for number, rgb in re.findall(r"#(\d+);2;(\d+;\d+;\d+)", match[3])
    }
    bands = re.sub(r"#\d+;2;\d+;\d+;\d+", "", match[3]).split("-")
    for band, line in enumerate(bands):
        for part in line.split("$"):
            color, sixels = re.findall(r"#(\d+)(.*)", part)[0]
            expanded = re.sub(r"!(\d+)(.)", lambda run: run[2] * int(run[1]), sixels)
            bits = np.array([[(ord(one) - 63) >> bit & 1 for one in expanded] for bit in range(6)])
            pixels[6 * band : 6 * band + 6][bits == 1] = colors[color]
    return pixels[:height]


@pytest.mark.parametrize("shape", [(1, 1), (6, 5), (7, 30), (13, 9)])
def test_sixel_has_the_colours_of_the_pixels(shape: tuple[int, int]) -> None:
    """Few colours come back within the rounding to five bits; every pixel has a colour."""
    chosen = np.random.default_rng(0).integers(0, 256, (4, 3), np.uint8)
    pixels = chosen[np.random.default_rng(1).integers(0, 4, shape)]
    decoded = decode_sixel(encode_sixel(pixels))

    assert decoded.min() >= 0
    assert np.abs(decoded - pixels / 255 * 100).max() <= 4


def test_sixel_reduces_many_colours() -> None:
    """With more than 256 colours, the most frequent ones remain, and each pixel gets the nearest of them."""
    pixels = np.random.default_rng(2).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    pixels[:10] = 255
    text = encode_sixel(pixels)

    assert len(set(re.findall(r"#(\d+);2;", text))) == 256
    assert (decode_sixel(text)[:10] == 100).all()


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "xterm-sixel"}, "sixel"),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux-0/default,1,0"}, None),
        ({"TERM": "xterm-256color"}, None),
        ({}, None),
    ],
)
def test_the_protocol_is_found_in_the_environment(environment: dict[str, str], protocol: str | None) -> None:
    """Terminals are recognised by their variables; inside tmux nothing is shown."""
    assert find_protocol(environment) == protocol
