"""A linear classifier on the rows of an output: standardised features, weights, and scores from 0 to 1."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Activation = Literal["softmax", "sigmoid"]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LinearHead:
    """A linear classifier.

    Attributes:
        activation: "softmax" if each row has exactly one label (the scores of a row have the sum 1), or
            "sigmoid" if it can have several or none.
        mean: the mean of each feature, shape (features,).
        scale: the standard deviation of each feature, or 1 if a feature is constant, shape (features,).
        kernel: the weights of the standardised features, shape (features, classes).
        bias: shape (classes,).
    """

    activation: Activation
    mean: Doubles
    scale: Doubles
    kernel: Doubles
    bias: Doubles

    def compute_scores(self, rows: NDArray[Any]) -> Doubles:
        """Return the scores of rows, 0 to 1, shape (rows, classes); NaN for a row that is not finite.

        Args:
            rows: shape (rows, features).
        """
        with np.errstate(invalid="ignore", over="ignore"):
            standardised = (rows.astype(np.float64) - self.mean) / self.scale
            return activate(standardised @ self.kernel + self.bias, self.activation)

    def fold_standardisation(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return kernel and bias for features that are not standardised, as a dense layer has them."""
        kernel = self.kernel / self.scale[:, np.newaxis]
        return kernel.astype(np.float32), (self.bias - self.mean @ kernel).astype(np.float32)


def activate(values: Doubles, activation: Activation) -> Doubles:
    """Return the scores for the outputs of the linear part, shape (rows, classes)."""
    if activation == "softmax":
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        scores: Doubles = powers / powers.sum(axis=1, keepdims=True)
        return scores
    # In this form, no power is larger than 1.
    powers = np.exp(-np.abs(values))
    return np.where(values >= 0, 1.0, powers) / (1.0 + powers)
