"""The clips of one part, and the batch of clips and targets that each step of the training takes."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specfeat.config.train import Train
from specfeat.training.array_cache import CachedArrays
from specfeat.training.clip_augmentation import augment_clips

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Batch:
    """The clips and targets of one step.

    Attributes:
        clips: float32, shape (batch, *input_shape).
        targets: the targets, one array of shape (batch, ...) for each output of the network.
        weights: the weight of each clip in the loss, shape (batch,); None if all are 1.
    """

    clips: Array
    targets: list[Array]
    weights: Array | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipDataset:
    """The clips of one part: training, validation or test.

    The arrays of clips and rows belong to a group of sounds: those for training, or those that are held back.
    The second group has the sounds of two parts, validation and test. Sounds are numbered from the first
    sound of the group; `sound_numbers` says which of them belong to this part.

    Attributes:
        clips: the clips of all sounds of the group, once for each variant.
        teacher_rows: the standardised rows of the teachers for these clips, for each teacher and variant.
        labels: for all sounds of the group, 1 for each class of the sound, otherwise 0; shape
            (sounds, classes); None if there are no labels.
        classes: the names of the classes.
        class_weights: the weight of each class in the loss; None if all are 1.
        sound_numbers: for each clip of this part, the number of its sound in the group, shape (clips,).
        positions: for each clip of this part, its position in its sound, from 0, shape (clips,).
    """

    clips: tuple[CachedArrays, ...]
    teacher_rows: tuple[tuple[CachedArrays, ...], ...] = ()
    labels: Array | None = None
    classes: tuple[str, ...] = ()
    class_weights: Array | None = None
    sound_numbers: NDArray[np.int64]
    positions: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sound_numbers)

    def read_clips(self, indices: NDArray[np.int64], variants: NDArray[np.int64]) -> Array:
        """Return clips, each of the variant that is given for it."""
        return _read_variants(
            self.clips, self.sound_numbers[indices], self.positions[indices], self.clips, variants
        )

    def read_targets(self, indices: NDArray[np.int64], variants: NDArray[np.int64]) -> list[Array]:
        """Return the targets of clips: the rows of each teacher, or the classes of the clips' sounds."""
        sounds, positions = self.sound_numbers[indices], self.positions[indices]
        targets = [
            _read_variants(rows, sounds, positions, self.clips, variants) for rows in self.teacher_rows
        ]
        return targets if self.labels is None else [*targets, self.labels[sounds]]

    def compute_weights(self, indices: NDArray[np.int64]) -> Array | None:
        """Return the weight of each clip in the loss: the mean of the weights of its classes."""
        if self.class_weights is None or self.labels is None:
            return None
        classes = self.labels[self.sound_numbers[indices]]
        count = np.maximum(classes.sum(axis=1), 1)
        weights: Array = (classes @ self.class_weights / count).astype(np.float32)
        return np.where(classes.any(axis=1), weights, np.float32(1.0)).astype(np.float32)


def _read_variants(
    arrays: Sequence[CachedArrays],
    sounds: NDArray[np.int64],
    positions: NDArray[np.int64],
    clips: Sequence[CachedArrays],
    variants: NDArray[np.int64],
) -> Array:
    """Return one array for each clip, from the variant that is given for it.

    A change of speed changes the number of clips of a sound. So the position is scaled by the number of clips
    of the sound in this variant, divided by its number in variant 0.

    Args:
        arrays: the clips, or the rows of one teacher, of each variant.
        sounds: the number of the sound of each clip.
        positions: the position of each clip in variant 0 of its sound.
        clips: the clips of each variant, whose numbers decide the position, for rows of teachers as well.
        variants: the number of the variant of each clip.
    """
    values: Array | None = None
    for variant in np.unique(variants):
        places = np.flatnonzero(variants == variant)
        numbers = sounds[places]
        counts = arrays[variant].counts[numbers]
        scaled = positions[places] * clips[variant].counts[numbers] // np.maximum(clips[0].counts[numbers], 1)
        part = arrays[variant].read(numbers, np.minimum(scaled, np.maximum(counts - 1, 0)))
        if values is None:
            values = np.empty((len(sounds), *part.shape[1:]), np.float32)
        values[places] = part
    if values is None:
        raise ValueError("no clips are asked for")
    return values


class StepSampler:
    """Decides which clips, in which variant, each step of the training takes.

    Everything follows from the seed, the epoch and the step, so a run that is continued takes the same clips.

    Args:
        dataset: the clips of the part for training.
        train: the settings of the training.

    Attributes:
        batch: the number of clips in one step.
        steps: the number of steps in one epoch.
    """

    def __init__(self, dataset: ClipDataset, train: Train) -> None:
        self._dataset = dataset
        self._train = train
        self.batch = min(train.batch, len(dataset))
        # The last batch is filled with the first clips of the epoch.
        self.steps = math.ceil(len(dataset) / self.batch)

    def read_epoch(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch from a step on.

        Args:
            epoch: the number of the epoch, from 0.
            first_step: the number of the first step, from 0.
        """
        order = self._order_clips(epoch)
        for step in range(first_step, self.steps):
            indices = np.take(order, range(step * self.batch, (step + 1) * self.batch), mode="wrap")
            yield self._read_batch(indices, epoch, step)

    def _order_clips(self, epoch: int) -> NDArray[np.int64]:
        random = np.random.default_rng([self._train.seed, 1, epoch])
        count, labels = len(self._dataset), self._dataset.labels
        if self._train.balance != "sample" or labels is None:
            return random.permutation(count)
        classes = labels[self._dataset.sound_numbers]
        frequency = np.maximum(classes.sum(axis=0), 1)
        # A clip without classes keeps the chance that it has when all clips are equally likely.
        chances = np.maximum((classes / frequency).max(axis=1), 1 / count)
        order: NDArray[np.int64] = random.choice(count, count, p=chances / chances.sum())
        return order

    def _read_batch(self, indices: NDArray[np.int64], epoch: int, step: int) -> Batch:
        train, dataset = self._train, self._dataset
        random = np.random.default_rng([train.seed, 2, epoch, step])
        variants = (indices + epoch) % len(dataset.clips)
        if train.task == "contrast":
            others = (variants + random.integers(1, len(dataset.clips), len(indices))) % len(dataset.clips)
            return self._read_pairs(indices, (variants, others), random)
        clips, targets = dataset.read_clips(indices, variants), dataset.read_targets(indices, variants)
        clips, targets = augment_clips(clips, targets, train.clip_augmentations, random)
        return Batch(clips, targets, dataset.compute_weights(indices))

    def _read_pairs(
        self,
        indices: NDArray[np.int64],
        variants: tuple[NDArray[np.int64], NDArray[np.int64]],
        random: np.random.Generator,
    ) -> Batch:
        """Return the first form of each clip, and after all of them the second form of each."""
        views = [self._dataset.read_clips(indices, numbers) for numbers in variants]
        views = [augment_clips(view, [], self._train.clip_augmentations, random)[0] for view in views]
        clips = np.concatenate(views)
        return Batch(clips, [np.zeros((len(clips), 1), np.float32)], None)
