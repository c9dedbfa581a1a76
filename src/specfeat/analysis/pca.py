"""Principal components of the rows of an array, computed by blocks with bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK_VALUES = 2**21  # 16 MB as float64
# Up to this width, the covariance matrix is computed; its size is at most 134 MB.
_MAX_COVARIANCE_WIDTH = 4096
# More vectors than components are iterated, so that components with similar variances are separated sooner.
_EXTRA_VECTORS = 8
_MAX_ITERATIONS = 100
_TOLERANCE = 1e-10  # of the variances, relative to the largest one


@dataclass(frozen=True, slots=True)
class PrincipalComponents:
    """The directions in which rows vary most.

    Attributes:
        mean: the mean of the rows, float64, shape (width,).
        axes: the directions, the one with the largest variance first, float64, shape (components, width).
        shares: the part of the whole variance that each direction has, 0..1, shape (components,).
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    shares: NDArray[np.float64]

    def project(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        """Return the coordinates of rows on the axes, shape (rows, components).

        A row with a value that is not finite has the coordinates NaN.
        """
        coordinates = np.full((len(rows), len(self.axes)), np.nan, np.float32)
        for first, block in _iterate_blocks(rows):
            finite = np.isfinite(block).all(axis=1)
            coordinates[first : first + len(block)][finite] = (block[finite] - self.mean) @ self.axes.T
        return coordinates


def fit_components(rows: NDArray[Any], count: int = 2) -> PrincipalComponents:
    """Compute the principal components of rows, with the covariance in float64.

    The sign of an axis is chosen so that its largest entry is positive. Rows with a value that is not finite
    are left out. If there are fewer directions than components, the other axes are zero.

    Args:
        rows: the rows, shape (rows, width); a memory map is read by blocks.
        count: the number of components.
    """
    width = rows.shape[1]
    total = np.zeros(width)
    used = 0
    for block in _iterate_finite_blocks(rows):
        total += block.sum(axis=0)
        used += len(block)
    mean = total / max(used, 1)
    variance = sum(float(np.square(block - mean).sum()) for block in _iterate_finite_blocks(rows))
    if width <= _MAX_COVARIANCE_WIDTH:
        axes, variances = _decompose_covariance(rows, mean)
    else:
        axes, variances = _iterate_subspace(rows, mean, count)
    # Directions without variance are arbitrary, so they are left out.
    has_variance = variances > max(variance, 0.0) * 1e-14
    axes, variances = axes[has_variance][:count], variances[has_variance][:count]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1, keepdims=True), axis=1)
    axes = axes * np.sign(largest)
    missing = count - len(axes)
    shares = variances / variance if variance > 0 else variances
    return PrincipalComponents(
        mean, np.concatenate([axes, np.zeros((missing, width))]), np.concatenate([shares, np.zeros(missing)])
    )


def _decompose_covariance(
    rows: NDArray[Any], mean: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return all axes, the one with the largest variance first, and the sum of squares along each."""
    scatter = np.zeros((len(mean), len(mean)))
    for block in _iterate_finite_blocks(rows):
        centred = block - mean
        scatter += centred.T @ centred
    variances, vectors = np.linalg.eigh(scatter)
    return np.ascontiguousarray(vectors.T[::-1]), variances[::-1]


def _iterate_subspace(
    rows: NDArray[Any], mean: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the first axes and their sums of squares, by subspace iteration until they no longer change.

    Source: Golub and Van Loan, Matrix Computations, section "Orthogonal iteration" with Ritz values.
    """
    size = count + _EXTRA_VECTORS
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(len(mean), size)))[0]
    variances = np.zeros(size)
    for _ in range(_MAX_ITERATIONS):
        image = np.zeros_like(basis)
        for block in _iterate_finite_blocks(rows):
            centred = block - mean
            image += centred.T @ (centred @ basis)
        values, rotation = np.linalg.eigh(basis.T @ image)
        values, rotation = values[::-1], rotation[:, ::-1]
        axes = basis @ rotation
        change = np.abs(values[:count] - variances[:count]).max()
        variances = values
        if change <= _TOLERANCE * max(values[0], 0.0):
            break
        basis = np.linalg.qr(image)[0]
    return np.ascontiguousarray(axes.T), variances


def _iterate_finite_blocks(rows: NDArray[Any]) -> Iterator[NDArray[np.float64]]:
    for _, block in _iterate_blocks(rows):
        yield block[np.isfinite(block).all(axis=1)]


def _iterate_blocks(rows: NDArray[Any]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield the number of the first row of each block, and the block."""
    step = max(1, _BLOCK_VALUES // max(1, rows.shape[1]))
    for first in range(0, len(rows), step):
        yield first, np.asarray(rows[first : first + step], np.float64)
