"""The parts for training, validation and test."""

from collections import Counter

import pytest

from helpers.training_data import make_labeled_sound
from specfeat.config.augmentation import Augmentation
from specfeat.config.train import Split, Train
from specfeat.errors import UsageError
from specfeat.training.splits import assign_parts
from specfeat.training.training_data import TrainingData, list_notes


def test_groups_are_never_divided() -> None:
    """All sounds of one speaker are in one part, and each class has its share in each part."""
    sounds = [
        make_labeled_sound(f"{label}/{n}.wav", label, speaker=f"{label}{n % 10}")
        for label in "ab"
        for n in range(50)
    ]
    parts = assign_parts(sounds, Split(validation=0.2, test=0.1, by="speaker"))
    by_speaker: dict[str, set[str]] = {}
    for sound, part in zip(sounds, parts, strict=True):
        by_speaker.setdefault((sound.columns or {})["speaker"], set()).add(part)

    assert all(len(found) == 1 for found in by_speaker.values())
    assert Counter((s.labels[0], part) for s, part in zip(sounds, parts, strict=True)) == {
        (label, part): count
        for label in "ab"
        for part, count in (("train", 35), ("validation", 10), ("test", 5))
    }


def test_parts_of_a_file_stay_together() -> None:
    """By default, two sounds of one file are in one part, whatever their labels."""
    sounds = [make_labeled_sound(f"{n // 2}.wav", "ab"[n % 2]) for n in range(100)]
    parts = assign_parts(sounds, Split(validation=0.3))

    assert parts[::2] == parts[1::2]
    assert Counter(parts) == {"train": 70, "validation": 30}


def test_more_files_do_not_move_the_others() -> None:
    """The order of the groups depends on their names alone, so most files keep their part when others are added."""
    names = [f"a/{n}.wav" for n in range(100)]
    split = Split(validation=0.2)
    few = assign_parts([make_labeled_sound(name, "a") for name in names], split)
    more = assign_parts(
        [make_labeled_sound(name, "a") for name in [*names, *(f"a/x{n}.wav" for n in range(5))]], split
    )

    assert sum(a != b for a, b in zip(few, more, strict=False)) <= 5
    assert (
        assign_parts([make_labeled_sound(name, "a") for name in names], Split(validation=0.2, seed=1)) != few
    )


def test_a_class_keeps_one_group_for_training() -> None:
    """The only file of a class is for training, and a note says that the class is not measured."""
    sounds = [*(make_labeled_sound(f"a/{n}.wav", "a") for n in range(10)), make_labeled_sound("b/0.wav", "b")]
    parts = assign_parts(sounds, Split(validation=0.5))

    assert parts[-1] == "train"
    note = list_notes(TrainingData(tuple(sounds), tuple(parts), ("a", "b")), Train())[-1]
    assert note.startswith("the label 'b' has no sound in the part 'validation'")


def test_a_note_says_that_each_sound_has_one_random_form() -> None:
    """With changes of samples and one variant, a note says so; not with several, or with changes of clips."""
    sounds = tuple(make_labeled_sound(f"a/{n}.wav", "a") for n in range(3))
    data = TrainingData(sounds, ("train", "train", "validation"), ("a",))
    gain, shift = Augmentation(gain=(-6, 6)), Augmentation(shift=3)
    trains = (Train(augment=(gain,)), Train(augment=(gain,), variants=2), Train(augment=(shift,)))

    notes = [[note for note in list_notes(data, train) if "random form" in note] for train in trains]
    assert [len(found) for found in notes] == [1, 0, 0]


def test_the_parts_of_a_table_are_used() -> None:
    """If the table has parts, shares and groups have no meaning."""
    sounds = [
        make_labeled_sound(f"{n}.wav", "a", part=part) for n, part in enumerate(("test", "train", "train"))
    ]

    assert assign_parts(sounds, Split(validation=0.9)) == ["test", "train", "train"]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            ("train", "", "test"),
            "has no part (train, validation or test) for 1 of 3 sounds; fill in the column",
        ),
        (("test", "test", "test"), "no sound is left to train with (0 train, 0 validation, 3 test)"),
        (
            ("train", "train", "validation"),
            "the label 'c' is only in the part 'validation', so it cannot be learned",
        ),
    ],
)
def test_parts_that_do_not_work_are_refused(parts: tuple[str, ...], message: str) -> None:
    """The sentence says which part or class is missing where."""
    sounds = [make_labeled_sound(f"{n}.wav", "abc"[n], part=part) for n, part in enumerate(parts)]
    with pytest.raises(UsageError) as error:
        assign_parts(sounds, Split())

    assert message in str(error.value)


def test_a_missing_column_of_groups_is_named() -> None:
    """The sentence names the column and the key that chooses it."""
    with pytest.raises(UsageError, match=r"^the table of labels has no column 'speaker'; .*train\.split\.by"):
        assign_parts([make_labeled_sound("a.wav", "a", label="a")], Split(by="speaker"))
