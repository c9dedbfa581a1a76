"""Accuracy, precision, recall, F1 and average precision, against values worked out by hand."""

import numpy as np
import pytest

from specfeat.training.metrics import average_by_sound, compute_average_precision, evaluate_scores


def _array(*rows: list[float]) -> np.ndarray:
    return np.asarray(rows, np.float32)


def test_one_label_for_each_item() -> None:
    """True classes a a b b, found a b b b: scikit-learn's precision, recall and F1 for these lists."""
    labels = _array([1, 0], [1, 0], [0, 1], [0, 1])
    scores = _array([0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7])
    result = evaluate_scores(scores, labels, ["a", "b"], multi=False)

    assert result.accuracy == 0.75
    assert result.confusion is not None
    assert result.confusion.tolist() == [[1, 1], [0, 2]]
    a, b = result.classes
    assert (a.precision, a.recall, a.f1) == pytest.approx((1, 1 / 2, 2 / 3))
    assert (b.precision, b.recall, b.f1) == pytest.approx((2 / 3, 1, 4 / 5))
    assert (a.count, b.count) == (2, 2)


def test_several_labels_for_each_item() -> None:
    """A class is found where its score is above one half; there is no confusion matrix."""
    labels = _array([1, 1], [0, 0], [0, 1])
    scores = _array([0.9, 0.2], [0.6, 0.1], [0.1, 0.8])
    result = evaluate_scores(scores, labels, ["a", "b"], multi=True)

    assert result.accuracy == pytest.approx(4 / 6)
    assert result.confusion is None
    assert (result.classes[0].precision, result.classes[0].recall) == (0.5, 1.0)
    assert (result.classes[1].precision, result.classes[1].recall) == (1.0, 0.5)


def test_average_precision() -> None:
    """The example of scikit-learn's documentation of `average_precision_score`: 0.83; and equal scores count together."""
    truth = np.array([False, False, True, True])

    assert compute_average_precision(np.array([0.1, 0.4, 0.35, 0.8], np.float32), truth) == pytest.approx(
        0.8333333
    )
    assert compute_average_precision(np.array([0.5, 0.5, 0.5, 0.5], np.float32), truth) == pytest.approx(0.5)
    assert compute_average_precision(np.array([0.1, 0.2], np.float32), np.array([False, False])) == 0.0


def test_a_class_that_does_not_occur_does_not_lower_the_mean() -> None:
    """The mean average precision is the mean over the classes that occur."""
    labels, scores = _array([1, 0, 0], [0, 1, 0]), _array([0.9, 0.1, 0], [0.1, 0.9, 0])

    assert evaluate_scores(scores, labels, ["a", "b", "c"], multi=False).mean_average_precision == 1.0


def test_scores_of_a_sound_are_the_mean_of_its_clips() -> None:
    """Sounds come in ascending order of their numbers."""
    means, numbers = average_by_sound(_array([1, 0], [0, 1], [0.5, 0.5]), np.array([7, 2, 7]))

    assert numbers.tolist() == [2, 7]
    assert means.tolist() == [[0, 1], [0.75, 0.25]]
