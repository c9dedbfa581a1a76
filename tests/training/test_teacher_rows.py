"""By what the columns of a teacher are divided."""

import numpy as np
import pytest

from specfeat.training.teacher_rows import compute_scale


def test_without_a_limit_each_column_has_deviation_1() -> None:
    """A column that does not change is divided by 1."""
    scale = compute_scale(np.array([1.0, 5.0, 0.0]), np.array([2.0, 1e-9, 0.0]), 0.0)

    assert scale == pytest.approx([2.0, 1.0, 1.0])


def test_a_limit_makes_rare_values_small() -> None:
    """Columns below the limit get less variance than the others; the variances have the mean 1."""
    random = np.random.default_rng(0)
    rows = random.standard_normal((10_000, 6)) * [1, 1, 0.5, 1e-3, 1e-4, 0]
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    variances = ((rows - mean) / compute_scale(mean, deviation, 0.3)).var(axis=0)

    assert variances[:5].mean() == pytest.approx(1)
    assert variances[0] == pytest.approx(variances[2])
    assert variances[3] < 1e-3 * variances[0]
    assert variances[5] == 0
