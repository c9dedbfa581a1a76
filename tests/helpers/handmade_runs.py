"""Runs whose events come from the test. Without decoder, workers and network, a run takes milliseconds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from specfeat.architecture.feature_sources import ColumnGroup
from specfeat.audio.discovery import FoundSounds
from specfeat.config import load_config
from specfeat.events import Event, RowsEvent, SoundEndEvent
from specfeat.output.paths import OutputPaths
from specfeat.output.summary import RunSummary
from specfeat.output.work_folder import WorkFolder
from specfeat.run.listener import SilentListener
from specfeat.run.options import RunOptions
from specfeat.run.plan import RunPlan, make_plan
from specfeat.run.provenance import add_network
from specfeat.run.runner import RunOrigin, execute_plan
from specfeat.run.shard_selection import select_shard
from specfeat.sound import make_file_sound

WIDTH = 3
NETWORK: Any = SimpleNamespace(
    weights={"random": 0},
    device=SimpleNamespace(description="cpu"),
    width=WIDTH,
    columns=(ColumnGroup(layer="layer", first=0, count=WIDTH),),
    seconds=0.0,
)


class InterruptionError(Exception):
    """The error with which `InterruptingListener` interrupts a run."""


@dataclass
class InterruptingListener(SilentListener):
    """Interrupts a run after a number of sounds.

    Attributes:
        sounds: the number of sounds after which the run is interrupted; -1 for never.
        ended_sounds: the paths of the sounds that have ended.
    """

    sounds: int
    ended_sounds: list[str] = field(default_factory=list)

    def on_sound_end(self, event: SoundEndEvent) -> None:
        """Count the sound, and interrupt the run if it was the last one."""
        self.ended_sounds.append(event.sound.path)
        if len(self.ended_sounds) == self.sounds:
            raise InterruptionError


def make_events(plan: RunPlan) -> Iterator[Event]:
    """Yield the events of every remaining sound of a plan.

    A sound has as many samples as its file has bytes. All values of its rows are the number in its file name.
    """
    for sound in plan.remaining:
        samples = sound.file.size or 0
        rows = plan.config.settings.count_rows(samples)
        value = float(Path(sound.path).stem)
        yield RowsEvent(np.full((rows, WIDTH), value, np.float32))
        yield SoundEndEvent(sound=sound, status="ok", samples=samples, rows=rows)


@dataclass(frozen=True)
class HandmadeRuns:
    """A folder with files that the runs use as sounds. The names of the files are numbers.

    Attributes:
        folder: the folder of the files and of the output.
        array_name: the name of the array.
        array_format: the name of its format; "" for the format that belongs to its extension.
    """

    folder: Path
    array_name: str = "out.npy"
    array_format: str = ""

    @property
    def paths(self) -> OutputPaths:
        """The paths of the output."""
        return OutputPaths(self.folder / self.array_name, self.array_format)

    def write_files(self, count: int) -> list[str]:
        """Write the files 0, 1, ..., count - 1, each longer than the one before, and return their paths."""
        paths = [self.folder / str(k) for k in range(count)]
        for k, path in enumerate(paths):
            path.write_bytes(bytes(10_000 * (k + 1)))
        return [str(path) for path in paths]

    def make_plan(
        self, work_folder: WorkFolder, files: Sequence[str], *overrides: str, **options: Any
    ) -> RunPlan:
        """Make the plan of a run over these files."""
        config = load_config("minimal", overrides)
        found, identity = FoundSounds(tuple(map(make_file_sound, files)), ()), None
        run_options = RunOptions(**options)
        if run_options.shard is not None:
            found, identity = select_shard(found, run_options.shard)
        return make_plan(config, found, work_folder, run_options, shard=identity)

    def run(
        self, files: Sequence[str], *overrides: str, stop_after: int = -1, **options: Any
    ) -> RunSummary | None:
        """Write the output of these files.

        Args:
            files: the paths of the files.
            overrides: values that replace those of the config `minimal`.
            stop_after: the number of sounds after which the run is interrupted; -1 for never.
            options: fields of `RunOptions`.

        Returns:
            The summary of the run; None if the run was interrupted or had nothing to do.
        """
        try:
            with WorkFolder(self.paths) as work_folder:
                plan = self.make_plan(work_folder, files, *overrides, **options)
                if plan.complete_record is not None:
                    return None
                provenance = add_network(plan.provenance, NETWORK)
                origin = RunOrigin(command=("test",), folder=None)
                listener = InterruptingListener(stop_after)
                return execute_plan(plan, make_events(plan), provenance, origin, work_folder, listener)
        except InterruptionError:
            return None
