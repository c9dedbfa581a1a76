"""The commit: three files become visible together, and whatever interrupts it, the next run completes it."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers.sample_records import make_entry, make_record
from specfeat.errors import UsageError
from specfeat.output.commit import move_into_place, recover_commit, write_commit_record
from specfeat.output.digests import FileDigest, OutputDigests, digest_file
from specfeat.output.paths import OutputPaths

NEW = {"out.npy": "new rows", "out.index.csv": "new index", "out.run.json": "new record"}


class _Interrupter:
    """Raises KeyboardInterrupt before the `step`-th call of the functions that it wraps."""

    def __init__(self, step: int) -> None:
        self._step = step
        self._count = 0

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self._count += 1
            if self._count == self._step:
                raise KeyboardInterrupt
            return function(*arguments, **options)

        return call


@pytest.mark.parametrize("has_array", [False, True])
@pytest.mark.parametrize("step", range(1, 9))
def test_an_interrupted_move_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_array: bool, step: int
) -> None:
    """Interrupted at any step and repeated, it moves the same three files, and nothing over them."""
    paths = OutputPaths(tmp_path / "out.npy")
    paths.work_folder.mkdir()
    for name in NEW:
        (tmp_path / name).write_text("old")
    prepared = {"index.csv": "new index", "run.json": "new record", "rows.npy": "new rows"}
    if has_array:
        prepared |= {"array.npy": "new rows", "rows.npy": "some rows"}
    for name, text in prepared.items():
        (paths.work_folder / name).write_text(text)
    interrupter = _Interrupter(step)
    for name in ("replace", "unlink", "fsync"):
        monkeypatch.setattr(os, name, interrupter.wrap(getattr(os, name)))
    with contextlib.suppress(KeyboardInterrupt):
        move_into_place(paths)
    monkeypatch.undo()
    move_into_place(paths)

    assert {name: (tmp_path / name).read_text() for name in NEW} == NEW
    assert list(paths.work_folder.iterdir()) == []


def _decide(paths: OutputPaths, output: str = "out.npy") -> None:
    """Leave a work folder as a run leaves it that was killed just after the decision."""
    paths.work_folder.mkdir()
    for name in ("rows.npy", "index.csv"):
        (paths.work_folder / name).write_text(f"new {name}")
    digests = OutputDigests(
        output=output,
        array=digest_file(paths.work_folder / "rows.npy"),
        index=digest_file(paths.work_folder / "index.csv"),
    )
    write_commit_record(paths, make_record(make_entry("a.wav", 3), digests=digests))


@pytest.mark.parametrize("name", ["out.npy", "out"])
def test_a_decided_commit_is_completed_under_its_own_name(tmp_path: Path, name: str) -> None:
    """`out` and `out.npy` share a work folder; the array gets the name that was decided."""
    _decide(OutputPaths(tmp_path / "out.npy"))

    assert recover_commit(OutputPaths(tmp_path / name))
    assert (tmp_path / "out.npy").read_text() == "new rows.npy"
    assert (tmp_path / "out.index.csv").read_text() == "new index.csv"
    assert (tmp_path / "out.run.json").exists()
    assert not (tmp_path / "out").exists()


def test_without_a_decision_nothing_is_moved(tmp_path: Path) -> None:
    """What is only prepared stays where it is, and the run is not over."""
    paths = OutputPaths(tmp_path / "out.npy")
    paths.work_folder.mkdir()
    (paths.work_folder / "rows.npy").write_text("rows")

    assert not recover_commit(paths)
    assert not move_into_place(paths)
    assert [path.name for path in tmp_path.iterdir()] == ["out.partial"]


@pytest.mark.parametrize("file", ["rows.npy", "index.csv"])
def test_a_decision_about_other_files_is_refused(tmp_path: Path, file: str) -> None:
    """If array or index is not the one that was decided on, or is missing, nothing is replaced."""
    paths = OutputPaths(tmp_path / "out.npy")
    _decide(paths)
    text = (paths.work_folder / file).read_text()
    for other in (text.upper(), text + "more", None):
        (paths.work_folder / file).unlink()
        if other is not None:
            (paths.work_folder / file).write_text(other)
        with pytest.raises(UsageError, match=r"run.json: was not written by specfeat, or does not belong"):
            recover_commit(paths)
        assert [path.name for path in tmp_path.iterdir()] == ["out.partial"]


@pytest.mark.parametrize("output", ["../out.npy", "other.npy", "", "."])
def test_a_decision_for_another_output_is_refused(tmp_path: Path, output: str) -> None:
    """A record that names an array outside this work folder's output moves nothing there."""
    paths = OutputPaths(tmp_path / "out.npy")
    _decide(paths, output)

    with pytest.raises(UsageError, match="was not written by specfeat"):
        recover_commit(paths)
    assert [path.name for path in tmp_path.iterdir()] == ["out.partial"]


def test_digest_is_size_and_hash(tmp_path: Path) -> None:
    """As `sha256sum` prints it."""
    (tmp_path / "x").write_bytes(b"abc")
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    assert digest_file(tmp_path / "x") == FileDigest(bytes=3, sha256=sha256)
