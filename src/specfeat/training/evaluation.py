"""Measures how good a network is on the clips of one part, in inference mode."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from specfeat.config.train import Train
from specfeat.training.clip_dataset import ClipDataset
from specfeat.training.metrics import Evaluation, average_by_sound, evaluate_scores

if TYPE_CHECKING:
    from specfeat.training.model import TrainingModel

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DatasetEvaluation:
    """How well classes are found, clip by clip and sound by sound.

    Attributes:
        by_clip: each clip counts once.
        by_sound: each sound counts once, with the mean scores of its clips.
    """

    by_clip: Evaluation
    by_sound: Evaluation


def evaluate_dataset(
    model: "TrainingModel", dataset: ClipDataset, train: Train
) -> tuple[float, DatasetEvaluation | None]:
    """Return the mean loss of a dataset, and for `classify` how well the classes are found.

    The clips are not changed at random, except for `contrast`, which compares two random forms of each clip.
    """
    batch = min(train.batch, len(dataset))
    total_loss, outputs = 0.0, []
    for start in range(0, len(dataset), batch):
        count = min(batch, len(dataset) - start)
        # A batch of one shape, so that the graph is traced once; the last one begins again at the first clip.
        indices = np.take(np.arange(len(dataset)), range(start, start + batch), mode="wrap")
        if train.task == "contrast":
            total_loss += count * _compute_contrast(model, dataset, indices)
            continue
        variants = np.zeros(batch, np.int64)
        predicted = model.predict(dataset.read_clips(indices, variants))
        targets = dataset.read_targets(indices, variants)
        total_loss += count * model.compute_loss([t[:count] for t in targets], [p[:count] for p in predicted])
        outputs.append(predicted[0][:count])
    loss = total_loss / len(dataset)
    if train.task != "classify" or dataset.labels is None:
        return loss, None
    scores = _to_scores(np.concatenate(outputs), model.network.activation, multi=train.labels.multi)
    return loss, _evaluate_classes(scores, dataset, dataset.labels, multi=train.labels.multi)


def _compute_contrast(model: "TrainingModel", dataset: ClipDataset, indices: NDArray[np.int64]) -> float:
    first = np.zeros(len(indices), np.int64)
    clips = np.concatenate([dataset.read_clips(indices, variants) for variants in (first, first + 1)])
    return model.compute_loss([np.zeros((len(clips), 1), np.float32)], model.predict(clips))


def _evaluate_classes(
    scores: Array, dataset: ClipDataset, labels: Array, *, multi: bool
) -> DatasetEvaluation:
    by_clip = evaluate_scores(scores, labels[dataset.sound_numbers], dataset.classes, multi=multi)
    sound_scores, numbers = average_by_sound(scores, dataset.sound_numbers)
    by_sound = evaluate_scores(sound_scores, labels[numbers], dataset.classes, multi=multi)
    return DatasetEvaluation(by_clip, by_sound)


def _to_scores(outputs: Array, activation: str, *, multi: bool) -> Array:
    """Return scores 0 to 1: of a linear layer, the sigmoid with `multi`, and otherwise the softmax."""
    if activation != "linear":
        return outputs
    if multi:
        return np.asarray(1 / (1 + np.exp(-outputs)), np.float32)
    exponentials = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), np.float32)
