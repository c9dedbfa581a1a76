"""Layers of our own, without weights: the picture of a spectrogram, and its preparation for applications."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import InstallError
from specfeat.tensorflow_runtime import keras
from specfeat.text import format_value, suggest_name

Layer: Any = keras.layers.Layer


class Picture(Layer):
    """The picture that a plot of a spectrogram would show.

    The input, frames x bins x 1, becomes bins x frames x 3, with the lowest bin at the bottom, in red, green
    and blue from 0 to 255. Of the N colours of a map (mostly 256), a value x gets the colour with the number
    floor(N (x - low) / (high - low)), as matplotlib does; values outside the range get the colour of the
    nearer end.

    Args:
        colormap: the name of one of matplotlib's colour maps.
        range: the values (low, high) that get the first and the last colour.
        **options: the arguments of every Keras layer.
    """

    def __init__(self, colormap: str, range: tuple[float, float], **options: Any) -> None:
        super().__init__(**options)
        self._low, self._high = range
        self._colors = load_colormap(colormap)

    def call(self, clips: Any) -> Any:
        """Return the pictures of a batch."""
        number = len(self._colors)
        place = (clips[..., 0] - self._low) / (self._high - self._low)
        index = keras.ops.clip(keras.ops.floor(place * number), 0, number - 1)
        upright = keras.ops.flip(keras.ops.transpose(index, (0, 2, 1)), axis=1)
        return keras.ops.take(self._colors, keras.ops.cast(upright, "int32"), axis=0)


def load_colormap(colormap: str) -> NDArray[np.float32]:
    """Return the colours of one of matplotlib's colour maps, float32, 0 to 255, shape (colours, 3).

    Raises:
        InstallError: matplotlib, which only `Picture` needs, cannot be imported.
        ValueError: matplotlib has no such colour map.
    """
    try:
        import matplotlib  # here, because it is an extra that only this layer needs
    except ImportError as e:
        raise InstallError(
            f"Picture takes its colours from matplotlib, which cannot be imported ({e}); "
            "install it with: pip install 'specfeat[plot]'"
        ) from e
    if colormap not in matplotlib.colormaps:
        hint = suggest_name(colormap, matplotlib.colormaps)
        raise ValueError(f"{format_value(colormap)} is not one of matplotlib's colour maps{hint}")
    chosen = matplotlib.colormaps[colormap]
    colors: NDArray[np.float32] = chosen(np.arange(chosen.N), bytes=True)[:, :3].astype(np.float32)
    return colors


class Preprocessing(Layer):
    """Prepares a picture of 0 to 255 for an application: a mode of `imagenet_utils.preprocess_input`."""

    def __init__(self, mode: str, **options: Any) -> None:
        super().__init__(**options)
        self._mode = mode

    def call(self, pictures: Any) -> Any:
        """Return the prepared pictures of a batch."""
        prepare = keras.applications.imagenet_utils.preprocess_input
        return prepare(pictures, data_format="channels_last", mode=self._mode)
