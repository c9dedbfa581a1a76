"""Computes the features of a sound over time, as an image with a fixed number of columns."""

from itertools import chain, pairwise
from typing import TYPE_CHECKING

from specfeat.audio.clip_stream import LocalClipStream
from specfeat.audio.clips import ClipMaker
from specfeat.audio.decode import read_samples
from specfeat.config.settings import Settings
from specfeat.errors import AudioError
from specfeat.events import RowsEvent
from specfeat.files import format_path
from specfeat.pipeline import extract_rows
from specfeat.plots.sound_view import SoundLength
from specfeat.plots.time_image import FloatArray, TimeImage, pool_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from specfeat.network.build import Network


def compute_feature_image(length: SoundLength, settings: Settings, network: "Network") -> FloatArray:
    """Compute a row of features for each clip of a sound, and return them as an image.

    A row is drawn from the start of its clip to the start of the next clip. With `edges: repeat`, a row is
    drawn for the hop that it belongs to. The statistics of `rows: {per: file}` are not used.

    Args:
        length: the sound, its length and the shown part.
        settings: the settings of the config.
        network: the network of the config.

    Returns:
        float32, shape (columns, features), with NaN where there is no row. If there are many features,
        neighbouring ones are averaged.

    Raises:
        AudioError: the sound gives no row, or its features are not finite.
    """
    sound = length.sound
    stream = LocalClipStream(
        sound, ClipMaker(settings), lambda: read_samples(sound, settings.audio, lambda _: None)
    )
    image = TimeImage(length.start, length.end, settings.clip_grid.hop_samples)
    spans = _iterate_row_times(settings, length.samples)
    for event in extract_rows([stream], network):
        if not isinstance(event, RowsEvent):
            if event.error:
                raise AudioError(f"{format_path(sound.path)}: {event.error}") from event.error
            continue
        for row in pool_lines(event.rows):
            image.add_frames(row[None], *next(spans))
    values = image.get_values()
    if values is None:
        raise AudioError(f"{format_path(sound.path)}: is shorter than a clip, and gives no row")
    return values


def _iterate_row_times(settings: Settings, samples: int) -> "Iterator[tuple[float, float]]":
    """Yield from where to where each row is drawn, in samples."""
    grid = settings.clip_grid
    if settings.clips.edges == "repeat":
        for row in range(grid.count_rows(samples)):
            yield row * grid.hop_samples, (row + 1) * grid.hop_samples
        return
    for span, following in pairwise(chain(grid.iterate_spans(samples), [None])):
        if span is not None:
            yield span.start, span.end if following is None else min(span.end, following.start)
