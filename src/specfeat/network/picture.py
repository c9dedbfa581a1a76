"""Layers of our own, without weights: a spectrogram as a picture, and what its readers do to it first."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import InstallError
from specfeat.tensorflow_runtime import keras
from specfeat.text import format_value, suggest_name

Layer: Any = keras.layers.Layer


class Picture(Layer):
    """The picture that one would plot of a spectrogram.

    frames x bins x 1 become bins x frames x 3, the lowest bin at the bottom, in red, green and blue of
    0..255. Of the N colours of a map (256 mostly) a value x has number floor(N (x - low) / (high - low)), as
    matplotlib gives it; what lies beyond the range has the colour of its nearer end.

    Args:
        colormap: matplotlib's name of it.
        range: low and high.
        **options: Keras'.
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
    """Return the colours of one of matplotlib's maps, in 0..255, shape (colours, 3).

    Raises:
        InstallError: matplotlib, which only `Picture` needs, is not there.
        ValueError: it has no such map.
    """
    try:
        import matplotlib  # an extra, and not asked for by any other layer
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
    """What Keras' applications do to a picture of 0..255: a mode of `imagenet_utils.preprocess_input`."""

    def __init__(self, mode: str, **options: Any) -> None:
        super().__init__(**options)
        self._mode = mode

    def call(self, pictures: Any) -> Any:
        """Return the pictures of a batch as the application wants them."""
        prepare = keras.applications.imagenet_utils.preprocess_input
        return prepare(pictures, data_format="channels_last", mode=self._mode)
