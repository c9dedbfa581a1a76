"""Measures how well scores separate rows with a label from rows without it: average precision, thresholds."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Threshold(NamedTuple):
    """A score at which a row gets a label.

    Attributes:
        score: the lowest score with which a row gets the label.
        recall: the share of the rows with the label that have this score or a higher one, 0 to 1.
    """

    score: float
    recall: float


class PrecisionCurve:
    """Precision and recall of one class for each score that occurs.

    Args:
        has_label: for each row, whether it has the label; at least one has.
        scores: the score of each row.
    """

    def __init__(self, has_label: NDArray[np.bool_], scores: NDArray[np.float64]) -> None:
        order = np.argsort(-scores, kind="stable")
        sorted_scores = scores[order]
        # Rows with equal scores are one step: only the last of them is a point of the curve.
        ends = np.flatnonzero(np.append(np.diff(sorted_scores) != 0, True))
        found = np.cumsum(has_label[order])[ends]
        self._scores = sorted_scores[ends]
        self._precision = found / (ends + 1)
        self._recall = found / np.count_nonzero(has_label)

    @property
    def average_precision(self) -> float:
        """The mean of the precision, weighted with the growth of the recall, as in scikit-learn."""
        return float(np.sum(np.diff(self._recall, prepend=0.0) * self._precision))

    def find_threshold(self, precision: float) -> Threshold | None:
        """Return the lowest score with at least this precision, 0 to 1; None if no score has it."""
        places = np.flatnonzero(self._precision >= precision)
        if not len(places):
            return None
        return Threshold(float(self._scores[places[-1]]), float(self._recall[places[-1]]))
