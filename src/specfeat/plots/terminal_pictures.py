"""Shows pictures in terminals that have the protocol of kitty, iTerm2 or sixel.

Which protocol a terminal has is decided by environment variables only. A terminal that is asked for its
abilities may not answer, and the program would hang.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Protocol = Literal["kitty", "iterm", "sixel"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

# Terminals that name themselves in TERM_PROGRAM (or LC_TERMINAL, which ssh passes on), in lower case.
_PROGRAMS: dict[str, Protocol] = {
    "ghostty": "kitty",
    "iterm.app": "iterm",
    "iterm2": "iterm",
    "wezterm": "iterm",
    "mintty": "iterm",
    "rio": "iterm",
}
# Terminals that name themselves in TERM.
_TERMS: dict[str, Protocol] = {
    "xterm-kitty": "kitty",
    "xterm-ghostty": "kitty",
    "wezterm": "iterm",
    "foot": "sixel",
    "foot-extra": "sixel",
    "mlterm": "sixel",
    "mlterm-256color": "sixel",
    "contour": "sixel",
    "yaft-256color": "sixel",
}
_CHUNK_CHARACTERS = 4096  # the longest payload of one command of kitty's protocol


def find_protocol(environment: Mapping[str, str]) -> Protocol | None:
    """Return the protocol by which the terminal shows pictures; None if it shows none, as far as is known.

    Args:
        environment: the environment variables of the process.
    """
    term = environment.get("TERM", "")
    # Inside tmux and screen, the variables of the outer terminal may be set, but it does not get the picture.
    if environment.get("TMUX") or term.startswith(("screen", "tmux")):
        return None
    if term in _TERMS:
        return _TERMS[term]
    if "sixel" in term:
        return "sixel"
    if environment.get("KITTY_WINDOW_ID"):
        return "kitty"
    for variable in ("TERM_PROGRAM", "LC_TERMINAL"):
        protocol = _PROGRAMS.get(environment.get(variable, "").lower())
        if protocol:
            return protocol
    return None


def encode_kitty(png: bytes) -> str:
    """Return a PNG as text that kitty shows (https://sw.kovidgoyal.net/kitty/graphics-protocol/).

    `a=T` transmits and shows, `f=100` is PNG, `q=2` asks for no answer, and `m=1` says that more follows.
    """
    payload = base64.b64encode(png).decode()
    chunks = [payload[i : i + _CHUNK_CHARACTERS] for i in range(0, len(payload), _CHUNK_CHARACTERS)]
    commands = []
    for number, chunk in enumerate(chunks):
        keys = "a=T,f=100,q=2," if number == 0 else ""
        commands.append(f"\x1b_G{keys}m={int(number < len(chunks) - 1)};{chunk}\x1b\\")
    return "".join(commands)


def encode_iterm(png: bytes) -> str:
    """Return a PNG as text that iTerm2 shows (https://iterm2.com/documentation-images.html)."""
    payload = base64.b64encode(png).decode()
    return f"\x1b]1337;File=inline=1;size={len(png)}:{payload}\x07"


def encode_sixel(pixels: NDArray[np.uint8]) -> str:
    """Return pixels as sixel text, with at most 256 colours (DEC, VT330/VT340 Programmer Reference, ch. 14).

    Args:
        pixels: shape (height, width, 3), red, green and blue.
    """
    palette, numbers = reduce_colors(pixels)
    height, width = numbers.shape
    percents = np.round(palette / 255 * 100).astype(int).tolist()
    colors = "".join(f"#{n};2;{red};{green};{blue}" for n, (red, green, blue) in enumerate(percents))
    bands = "-".join("$".join(_encode_band(numbers[top : top + 6])) for top in range(0, height, 6))
    return f'\x1bP0;1q"1;1;{width};{height}{colors}{bands}\x1b\\'


def reduce_colors(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return at most 256 colours, shape (colours, 3), and for each pixel the number of the nearest of them.

    The colours are the most frequent ones, after red, green and blue are rounded to five bits.
    """
    five_bits = (pixels >> 3).astype(np.int64)
    keys = (five_bits[..., 0] << 10) | (five_bits[..., 1] << 5) | five_bits[..., 2]
    found, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    colors = np.stack([found >> 10, (found >> 5) & 31, found & 31], axis=1)
    kept = np.sort(np.argsort(-counts, kind="stable")[:256])
    distances = ((colors[:, np.newaxis] - colors[kept][np.newaxis]) ** 2).sum(axis=2)
    palette = (colors[kept] * 255 / 31).round().astype(np.uint8)
    return palette, distances.argmin(axis=1)[inverse].reshape(keys.shape)


def _encode_band(band: NDArray[np.int64]) -> Iterator[str]:
    """Yield for each colour of a band of up to six lines its sixels, as runs of equal characters."""
    weights = 1 << np.arange(len(band))
    for color in np.unique(band).tolist():
        sixels = ((band == color) * weights[:, np.newaxis]).sum(axis=0)
        starts = np.flatnonzero(np.diff(sixels, prepend=-1))
        lengths = np.diff(np.append(starts, len(sixels)))
        runs = (
            f"!{length}{chr(63 + sixel)}" if length > 3 else chr(63 + sixel) * length
            for sixel, length in zip(sixels[starts].tolist(), lengths.tolist(), strict=True)
        )
        yield f"#{color}{''.join(runs)}"
