"""The folder of a training: it is continued, replaced or refused, and nothing of anybody else is touched."""

import json
from pathlib import Path
from typing import Any

import pytest

from specfeat.errors import LockedError, UsageError
from specfeat.training.run_folder import TrainingFolder

IDENTITY: dict[str, Any] = {"settings": {"train": {"batch": 64}}, "data": "1"}


def _begin(path: Path, identity: Any = IDENTITY, *, resume: bool = False, force: bool = False) -> None:
    with TrainingFolder(path) as folder:
        folder.begin(identity, resume=resume, force=force)


def _start(path: Path) -> None:
    """Begin a training that leaves a checkpoint, clips, and a file that was not finished."""
    _begin(path)
    for name in ("checkpoint-1.npz", "clips-0.bin", "clips-0.json", ".clips-1.bin.77.partial"):
        (path / "work" / name).touch()
    (path / ".best.weights.h5.77.partial").touch()


def _list_names(path: Path) -> set[str]:
    return {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}


def test_a_training_is_continued_with_the_same_settings_only(tmp_path: Path) -> None:
    """Its files stay, except those that were not finished; other settings or sounds are refused with the first difference."""
    _start(tmp_path / "run")
    _begin(tmp_path / "run", resume=True)

    names = {
        "work/lock",
        "work/identity.json",
        "work/checkpoint-1.npz",
        "work/clips-0.bin",
        "work/clips-0.json",
    }
    assert _list_names(tmp_path / "run") == names
    for changed, reason in (
        ({**IDENTITY, "data": "2"}, "the sounds or their labels have changed"),
        ({**IDENTITY, "settings": {"train": {"batch": 32}}}, "train.batch: 64, now 32"),
        ({**IDENTITY, "threads": 2}, "threads: null, now 2"),
    ):
        with pytest.raises(UsageError, match=rf"was started with different settings \({reason}\)$"):
            _begin(tmp_path / "run", changed, resume=True)


def test_a_training_is_replaced_only_if_that_is_asked_for(tmp_path: Path) -> None:
    """Without resume and force it is refused; with force its work is removed."""
    _start(tmp_path / "run")
    with pytest.raises(UsageError, match=r"contains an unfinished training$"):
        _begin(tmp_path / "run")
    _begin(tmp_path / "run", {**IDENTITY, "data": "2"}, force=True)

    assert _list_names(tmp_path / "run") == {"work/lock", "work/identity.json"}
    assert json.loads((tmp_path / "run/work/identity.json").read_text())["data"] == "2"


def test_force_with_resume_discards_only_what_cannot_be_continued(tmp_path: Path) -> None:
    """With the same settings the checkpoint stays, with others it goes."""
    _start(tmp_path / "run")
    _begin(tmp_path / "run", resume=True, force=True)
    assert "work/checkpoint-1.npz" in _list_names(tmp_path / "run")
    _begin(tmp_path / "run", {**IDENTITY, "data": "2"}, resume=True, force=True)
    assert "work/checkpoint-1.npz" not in _list_names(tmp_path / "run")


def test_work_without_its_settings_is_not_continued(tmp_path: Path) -> None:
    """If a replacement was killed after it removed the settings, the rest is removed and never used."""
    _start(tmp_path / "run")
    (tmp_path / "run/work/identity.json").unlink()
    _begin(tmp_path / "run", resume=True)

    assert _list_names(tmp_path / "run") == {"work/lock", "work/identity.json"}


@pytest.mark.parametrize("force", [False, True])
def test_other_files_are_never_overwritten(tmp_path: Path, *, force: bool) -> None:
    """A folder with a config.yaml of the user is refused, even with force, and no folder is made in it."""
    (tmp_path / "config.yaml").write_text("mine")
    with pytest.raises(UsageError, match=r"has files that are not of a training, e\.g\. config\.yaml"):
        _begin(tmp_path, force=force)

    assert _list_names(tmp_path) == {"config.yaml"}
    assert not (tmp_path / "work").exists()


def test_two_trainings_cannot_use_one_folder(tmp_path: Path) -> None:
    """The second one is refused while the first one runs."""
    with TrainingFolder(tmp_path / "run"), pytest.raises(LockedError):
        _begin(tmp_path / "run")
