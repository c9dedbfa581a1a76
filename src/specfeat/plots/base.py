"""What all plots have in common."""

from collections.abc import Mapping
from typing import Any, Protocol

from specfeat.plots.text_picture import TextStyle


class Plot(Protocol):
    """Something that can be drawn as a picture, and with the characters of a terminal."""

    @property
    def facts(self) -> Mapping[str, str]:
        """How the plot was made, as names and values. They are written to the metadata of the picture."""

    def draw_figure(self) -> Any:
        """Return a figure of matplotlib; to be called inside `canvas.use_drawing_settings`.

        Raises:
            InstallError: matplotlib is missing.
        """

    def draw_text(self, style: TextStyle, width: int) -> str:
        """Return the plot as lines of characters.

        Args:
            style: the characters and colours that the terminal can show.
            width: how many characters a line may have.
        """
