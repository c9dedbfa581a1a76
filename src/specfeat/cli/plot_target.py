"""Where `specfeat plot` shows a plot: in a file, as a picture in the terminal, or as characters on stdout."""

import os
import shutil
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from specfeat.errors import UsageError
from specfeat.file_access import check_new_path
from specfeat.files import format_path

if TYPE_CHECKING:
    from specfeat.plots.base import Plot

DEFAULT_WIDTH_PX = 1600  # `plots.canvas.DEFAULT_WIDTH_PX`, which is not loaded for --help
_TERMINAL_WIDTH_PX = 800


class ProtocolChoice(StrEnum):
    """How a terminal shows pictures."""

    kitty = "kitty"
    iterm = "iterm"
    sixel = "sixel"


class Target(Protocol):
    """Where a plot is shown."""

    def show(self, plot: "Plot") -> None:
        """Draw the plot, and write it.

        Raises:
            InstallError: matplotlib is missing.
            OutputError: the file cannot be written.
        """


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture in a file, which appears only when it is complete.

    Attributes:
        path: the file.
        picture_format: its format.
        width_px: the width of a PNG in pixels.
    """

    path: Path
    picture_format: str
    width_px: int

    def show(self, plot: "Plot") -> None:
        """Write the picture; see `Target`."""
        from specfeat.atomic_file import write_atomically
        from specfeat.plots.canvas import encode_figure, use_drawing_settings

        with use_drawing_settings():
            content = encode_figure(plot.draw_figure(), self.picture_format, self.width_px, plot.facts)
        write_atomically(self.path, content)


@dataclass(frozen=True, slots=True)
class TerminalPicture:
    """A picture in the terminal.

    Attributes:
        protocol: how the terminal shows pictures.
    """

    protocol: str

    def show(self, plot: "Plot") -> None:
        """Print the picture; see `Target`."""
        from specfeat.plots.canvas import encode_figure, render_pixels, use_drawing_settings
        from specfeat.plots.terminal_pictures import encode_iterm, encode_kitty, encode_sixel

        with use_drawing_settings():
            figure = plot.draw_figure()
            if self.protocol == "sixel":
                print(encode_sixel(render_pixels(figure, _TERMINAL_WIDTH_PX)))
                return
            png = encode_figure(figure, "png", _TERMINAL_WIDTH_PX, plot.facts)
        print(encode_kitty(png) if self.protocol == "kitty" else encode_iterm(png))


class Characters:
    """Lines of characters on stdout."""

    def show(self, plot: "Plot") -> None:
        """Print the lines; see `Target`."""
        from specfeat.plots.text_picture import choose_text_style, get_terminal_width

        encoding = sys.stdout.encoding or "ascii"
        style = choose_text_style(is_terminal=sys.stdout.isatty(), encoding=encoding, environment=os.environ)
        text = plot.draw_text(style, get_terminal_width(shutil.get_terminal_size().columns))
        # Characters of names that stdout cannot show are escaped.
        print(text.encode(encoding, "backslashreplace").decode(encoding))


def make_target(
    picture: str, *, terminal: bool, protocol: ProtocolChoice | None, width_px: int, force: bool
) -> Target:
    """Return where the plot is shown, after checks that need no audio.

    Args:
        picture: the path of the picture; "" for the terminal.
        terminal: whether characters are wanted.
        protocol: how the terminal shows pictures; None if it must be recognised.
        width_px: the width of a PNG in pixels.
        force: whether an existing picture is replaced.

    Raises:
        InstallError: matplotlib is needed, and is missing.
        UsageError: the picture exists, has an unknown extension, or the terminal shows no pictures.
    """
    if picture and (terminal or protocol):
        option = "--terminal" if terminal else "--protocol"
        raise UsageError(f"both {format_path(picture)} and {option} are given; leave one of them out")
    if terminal:
        if protocol:
            raise UsageError(
                "--terminal draws with characters, and --protocol shows a picture; give one of them"
            )
        return Characters()
    # Imported here, because it imports NumPy, which --help does not need.
    from specfeat.plots.canvas import check_matplotlib, check_picture_path
    from specfeat.plots.terminal_pictures import find_protocol

    if picture:
        path = Path(picture)
        picture_format = check_picture_path(path)
        check_new_path(path, force=force)
        if not path.parent.is_dir():
            raise UsageError(
                f"{format_path(picture)}: there is no folder {format_path(str(path.parent))}; create it first"
            )
        check_matplotlib()
        return PictureFile(path, picture_format, width_px)
    chosen = protocol.value if protocol else find_protocol(os.environ) if sys.stdout.isatty() else None
    if chosen is None:
        reason = "shows no pictures, as far as its variables tell" if sys.stdout.isatty() else ""
        subject = f"this terminal {reason}" if reason else "stdout is not a terminal"
        raise UsageError(
            f"{subject}; give a file for the picture, e.g. out.png, or draw with characters by --terminal"
        )
    check_matplotlib()
    return TerminalPicture(chosen)
