"""Two Keras layers of specfeat, without weights: `Picture` and `Preprocessing`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import InstallError
from specfeat.tensorflow_runtime import keras
from specfeat.text import format_value, suggest_name

Layer: Any = keras.layers.Layer


class Picture(Layer):
    """Makes a picture of a spectrogram, with the colours that a plot of matplotlib has.

    The shape changes from (frames, bins, 1) to (bins, frames, 3). The lowest bin is at the bottom. The
    channels are red, green and blue, from 0 to 255. A colour map has N colours (mostly 256). A value x gets
    colour number floor(N (x - low) / (high - low)), as in matplotlib. Values outside the range get the first
    or the last colour.

    Args:
        colormap: the name of one of matplotlib's colour maps.
        range: the values (low, high) between which the colours change.
        **options: the arguments that every Keras layer has, e.g. `name`.
    """

    def __init__(self, colormap: str, range: tuple[float, float], **options: Any) -> None:
        super().__init__(**options)
        self._low, self._high = range
        self._colors = load_colormap(colormap)

    def call(self, clips: Any) -> Any:
        """Return pictures of shape (batch, bins, frames, 3) from clips of shape (batch, frames, bins, 1)."""
        color_count = len(self._colors)
        position = (clips[..., 0] - self._low) / (self._high - self._low)
        index = keras.ops.clip(keras.ops.floor(position * color_count), 0, color_count - 1)
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
    """Prepares a picture with values from 0 to 255 for an application.

    Args:
        mode: a mode of `keras.applications.imagenet_utils.preprocess_input`: "caffe", "tf" or "torch".
        **options: the arguments that every Keras layer has, e.g. `name`.
    """

    def __init__(self, mode: str, **options: Any) -> None:
        super().__init__(**options)
        self._mode = mode

    def call(self, pictures: Any) -> Any:
        """Return the prepared pictures of a batch, in the same shape."""
        prepare = keras.applications.imagenet_utils.preprocess_input
        return prepare(pictures, data_format="channels_last", mode=self._mode)
