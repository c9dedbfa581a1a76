"""The only module that imports matplotlib for plots: it makes figures and encodes them as PNG, SVG or PDF.

The figures use the Agg canvas of matplotlib's object interface. pyplot, whose figures belong to the whole
process and may open windows, is never imported.
"""

import importlib.util
import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import InstallError, Remedy, UsageError
from specfeat.files import format_path, get_extension

PICTURE_FORMATS = ("png", "svg", "pdf")
WIDTH_IN = 8.0  # the width of every figure in inches: 800 px at 100 px an inch, and the width of a page
DEFAULT_WIDTH_PX = 1600  # of a PNG: sharp on a screen at a width of 800 px, and in print (200 px an inch)

_MISSING = "pictures need matplotlib, which cannot be imported"
_INSTALL_HINT = "install it with: pip install 'specfeat[plot]'"
# Settings of matplotlib that differ from its defaults. The sizes of texts are those of a page of print, and
# 10 points are 14 px if the picture is 800 px wide.
_SETTINGS = {
    "text.parse_math": False,  # a name of a file may have dollar signs
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "specfeat",  # equal plots have equal bytes
}


def check_picture_path(path: Path) -> str:
    """Return the format of a picture that will be written, from its extension.

    Raises:
        UsageError: the extension is not that of a format that can be written.
    """
    extension = get_extension(str(path))
    if extension not in PICTURE_FORMATS:
        raise UsageError(
            f"{format_path(str(path))}: is not a picture; give a name that ends in .png, .svg or .pdf"
        )
    return extension


def check_matplotlib() -> None:
    """Check that matplotlib is installed, without importing it.

    Raises:
        InstallError: it is missing.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise InstallError(f"{_MISSING}; {_INSTALL_HINT}", remedy=Remedy.DRAW_WITH_CHARACTERS)


@contextmanager
def use_drawing_settings() -> Iterator[None]:
    """Use matplotlib's defaults and our settings in the block, and not those of the user's matplotlibrc.

    Raises:
        InstallError: matplotlib is missing.
    """
    try:
        import matplotlib.style  # here, because matplotlib is an extra
    except ImportError as e:
        raise InstallError(f"{_MISSING} ({e}); {_INSTALL_HINT}", remedy=Remedy.DRAW_WITH_CHARACTERS) from e
    with matplotlib.style.context(["default", _SETTINGS]), warnings.catch_warnings():
        # A name can have characters that the font does not have; they are drawn as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def make_figure(height_in: float) -> Any:
    """Return an empty figure of the usual width; to be called inside `use_drawing_settings`."""
    from matplotlib.figure import Figure  # here, because matplotlib is an extra

    return Figure(figsize=(WIDTH_IN, height_in), layout="constrained")


def encode_figure(figure: Any, picture_format: str, width_px: int, facts: Mapping[str, str]) -> bytes:
    """Return the bytes of a picture; equal figures give equal bytes.

    Args:
        figure: the figure.
        picture_format: one of `PICTURE_FORMATS`.
        width_px: the width of a PNG in pixels; SVG and PDF are 8 inches wide.
        facts: names and values for the metadata: text chunks of a PNG, one description in SVG and PDF.
    """
    description = "; ".join(f"{name}: {value}" for name, value in facts.items())
    metadata: dict[str, str | None]
    if picture_format == "png":
        metadata = {"Software": "specfeat", **facts}
    elif picture_format == "svg":
        metadata = {"Creator": "specfeat", "Description": description, "Date": None}
    else:
        metadata = {"Creator": "specfeat", "Subject": description, "CreationDate": None}
    file = io.BytesIO()
    figure.savefig(file, format=picture_format, dpi=width_px / WIDTH_IN, metadata=metadata)
    return file.getvalue()


def render_pixels(figure: Any, width_px: int) -> NDArray[np.uint8]:
    """Return the pixels of a figure, shape (height, width, 3), red, green and blue."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # here, because matplotlib is an extra

    figure.set_dpi(width_px / WIDTH_IN)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
