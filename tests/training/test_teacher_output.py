"""Rows of a teacher from an output: which outputs fit the clips of a training, and which are refused."""

import os
from pathlib import Path

import numpy as np
import pytest

from helpers.handmade_runs import WIDTH, HandmadeRuns
from specfeat.config import load_config
from specfeat.errors import ConfigError, UsageError
from specfeat.sound import SoundPart, make_file_sound, make_part_sound
from specfeat.training.labels import LabeledSound
from specfeat.training.teacher_output import OutputTeacher, load_output_teacher
from specfeat.training.training_data import TrainingData

FILES = 4


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HandmadeRuns:
    """Return the output out.npy with the rows of the files 0, 1, 2 and 3, in the current folder."""
    monkeypatch.chdir(tmp_path)
    runs = HandmadeRuns(tmp_path)
    runs.run(runs.write_files(FILES))
    return runs


def _make_data(*paths: str) -> TrainingData:
    sounds = tuple(LabeledSound(make_file_sound(path), (), path) for path in paths)
    return TrainingData(sounds, ("train",) * len(sounds), ())


def _load(data: TrainingData, *overrides: str, output: str = "out.npy") -> OutputTeacher:
    return load_output_teacher(output, load_config("minimal", overrides).settings, data)


def test_the_rows_of_each_sound_are_read(runs: HandmadeRuns) -> None:
    """They are found by file, in any order, whether paths are relative or not; other sounds of the output are passed over."""
    data = _make_data("3", str(runs.folder / "0"), "./1")
    teacher = _load(data)
    sounds = [labeled.sound for labeled in data.sounds]
    rows = [np.concatenate(list(blocks)) for _, blocks in teacher.stream_rows(sounds)]

    counts = [load_config("minimal").settings.clip_grid.count_rows(10_000 * (k + 1)) for k in (3, 0, 1)]
    assert teacher.width == WIDTH
    assert [values.shape for values in rows] == [(count, WIDTH) for count in counts]
    assert [float(values.max()) for values in rows] == [3, 0, 1]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("clips.hop=49", r"out\.npy: its clips have a hop of \S+ s, and the config that is trained needs a hop of \S+ s; extract"),
        ("clips.tail=drop", r"its clips have tail: pad, and the config that is trained needs tail: drop"),
        ("clips.short=skip", r"its clips have short: pad, and the config that is trained needs short: skip"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("runs")
def test_other_clips_are_refused(override: str, message: str) -> None:
    """Each row must belong to the clip that begins at the same time; the message names the setting."""
    with pytest.raises(UsageError, match=message):
        _load(_make_data("0"), override)


def test_rows_that_are_repeated_at_the_edges_are_refused(runs: HandmadeRuns) -> None:
    """With `edges: repeat`, row k does not belong to the clip that begins at k hops."""
    overrides = ("clips.tail=drop", "clips.edges=repeat")
    runs.run(runs.write_files(FILES), *overrides, force=True)
    with pytest.raises(
        UsageError, match=r"its clips have edges: repeat, and the config that is trained needs"
    ):
        _load(_make_data("0"), "clips.tail=drop")


def test_rows_of_whole_files_are_refused(runs: HandmadeRuns) -> None:
    """A training needs a row for each clip."""
    runs.run(runs.write_files(FILES), "rows.per=file", force=True)
    with pytest.raises(
        UsageError, match=r"its clips have a row per file, and the config that is trained needs a"
    ):
        _load(_make_data("0"))


def test_a_sound_without_rows_is_refused(runs: HandmadeRuns) -> None:
    """A file that is not in the output, and a part of a file that is."""
    (runs.folder / "4").write_bytes(b"new")
    with pytest.raises(UsageError, match=r"^out\.npy: has no rows for 4; extract the features of all sounds"):
        _load(_make_data("0", "4"))
    part = make_part_sound("0", SoundPart(start_s=0.0, end_s=0.1))
    with pytest.raises(UsageError, match=r"^out\.npy: has no rows for 0; "):
        _load(TrainingData((LabeledSound(part, (), "0"),), ("train",), ()))


@pytest.mark.parametrize("change", ["size", "time"])
def test_a_sound_that_has_changed_is_refused(runs: HandmadeRuns, change: str) -> None:
    """Size and time of the file must be those in the record."""
    path = runs.folder / "2"
    if change == "size":
        path.write_bytes(b"0")
    else:
        os.utime(path, ns=(1, 1))
    with pytest.raises(UsageError, match=r"^out\.npy: 2 has changed since its rows were extracted; extract"):
        _load(_make_data("0", "2"))


@pytest.mark.parametrize("damage", ["array", "index", "record", "no record"])
def test_an_output_that_was_changed_is_refused(runs: HandmadeRuns, damage: str) -> None:
    """One bit of the array is enough; the sentence says what to do, and names no option."""
    if damage == "array":
        content = bytearray(runs.paths.array.read_bytes())
        content[-1] ^= 1
        runs.paths.array.write_bytes(bytes(content))
    elif damage == "index":
        runs.paths.index.write_text(runs.paths.index.read_text().replace("ok", "no"))
    elif damage == "record":
        runs.paths.record.write_text("{}")
    else:
        runs.paths.record.unlink()
    with pytest.raises(UsageError, match=r"; extract the features of this teacher again$") as caught:
        _load(_make_data("0"))
    assert "--" not in str(caught.value)


def test_a_file_that_is_no_output_is_refused(tmp_path: Path) -> None:
    """An array without a record may have rows of anything."""
    np.save(tmp_path / "features.npy", np.zeros((3, 2), np.float32))
    with pytest.raises(UsageError, match=r"features\.index\.csv: is missing, so the output is not complete"):
        _load(_make_data(), output=str(tmp_path / "features.npy"))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.teachers=[{weight: 2}]", r"teachers\[0\]: needs either config \(its rows are computed\) or output"),
        ("train.teachers=[{config: yamnet, output: out.npy}]", r"teachers\[0\]: needs either config"),
        ("train.teachers=[{output: out.npy, weights: y.h5}]", r"teachers\[0\]\.weights: applies only together with config"),
        ("train.teachers=[{output: out.npy, features: top}]", r"teachers\[0\]\.features: applies only together with config"),
        ("train.augment=[{mask: {time: 2}}, {gain: [-6, 0]}]", r"augment\[1\]: gain changes the samples, but a teacher with output has only the rows of the unchanged sounds; remove gain"),
        ("train.variants=2", r"variants: is 2, but a teacher with output has rows for one form of each clip; give 1"),
    ],
)  # fmt: skip
def test_settings_that_do_not_go_with_an_output_are_refused(override: str, message: str) -> None:
    """The config says so, before any file is read."""
    with pytest.raises(ConfigError, match=message):
        load_config("minimal", ["train.task=distill", "train.teachers=[{output: out.npy}]", override])


def test_the_path_of_an_output_is_relative_to_the_config(tmp_path: Path) -> None:
    """As the paths of weights and tables are."""
    text = Path(__file__).parents[2].joinpath("configs/minimal.yaml").read_text()
    train = "train: {task: distill, teachers: [{output: rows/out.npy}]}\n"
    (tmp_path / "my.yaml").write_text(text + train)
    settings = load_config(tmp_path / "my.yaml").settings

    assert settings.train is not None
    assert settings.train.teachers[0].output == str(tmp_path / "rows/out.npy")


def test_teachers_with_a_config_are_written_as_before() -> None:
    """The new key is left out of the record where it is not given."""
    settings = load_config("minimal", ["train.task=distill", "train.teachers=[{config: yamnet}]"]).settings
    assert settings.model_dump(mode="json")["train"]["teachers"] == [
        {"config": "yamnet", "weights": None, "features": None, "weight": 1.0, "power": 1.0}
    ]
