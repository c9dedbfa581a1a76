"""The nearest neighbours are those of comparing all pairs."""

import numpy as np
import pytest

from specfeat.analysis import neighbors


def test_neighbours_are_those_of_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """In small blocks, the neighbours are those of the whole matrix of cosines in float64."""
    monkeypatch.setattr(neighbors, "_QUERY_ROWS", 7)
    monkeypatch.setattr(neighbors, "_BLOCK_VALUES", 8 * 11)
    rows = np.random.default_rng(1).normal(size=(60, 8)).astype(np.float32)
    unit = rows.astype(np.float64) / np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    numbers, similarities = neighbors.find_neighbors(rows, 5)

    assert numbers.tolist() == np.argsort(-cosines, axis=1)[:, :5].tolist()
    np.testing.assert_allclose(similarities, np.sort(-cosines, axis=1)[:, :5] * -1, atol=1e-6)


def test_equal_rows_come_in_their_order() -> None:
    """Copies of a row are its neighbours, the first copy first; zeros and NaN have the similarity 0."""
    rows = np.array([[1, 0], [0, 0], [1, 0], [1e-30, 0], [np.nan, 1], [1e30, 0]], np.float32)
    numbers, similarities = neighbors.find_neighbors(rows, 9)

    assert numbers[0].tolist() == [2, 3, 5, 1, 4]
    assert similarities[0].tolist() == [1, 1, 1, 0, 0]
    assert numbers[1].tolist() == [0, 2, 3, 4, 5]
    assert neighbors.find_neighbors(rows[:1], 3)[0].shape == (1, 0)
    assert neighbors.find_neighbors(rows[:0], 3)[0].shape == (0, 0)
