"""Two Keras layers for attention that differ from Keras' own only in how they are called and initialised."""

from collections.abc import Sequence
from typing import Any

from specfeat.tensorflow_runtime import keras

KerasMultiHeadAttention: Any = keras.layers.MultiHeadAttention
KerasAdditiveAttention: Any = keras.layers.AdditiveAttention


class MultiHeadAttention(KerasMultiHeadAttention):
    """Multi-head attention that gets its inputs as one argument, as all other layers do.

    Each projection has random weights of its own. With a seed, Keras gives the same weights to all
    projections of the same shape, so that query and key would be equal.
    """

    def build(self, input_shape: Any) -> None:
        """Make the arrays for inputs of these shapes: one shape, or a list of the shapes of the inputs."""
        is_single = not isinstance(input_shape[0], Sequence)
        super().build(*_list_inputs([input_shape] if is_single else list(input_shape)))
        projections = (self.query_dense, self.key_dense, self.value_dense, self.output_dense)
        for number, projection in enumerate(projections):
            options = projection.kernel_initializer.get_config()
            if number and options.get("seed") is not None:
                initializer = type(projection.kernel_initializer).from_config(
                    {**options, "seed": options["seed"] + number}
                )
                projection.kernel.assign(initializer(projection.kernel.shape))

    def call(self, inputs: Any) -> Any:
        """Return the output for one tensor, or for a list of query, value and perhaps key."""
        return super().call(*_list_inputs(inputs))

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shape and type of the output for the inputs of `call`."""
        return super().compute_output_spec(*_list_inputs(inputs))


def _list_inputs(inputs: Any) -> list[Any]:
    """Return query, value and key; without a key, the value is the key, and a single input is all three."""
    inputs = inputs if isinstance(inputs, list) else [inputs]
    return [inputs[0], inputs[min(1, len(inputs) - 1)], inputs[-1]]


class AdditiveAttention(KerasAdditiveAttention):
    """Additive attention whose random scale depends on a seed.

    Args:
        use_scale: whether the layer has a scale.
        scale_initializer: the initialiser of the scale. Keras has this one and no argument for it.
        **options: the arguments that every Keras layer has, e.g. `name`.
    """

    def __init__(
        self, use_scale: bool = True, scale_initializer: Any = "glorot_uniform", **options: Any
    ) -> None:
        super().__init__(use_scale=use_scale, **options)
        self._scale_initializer = keras.initializers.get(scale_initializer)

    def build(self, input_shape: Any) -> None:
        """Make the scale for inputs of these shapes."""
        super().build(input_shape)
        if self.scale is not None:
            self.scale.assign(self._scale_initializer(self.scale.shape))
