"""A file that appears whole under its name, or not at all."""

import gc
import itertools
from pathlib import Path

import pytest

from helpers.interruption_points import InterruptionAtPoint
from specfeat import atomic_file
from specfeat.atomic_file import AtomicFile


def test_without_finish_the_old_file_stays(tmp_path: Path) -> None:
    """A failure leaves what was there before, and no other file."""
    (tmp_path / "out.npy").write_text("old")
    with AtomicFile(tmp_path / "out.npy") as new:
        new.file.write(b"new")
        assert (tmp_path / "out.npy").read_text() == "old"

    assert [path.name for path in tmp_path.iterdir()] == ["out.npy"]
    assert (tmp_path / "out.npy").read_text() == "old"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a file that was just opened
def test_a_signal_leaves_one_file_or_none(tmp_path: Path) -> None:
    """Wherever it comes, nothing but the file itself is there, and `is_finished` says whether it is."""
    for number in itertools.count(1):
        new = AtomicFile(tmp_path / f"{number}")
        with InterruptionAtPoint(number, atomic_file.__file__) as signal, new:
            new.file.write(b"new")
            new.sync()
            new.finish()
        assert new.is_finished == new.path.exists()
        assert not list(tmp_path.glob(".*"))
        if not signal.was_interrupted:
            break

    gc.collect()
    assert number > 20
