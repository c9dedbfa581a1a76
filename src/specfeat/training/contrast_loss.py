"""The loss of `contrast`, which is small if two forms of a clip are similar and other clips are not."""

from typing import Any

from specfeat.tensorflow_runtime import keras

Loss: Any = keras.losses.Loss


class ContrastLoss(Loss):
    """The loss NT-Xent of SimCLR (Chen et al., ICML 2020, equation 1).

    A batch has the first forms of n clips, and after them the second forms of the same clips. For each form,
    the loss is the cross-entropy of finding the other form of its clip among all other forms, by their cosine
    similarity divided by the temperature.

    Args:
        temperature: above 0; the smaller it is, the more the most similar clips count.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__(name="contrast")
        self._temperature = temperature

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each form; `y_true` has no meaning."""
        ops = keras.ops
        normalized = y_pred / ops.maximum(ops.norm(y_pred, axis=-1, keepdims=True), 1e-6)
        count = ops.shape(y_pred)[0]
        similarity = ops.matmul(normalized, ops.transpose(normalized)) / self._temperature
        # A form is not its own partner, so its similarity to itself must never be the largest.
        similarity = similarity - 1e9 * ops.eye(count, dtype=similarity.dtype)
        partners = ops.mod(ops.arange(count) + count // 2, count)
        return keras.losses.sparse_categorical_crossentropy(partners, similarity, from_logits=True)
