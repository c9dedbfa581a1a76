"""The lock of a work folder: one process at a time has it, and it ends with that process."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.sample_records import WIDTH, make_entry, make_provenance
from specfeat.errors import LockedError, OutputError, UsageError
from specfeat.output.lock import WorkFolderLock
from specfeat.output.paths import OutputPaths
from specfeat.output.work_folder import WorkFolder

# Four children, forked after the modules are loaded, take and release the lock.
TAKE_LOCKS = """
import os
from pathlib import Path
from specfeat.output import lock

def take_locks():
    lock.POLL_S = 0.0005
    count = Path("count")
    for _ in range(100):
        taken = lock.WorkFolderLock(Path("work"), Path("out"))
        taken.take(300)
        count.write_text(str(int(count.read_text()) + 1))
        taken.release()

children = []
for _ in range(4):
    children.append(os.fork())
    if not children[-1]:
        try:
            take_locks()
            os._exit(0)
        finally:
            os._exit(1)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
"""


@pytest.mark.slow
def test_only_one_process_has_the_lock(tmp_path: Path) -> None:
    """Four processes that take and release the lock a hundred times each never have it at the same time."""
    (tmp_path / "count").write_text("0")
    subprocess.run([sys.executable, "-c", TAKE_LOCKS], cwd=tmp_path, check=True)

    assert (tmp_path / "count").read_text() == "400"
    assert not (tmp_path / "work").exists()


def test_a_child_does_not_inherit_the_lock(tmp_path: Path) -> None:
    """A child that is still running does not keep a lock that its parent has released; the holder is named."""
    lock, other = (WorkFolderLock(tmp_path / "work", tmp_path / "out") for _ in range(2))
    lock.take()
    with pytest.raises(LockedError, match=rf"out: another run \(process {os.getpid()}\) is writing it"):
        other.take()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    lock.release()
    other.take()
    other.release()
    child.communicate(b"\n")


def test_a_lock_whose_folder_was_removed_is_not_held(tmp_path: Path) -> None:
    """Its holder notices, also if another run has made a folder of the same name since."""
    lock, other = (WorkFolderLock(tmp_path / "work", tmp_path / "out") for _ in range(2))
    lock.take()
    assert lock.is_held()
    (tmp_path / "work/lock").unlink()
    (tmp_path / "work").rmdir()
    assert not lock.is_held()
    other.take()

    assert (lock.is_held(), other.is_held()) == (False, True)
    lock.release()
    assert other.is_held()
    other.release()
    assert not (tmp_path / "work").exists()


def test_a_folder_that_is_not_empty_stays(tmp_path: Path) -> None:
    """With it stays the lock's file, from which the next run knows that the folder is specfeat's."""
    lock = WorkFolderLock(tmp_path / "work", tmp_path / "out")
    lock.take()
    (tmp_path / "work/journal").write_text("")
    lock.release()

    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["journal", "lock"]
    lock.take()
    lock.release()


def test_inode_numbers_that_change_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock cannot be told from another file: one sentence at once, also after a signal, and nothing is left."""
    lock = WorkFolderLock(tmp_path / "work", tmp_path / "out")
    numbers = itertools.count(10**6)
    fstat = os.fstat

    def change_inode(descriptor: int) -> os.stat_result:
        status = fstat(descriptor)
        return os.stat_result((status[0], next(numbers), *status[2:10]))

    monkeypatch.setattr(os, "fstat", change_inode)
    with pytest.raises(
        OutputError, match=r"work: cannot be locked, because inode numbers change in this file system"
    ):
        lock.take(60)
    assert not (tmp_path / "work").exists()
    with (
        pytest.raises(OutputError, match="cannot be locked"),
        WorkFolder(OutputPaths(tmp_path / "out.npy")),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_removed_where_open_files_stay_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FUSE and NFS rename an open file that is removed to a hidden name, and remove it when it is closed."""
    lock = WorkFolderLock(tmp_path / "work", tmp_path / "out")
    lock.take()
    hidden = tmp_path / "work" / ".fuse_hidden0001"
    close = os.close

    def hide(path: Path) -> None:
        path.rename(hidden)

    def close_and_remove(descriptor: int) -> None:
        close(descriptor)
        monkeypatch.undo()
        hidden.unlink()

    monkeypatch.setattr(Path, "unlink", hide)
    monkeypatch.setattr(os, "close", close_and_remove)
    lock.release()

    assert not (tmp_path / "work").exists()


def test_a_damaged_lock_beside_a_journal_is_specfeats(tmp_path: Path) -> None:
    """The journal shows whose folder it is; without one, the file of another program is not touched."""
    paths = OutputPaths(tmp_path / "out.npy")
    with WorkFolder(paths) as work:
        work.start(make_provenance(), is_update=False)
        work.rows.append(np.zeros((1, WIDTH), np.float32))
        work.finish_sound(make_entry("a.wav", 1))
    (paths.work_folder / "lock").write_bytes(b"rpecfeat 123\n")
    with WorkFolder(paths) as work:
        assert work.finished_count == 1
    assert (paths.work_folder / "lock").read_bytes() == b"specfeat %d\n" % os.getpid()
    (paths.work_folder / "lock").write_bytes(b"rpecfeat 123\n")
    (paths.work_folder / "journal").unlink()
    with pytest.raises(UsageError, match="specfeat has not made it"), WorkFolder(paths):
        pass
    assert (paths.work_folder / "lock").read_bytes() == b"rpecfeat 123\n"
