"""What decides the weights of a training: if it has changed, the training is not continued."""

import os
from pathlib import Path
from typing import Any

import pytest

from helpers.training_data import CONFIG, write_tones
from specfeat.config import Config, load_config
from specfeat.errors import NoUsableAudioError, UsageError, WeightsError
from specfeat.training.identity import describe_training, find_difference
from specfeat.training.teachers import load_teachers
from specfeat.training.training_data import TrainingData

pytestmark = pytest.mark.usefixtures("_in_an_empty_folder")
DATA = TrainingData((), (), ())


def _describe(config: Config) -> dict[str, Any]:
    return describe_training(config, DATA, load_teachers(config, DATA), 1, "cpu")


def _load(*overrides: str) -> Config:
    Path("my.yaml").write_text(CONFIG)
    return load_config("my.yaml", overrides)


def test_a_training_without_noises_and_teachers_has_no_keys_for_them() -> None:
    """So a training that an earlier version has started is continued."""
    assert {"noises", "teachers"}.isdisjoint(_describe(_load()))


@pytest.mark.parametrize("change", ["added", "removed", "renamed", "size", "time"])
def test_the_sounds_of_a_folder_with_noises_belong_to_it(change: str) -> None:
    """A sound that is added, removed, renamed or changed makes another training; the message says what changed."""
    folder = write_tones(Path("noises"), files=2)
    config = _load("train.augment=[{noise: {folder: noises}}]")
    first, again = _describe(config), _describe(config)
    path = folder / "400" / "00.wav"
    if change == "added":
        (folder / "400" / "02.wav").write_bytes(path.read_bytes())
    elif change == "removed":
        path.unlink()
    elif change == "renamed":
        path.rename(folder / "400" / "77.wav")
    elif change == "size":
        path.write_bytes(path.read_bytes()[:-2])
    else:
        os.utime(path, ns=(0, 0))

    assert first == again
    difference = find_difference(first, _describe(config))
    assert difference == "the sounds in a folder of train.augment.noise have changed"


def test_a_folder_without_noises_is_refused_before_clips_are_made() -> None:
    """One that does not exist, and one without audio."""
    Path("empty").mkdir()
    with pytest.raises(UsageError, match=r"^nothing: no such file or folder"):
        _describe(_load("train.augment=[{noise: {folder: nothing}}]"))
    with pytest.raises(NoUsableAudioError, match=r"^no audio in empty"):
        _describe(_load("train.augment=[{noise: {folder: empty}}]"))


def test_the_config_of_a_teacher_belongs_to_it() -> None:
    """Its settings count, and not its name: it can be edited while its path stays."""
    Path("teacher.yaml").write_text(CONFIG)
    config = _load("train.task=distill", "train.teachers=[{config: teacher.yaml}]")
    first = _describe(config)
    Path("teacher.yaml").write_text(CONFIG + "# only a comment\n")
    assert _describe(config) == first
    Path("teacher.yaml").write_text(CONFIG.replace("random: 0", "random: 1"))

    difference = find_difference(first, _describe(config))
    assert difference == "the config, the weights or the output of a teacher has changed"


@pytest.mark.parametrize("owner", ["config", "teacher", "config of the teacher"])
def test_the_weights_that_a_training_starts_from_are_hashed(owner: str) -> None:
    """The files of a checkpoint have one hash, which changes with each of them; weights that are missing are refused."""
    for ending in (".index", ".data-00000-of-00001"):
        Path(f"model{ending}").write_bytes(b"first")
    first = _describe_weights("model", owner)
    Path("model.data-00000-of-00001").write_bytes(b"second")
    second = _describe_weights("model", owner)

    assert find_difference(first, second) == (
        "a weights file has changed"
        if owner == "config"
        else "the config, the weights or the output of a teacher has changed"
    )
    with pytest.raises(WeightsError, match=r"nothing\.h5: "):
        _describe_weights("nothing.h5", owner)


def _describe_weights(path: str, owner: str) -> dict[str, Any]:
    text = CONFIG.replace("{random: 0}", f"{{file: {path}}}") if owner == "config of the teacher" else CONFIG
    Path("teacher.yaml").write_text(text)
    if owner == "config":
        return _describe(_load(f"model.weights={{file: {path}}}"))
    weights = f", weights: {path}" if owner == "teacher" else ""
    return _describe(_load("train.task=distill", f"train.teachers=[{{config: teacher.yaml{weights}}}]"))


def test_the_first_difference_is_named() -> None:
    """Keys are written as paths; equal values give no text."""
    assert find_difference({"a": {"b": [1], "c": 2}}, {"a": {"b": [1], "c": 3}}) == "a.c: 2, now 3"
    assert find_difference({"data": "1"}, {"data": "1"}) == ""
    assert find_difference({"threads": 1}, {"threads": 1, "noises": ["1"]}) != ""
