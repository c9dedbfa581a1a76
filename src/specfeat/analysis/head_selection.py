"""Chooses the strength of a head's penalty with folds of whole files, and measures how good the head is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.analysis.average_precision import PrecisionCurve
from specfeat.analysis.head_fitting import fit_head
from specfeat.analysis.linear_head import Activation, Doubles, LinearHead

MAX_FOLDS = 5
# From strong to weak: each fit starts from the one before, which is simpler.
L2_STRENGTHS = (10.0, 1.0, 0.1, 0.01, 0.001, 0.0001)


@dataclass(frozen=True, slots=True)
class ClassQuality:
    """How well a class is found in files that the head has not seen.

    Attributes:
        average_precision: 0 to 1; None if the class is in one file only, or no row is without it.
        threshold: the lowest score with the wanted precision; None if there is none.
        recall: the share of the rows of the class that have this score or a higher one; None if there is
            none.
    """

    average_precision: float | None
    threshold: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class FittedHead:
    """A head with its quality.

    Attributes:
        head: the head, fitted on all rows.
        l2: the strength of the penalty.
        qualities: the quality of each class.
    """

    head: LinearHead
    l2: float
    qualities: tuple[ClassQuality, ...]


def select_head(
    rows: NDArray[Any],
    targets: Doubles,
    files: NDArray[np.int64],
    activation: Activation,
    *,
    precision: float,
    l2: float | None = None,
) -> FittedHead:
    """Fit a head on all rows, and measure it with heads that have not seen the file of a row.

    The rows are divided into up to 5 folds, each with whole files. For each fold, a head is fitted on the
    other folds. The penalty with the best mean average precision of all classes is used. If several penalties
    are equally good, the one with the lowest loss is used.

    Args:
        rows: the features, shape (rows, features), all finite.
        targets: for each row and class 1, 0 or NaN (not known), shape (rows, classes); see `fit_head`.
        files: for each row, the number of its file; at least two are different.
        activation: "softmax" or "sigmoid"; see `LinearHead`.
        precision: the precision that the thresholds must have, 0 to 1.
        l2: the strength of the penalty; None to choose it.
    """
    folds = assign_folds(targets, files)
    strengths = L2_STRENGTHS if l2 is None else (l2,)
    scores = _score_unseen_rows(rows, targets, folds, activation, strengths)
    qualities = [_measure_classes(targets, files, one, precision) for one in scores]
    # If the classes are easy to find, many penalties give the same order of the rows. The loss then chooses,
    # so that the scores are good probabilities. If losses are equal, the first, strongest penalty is chosen.
    means = [_compute_mean_precision(one) for one in qualities]
    losses = [_compute_loss(targets, one) for one in scores]
    best = max(range(len(strengths)), key=lambda number: (means[number], -losses[number]))
    return FittedHead(fit_head(rows, targets, activation, strengths[best]), strengths[best], qualities[best])


def assign_folds(targets: Doubles, files: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of the fold of each row; all rows of a file are in one fold.

    The files with the largest shares of a class come first, and each file goes to the fold that has least of
    its classes, so that the folds have similar numbers of rows of each class.
    """
    names, numbers = np.unique(files, return_inverse=True)
    counts = np.zeros((len(names), targets.shape[1]))
    np.add.at(counts, numbers, np.nan_to_num(targets))
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    rows_of_file = np.bincount(numbers)
    fold_shares = np.zeros((min(MAX_FOLDS, len(names)), targets.shape[1]))
    fold_rows = np.zeros(len(fold_shares))
    fold_of_file = np.zeros(len(names), np.int64)
    for file in np.lexsort((np.arange(len(names)), -rows_of_file, -shares.max(axis=1, initial=0.0))):
        costs = fold_shares @ shares[file]
        fold = int(np.lexsort((fold_rows, costs))[0])
        fold_of_file[file] = fold
        fold_shares[fold] += shares[file]
        fold_rows[fold] += rows_of_file[file]
    return fold_of_file[numbers]


def _score_unseen_rows(
    rows: NDArray[Any],
    targets: Doubles,
    folds: NDArray[np.int64],
    activation: Activation,
    strengths: tuple[float, ...],
) -> list[Doubles]:
    """Return the scores of all rows for each strength. They come from heads that have not seen these rows."""
    scores = [np.zeros(targets.shape) for _ in strengths]
    for fold in np.unique(folds):
        is_seen = folds != fold
        seen_rows, seen_targets, head = rows[is_seen], targets[is_seen], None
        for number, strength in enumerate(strengths):
            head = fit_head(seen_rows, seen_targets, activation, strength, head)
            scores[number][~is_seen] = head.compute_scores(rows[~is_seen])
    return scores


def _measure_classes(
    targets: Doubles, files: NDArray[np.int64], scores: Doubles, precision: float
) -> tuple[ClassQuality, ...]:
    return tuple(
        _measure_class(targets[:, k], files, scores[:, k], precision) for k in range(targets.shape[1])
    )


def _measure_class(
    targets: Doubles, files: NDArray[np.int64], scores: Doubles, precision: float
) -> ClassQuality:
    has_label, is_known = targets == 1, ~np.isnan(targets)
    if len(np.unique(files[has_label])) < 2 or not (targets == 0).any():
        return ClassQuality(None, None, None)
    curve = PrecisionCurve(has_label[is_known], scores[is_known])
    threshold = curve.find_threshold(precision)
    return ClassQuality(
        curve.average_precision,
        threshold.score if threshold else None,
        threshold.recall if threshold else None,
    )


def _compute_mean_precision(qualities: tuple[ClassQuality, ...]) -> float:
    known = [one.average_precision for one in qualities if one.average_precision is not None]
    return float(np.mean(known)) if known else 0.0


def _compute_loss(targets: Doubles, scores: Doubles) -> float:
    """Return the mean cross-entropy of the known targets."""
    is_known = ~np.isnan(targets)
    right = np.where(targets == 1, scores, 1 - scores)[is_known]
    return float(-np.log(np.maximum(right, 1e-12)).mean())
