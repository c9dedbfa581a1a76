"""The sounds, classes and parts of a training, before anything is decoded."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specfeat.audio.folder_search import is_missing
from specfeat.config.train import Train
from specfeat.errors import UsageError
from specfeat.files import format_path
from specfeat.text import format_count, join_names
from specfeat.training.labels import PARTS, LabeledSound, read_labeled_sounds
from specfeat.training.splits import assign_parts, format_counts

MIN_CLASSES = 2


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The sounds of a training, with their labels and parts.

    Attributes:
        sounds: the sounds with their labels: those for training first, then validation, then test.
        parts: the part of each sound: "train", "validation" or "test".
        classes: the names of the classes, in alphabetical order; empty for tasks without labels.
    """

    sounds: tuple[LabeledSound, ...]
    parts: tuple[str, ...]
    classes: tuple[str, ...]

    @property
    def labels(self) -> NDArray[np.float32]:
        """1 where a sound has a class, else 0; shape (sounds, classes)."""
        matrix = np.zeros((len(self.sounds), len(self.classes)), np.float32)
        numbers = {name: number for number, name in enumerate(self.classes)}
        for row, sound in zip(matrix, self.sounds, strict=True):
            row[[numbers[label] for label in sound.labels]] = 1.0
        return matrix

    def list_numbers(self, part: str) -> list[int]:
        """Return the numbers of the sounds of one part."""
        return [number for number, name in enumerate(self.parts) if name == part]

    def count_classes(self, part: str) -> Counter[str]:
        """Return how many sounds of one part have each class."""
        return Counter(label for number in self.list_numbers(part) for label in self.sounds[number].labels)

    @property
    def digest(self) -> str:
        """The SHA-256 of the sounds (name, part of the file, size, time), labels and parts."""
        digest = hashlib.sha256()
        for sound, part in zip(self.sounds, self.parts, strict=True):
            file = sound.sound.file
            line = (sound.sound.key.name, sound.sound.part, file.size, file.mtime_ns, sound.labels, part)
            digest.update(repr(line).encode(errors="surrogateescape"))
            if file.version is not None:
                digest.update(file.version.encode(errors="surrogateescape"))
        return digest.hexdigest()


def read_training_data(inputs: Sequence[str], train: Train) -> TrainingData:
    """Find the sounds and their labels, and divide them into the parts.

    Raises:
        UsageError: an input, the table or a label is wrong, or there are fewer than two classes.
        NoUsableAudioError: the inputs contain no audio.
    """
    is_classification = train.task == "classify"
    sounds = read_labeled_sounds(inputs, train.labels, needs_labels=is_classification)
    parts = assign_parts(sounds, train.split)
    order = sorted(range(len(sounds)), key=lambda number: PARTS.index(parts[number]))  # stable
    classes = sorted({label for sound in sounds for label in sound.labels}) if is_classification else []
    needed = 1 if train.labels.multi else MIN_CLASSES
    if is_classification and len(classes) < needed:
        found = f"only {join_names([repr(name) for name in classes])}" if classes else "none"
        needed_labels = "one label is" if needed == 1 else f"{needed} different labels are"
        raise UsageError(f"at least {needed_labels} needed, and there is {found}; check the labels")
    return TrainingData(
        tuple(sounds[number] for number in order), tuple(parts[number] for number in order), tuple(classes)
    )


def describe_parts(data: TrainingData) -> str:
    """Return how many sounds there are, e.g. "15 sounds: 12 train, 3 validation, 0 test"."""
    return f"{len(data.sounds)} sounds: {format_counts(Counter(data.parts))}"


def describe_data(data: TrainingData) -> list[str]:
    """Return lines with the number of sounds in each part, and of each class in each part."""
    lines = [describe_parts(data)]
    counts = [data.count_classes(part) for part in PARTS]
    width = max((len(name) for name in data.classes), default=0)
    lines += [
        f"{name:{width}}  "
        + "  ".join(f"{part} {count[name]}" for part, count in zip(PARTS, counts, strict=True))
        for name in data.classes
    ]
    return lines


def list_notes(data: TrainingData, train: Train) -> list[str]:
    """Return sentences about missing files, about random forms, and about what cannot be measured."""
    notes = []
    paths = dict.fromkeys(sound.sound.path for sound in data.sounds)
    absent = [path for path in paths if is_missing(path)]
    if absent:
        files = format_count(len(absent), "file does", "files do")
        notes.append(
            f"{files} not exist, e.g. {format_path(absent[0])}; correct the path in the table of labels"
        )
    if train.sample_augmentations and train.variants == 1:
        notes.append(
            "train.augment changes the samples, and train.variants is 1, so all epochs use the same random "
            "form of each sound; give e.g. variants: 4"
        )
    if not data.list_numbers("validation"):
        notes.append(
            "there are no sounds for validation, so the best epoch is the one with the smallest loss of the "
            "training, which says nothing about other sounds; give more files or groups"
        )
    for part in PARTS[1:]:
        count = data.count_classes(part)
        missing = [name for name in data.classes if not count[name]]
        if missing and data.list_numbers(part):
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            has = "have" if more else "has"
            notes.append(
                f"the label {missing[0]!r}{more} {has} no sound in the part {part!r}, so it is not known how "
                "well it is found; give more files or groups"
            )
    return notes
