"""Principal components are those of an exact decomposition, whatever the size of the blocks."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from specfeat.analysis import pca


def make_rows(count: int, width: int) -> NDArray[Any]:
    """Make random rows, with another variance along each axis, far from the origin."""
    generator = np.random.default_rng(count)
    return (generator.normal(size=(count, width)) * np.geomspace(1, 5, width) + 100).astype(np.float32)


def compute_by_svd(rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the first two axes, signed like those of `fit_components`, and their shares, by NumPy's SVD."""
    centred = rows.astype(np.float64) - rows.astype(np.float64).mean(axis=0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:2] * np.sign([axis[np.abs(axis).argmax()] for axis in axes[:2]])[:, None]
    return axes, (singular**2 / (singular**2).sum())[:2]


@pytest.mark.parametrize("largest_width", [4096, 4])
def test_components_are_those_of_the_singular_value_decomposition(
    largest_width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Axes, shares and coordinates equal those of NumPy's SVD, by the covariance and by iteration, in blocks."""
    monkeypatch.setattr(pca, "_BLOCK_VALUES", 90)
    monkeypatch.setattr(pca, "_MAX_COVARIANCE_WIDTH", largest_width)
    rows = make_rows(50, 12)
    components = pca.fit_components(rows)
    axes, shares = compute_by_svd(rows)

    np.testing.assert_allclose(components.axes, axes, atol=1e-5)
    np.testing.assert_allclose(components.shares, shares, atol=1e-9)
    np.testing.assert_allclose(components.project(rows), (rows - rows.mean(axis=0)) @ axes.T, atol=1e-3)


def test_rows_that_are_not_finite_are_left_out() -> None:
    """A row with NaN has no coordinates, and changes those of no other row."""
    rows = make_rows(20, 3)
    spoilt = np.concatenate([rows, [[np.nan, 0, 0]], [[0, np.inf, 0]]]).astype(np.float32)
    coordinates = pca.fit_components(spoilt).project(spoilt)

    assert np.isnan(coordinates[20:]).all()
    np.testing.assert_allclose(coordinates[:20], pca.fit_components(rows).project(rows), rtol=1e-6)


@pytest.mark.parametrize(
    "rows", [np.empty((0, 3)), np.full((1, 3), 7.0), np.full((9, 3), -1.0), np.ones((4, 1))]
)
def test_rows_without_variance_are_at_the_origin(rows: NDArray[Any]) -> None:
    """No row, one row, equal rows and a single feature give zeros, and no warning."""
    components = pca.fit_components(rows.astype(np.float32))

    assert components.project(rows).tolist() == [[0, 0]] * len(rows)
    assert components.shares.tolist() == [0, 0]
