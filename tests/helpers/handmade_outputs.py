"""Complete outputs whose rows come from the test. Without decoder and network, they are written in milliseconds."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import soundfile
from numpy.typing import ArrayLike, NDArray

from specfeat.architecture.feature_sources import ColumnGroup
from specfeat.audio.discovery import FoundSounds
from specfeat.config import Config, Settings, load_config
from specfeat.errors import AudioError
from specfeat.events import Event, RowsEvent, SoundEndEvent
from specfeat.output.paths import OutputPaths
from specfeat.output.work_folder import WorkFolder
from specfeat.run.listener import SilentListener
from specfeat.run.options import RunOptions
from specfeat.run.plan import make_plan
from specfeat.run.provenance import add_network
from specfeat.run.runner import RunOrigin, execute_plan
from specfeat.sound import Sound, make_file_sound

CONFIG = """\
audio: {{sample_rate: 8000}}
spectrogram: {{n_fft: 256, hop_length: 80}}
clips: {clips}
model:
  layers: [Flatten, {embedding}Dense: {{name: scores, units: {width}}}]
  features: [{features}]
  labels: {labels}
  weights: {{random: 0}}
"""


def write_output(
    array: Path,
    rows_of_sounds: Mapping[str, ArrayLike | None],
    *,
    labels: Sequence[str] = (),
    clips: str = "{frames: 50}",
    embedding: int = 0,
) -> Config:
    """Write a complete output (array, index and record), and return its config.

    Unless `clips` changes it, a clip of the config has 0.5 s, and the clips follow each other without overlap.

    Args:
        array: the array to write; its extension decides the format. Sounds are relative to its folder.
        rows_of_sounds: the path of each sound, and its rows, shape (rows, width); None for a file that cannot
            be read. A file that does not exist is written, with noise of the right length.
        labels: the names of the classes; empty for none. A row has one score for each class.
        clips: the section `clips` of the config, in which a frame has 0.01 s.
        embedding: how many columns before the scores belong to another layer.
    """
    rows = {
        path: None if one is None else np.asarray(one, np.float32) for path, one in rows_of_sounds.items()
    }
    width = next(one.shape[1] for one in rows.values() if one is not None)
    folder = array.parent
    config_path = folder / f"{array.name}.yaml"
    text = CONFIG.format(
        width=width - embedding,
        labels=list(labels),
        clips=clips,
        embedding=f"Dense: {{name: embedding, units: {embedding}}}, " if embedding else "",
        features="embedding, scores",
    )
    text = text.replace("  labels: []\n", "")
    config_path.write_text(text if embedding else text.replace("  features: [embedding, scores]\n", ""))
    config = load_config(str(config_path))
    for path, one in rows.items():
        if not (folder / path).exists():
            _write_noise(folder / path, config.settings, 0 if one is None else len(one))
    with contextlib.chdir(folder), WorkFolder(OutputPaths(Path(array.name))) as work_folder:
        found = FoundSounds(tuple(make_file_sound(path) for path in rows), ())
        plan = make_plan(config, found, work_folder, RunOptions())
        network: Any = SimpleNamespace(
            weights={"random": 0},
            device=SimpleNamespace(description="cpu"),
            width=width,
            columns=(
                *([ColumnGroup(layer="embedding", first=0, count=embedding)] if embedding else []),
                ColumnGroup(layer="scores", first=embedding, count=width - embedding),
            ),
            seconds=0.0,
        )
        events = _make_events(plan.remaining, rows, config.settings)
        origin = RunOrigin(command=("test",), folder=os.fspath(folder))
        provenance = add_network(plan.provenance, network)
        execute_plan(plan, events, provenance, origin, work_folder, SilentListener())
    return config


def _write_noise(path: Path, settings: Settings, rows: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(rows).uniform(-0.5, 0.5, _count_samples(settings, rows))
    soundfile.write(path, samples, settings.audio.sample_rate, format="WAV", subtype="PCM_16")


def _count_samples(settings: Settings, rows: int) -> int:
    """Return the length of a sound with this many rows."""
    return next(samples for samples in range(0, 2**40, 400) if settings.count_rows(samples) == rows)


def _make_events(
    sounds: Sequence[Sound], rows: Mapping[str, NDArray[np.float32] | None], settings: Settings
) -> Iterator[Event]:
    for sound in sounds:
        one = rows[sound.path]
        if one is None:
            error = AudioError("cannot be opened as audio", "open", "unreadable")
            yield SoundEndEvent(sound=sound, status="failed", samples=0, rows=0, error=error)
            continue
        yield RowsEvent(one)
        samples = _count_samples(settings, len(one))
        yield SoundEndEvent(sound=sound, status="ok" if len(one) else "empty", samples=samples, rows=len(one))
