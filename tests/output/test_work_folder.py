"""The work folder: a journal that is true, a lock that is one run's, and what belongs together."""

import contextlib
import gc
import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.interruption_points import Interrupted
from helpers.sample_data import examples
from specfeat import output
from specfeat.errors import LockedError, OutputError
from specfeat.output.commit import move_into_place
from specfeat.output.journal import Journal, read_journal
from specfeat.output.lock import WorkFolderLock
from specfeat.output.paths import OutputPaths
from specfeat.output.work_folder import WorkFolder

OUTPUT = str(Path(output.__file__).parent)
HEADER = {"features": 2, "config": {}}
ENTRIES = [
    {"path": name, "rows": k} for k, name in enumerate(["a.wav", "new\nline.wav", "odd\udcff.wav", "ü.wav"])
]


def _journal(folder: Path) -> Path:
    journal = Journal(folder / "journal", HEADER)
    for entry in ENTRIES:
        journal.add(entry)
    journal.settle()
    journal.close()
    return folder / "journal"


def test_a_torn_journal_is_true_as_far_as_it_goes(tmp_path: Path) -> None:
    """Cut at any byte, it has the lines that are whole, and can be gone on with."""
    whole = _journal(tmp_path).read_bytes()
    ends = [k + 1 for k, byte in enumerate(whole) if byte == ord("\n")]
    for length in range(len(whole) + 1):
        (tmp_path / "torn").write_bytes(whole[:length])
        notes = read_journal(tmp_path / "torn")
        lines = sum(end <= length for end in ends)
        assert notes.entries == ENTRIES[: max(0, lines - 1)]
        assert notes.header == (HEADER if lines else None)
        if lines:
            journal = Journal(tmp_path / "torn", None, notes.length)
            journal.add({"path": "more"})
            journal.settle()
            journal.close()
            assert read_journal(tmp_path / "torn").entries == [*notes.entries, {"path": "more"}]


@examples(max_examples=200)
@given(st.data())
def test_a_damaged_journal_is_believed_up_to_the_damage(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever byte is another: no line is believed that was not written, and none after it."""
    folder = tmp_path_factory.mktemp("journal")
    path = _journal(folder)
    whole = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    before = bytes(whole[:place]).count(b"\n")

    assert read_journal(path).entries == ENTRIES[: max(0, before - 1)]


def test_a_write_that_failed_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a full disk has taken half of is written over by the next attempt, once."""
    journal = Journal(tmp_path / "journal", HEADER)
    journal.add(ENTRIES[0])
    real = os.pwrite

    def full(descriptor: int, block: Any, place: int) -> int:
        real(descriptor, block[:10], place)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OutputError, match="No space left on device; free some space"):
        journal.settle()
    monkeypatch.undo()
    journal.add(ENTRIES[1])
    journal.settle()
    journal.settle()
    journal.close()

    assert read_journal(tmp_path / "journal").entries == ENTRIES[:2]


def test_rows_are_on_the_disk_before_the_journal_speaks_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the last write of rows and the next line of the journal, the rows are synced."""
    steps: list[tuple[str, str]] = []
    for name in ("pwrite", "fsync"):
        real = getattr(os, name)

        def step(descriptor: int, *rest: Any, name: str = name, real: Any = real) -> Any:
            steps.append((name, Path(f"/proc/self/fd/{descriptor}").readlink().name))
            return real(descriptor, *rest)

        monkeypatch.setattr(os, name, step)
    monkeypatch.setattr("specfeat.output.work_folder.SETTLE_S", 0.0)
    with WorkFolder(OutputPaths(tmp_path / "out.npy")) as work:
        work.begin(HEADER)
        for entry in ENTRIES:
            work.rows.append(np.zeros((int(str(entry["rows"])), 2), np.float32))
            work.finish(entry)
    spoken = [k for k, step in enumerate(steps) if step == ("pwrite", "journal")]

    assert len(spoken) == 1 + len(ENTRIES)
    for k in spoken[1:]:
        rows = [name for name, file in steps[:k] if file == "rows.npy"]
        assert rows[-1] == "fsync"
    assert all(
        ("fsync", "journal") in steps[a:b] for a, b in zip(spoken[1:], [*spoken[2:], None], strict=True)
    )


class _Breaking:
    """Breaks off before the so many'th step."""

    def __init__(self, step: int) -> None:
        self._step = step
        self._count = 0

    def wrap(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def breaking(*arguments: Any, **options: Any) -> Any:
            self._count += 1
            if self._count == self._step:
                raise KeyboardInterrupt
            return real(*arguments, **options)

        return breaking


@pytest.mark.parametrize("assembled", [False, True])
@pytest.mark.parametrize("step", range(1, 9))
def test_what_is_decided_gets_into_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, assembled: bool, step: int
) -> None:
    """Broken off at any step and done again, it moves the same three files, and nothing over them."""
    place = OutputPaths(tmp_path / "out.npy")
    place.work.mkdir()
    whole = {"out.npy": "new rows", "out.index.csv": "new index", "out.run.json": "new record"}
    for name in whole:
        (tmp_path / name).write_text("old")
    parts = {"index.csv": "new index", "run.json": "new record", "rows.npy": "new rows"}
    if assembled:
        parts |= {"array.npy": "new rows", "rows.npy": "some rows"}
    for name, text in parts.items():
        (place.work / name).write_text(text)
    breaking = _Breaking(step)
    for name in ("replace", "unlink", "fsync"):
        monkeypatch.setattr(os, name, breaking.wrap(getattr(os, name)))
    with contextlib.suppress(KeyboardInterrupt):
        move_into_place(place)
    monkeypatch.undo()
    move_into_place(place)

    assert {name: (tmp_path / name).read_text() for name in whole} == whole
    assert list(place.work.iterdir()) == []


def _one_file(work: WorkFolder, fails: bool) -> None:
    """Do a file, and make it the output, unless something fails then."""
    with contextlib.suppress(OutputError), work:
        work.begin(HEADER)
        work.rows.append(np.ones((3, 2), np.float32))
        done = work.finish({"path": "a.wav", "rows": 3})
        if fails:
            raise OutputError
        sums = work.assemble([done], 2, lambda file: None)
        work.commit({"output": "out.npy", **sums})


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a file that was just opened
def test_a_signal_leaves_what_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    """Wherever it is answered: the whole output, or the work folder and a finished file in it, or else nothing."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    whole = ["out.index.csv", "out.npy", "out.run.json"]
    seen: list[list[str]] = []
    for number in itertools.count(1):
        folder = tmp_path / str(number)
        folder.mkdir()
        work = WorkFolder(OutputPaths(folder / "out.npy"))
        with Interrupted(number, OUTPUT) as signal:
            _one_file(work, fails)
        names = sorted(path.name for path in folder.iterdir())
        seen.append(names)
        assert names == (whole if work.completed else ["out.partial"] if work.kept else []), number
        if not signal.came:
            break

    gc.collect()
    assert all(left in seen for left in (["out.partial"] if fails else whole, []))
    assert len(seen) > 300


def test_a_locks_holder_is_alone(tmp_path: Path) -> None:
    """Four processes that take and remove the lock a hundred times each are never two at once."""
    (tmp_path / "count").write_text("0")
    code = (
        "import sys; from pathlib import Path; from specfeat.output import lock; lock.POLL_S = 0.0005\n"
        "count = Path('count')\n"
        "for _ in range(100):\n"
        "    held = lock.WorkFolderLock(Path('work'), Path('out'))\n"
        "    held.take(60)\n"
        "    count.write_text(str(int(count.read_text()) + 1))\n"
        "    held.release()\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path) for _ in range(4)]

    assert [process.wait() for process in processes] == [0] * 4
    assert (tmp_path / "count").read_text() == "400"
    assert not (tmp_path / "work").exists()


def test_a_lock_is_no_childs(tmp_path: Path) -> None:
    """A child that outlives its parent's hold does not keep the lock; who holds it is told."""
    lock, other = (WorkFolderLock(tmp_path / "work", tmp_path / "out") for _ in range(2))
    lock.take()
    with pytest.raises(LockedError, match=rf"out: another run \(process {os.getpid()}\) is at work"):
        other.take()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    lock.release()
    other.take()
    other.release()
    child.communicate(b"\n")
