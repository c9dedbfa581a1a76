"""A folder that cannot be read: an update keeps the rows of its files, and never takes them for gone."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.handmade_runs import NETWORK, HandmadeRuns, InterruptingListener, InterruptionError, make_events
from specfeat.audio.discovery import find_sounds
from specfeat.config import load_config
from specfeat.errors import AudioError
from specfeat.events import Event, SoundEndEvent
from specfeat.output.previous_run import read_previous_output
from specfeat.output.work_folder import WorkFolder
from specfeat.run.options import RunOptions
from specfeat.run.plan import RunPlan, make_plan
from specfeat.run.provenance import add_network
from specfeat.run.runner import RunOrigin, execute_plan

NAMES = ("1.wav", "bad-x/2.wav", "bad/3.wav", "bad/deep/4.wav", "z/5.wav")


class FolderRuns(HandmadeRuns):
    """Runs over the folder `in`, whose files stand for sounds."""

    def write_folder(self) -> None:
        """Write the files, each longer than the one before."""
        for k, name in enumerate(NAMES):
            path = self.folder / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(10_000 * (k + 1)))

    def update(self, stop_after: int = -1, **options: Any) -> RunPlan:
        """Run over the folder, and return the plan."""
        with WorkFolder(self.paths) as work_folder:
            found = find_sounds([self.folder / "in"])
            plan = make_plan(load_config("minimal"), found, work_folder, RunOptions(**options))
            if plan.complete_record is None:
                provenance, listener = add_network(plan.provenance, NETWORK), InterruptingListener(stop_after)
                start = RunOrigin(command=("test",), folder=None)
                with contextlib.suppress(InterruptionError):
                    execute_plan(plan, self._make_events(plan), provenance, start, work_folder, listener)
        return plan

    def _make_events(self, plan: RunPlan) -> Iterator[Event]:
        for sound in plan.remaining:
            if sound.path.endswith("/bad"):
                error = AudioError("the folder cannot be read", "open", "unreadable")
                yield SoundEndEvent(sound=sound, status="failed", samples=0, rows=0, error=error)
        readable = tuple(sound for sound in plan.remaining if not sound.path.endswith("/bad"))
        yield from make_events(replace(plan, remaining=readable))

    def read_names(self) -> list[str]:
        """Return the files of the output, in order, each with its number of rows."""
        prefix = f"{self.folder}/in/"
        entries = read_previous_output(self.paths).entries
        return [f"{entry.path.removeprefix(prefix)} {entry.rows}" for entry in entries]


@pytest.fixture
def runs(tmp_path: Path) -> FolderRuns:
    runs = FolderRuns(tmp_path)
    runs.write_folder()
    return runs


def _hide_folder(patch: pytest.MonkeyPatch) -> None:
    """Make the folder `bad` and all that is in it give an error of the disk."""
    for name in ("stat", "scandir"):
        patch.setattr(os, name, _fail_in_folder(getattr(os, name)))


def _fail_in_folder(call: Callable[..., Any]) -> Callable[..., Any]:
    def fail(path: str, **options: object) -> object:
        if str(path).endswith("/bad") or "/bad/" in str(path):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return call(path, **options)

    return fail


def test_an_update_keeps_the_rows_of_a_folder_that_cannot_be_read(
    runs: FolderRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder fails, its files keep their rows and places; an empty folder of the same name loses them."""
    runs.update()
    before, names = np.load(runs.paths.array), runs.read_names()
    (runs.folder / "in/z/5.wav").write_bytes(bytes(90_000))
    (runs.folder / "in/1.wav").unlink()
    with monkeypatch.context() as patch:
        _hide_folder(patch)
        plan = runs.update(update=True)
        hidden_names, hidden = runs.read_names(), np.load(runs.paths.array)
        second_plan = runs.update(update=True)

    assert plan.notes == (f"{runs.folder}/in/bad: cannot be read; the rows of 2 files in it are kept",)
    assert [name.split()[0] for name in hidden_names] == ["bad", *NAMES[1:]]
    assert hidden_names[0] == "bad 0"
    assert hidden_names[2:4] == names[2:4]
    first, last = (int(name.split()[1]) for name in (names[0], names[-1]))
    np.testing.assert_array_equal(hidden[: len(before) - first - last], before[first:-last])
    assert second_plan.complete_record is not None
    assert second_plan.notes == plan.notes
    runs.update(update=True)
    assert runs.read_names() == [*names[1:4], hidden_names[-1]]
    np.testing.assert_array_equal(np.load(runs.paths.array), hidden)
    for path in ("bad/3.wav", "bad/deep/4.wav"):
        (runs.folder / "in" / path).unlink()
    runs.update(update=True)
    assert runs.read_names() == [names[1], hidden_names[-1]]


def test_a_resumed_run_keeps_the_rows_of_a_folder_that_cannot_be_read(
    runs: FolderRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The finished files of the folder stay finished; the others of it are not known, and not invented."""
    runs.update(stop_after=3)  # 1.wav, bad-x/2.wav, bad/3.wav
    with monkeypatch.context() as patch:
        _hide_folder(patch)
        runs.update(resume=True)

    assert [name.split()[0] for name in runs.read_names()] == ["1.wav", "bad", *NAMES[1:3], "z/5.wav"]
    assert [name.split()[1] == "0" for name in runs.read_names()] == [False, True, False, False, False]


def test_rows_that_cannot_be_kept_are_failures(runs: FolderRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `force` alone nothing is kept: the folder is the failure that is named."""
    runs.update()
    with monkeypatch.context() as patch:
        _hide_folder(patch)
        plan = runs.update(force=True)

    assert plan.notes == ()
    assert [name.split()[0] for name in runs.read_names()] == ["1.wav", "bad", "bad-x/2.wav", "z/5.wav"]
