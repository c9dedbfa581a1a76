"""Divides the sounds into the parts for training, validation and test."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

from specfeat.config.train import Split
from specfeat.errors import UsageError
from specfeat.training.labels import PARTS, LabeledSound


def assign_parts(sounds: Sequence[LabeledSound], split: Split) -> list[str]:
    """Return for each sound the part that it belongs to: "train", "validation" or "test".

    If the table has a part for some sounds, it needs one for all. Otherwise whole groups are assigned. The
    groups of each class are put into an order that follows from the seed and their names. The first of them
    go to test, the next ones to validation, as many as the shares say, and the others to training. A class
    always keeps one group for training. If other groups are added, few groups change their part.

    Raises:
        UsageError: the table has parts for some sounds only or no column of groups, or nothing is left to
            train with.
    """
    given = [sound.part for sound in sounds]
    if any(given):
        if not all(given):
            count = sum(not part for part in given)
            raise UsageError(
                f"the table of labels has no part (train, validation or test) for {count} of {len(sounds)} "
                "sounds; fill in the column"
            )
        parts = given
    else:
        parts = _assign_groups(sounds, split)
    _check_parts(sounds, parts)
    return parts


def get_group(sound: LabeledSound, split: Split) -> str:
    """Return the group of a sound.

    Raises:
        UsageError: the table has no such column.
    """
    if split.by == "file":
        return sound.name
    if split.by == "folder":
        return sound.name.rpartition("/")[0]
    if sound.columns is None or split.by not in sound.columns:
        raise UsageError(f"the table of labels has no column {split.by!r}; name one with train.split.by")
    return sound.columns[split.by]


def _assign_groups(sounds: Sequence[LabeledSound], split: Split) -> list[str]:
    frequency = Counter(label for sound in sounds for label in sound.labels)
    class_of_group: dict[str, str] = {}
    for sound in sounds:
        group = get_group(sound, split)
        labels = [*sound.labels, *([class_of_group[group]] if class_of_group.get(group) else [])]
        # A group with several classes counts for the rarest of them.
        class_of_group[group] = min(labels, key=lambda label: (frequency[label], label), default="")
    groups_of_class: dict[str, list[str]] = defaultdict(list)
    for group, name in class_of_group.items():
        groups_of_class[name].append(group)
    part_of_group: dict[str, str] = {}
    for groups in groups_of_class.values():
        ordered = sorted(groups, key=lambda group: _hash_group(group, split.seed))
        test, validation = _count_held_back(len(ordered), split)
        for position, group in enumerate(ordered):
            part_of_group[group] = (
                "test" if position < test else "validation" if position < test + validation else "train"
            )
    return [part_of_group[get_group(sound, split)] for sound in sounds]


def _count_held_back(groups: int, split: Split) -> tuple[int, int]:
    """Return how many groups of a class go to test and validation; at least one stays for training."""
    available = groups - 1
    counts = []
    for share in (split.test, split.validation):
        count = min(available, max(round(groups * share), 1 if share > 0 else 0))
        counts.append(count)
        available -= count
    return counts[0], counts[1]


def _hash_group(group: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}/{group}".encode(errors="surrogateescape")).hexdigest()


def _check_parts(sounds: Sequence[LabeledSound], parts: Sequence[str]) -> None:
    """Check that there are sounds for training, and that each class has at least one of them.

    Raises:
        UsageError: the part for training is empty, or lacks a class of another part.
    """
    counts = Counter(parts)
    if not counts["train"]:
        raise UsageError(
            f"no sound is left to train with ({format_counts(counts)}); give more files or smaller shares"
        )
    trained = {
        label for sound, part in zip(sounds, parts, strict=True) if part == "train" for label in sound.labels
    }
    for sound, part in zip(sounds, parts, strict=True):
        unseen = [label for label in sound.labels if label not in trained]
        if unseen:
            raise UsageError(
                f"the label {unseen[0]!r} is only in the part {part!r}, so it cannot be learned; "
                "put sounds with this label into the part for training"
            )


def format_counts(counts: Counter[str]) -> str:
    """Return the sizes of the parts, e.g. "80 train, 20 validation, 0 test"."""
    return ", ".join(f"{counts[part]} {part}" for part in PARTS)
