"""Examples of a search: pieces of audio whose rows are computed as those of a finished output."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.audio.audio_file import count_channels
from specfeat.audio.clip_stream import LocalClipStream
from specfeat.audio.clips import ClipMaker
from specfeat.audio.decode import read_samples
from specfeat.config import Config, Settings
from specfeat.errors import Remedy, UsageError
from specfeat.events import RowsEvent
from specfeat.files import format_path, inspect_file
from specfeat.output.finished_output import FinishedOutput
from specfeat.pipeline import extract_rows
from specfeat.run.provenance import add_network, collect_provenance, describe_differences
from specfeat.run.provenance_comparer import ProvenanceComparer
from specfeat.sound import Sound, SoundPart
from specfeat.time_text import parse_seconds

Rows = NDArray[np.float32]


def parse_example(text: str) -> Sound:
    """Return the sound that a text such as "a.wav@3-4.5" or "a.wav" names.

    Args:
        text: the path of a file. For a part of it, "@", start, "-" and end follow, in seconds or h:m:s.

    Raises:
        UsageError: there is no such file, or the end is not after the start.
    """
    path, mark, times = text.rpartition("@")
    limits = [parse_seconds(time) for time in times.split("-")]
    if mark and path and len(limits) == 2 and not _is_file(text):
        start_s, end_s = limits
        if start_s is not None and end_s is not None:
            if not end_s > start_s >= 0:
                raise UsageError(f"{format_path(text)}: ends before it begins; give its start first")
            _check_file(path)
            return Sound(path, SoundPart(start_s=start_s, end_s=end_s))
    _check_file(text)
    return Sound(text)


def _is_file(path: str) -> bool:
    try:
        return inspect_file(path)[0] == "file"
    except (OSError, ValueError):
        return False


def _check_file(path: str) -> None:
    if not _is_file(path):
        raise UsageError(
            f"{format_path(path)}: no such file; an example is a file, or a part of it as in a.wav@3-4.5"
        )


def compute_example_rows(output: FinishedOutput, examples: Sequence[Sound], config: Config) -> Rows:
    """Return the rows of examples, computed with the config and the weights of an output.

    If an example gives several rows, those with the least silence after the end of the file are used.

    Args:
        output: the output.
        examples: the examples.
        config: the config of the output, see `load_recorded_config`.

    Returns:
        float32, shape (rows, features).

    Raises:
        UsageError: rows that are computed here would not match those of the output, or an example cannot be
            read or gives no row.
        InstallError: TensorFlow or Keras is missing.
    """
    previous, provenance = output.contents, output.record.provenance
    device = "cpu" if (provenance.device or "").startswith("cpu") else "gpu"
    engine = provenance.engine_name
    comparer = ProvenanceComparer(config, device, keep_partial=provenance.keep_partial, engine=engine)
    _refuse_differences(output, comparer.describe_differences(previous))
    # Imported here, because the checks above take no time.
    from specfeat.network.prepare import prepare_network

    network = prepare_network(config, device, engine=engine)
    present = collect_provenance(config, keep_partial=provenance.keep_partial, engine=engine)
    present = add_network(present, network, config.settings.rows)
    _refuse_differences(output, describe_differences(provenance, present))
    sounds = [sound for example in examples for sound in _list_sounds(example, config.settings)]
    return np.concatenate([_compute_rows(sound, config, network) for sound in sounds])


def _refuse_differences(output: FinishedOutput, differences: str) -> None:
    if differences:
        raise UsageError(
            f"{format_path(str(output.paths.array))}: the row of an example that is computed here would not "
            f"match its rows ({differences})",
            remedy=Remedy.EXTRACT_AGAIN_OR_USE_ROW,
        )


def _list_sounds(example: Sound, settings: Settings) -> list[Sound]:
    """Return the sounds of an example: one, or one for each channel if the config makes rows for each."""
    if settings.audio.channels != "each":
        return [example]
    return [
        replace(example, part=replace(example.part, channel=channel))
        for channel in range(count_channels(example.path))
    ]


def extend_example(example: Sound, settings: Settings) -> Sound:
    """Return the example, extended to the length of a clip if it is shorter and clips have rows of their own.

    Otherwise silence would fill the clip, and the features would also describe the silence.
    """
    start_s, end_s = example.part.start_s, example.part.end_s
    if start_s is None or end_s is None or settings.rows.per != "clip":
        return example
    clip_s = settings.clip_grid.clip_samples / settings.audio.sample_rate
    if end_s - start_s < clip_s:
        start_s = max(0.0, (start_s + end_s - clip_s) / 2)
        end_s = start_s + clip_s
    return replace(example, part=SoundPart(start_s=start_s, end_s=end_s, may_end_early=True))


def _compute_rows(sound: Sound, config: Config, network: Any) -> Rows:
    """Return the rows of one sound whose clips are in the example."""
    settings, pieces, samples = config.settings, [], 0
    surroundings, first, last = add_surroundings(sound, settings)
    read = partial(read_samples, surroundings, settings.audio)
    for event in extract_rows(
        [LocalClipStream(surroundings, ClipMaker(settings), read)], network, settings.rows.statistics
    ):
        if isinstance(event, RowsEvent):
            pieces.append(event.rows)
        elif event.error is not None:
            raise UsageError(f"{format_path(sound.path)}: {event.error}")
        else:
            samples = event.samples
    spans = list(settings.iterate_row_spans(samples))
    if not spans:
        raise UsageError(f"{format_path(sound.path)}: the example is too short for a row; give a longer one")
    is_inside = np.array([first <= span.start and span.end <= last for span in spans])
    padded = np.array([span.compute_padded_share(samples) for span in spans])
    # If no clip is in the example, e.g. at the end of the file, all rows are candidates.
    padded[~is_inside] = padded[~is_inside] if not is_inside.any() else np.inf
    rows: Rows = np.concatenate(pieces)[padded == padded.min()]
    return rows


def add_surroundings(sound: Sound, settings: Settings) -> tuple[Sound, float, float]:
    """Extend a sound by some of the audio before and after it, if clips have rows of their own.

    The first and the last frames of a sound contain silence or reflected samples from outside of it. So a
    clip has other features at the edge of a sound than inside. The extension at the start is a whole number
    of hops. So a clip begins at the start of the sound, and has the features that it has in the whole file.

    Args:
        sound: a file, or a part with both times.
        settings: the settings.

    Returns:
        The longer sound; and the samples at the config's rate, counted from its start, between which the
        sound itself is, with half a sample for rounding.
    """
    start_s, end_s = sound.part.start_s, sound.part.end_s
    if start_s is None or end_s is None or settings.rows.per != "clip":
        return sound, -np.inf, np.inf
    rate, hop = settings.audio.sample_rate, settings.clip_grid.hop_samples
    hops = min(-(-settings.spectrogram.n_fft // hop), int(start_s * rate / hop))
    part = replace(
        sound.part,
        start_s=max(0.0, start_s - hops * hop / rate),
        end_s=end_s + settings.spectrogram.n_fft / rate,
        may_end_early=True,
    )
    first = hops * hop
    return replace(sound, part=part), first - 0.5, first + (end_s - start_s) * rate + 0.5
