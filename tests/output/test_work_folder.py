"""The work folder: what is finished survives whatever ends a run, and nothing else stays."""

import contextlib
import gc
import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.interruption_points import InterruptionAtPoint
from helpers.long_tests import IS_LONG_FORM
from helpers.sample_records import WIDTH, make_entry, make_provenance, make_record
from specfeat import output
from specfeat.errors import OutputError
from specfeat.output.paths import OutputPaths
from specfeat.output.previous_run import DamagedRun, FinishedSound, UnfinishedRun
from specfeat.output.records import SoundEntry
from specfeat.output.work_folder import WorkFolder

POINT_STEP = 1 if IS_LONG_FORM else 11  # between two of the points at which a run is interrupted
OUTPUT_PACKAGE = str(Path(output.__file__).parent)
PROVENANCE = make_provenance()


def _add_sound(work: WorkFolder, name: str, rows: int, value: float = 0) -> FinishedSound:
    work.rows.append(np.full((rows, WIDTH), value, np.float32))
    return work.finish_sound(make_entry(name, rows))


def _commit(work: WorkFolder, sounds: list[FinishedSound]) -> None:
    digests = work.prepare_output(sounds, lambda file: None)
    work.commit(make_record(*(sound.entry for sound in sounds), digests=digests))


def _read_unfinished_run(paths: OutputPaths) -> UnfinishedRun:
    with WorkFolder(paths) as work:
        assert isinstance(work.unfinished_run, UnfinishedRun)
        return work.unfinished_run


def test_a_commit_makes_the_output(tmp_path: Path) -> None:
    """The rows of the sounds in their order, and no work folder any more."""
    paths = OutputPaths(tmp_path / "out.npy")
    with WorkFolder(paths) as work:
        work.start(PROVENANCE, is_update=False)
        sounds = [_add_sound(work, f"{k}.wav", k, k) for k in range(1, 4)]
        _commit(work, [sounds[2], sounds[0], sounds[1]])

    assert work.is_committed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.index.csv", "out.npy", "out.run.json"]
    np.testing.assert_array_equal(np.load(paths.array)[:, 0], [3, 3, 3, 1, 2, 2])


def test_a_run_goes_on_after_another(tmp_path: Path) -> None:
    """The sounds that one run has finished are there for the next, whose rows follow theirs."""
    paths = OutputPaths(tmp_path / "out.npy")
    with WorkFolder(paths) as work:
        work.start(PROVENANCE, is_update=False)
        _add_sound(work, "a.wav", 2, 1)
        work.rows.append(np.full((7, WIDTH), 9, np.float32))  # of a sound that is not finished
    assert (work.finished_count, work.is_committed) == (1, False)

    with WorkFolder(paths) as work:
        run = work.unfinished_run
        assert isinstance(run, UnfinishedRun)
        assert (run.finished_count, run.row_count, run.provenance) == (1, 2, PROVENANCE)
        work.start(PROVENANCE, is_update=False)
        sounds = [*run.list_finished_sounds(), _add_sound(work, "b.wav", 1, 2)]
        assert work.finished_count == 1
        _commit(work, sounds)
    np.testing.assert_array_equal(np.load(paths.array)[:, 0], [1, 1, 2])


def test_what_a_run_is_to_replace_is_noted(tmp_path: Path) -> None:
    """The journal's header has size and time of the files that were there, and that the run updates."""
    paths = OutputPaths(tmp_path / "out.npy")
    paths.array.write_bytes(b"old")
    os.utime(paths.array, ns=(0, 5))
    with WorkFolder(paths) as work:
        work.start(PROVENANCE, is_update=True)
        _add_sound(work, "a.wav", 1)
    header = _read_unfinished_run(paths).header

    assert header.replaced_files == ((3, 5), None, None)
    assert (header.output, header.is_update) == ("out.npy", True)


@pytest.mark.parametrize("name", ["out.npy", "out.index.csv", "out.run.json"])
def test_a_file_that_appears_is_not_replaced(tmp_path: Path, name: str) -> None:
    """What another program writes there during the run stays; the finished sounds are kept."""
    with WorkFolder(OutputPaths(tmp_path / "out.npy")) as work:
        work.start(PROVENANCE, is_update=False)
        sound = _add_sound(work, "a.wav", 1)
        (tmp_path / name).write_text("mine")
        with pytest.raises(OutputError, match="has appeared or changed during the run"):
            _commit(work, [sound])

    assert (tmp_path / name).read_text() == "mine"
    assert (work.finished_count, work.is_committed) == (1, False)


def test_rows_that_are_not_the_journals_are_damaged(tmp_path: Path) -> None:
    """If there are fewer rows than the journal names, none is relied upon, and `start` refuses to go on."""
    paths = OutputPaths(tmp_path / "out.npy")
    with WorkFolder(paths) as work:
        work.start(PROVENANCE, is_update=False)
        _add_sound(work, "a.wav", 3)
    os.truncate(paths.work_folder / "rows.npy", 128 + 2 * 4 * WIDTH)
    with WorkFolder(paths) as work:
        assert work.unfinished_run == DamagedRun(1, "rows.npy does not match the journal")
        with pytest.raises(RuntimeError, match="must be discarded first"):
            work.start(PROVENANCE, is_update=False)
        work.discard()
        work.start(PROVENANCE, is_update=False)

    assert list(tmp_path.iterdir()) == []


def test_rows_are_on_the_disk_before_the_journal_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the last write of rows and the next line of the journal, the rows are synced."""
    steps: list[tuple[str, str]] = []
    for name in ("pwrite", "fsync"):
        function = getattr(os, name)

        def note_step(descriptor: int, *rest: Any, name: str = name, function: Any = function) -> Any:
            steps.append((name, Path(f"/proc/self/fd/{descriptor}").readlink().name))
            return function(descriptor, *rest)

        monkeypatch.setattr(os, name, note_step)
    monkeypatch.setattr("specfeat.output.work_folder.SYNC_INTERVAL_S", 0.0)
    with WorkFolder(OutputPaths(tmp_path / "out.npy")) as work:
        work.start(PROVENANCE, is_update=False)
        for rows in range(4):
            _add_sound(work, f"{rows}.wav", rows)
    journal_writes = [k for k, step in enumerate(steps) if step == ("pwrite", "journal")]

    assert len(journal_writes) == 1 + 4
    for k in journal_writes[1:]:
        steps_on_rows = [name for name, file in steps[:k] if file == "rows.npy"]
        assert steps_on_rows[-1] == "fsync"
    assert all(
        ("fsync", "journal") in steps[a:b]
        for a, b in zip(journal_writes[1:], [*journal_writes[2:], None], strict=True)
    )


def _run_one_sound(work: WorkFolder, entry: SoundEntry, *, fails: bool) -> None:
    """Finish a sound, and make it the output, unless something fails then."""
    with contextlib.suppress(OutputError), work:
        work.start(PROVENANCE, is_update=False)
        work.rows.append(np.ones((entry.rows, WIDTH), np.float32))
        sound = work.finish_sound(entry)
        if fails:
            raise OutputError
        _commit(work, [sound])


@pytest.mark.slow
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a file that was just opened
def test_a_signal_leaves_what_the_attributes_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """Wherever it comes: the whole output, or the work folder with a finished sound in it, or nothing."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    output_names = ["out.index.csv", "out.npy", "out.run.json"]
    outcomes: list[list[str]] = []
    entry = make_entry("a.wav", 3)
    for number in itertools.count(1, POINT_STEP):
        folder = tmp_path / str(number)
        folder.mkdir()
        work = WorkFolder(OutputPaths(folder / "out.npy"))
        with InterruptionAtPoint(number, OUTPUT_PACKAGE) as signal:
            _run_one_sound(work, entry, fails=fails)
        names = sorted(path.name for path in folder.iterdir())
        outcomes.append(names)
        expected = output_names if work.is_committed else ["out.partial"] if work.finished_count else []
        assert names == expected, number
        if not signal.was_interrupted:
            break

    gc.collect()
    assert all(names in outcomes for names in (["out.partial"] if fails else output_names, []))
    assert len(outcomes) > 300 // POINT_STEP
