"""Fits a linear head: logistic regression with an L2 penalty, by L-BFGS."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from specfeat.analysis.linear_head import Activation, Doubles, LinearHead, activate

_BLOCK_VALUES = 2**20  # features that are in float64 at the same time: 8 MiB
_MAX_STEPS = 500
# L-BFGS stops when no derivative of the mean loss is larger. The scores then change in the fifth digit.
_GRADIENT_LIMIT = 1e-6


def fit_head(
    rows: NDArray[Any],
    targets: Doubles,
    activation: Activation,
    l2: float,
    start: LinearHead | None = None,
) -> LinearHead:
    """Return the head with the smallest mean loss on some rows; the same rows always give the same head.

    The loss is the cross-entropy plus `l2` / 2 times the sum of the squares of the kernel, whose features are
    standardised. The bias has no penalty.

    Args:
        rows: the features, shape (rows, features), all finite.
        targets: for each row and class 1, 0 or NaN (not known), shape (rows, classes). With "softmax", each
            row has one 1, and nothing is NaN.
        activation: see `LinearHead`.
        l2: the strength of the penalty.
        start: a head whose parameters are the first ones, so that fewer steps are needed; None for zeros.
    """
    mean, scale = _measure_features(rows)
    problem = _Problem(rows, targets, LinearHead(activation, mean, scale, *_make_zeros(rows, targets)), l2)
    first = problem.zeros if start is None else np.append(start.kernel.ravel(), start.bias)
    found = minimize(
        problem.compute_loss,
        first,
        method="L-BFGS-B",
        jac=True,
        options={"maxiter": _MAX_STEPS, "gtol": _GRADIENT_LIMIT, "ftol": 1e-12},
    )
    kernel, bias = problem.split(found.x)
    return LinearHead(activation, mean, scale, kernel, bias)


def _make_zeros(rows: NDArray[Any], targets: Doubles) -> tuple[Doubles, Doubles]:
    return np.zeros((rows.shape[1], targets.shape[1])), np.zeros(targets.shape[1])


def _iterate_blocks(rows: NDArray[Any]) -> Iterator[tuple[slice, Doubles]]:
    step = max(1, _BLOCK_VALUES // rows.shape[1])
    for first in range(0, len(rows), step):
        place = slice(first, first + step)
        yield place, rows[place].astype(np.float64)


def _measure_features(rows: NDArray[Any]) -> tuple[Doubles, Doubles]:
    """Return the mean and the standard deviation of each feature; 1 for one that is constant."""
    mean = sum((block.sum(axis=0) for _, block in _iterate_blocks(rows)), np.zeros(rows.shape[1])) / len(rows)
    squares = np.zeros(rows.shape[1])
    for _, block in _iterate_blocks(rows):
        squares += ((block - mean) ** 2).sum(axis=0)
    deviation = np.sqrt(squares / len(rows))
    # Of features in float32, smaller deviations are rounding errors of constant values.
    is_constant = deviation <= 1e-6 * np.maximum(np.abs(mean), 1e-30)
    return mean, np.where(is_constant, 1.0, deviation)


class _Problem:
    """The loss of a head as a function of all of its parameters in one vector, with its derivatives.

    Args:
        rows: the features, shape (rows, features), all finite.
        targets: for each row and class 1, 0 or NaN (not known), shape (rows, classes); see `fit_head`.
        head: a head with the standardisation and the activation, whose parameters are 0.
        l2: the strength of the penalty.
    """

    def __init__(self, rows: NDArray[Any], targets: Doubles, head: LinearHead, l2: float) -> None:
        self._rows, self._head, self._l2 = rows, head, l2
        self._is_known = ~np.isnan(targets)
        self._targets = np.where(self._is_known, targets, 0.0)
        self.zeros = np.zeros(head.kernel.size + head.bias.size)

    def split(self, parameters: Doubles) -> tuple[Doubles, Doubles]:
        """Return kernel and bias."""
        kernel = parameters[: self._head.kernel.size].reshape(self._head.kernel.shape)
        return kernel, parameters[self._head.kernel.size :]

    def compute_loss(self, parameters: Doubles) -> tuple[float, Doubles]:
        """Return the loss and its derivatives."""
        kernel, bias = self.split(parameters)
        loss, kernel_change, bias_change = 0.0, np.zeros_like(kernel), np.zeros_like(bias)
        for place, block in _iterate_blocks(self._rows):
            block = (block - self._head.mean) / self._head.scale
            values = block @ kernel + bias
            error = (activate(values, self._head.activation) - self._targets[place]) * self._is_known[place]
            kernel_change += block.T @ error
            bias_change += error.sum(axis=0)
            loss += self._sum_losses(values, place)
        count = len(self._rows)
        loss = loss / count + self._l2 / 2 * float(np.sum(kernel**2))
        changes = np.append((kernel_change / count + self._l2 * kernel).ravel(), bias_change / count)
        return loss, changes

    def _sum_losses(self, values: Doubles, place: slice) -> float:
        if self._head.activation == "softmax":
            largest = values.max(axis=1)
            total = largest + np.log(np.exp(values - largest[:, np.newaxis]).sum(axis=1))
            return float(total.sum() - (values * self._targets[place]).sum())
        losses = np.logaddexp(0.0, values) - values * self._targets[place]
        return float(losses[self._is_known[place]].sum())
