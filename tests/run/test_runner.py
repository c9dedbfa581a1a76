"""The runner with events from another source than the pipeline."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.handmade_runs import NETWORK, WIDTH, HandmadeRuns, InterruptingListener, make_events
from specfeat.errors import AudioError, NoUsableAudioError
from specfeat.events import Event, RowsEvent, SoundEndEvent
from specfeat.output.work_folder import WorkFolder
from specfeat.run.failure_counter import FailureCounter
from specfeat.run.listener import SilentListener
from specfeat.run.options import FailureLimit
from specfeat.run.plan import RunPlan
from specfeat.run.provenance import add_network
from specfeat.run.runner import ChangedSettingsError, RunOrigin, execute_plan

START = RunOrigin(command=("cluster", "job"), folder="/somewhere", build_seconds=1.5)


@pytest.fixture
def runs(tmp_path: Path) -> HandmadeRuns:
    return HandmadeRuns(tmp_path)


def _execute(runs: HandmadeRuns, plan: RunPlan, events: Iterator[Event], work_folder: WorkFolder) -> None:
    provenance = add_network(plan.provenance, NETWORK)
    execute_plan(plan, events, provenance, START, work_folder, SilentListener())


def test_rows_of_another_source_become_the_output(runs: HandmadeRuns) -> None:
    """Whoever sends the rows: they stand in the array in the order of the inputs, and index and record name them."""
    files = runs.write_files(3)
    with WorkFolder(runs.paths) as work_folder:
        plan = runs.make_plan(work_folder, files)
        _execute(runs, plan, make_events(plan), work_folder)
    rows = np.load(runs.paths.array)
    grid = plan.config.settings.clip_grid
    counts = [grid.count_rows(10_000 * (k + 1)) for k in range(3)]

    assert rows.shape == (sum(counts), WIDTH)
    np.testing.assert_array_equal(rows[:, 0], np.repeat([0.0, 1.0, 2.0], counts))
    lines = runs.paths.index.read_text().splitlines()[1:]
    assert [line.split(",")[1] for line in lines] == [*np.repeat(files, counts)]
    assert '"command": [\n  "cluster",\n  "job"\n ]' in runs.paths.record.read_text()


def test_void_rows_are_dropped(runs: HandmadeRuns) -> None:
    """A sound that fails after some of its rows leaves none of them, and its neighbours keep theirs."""
    files = runs.write_files(3)

    def fail_second(plan: RunPlan) -> Iterator[Event]:
        second = plan.remaining[1]
        events = make_events(plan)
        yield from itertools.islice(events, 2)
        yield RowsEvent(np.full((5, WIDTH), 99, np.float32))
        error = AudioError("breaks off")
        yield SoundEndEvent(sound=second, status="failed", samples=9, invalid_rows=5, error=error)
        yield from itertools.islice(events, 2, None)

    with WorkFolder(runs.paths) as work_folder:
        plan = runs.make_plan(work_folder, files)
        _execute(runs, plan, fail_second(plan), work_folder)

    assert {*np.load(runs.paths.array)[:, 0]} == {0.0, 2.0}


def test_no_row_at_all_writes_nothing(runs: HandmadeRuns) -> None:
    """If every sound fails or is empty, there is no output, and no work folder either."""
    files = runs.write_files(2)
    with WorkFolder(runs.paths) as work_folder:
        plan = runs.make_plan(work_folder, files)
        ends = (
            SoundEndEvent(sound=sound, status="failed", error=AudioError("breaks")) for sound in plan.sounds
        )
        with pytest.raises(NoUsableAudioError, match="all 2 files failed, so nothing is written"):
            _execute(runs, plan, ends, work_folder)

    assert sorted(path.name for path in runs.folder.iterdir()) == ["0", "1"]


def test_a_source_that_makes_a_mistake_is_stopped(runs: HandmadeRuns) -> None:
    """A sound that is not in the plan, one that is missing, and rows that do not match its length are bugs."""
    files = runs.write_files(2)
    with WorkFolder(runs.paths) as work_folder:
        plan = runs.make_plan(work_folder, files)
        events = list(make_events(plan))
        assert isinstance(events[1], SoundEndEvent)
        mistakes = {
            "is not to be extracted": [*events[:2], *events[:2]],
            "the events have no end of this sound": events[:2],
            "1 rows do not match its length": [events[0], replace(events[1], rows=1)],
        }
        for sentence, wrong_events in mistakes.items():
            with pytest.raises(RuntimeError, match=sentence):
                _execute(runs, plan, iter(wrong_events), work_folder)
            work_folder.discard()

    assert not runs.paths.array.exists()


def test_a_listener_hears_of_a_sound_that_is_in_the_journal(runs: HandmadeRuns) -> None:
    """An exception of the listener ends the run; the sound that it heard of is finished and need not be repeated."""
    files = runs.write_files(4)
    assert runs.run(files, stop_after=3) is None
    listener = InterruptingListener(-1)
    with WorkFolder(runs.paths) as work_folder:
        plan = runs.make_plan(work_folder, files, resume=True)
        provenance = add_network(plan.provenance, NETWORK)
        summary = execute_plan(plan, make_events(plan), provenance, START, work_folder, listener)

    assert listener.ended_sounds == files[3:]
    assert summary.files == 4


def test_failures_are_counted_behind_the_runner(runs: HandmadeRuns) -> None:
    """The counter passes an end on before it counts it, so that the failed file is in the journal."""
    files = runs.write_files(2)
    with WorkFolder(runs.paths) as work_folder:
        plan = runs.make_plan(work_folder, files)
    end = SoundEndEvent(sound=plan.sounds[0], status="failed", error=AudioError("breaks"))
    events = FailureCounter(FailureLimit(max_failures="0"), 2).count_failures([end, end])

    assert next(events) is end
    with pytest.raises(Exception, match="1 of 2 files have failed, so the run stops: 0 may fail"):
        next(events)


def test_rows_of_another_width_are_refused(runs: HandmadeRuns) -> None:
    """What is known only with the network is compared before anything is written."""
    files = runs.write_files(2)
    runs.run(files[:1])
    with WorkFolder(runs.paths) as work_folder:
        plan = runs.make_plan(work_folder, files, update=True)
        network = type(NETWORK)(**{**vars(NETWORK), "width": 5})
        provenance = add_network(plan.provenance, network)
        with pytest.raises(ChangedSettingsError, match=r"different settings \(features: 3, now 5\)"):
            execute_plan(plan, make_events(plan), provenance, START, work_folder, SilentListener())
        assert not work_folder.has_started


@pytest.mark.parametrize("options", [{"resume": True}, {"update": True}], ids=["resume", "update"])
def test_a_suffix_in_capitals_is_a_suffix(tmp_path: Path, options: dict[str, bool]) -> None:
    """The index of `OUT.NPY` is `OUT.index.csv`, and a run that is resumed or updated finds it."""
    runs = HandmadeRuns(tmp_path, "OUT.NPY")
    files = runs.write_files(2)
    runs.run(files)

    assert (tmp_path / "OUT.index.csv").is_file()
    assert (tmp_path / "OUT.run.json").is_file()
    assert runs.run(files, **options) is None
