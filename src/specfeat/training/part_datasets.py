"""Makes the dataset of each part from the clips on the disk and the rows of the teachers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from specfeat.config.train import Train
from specfeat.errors import TrainingError
from specfeat.training.array_cache import CachedArrays
from specfeat.training.clip_dataset import ClipDataset
from specfeat.training.labels import PARTS
from specfeat.training.teacher_rows import standardize_teacher_rows
from specfeat.training.training_data import TrainingData

if TYPE_CHECKING:
    from specfeat.training.clip_sources import TrainingClips

Numbers = NDArray[np.int64]


def make_datasets(data: TrainingData, clips: "TrainingClips", train: Train) -> dict[str, ClipDataset]:
    """Return the clips of each part that has any.

    Raises:
        TrainingError: no sound for training gives a clip, or all clips of a class are missing.
    """
    first_held_back = len(data.list_numbers("train"))
    labels = data.labels if train.task == "classify" else None
    train_targets, held_back_targets = standardize_teacher_rows(clips, train)
    datasets: dict[str, ClipDataset] = {}
    for part in PARTS:
        numbers = data.list_numbers(part)
        arrays, rows, first = (
            (clips.train, train_targets, 0)
            if part == "train"
            else (clips.held_back, held_back_targets, first_held_back)
        )
        group_numbers = np.asarray(numbers, np.int64) - first  # from the first sound of these arrays
        sound_numbers, positions = _list_clips(arrays, rows, group_numbers)
        if len(sound_numbers):
            part_labels = None if labels is None else labels[first : first + len(arrays[0].counts)]
            datasets[part] = ClipDataset(
                clips=arrays,
                teacher_rows=rows,
                labels=part_labels,
                classes=data.classes,
                class_weights=_compute_class_weights(part_labels, sound_numbers, train)
                if part == "train"
                else None,
                sound_numbers=sound_numbers,
                positions=positions,
            )
    _check_training_clips(data, clips, datasets)
    return datasets


def _list_clips(
    arrays: Sequence[CachedArrays], rows: Sequence[Sequence[CachedArrays]], sounds: Numbers
) -> tuple[Numbers, Numbers]:
    """Return sound and position of each clip; sounds without clips or rows in some variant are left out."""
    if not arrays or not len(sounds):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    everything = [*arrays, *(array for teacher in rows for array in teacher)]
    usable = sounds[np.all([array.counts[sounds] > 0 for array in everything], axis=0)]
    counts = arrays[0].counts[usable]
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(usable, counts), np.arange(counts.sum()) - starts


def _compute_class_weights(
    labels: NDArray[np.float32] | None, sound_numbers: Numbers, train: Train
) -> NDArray[np.float32] | None:
    """Return the weight of each class: the mean number of clips per class, divided by the class's number."""
    if labels is None or train.balance != "weights":
        return None
    counts = np.maximum(labels[sound_numbers].sum(axis=0), 1)
    return np.asarray(counts.mean() / counts, np.float32)


def _check_training_clips(
    data: TrainingData, clips: "TrainingClips", datasets: dict[str, ClipDataset]
) -> None:
    numbers = data.list_numbers("train")
    if "train" not in datasets:
        first = next(iter(clips.failures.values()), "they are shorter than a clip")
        raise TrainingError(
            f"none of the {len(numbers)} sounds for training gives a clip ({first}); check the files"
        )
    used = set(datasets["train"].sound_numbers.tolist())
    learned = {label for number in numbers if number in used for label in data.sounds[number].labels}
    for name in data.classes:
        if name not in learned:
            raise TrainingError(
                f"no sound with the label {name!r} gives a clip for training ({len(clips.failures)} failed); "
                "check the files of this label, or remove it"
            )
