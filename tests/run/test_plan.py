"""The tables of decisions, row by row, against what a plan does with real files."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from helpers.handmade_runs import HandmadeRuns
from specfeat.errors import Remedy, UsageError
from specfeat.output.previous_run import read_previous_output
from specfeat.output.work_folder import WorkFolder
from specfeat.run.decisions import (
    OUTPUT_ACTIONS,
    UNFINISHED_ACTIONS,
    OutputAction,
    OutputState,
    OutputUse,
    UnfinishedAction,
    UnfinishedState,
)
from specfeat.run.plan import RunPlan

OTHER_SETTINGS = "clips.hop=14"


@pytest.fixture
def runs(tmp_path: Path) -> HandmadeRuns:
    return HandmadeRuns(tmp_path)


def _arrange_output(runs: HandmadeRuns, files: list[str], use: OutputUse, state: OutputState) -> None:
    """Bring about a row of the table of outputs."""
    paths = runs.paths
    if use is OutputUse.CONTINUE_REPLACEMENT:
        if state is OutputState.UNCHANGED_SINCE_START:
            runs.run(files[:1])
        runs.run(files, stop_after=2, force=True)
        if state is OutputState.UNEXAMINED:
            np.save(paths.array, np.zeros(3, np.float32))
    elif state is OutputState.OTHER_FILES:
        runs.run(files[:-1])
    elif state is OutputState.OTHER_SETTINGS:
        runs.run(files, OTHER_SETTINGS)
    elif state is not OutputState.ABSENT:
        runs.run(files)
    if state is OutputState.DAMAGED:
        paths.index.unlink()


OPTIONS_OF_USE = {
    OutputUse.START_NEW: {},
    OutputUse.CONTINUE_REPLACEMENT: {"resume": True},
    OutputUse.CHECK_RESULT: {"resume": True},
    OutputUse.UPDATE: {"update": True},
}


def _observe_output_action(runs: HandmadeRuns, plan: RunPlan) -> OutputAction:
    """Return what a plan does with the output, by what it says."""
    is_used = any(run.rows_path == runs.paths.array for run in plan.previous_runs)
    if plan.complete_record is not None:
        assert is_used
        assert plan.remaining == ()
        return OutputAction.KEEP
    if is_used:
        return OutputAction.REUSE
    return OutputAction.REPLACE if runs.paths.array.exists() else OutputAction.NOTHING


@pytest.mark.parametrize("force", [False, True], ids=["", "force"])
@pytest.mark.parametrize(("use", "state"), OUTPUT_ACTIONS, ids=lambda value: value.name)
def test_output_actions(runs: HandmadeRuns, use: OutputUse, state: OutputState, *, force: bool) -> None:
    """A plan does with an output what the table says."""
    files = runs.write_files(3)
    _arrange_output(runs, files, use, state)
    action = OUTPUT_ACTIONS[use, state][force]
    with WorkFolder(runs.paths) as work_folder:
        if action is OutputAction.REFUSE:
            with pytest.raises(UsageError) as caught:
                runs.make_plan(work_folder, files, force=force, **OPTIONS_OF_USE[use])
            assert caught.value.remedy in (Remedy.REPLACE_OUTPUT, Remedy.UPDATE_OR_REPLACE_OUTPUT)
            return
        plan = runs.make_plan(work_folder, files, force=force, **OPTIONS_OF_USE[use])

    assert _observe_output_action(runs, plan) is action
    assert plan.is_update == (use is OutputUse.UPDATE)


def _arrange_unfinished_work(runs: HandmadeRuns, files: list[str], state: UnfinishedState) -> None:
    """Bring about a row of the table of unfinished work."""
    if state is UnfinishedState.ABSENT:
        return
    runs.run(files, *[OTHER_SETTINGS] * (state is UnfinishedState.OTHER_SETTINGS), stop_after=2)
    if state is UnfinishedState.DAMAGED:
        rows = runs.paths.work_folder / "rows.npy"
        rows.write_bytes(rows.read_bytes()[:-1])


@pytest.mark.parametrize("force", [False, True], ids=["", "force"])
@pytest.mark.parametrize(("is_continuing", "state"), UNFINISHED_ACTIONS, ids=str)
def test_unfinished_actions(
    runs: HandmadeRuns, state: UnfinishedState, *, is_continuing: bool, force: bool
) -> None:
    """A plan does with unfinished work what the table says; what is refused stays, what is discarded is told."""
    files = runs.write_files(3)
    _arrange_unfinished_work(runs, files, state)
    action = UNFINISHED_ACTIONS[is_continuing, state][force]
    with WorkFolder(runs.paths) as work_folder:
        if action is UnfinishedAction.REFUSE:
            with pytest.raises(UsageError) as caught:
                runs.make_plan(work_folder, files, force=force, resume=is_continuing)
            assert caught.value.remedy is not None
            assert work_folder.finished_count == 2
            return
        plan = runs.make_plan(work_folder, files, force=force, resume=is_continuing)
        kept = work_folder.finished_count

    is_continued = action is UnfinishedAction.CONTINUE
    assert [len(run.entries) for run in plan.previous_runs] == [2] * is_continued
    assert kept == (2 if is_continued else 0)
    assert any("discarded 2 finished files" in note for note in plan.notes) == (
        action is UnfinishedAction.DISCARD
    )


def test_every_state_that_can_be_examined_has_a_row() -> None:
    """Uses that read the output have a row for every state that reading can give; the others have one for all."""
    examined = {
        OutputState.ABSENT,
        OutputState.UP_TO_DATE,
        OutputState.OTHER_FILES,
        OutputState.OTHER_SETTINGS,
        OutputState.DAMAGED,
    }
    rows = {
        **dict.fromkeys((OutputUse.CHECK_RESULT, OutputUse.UPDATE), examined),
        OutputUse.START_NEW: {OutputState.ABSENT, OutputState.UNEXAMINED},
        OutputUse.CONTINUE_REPLACEMENT: {
            OutputState.ABSENT,
            OutputState.UNCHANGED_SINCE_START,
            OutputState.UNEXAMINED,
        },
    }
    assert {*OUTPUT_ACTIONS} == {
        pair for use, states in rows.items() for pair in itertools.product([use], states)
    }


def test_resume_of_an_interrupted_update_uses_the_output(runs: HandmadeRuns) -> None:
    """Resume continues what was begun, so the rows of the output are reused as the update wanted it."""
    files = runs.write_files(4)
    runs.run(files[:2])
    runs.run(files[1:], update=True, stop_after=1)
    with WorkFolder(runs.paths) as work_folder:
        plan = runs.make_plan(work_folder, files[1:], resume=True)

    assert plan.is_update
    assert [[entry.path for entry in run.entries] for run in plan.previous_runs] == [files[:2], [files[2]]]
    assert [sound.path for sound in plan.remaining] == files[3:]


def test_resume_of_a_run_that_was_killed_at_its_end_uses_the_output(runs: HandmadeRuns) -> None:
    """If the output was decided on and not all moved, it is moved, and the run has nothing to do any more."""
    files = runs.write_files(3)
    runs.run(files)
    work, paths = runs.paths.work_folder, runs.paths
    work.mkdir()
    (work / "lock").write_text("specfeat 1\n")
    paths.record.rename(work / "run.json")
    paths.index.rename(work / "index.csv")
    with WorkFolder(paths) as work_folder:
        plan = runs.make_plan(work_folder, files, resume=True)

    assert plan.is_update
    assert plan.complete_record is not None


def test_newer_rows_take_the_place_of_older_ones(runs: HandmadeRuns) -> None:
    """A sound that both the output and the unfinished work have is taken from the unfinished work."""
    files = runs.write_files(2)
    runs.run(files)
    Path(files[0]).write_bytes(bytes(25_000))
    runs.run(files, update=True, stop_after=1)
    with WorkFolder(runs.paths) as work_folder:
        plan = runs.make_plan(work_folder, files, update=True)

    arrays = {Path(key.name).name: finished.rows_path for key, finished in plan.finished.items()}
    assert arrays == {"0": runs.paths.work_folder / "rows.npy", "1": runs.paths.array}


def _find_remedy(runs: HandmadeRuns, files: list[str], **options: bool) -> Remedy | None:
    """Return the remedy of the error with which a plan is refused; None if it is not refused or has none."""
    with WorkFolder(runs.paths) as work_folder:
        try:
            runs.make_plan(work_folder, files, **options)
        except UsageError as e:
            return e.remedy
    return None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rows.npy", "out.npy"])
def test_a_damaged_array_header_is_refused_and_replaced(runs: HandmadeRuns, name: str) -> None:
    """Any wrong bit is one sentence for an update or a resumed run, and no obstacle with `force`."""
    files = runs.write_files(3)
    runs.run(files, stop_after=2 if name == "rows.npy" else -1)
    path = (runs.paths.work_folder if name == "rows.npy" else runs.folder) / name
    data = path.read_bytes()
    options = {"resume": True} if name == "rows.npy" else {"update": True}
    for k in range(0, 8 * 128, 37):  # each kind of place in the header, and each bit of a byte
        damaged = bytearray(data)
        damaged[k // 8] ^= 1 << k % 8
        path.write_bytes(damaged)
        assert _find_remedy(runs, files[::-1], **options) in (None, Remedy.REPLACE_OUTPUT)
    path.write_bytes(data.replace(b"}", b"("))
    with WorkFolder(runs.paths) as work_folder:
        assert runs.make_plan(work_folder, files, force=True, **options).previous_runs == ()
    runs.run(files, force=True, **options)

    assert len(np.load(runs.paths.array)) == sum(
        entry.rows for entry in read_previous_output(runs.paths).entries
    )
