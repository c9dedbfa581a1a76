"""How good the scores of clips and sounds are: accuracy, and for each class precision, recall and more."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
THRESHOLD = 0.5  # if a sound may have several labels, it gets each class with a higher score


@dataclass(frozen=True, slots=True)
class ClassScores:
    """How well one class is found.

    Attributes:
        name: the class.
        count: how many clips or sounds have the class.
        precision: of the clips or sounds that were found as this class, the share that has it; 0 if none was
            found.
        recall: of the clips or sounds that have the class, the share that was found; 0 if none has it.
        f1: the harmonic mean of precision and recall.
        average_precision: the area under the curve of precision over recall; 0 if none has the class.
    """

    name: str
    count: int
    precision: float
    recall: float
    f1: float
    average_precision: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well classes are found in a set of clips or sounds.

    Attributes:
        count: how many clips or sounds were compared.
        accuracy: the share of clips or sounds with the right class. If a sound may have several labels, the
            share of right decisions: one decision is whether one clip or sound has one class.
        mean_average_precision: the mean over the classes that occur.
        classes: each class.
        confusion: how many of each true class (row) were found as which class (column); None with several
            labels for one sound.
    """

    count: int
    accuracy: float
    mean_average_precision: float
    classes: tuple[ClassScores, ...]
    confusion: NDArray[np.int64] | None


def evaluate_scores(scores: Array, labels: Array, classes: Sequence[str], *, multi: bool) -> Evaluation:
    """Compare scores with labels.

    Args:
        scores: the score of each class, shape (n, classes).
        labels: 1 where an item has a class, else 0; shape (n, classes).
        classes: the names of the classes.
        multi: whether an item may have several classes; then a class is found where its score is above
            `THRESHOLD`. Else the class with the highest score is found.
    """
    truth = labels > THRESHOLD
    if multi:
        found = scores > THRESHOLD
    else:
        found = np.zeros_like(truth)
        found[np.arange(len(scores)), np.argmax(scores, axis=1)] = True
    hits, found_count, true_count = (found & truth).sum(axis=0), found.sum(axis=0), truth.sum(axis=0)
    precision, recall = _divide(hits, found_count), _divide(hits, true_count)
    f1 = _divide(2 * hits, found_count + true_count)
    average = [compute_average_precision(scores[:, k], truth[:, k]) for k in range(len(classes))]
    occurring = [value for value, count in zip(average, true_count, strict=True) if count]
    accuracy = (
        float((found == truth).mean() if multi else hits.sum() / max(len(scores), 1)) if len(scores) else 0.0
    )
    confusion = None if multi else (truth.T.astype(np.int64) @ found.astype(np.int64))
    return Evaluation(
        count=len(scores),
        accuracy=accuracy,
        mean_average_precision=float(np.mean(occurring)) if occurring else 0.0,
        classes=tuple(
            ClassScores(
                name, int(true_count[k]), float(precision[k]), float(recall[k]), float(f1[k]), average[k]
            )
            for k, name in enumerate(classes)
        ),
        confusion=confusion,
    )


def compute_average_precision(scores: Array, truth: NDArray[np.bool_]) -> float:
    """Return the average precision, as `sklearn.metrics.average_precision_score`: sum of (R_n - R_n-1) P_n.

    Args:
        scores: the score of each item, shape (n,).
        truth: whether each item has the class, shape (n,).
    """
    positives = int(truth.sum())
    if not positives:
        return 0.0
    order = np.argsort(-scores, kind="stable")
    sorted_scores, hits = scores[order], np.cumsum(truth[order])
    last_of_ties = np.append(np.flatnonzero(np.diff(sorted_scores)), len(scores) - 1)
    precision = hits[last_of_ties] / (last_of_ties + 1)
    recall = hits[last_of_ties] / positives
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def average_by_sound(values: Array, sound_numbers: NDArray[np.int64]) -> tuple[Array, NDArray[np.int64]]:
    """Return the mean of the values of each sound, and the numbers of the sounds, in ascending order."""
    numbers, places = np.unique(sound_numbers, return_inverse=True)
    sums = np.zeros((len(numbers), values.shape[1]), np.float64)
    np.add.at(sums, places, values)
    means: Array = (sums / np.bincount(places)[:, np.newaxis]).astype(np.float32)
    return means, numbers


def _divide(numerator: NDArray[np.int64], denominator: NDArray[np.int64]) -> NDArray[np.float64]:
    quotient: NDArray[np.float64] = numerator / np.maximum(denominator, 1)
    return quotient
