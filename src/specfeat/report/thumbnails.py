"""Small pictures of the spectrograms of single rows, as the network receives them."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.audio.clips import ClipMaker
from specfeat.audio.decode import read_samples
from specfeat.config.settings import Settings
from specfeat.errors import AudioError
from specfeat.output.finished_output import FinishedOutput
from specfeat.report.recorded_sounds import RecordedSounds
from specfeat.report.sound_rows import WantedSound, list_wanted_sounds
from specfeat.sound import Sound

MAX_FRAMES, MAX_BINS = 64, 48  # the size of a thumbnail; larger spectrograms are averaged


@dataclass(frozen=True, slots=True)
class Thumbnails:
    """The thumbnails of some rows.

    Attributes:
        rows: the numbers of the rows, sorted, shape (thumbnails,).
        pictures: 0 for the lowest and 255 for the highest of all values, uint8, shape (thumbnails, bins,
            frames); the lowest bin is first.
        lowest: the value that is 0 in the pictures.
        highest: the value that is 255 in the pictures.
        missing_sounds: sounds whose file is missing, has changed since the run, or cannot be read.
    """

    rows: NDArray[np.uint32]
    pictures: NDArray[np.uint8]
    lowest: float
    highest: float
    missing_sounds: int


def make_thumbnails(output: FinishedOutput, settings: Settings, rows: NDArray[np.int64]) -> Thumbnails:
    """Make the thumbnails of rows, by reading their sounds again.

    Args:
        output: the output.
        settings: the settings of the output.
        rows: the numbers of the rows, sorted.
    """
    maker = ClipMaker(settings)
    sounds = RecordedSounds(output)
    numbers: list[int] = []
    pictures: list[NDArray[np.float32]] = []
    missing = 0
    for wanted in list_wanted_sounds(output, rows):
        made = 0
        for row, clip in _iterate_clips(sounds, settings, maker, wanted):
            numbers.append(row)
            pictures.append(shrink_clip(clip))
            made += 1
        missing += made < len(wanted.places)
    if not numbers:
        return Thumbnails(np.empty(0, np.uint32), np.empty((0, 0, 0), np.uint8), 0.0, 0.0, missing)
    values = np.stack(pictures)
    lowest, highest = float(values.min()), float(values.max())
    # In place, because the pictures of 10,000 rows have 120 MB.
    values -= np.float32(lowest)
    values *= np.float32(255 / (highest - lowest) if highest > lowest else 0)
    return Thumbnails(np.array(numbers, np.uint32), values.round().astype(np.uint8), lowest, highest, missing)


def _iterate_clips(
    sounds: RecordedSounds, settings: Settings, maker: ClipMaker, wanted: WantedSound
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield the number of each wanted row of a sound, and its clip; fewer if the sound cannot be read."""
    sound = sounds.find_sound(wanted.entry)
    if sound is None:
        return
    # A row of a whole file has no clip of its own; its first clip is shown.
    places = wanted.places if settings.rows.per == "clip" else {0: wanted.first_row}
    try:
        with closing(_open_samples(sound, settings)) as blocks:
            for place, clip in enumerate(maker.make_clips(blocks)):
                if place in places:
                    yield places[place], clip
                if place >= max(places):
                    return
    except AudioError:
        return


def _open_samples(sound: Sound, settings: Settings) -> Any:
    """Return the generator of a sound's samples; a sound that breaks in the middle ends there."""
    return read_samples(sound, settings.audio, on_break=partial(_ignore_break))


def _ignore_break(error: AudioError) -> None:
    """Do nothing: the rows before the break have their clips."""


def shrink_clip(clip: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the first channel of a clip as a picture of at most `MAX_BINS` x `MAX_FRAMES` means.

    Args:
        clip: shape (frames, bins, channels).

    Returns:
        Shape (bins, frames).
    """
    picture = clip[:, :, 0].T
    return _average_groups(_average_groups(picture, 0, MAX_BINS), 1, MAX_FRAMES)


def _average_groups(picture: NDArray[np.float32], axis: int, count: int) -> NDArray[np.float32]:
    """Return the means of `count` groups of neighbouring lines along an axis."""
    size = picture.shape[axis]
    if size <= count:
        return picture.astype(np.float32)
    starts = np.arange(count) * size // count
    sums = np.add.reduceat(picture, starts, axis=axis, dtype=np.float64)
    lengths = np.diff(starts, append=size)
    means: NDArray[np.float32] = (sums / (lengths[:, None] if axis == 0 else lengths)).astype(np.float32)
    return means
