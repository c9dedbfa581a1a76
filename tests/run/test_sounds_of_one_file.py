"""Parts of files in a run: their order, their additional columns, and which of them are extracted again."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.handmade_runs import NETWORK, WIDTH, HandmadeRuns, InterruptingListener, InterruptionError
from specfeat.audio.discovery import FoundSounds
from specfeat.config import load_config
from specfeat.events import Event, RowsEvent, SoundEndEvent
from specfeat.output.record_json import parse_record
from specfeat.output.work_folder import WorkFolder
from specfeat.run.options import RunOptions
from specfeat.run.plan import RunPlan, make_plan
from specfeat.run.provenance import add_network
from specfeat.run.runner import RunOrigin, execute_plan
from specfeat.sound import Sound, SoundPart, make_part_sound

SAMPLES = 40_000
# The order is that of a table: the files take turns, and the parts of a file are not in the order of time.
TIMES = [("0", 2.0), ("1", 3.0), ("0", 1.0), ("1", 0.5), ("0", 1.0)]


@pytest.fixture
def runs(tmp_path: Path) -> HandmadeRuns:
    runs = HandmadeRuns(tmp_path)
    runs.write_files(2)
    return runs


def make_sounds(runs: HandmadeRuns, labels: str = "abcde") -> tuple[Sound, ...]:
    """Make a sound for each item of `TIMES`, with the number of its line as its id, and with a label."""
    return tuple(
        replace(
            make_part_sound(str(runs.folder / name), SoundPart(start_s=start, end_s=start + 2, id=str(k))),
            columns=(labels[k],),
        )
        for k, (name, start) in enumerate(TIMES)
    )


def make_events(plan: RunPlan) -> Iterator[Event]:
    """Yield the events of the remaining sounds of a plan. All values of the rows of a sound are its id."""
    rows = plan.config.settings.clip_grid.count_rows(SAMPLES)
    for sound in plan.remaining:
        yield RowsEvent(np.full((rows, WIDTH), float(sound.part.id or "nan"), np.float32))
        yield SoundEndEvent(sound=sound, status="ok", samples=SAMPLES, rows=rows)


def run(runs: HandmadeRuns, sounds: Sequence[Sound], *, stop_after: int = -1, **options: Any) -> RunPlan:
    """Write the output of these sounds, and return the plan of the run."""
    found = FoundSounds(tuple(sounds), (), columns=("label",))
    with WorkFolder(runs.paths) as work_folder:
        plan = make_plan(load_config("minimal"), found, work_folder, RunOptions(**options))
        if plan.complete_record is None:
            provenance = add_network(plan.provenance, NETWORK)
            origin = RunOrigin(command=("test",), folder=None)
            listener = InterruptingListener(stop_after)
            try:
                execute_plan(plan, make_events(plan), provenance, origin, work_folder, listener)
            except InterruptionError:
                assert stop_after >= 0
    return plan


def read_index(runs: HandmadeRuns) -> list[tuple[str, str, str, str]]:
    """Return path, start, id and label of each sound in the index."""
    lines = csv.DictReader(runs.paths.index.read_text().splitlines())
    values = ((Path(line["path"]).name, line["segment_start_s"], line["id"], line["label"]) for line in lines)
    return list(dict.fromkeys(values))


def test_rows_have_the_order_of_the_table(runs: HandmadeRuns) -> None:
    """The parts of a file are read together, by time; the rows have the order in which the sounds are given."""
    plan = run(runs, make_sounds(runs))

    assert [sound.part.id for sound in plan.remaining] == ["2", "4", "0", "3", "1"]
    ids = list(dict.fromkeys(np.load(runs.paths.array)[:, 0]))
    assert ids == [0, 1, 2, 3, 4]
    assert read_index(runs) == [
        (name, str(start), str(k), "abcde"[k]) for k, (name, start) in enumerate(TIMES)
    ]


@pytest.mark.parametrize("stop_after", range(1, 5))
def test_a_resumed_run_gives_the_same_bytes(runs: HandmadeRuns, stop_after: int) -> None:
    """After an interruption, only the parts that are left are extracted; array and index are the same."""
    sounds = make_sounds(runs)
    run(runs, sounds)
    expected = [path.read_bytes() for path in (runs.paths.array, runs.paths.index)]
    run(runs, sounds, force=True, stop_after=stop_after)
    plan = run(runs, sounds, resume=True)

    assert len(plan.remaining) == len(sounds) - stop_after
    assert [path.read_bytes() for path in (runs.paths.array, runs.paths.index)] == expected


def test_a_corrected_label_changes_only_the_index(runs: HandmadeRuns) -> None:
    """If only labels have changed, an update extracts nothing, and index and record have the new labels."""
    run(runs, make_sounds(runs))
    array = runs.paths.array.read_bytes()
    assert run(runs, make_sounds(runs), update=True).complete_record is not None
    plan = run(runs, make_sounds(runs, "abxde"), update=True)

    assert plan.complete_record is None
    assert plan.remaining == ()
    assert runs.paths.array.read_bytes() == array
    assert [label for *_, label in read_index(runs)] == list("abxde")
    record = parse_record(runs.paths.record.read_bytes())
    assert (record.columns, [entry.columns[0] for entry in record.files]) == (("label",), list("abxde"))


def test_a_changed_time_is_another_sound(runs: HandmadeRuns) -> None:
    """If the end of a part changes, an update extracts this part alone, and drops the old one."""
    sounds = make_sounds(runs)
    run(runs, sounds)
    moved = replace(sounds[2], part=replace(sounds[2].part, end_s=7.0))
    plan = run(runs, [*sounds[:2], moved, *sounds[3:]], update=True)

    assert plan.remaining == (moved,)
    assert list(dict.fromkeys(np.load(runs.paths.array)[:, 0])) == [0, 1, 2, 3, 4]
