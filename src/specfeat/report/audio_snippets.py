"""Pieces of audio that the page of a report contains, for files that a browser cannot play."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.audio.decode import read_samples
from specfeat.config.settings import Settings
from specfeat.errors import AudioError, UsageError
from specfeat.output.finished_output import FinishedOutput
from specfeat.report.recorded_sounds import RecordedSounds
from specfeat.report.sound_rows import list_wanted_sounds
from specfeat.sound import Sound
from specfeat.text import format_count

CONTEXT_S = 0.5  # of sound before and after the row
MAX_SNIPPET_S = 15.0  # only the beginning of a longer row is embedded
MAX_BYTES = 200_000_000  # of all snippets together


@dataclass(frozen=True, slots=True)
class AudioSnippets:
    """The snippets of some rows, one after the other.

    Attributes:
        rows: the numbers of the rows, sorted, shape (snippets,).
        starts_s: where each snippet begins, in seconds from the start of the file, shape (snippets,).
        ends: where each snippet ends in `samples`, shape (snippets,).
        samples: mono samples at the sample rate of the config, int16.
    """

    rows: NDArray[np.uint32]
    starts_s: NDArray[np.float64]
    ends: NDArray[np.uint32]
    samples: NDArray[np.int16]


def check_snippet_size(settings: Settings, count: int) -> None:
    """Check that the snippets of `count` rows are not too large for a page.

    Raises:
        UsageError: they may be too large.
    """
    rate = settings.audio.sample_rate
    clip_s = settings.clip_grid.clip_samples / rate if settings.rows.per == "clip" else MAX_SNIPPET_S
    size = 2 * rate * (min(clip_s, MAX_SNIPPET_S) + 2 * CONTEXT_S)
    if size * count > MAX_BYTES:
        largest = int(MAX_BYTES / size)
        raise UsageError(
            f"the snippets of {format_count(count, 'row')} could take {size * count / 1e6:.0f} MB, and a "
            f"page has room for {MAX_BYTES / 1e6:.0f} MB; embed the audio of at most {largest} rows"
        )


def cut_snippets(
    output: FinishedOutput,
    settings: Settings,
    rows: NDArray[np.int64],
    starts_s: NDArray[np.float64],
    ends_s: NDArray[np.float64],
) -> AudioSnippets:
    """Read the snippets of rows from their files. A row whose file cannot be read gets no snippet.

    Args:
        output: the output.
        settings: the settings of the output.
        rows: the numbers of the wanted rows, sorted.
        starts_s: the start of each row of the output, in seconds from the start of the file.
        ends_s: the end of each row of the output.
    """
    sounds = RecordedSounds(output)
    numbers: list[int] = []
    places: list[float] = []
    pieces: list[NDArray[np.int16]] = []
    for wanted in list_wanted_sounds(output, rows):
        offset_s = wanted.entry.start_s or 0.0
        own = [*wanted.places.values()]
        ranges = [
            (
                max(0.0, starts_s[row] - offset_s - CONTEXT_S),
                min(ends_s[row], starts_s[row] + MAX_SNIPPET_S) - offset_s + CONTEXT_S,
            )
            for row in own
        ]
        for place, piece in enumerate(_read_ranges(sounds.find_sound(wanted.entry), settings, ranges)):
            numbers.append(own[place])
            places.append(offset_s + ranges[place][0])
            pieces.append(piece)
    return AudioSnippets(
        np.array(numbers, np.uint32),
        np.array(places, np.float64),
        np.cumsum([len(piece) for piece in pieces], dtype=np.uint32),
        np.concatenate([np.empty(0, np.int16), *pieces]),
    )


def _read_ranges(
    sound: Sound | None, settings: Settings, ranges: list[tuple[float, float]]
) -> Iterator[NDArray[np.int16]]:
    """Yield the samples of each range of a sound, in order; nothing more after an error.

    Args:
        sound: the sound; None if it is missing or has changed since the run.
        settings: the settings of the output.
        ranges: start and end of each range in seconds from the start of the sound; the starts are sorted.
    """
    rate = settings.audio.sample_rate
    if sound is None:
        return
    kept = np.empty(0, np.int16)
    kept_from = 0  # the position of the first kept sample
    try:
        with closing(_open_blocks(sound, settings)) as blocks:
            for start_s, end_s in ranges:
                start, end = round(start_s * rate), round(end_s * rate)
                while kept_from + len(kept) < end:
                    block = next(blocks, None)
                    if block is None:
                        break
                    kept, kept_from = _drop_before(np.concatenate([kept, _to_int16(block)]), kept_from, start)
                kept, kept_from = _drop_before(kept, kept_from, start)
                yield kept[: end - kept_from].copy()
    except AudioError:
        return


def _drop_before(kept: NDArray[np.int16], kept_from: int, start: int) -> tuple[NDArray[np.int16], int]:
    """Return the samples from `start` on, and the position of the first of them."""
    dropped = min(len(kept), max(0, start - kept_from))
    return kept[dropped:], kept_from + dropped


def _open_blocks(sound: Sound, settings: Settings) -> Any:
    """Return the generator of a sound's samples, which can be closed before its end."""
    return read_samples(sound, settings.audio)


def _to_int16(block: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return a block as mono samples of 16 bits; the channels of a stack become their mean."""
    mono = block.mean(axis=1) if block.ndim > 1 else block
    return (np.clip(mono, -1, 1) * np.float32(32767)).round().astype(np.int16)
