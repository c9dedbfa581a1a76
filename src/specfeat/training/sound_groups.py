"""The sounds of a training in two groups, and the random forms in which clips of each group are made."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from specfeat.audio.augmentation import SampleAugmentation
from specfeat.audio.discovery import find_sounds
from specfeat.config.train import Train
from specfeat.sound import Sound
from specfeat.training.training_data import TrainingData

MAX_MIXED_SOUNDS = 2000  # the largest number of sounds from which the step `mix` chooses
HELD_BACK_PARTS = ("validation", "test")


@dataclass(frozen=True, slots=True)
class SoundGroup:
    """Sounds from which clips are made in the same variants.

    Attributes:
        name: the group's name in the names of files: "train" or "held_back".
        sounds: the sounds.
        variants: the random changes of each variant; None for a variant without changes.
    """

    name: str
    sounds: Sequence[Sound]
    variants: Sequence[SampleAugmentation | None]

    def count_file_bytes(self) -> int:
        """Return the size of the files of all sounds; a file of several sounds counts for each of them."""
        return sum(sound.file.size or 0 for sound in self.sounds)


def make_sound_groups(data: TrainingData, train: Train) -> tuple[SoundGroup, SoundGroup]:
    """Return the sounds for training, and those that are held back.

    Sounds for training get the random changes of the config, in as many variants as it says. Sounds for
    validation and test stay as they are; only `contrast` compares two random forms of them as well.

    Args:
        data: the sounds and parts.
        train: the settings of the training.
    """
    train_sounds, held_back_sounds = (
        [data.sounds[k].sound for part in parts for k in data.list_numbers(part)]
        for parts in (("train",), HELD_BACK_PARTS)
    )
    variants = _make_variants(train_sounds, train)
    held_back_variants = variants[:2] if train.task == "contrast" else [None]
    return (
        SoundGroup("train", train_sounds, variants),
        SoundGroup("held_back", held_back_sounds, held_back_variants),
    )


def _make_variants(train_sounds: Sequence[Sound], train: Train) -> list[SampleAugmentation | None]:
    """Return the random changes of each variant of the sounds for training."""
    steps = train.sample_augmentations
    if not steps:
        return [None]
    noises = tuple(find_sounds([step.noise.folder]).sounds for step in steps if step.noise is not None)
    mixed = train_sounds
    if len(mixed) > MAX_MIXED_SOUNDS:
        random = np.random.default_rng([train.seed, 3])
        mixed = [mixed[k] for k in np.sort(random.choice(len(mixed), MAX_MIXED_SOUNDS, replace=False))]
    return [
        SampleAugmentation(steps=steps, seed=train.seed, variant=n, sounds=tuple(mixed), noises=noises)
        for n in range(train.variants)
    ]
