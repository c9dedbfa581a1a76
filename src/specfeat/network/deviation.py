"""A Keras layer of specfeat, without weights: `StandardDeviationPooling2D`."""

from typing import Any

from specfeat.tensorflow_runtime import keras

Layer: Any = keras.layers.Layer


class StandardDeviationPooling2D(Layer):
    """Computes the standard deviation of each window of frames and bins, as `AveragePooling2D` does the mean.

    The deviation is the root of the mean squared distance from the mean of the window (numpy.std with its
    defaults), computed as sqrt(mean(x**2) - mean(x)**2).

    Args:
        pool_size: the size of a window: (frames, bins).
        strides: the distance from one window to the next; the size of a window if it is None.
        padding: "valid" or "same". With "same", a window at the edge has only values that exist.
        **options: the arguments that every Keras layer has, e.g. `name`.
    """

    def __init__(self, pool_size: Any, strides: Any = None, padding: str = "valid", **options: Any) -> None:
        super().__init__(**options)
        self._pool_size = pool_size
        self._strides = strides
        self._padding = padding

    def call(self, clips: Any) -> Any:
        """Return the deviations, shape (batch, windows of frames, windows of bins, channels)."""
        mean = self._average(clips)
        # Rounding can make the difference a little less than 0 where all values of a window are equal.
        variance = keras.ops.maximum(self._average(keras.ops.square(clips)) - keras.ops.square(mean), 0.0)
        return keras.ops.sqrt(variance)

    def _average(self, values: Any) -> Any:
        return keras.ops.average_pool(
            values, self._pool_size, self._strides, self._padding, data_format="channels_last"
        )
