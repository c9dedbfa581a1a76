"""Reads one sound as a run does, and keeps what a plot of it shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import NamedTuple

from specfeat.audio.clips import ClipMaker
from specfeat.audio.decode import read_samples
from specfeat.config.clip_grid import ClipSpan
from specfeat.config.settings import Settings
from specfeat.errors import AudioError, UsageError
from specfeat.files import format_path
from specfeat.plots.time_image import Envelope, FloatArray, TimeImage, pool_lines
from specfeat.sound import Sound, SoundPart

MAX_CHANNELS = 6  # of the network's input that one figure shows
MAX_LISTED_CLIPS = 80  # more clips could not be told apart


class TimeRange(NamedTuple):
    """The part of a sound that a plot shows; the clips are those of the whole sound.

    Attributes:
        start_s: where it begins, in seconds.
        end_s: where it ends, in seconds; None for the end of the sound.
    """

    start_s: float = 0.0
    end_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundLength:
    """The length of a sound, and which part of it a plot shows, in samples at the config's sample rate.

    Attributes:
        sound: the sound.
        samples: the length of the sound.
        start: where the shown part begins.
        end: where the shown part ends; it may be in the silence that completes the last clip.
        break_error: why the sound ends early, if its file broke in the middle; otherwise None.
    """

    sound: Sound
    samples: int
    start: int
    end: int
    break_error: AudioError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundView:
    """A sound as the network receives it.

    Attributes:
        length: the length of the sound, and which part of it is shown.
        envelope: the smallest and the largest sample of each column, shape (2, columns).
        channels: for each channel of the network's input an image of shape (columns, values); the last clip
            that begins before a column determines its values. None if the sound gives no clip.
        frames_per_column: how many frames are averaged in a column; 1.0 if none are.
        clip_count: how many clips begin before the end of the shown part and end after its start.
        clips: these clips; only the first ones if there are more than `MAX_LISTED_CLIPS`.
    """

    length: SoundLength
    envelope: FloatArray
    channels: tuple[FloatArray, ...] | None
    frames_per_column: float
    clip_count: int
    clips: tuple[tuple[int, ClipSpan], ...]


def measure_sound(path: str, settings: Settings, channel: int | None, shown: TimeRange) -> SoundLength:
    """Read a sound to its end, and return its length.

    Args:
        path: the file.
        settings: the settings of the config.
        channel: the channel of the file, counted from 0; None for the channels that the config names. If the
            config makes rows for each channel, it is then the first one.
        shown: the part that the plot shows.

    Raises:
        AudioError: the file cannot be read, or has no samples.
        UsageError: the shown part begins after the end of the sound.
    """
    if channel is None and settings.audio.channels == "each":
        channel = 0
    sound = Sound(path, SoundPart(channel=channel))
    breaks: list[AudioError] = []
    with name_file_in_errors(path):
        samples = sum(len(block) for block in read_samples(sound, settings.audio, breaks.append))
    if not samples:
        raise AudioError(f"{format_path(path)}: {breaks[0] if breaks else 'has no samples'}")
    rate = settings.audio.sample_rate
    last_end = max((span.end for span in list_clip_spans(settings, samples)), default=0)
    whole_end = max(samples, last_end)
    start = round(shown.start_s * rate)
    if start >= samples:
        raise UsageError(
            f"{format_path(path)}: has {samples / rate:g} s, so nothing is there at {shown.start_s:g} s; "
            "give an earlier start"
        )
    end = whole_end if shown.end_s is None else min(whole_end, round(shown.end_s * rate))
    error = breaks[0] if breaks else None
    return SoundLength(sound=sound, samples=samples, start=start, end=max(end, start + 1), break_error=error)


def read_sound_view(length: SoundLength, settings: Settings) -> SoundView:
    """Read a sound a second time, and return what a plot of it shows.

    Args:
        length: the sound, its length and the shown part.
        settings: the settings of the config.

    Raises:
        AudioError: the samples are so large that the spectrogram is not finite.
    """
    grid = settings.clip_grid
    settings = _cut_edges(settings)
    # With `cut: samples`, the frames of a clip fill the clip: with padded ends there can be one more.
    is_cut_in_frames = settings.clips.cut == "frames"
    frame_samples = settings.spectrogram.hop_length if is_cut_in_frames else grid.clip_samples / grid.frames
    envelope = Envelope(length.start, length.end)
    channel_count = min(MAX_CHANNELS, settings.input_shape[2])
    images = [TimeImage(length.start, length.end, frame_samples) for _ in range(channel_count)]
    listed: list[tuple[int, ClipSpan]] = []
    clip_count = 0
    samples = _measure_envelope(read_samples(length.sound, settings.audio, lambda _: None), envelope)
    with name_file_in_errors(length.sound.path):
        clips = iter(ClipMaker(settings).make_clips(samples))
        for number, (span, next_start) in enumerate(_iterate_visible_spans(settings, length.samples)):
            clip = next(clips)
            if span.start >= length.end:
                break
            if span.end > length.start:
                clip_count += 1
                listed += [(number, span)] if len(listed) < MAX_LISTED_CLIPS else []
                for channel, image in enumerate(images):
                    image.add_frames(pool_lines(clip[..., channel]), span.start, min(span.end, next_start))
        else:
            next(clips, None)  # reads the samples after the last clip
    values = [image.get_values() for image in images]
    return SoundView(
        length=length,
        envelope=envelope.get_limits(),
        channels=tuple(value for value in values if value is not None) or None,
        frames_per_column=images[0].frames_per_column,
        clip_count=clip_count,
        clips=tuple(listed),
    )


def read_clip(length: SoundLength, settings: Settings) -> tuple[int, ClipSpan, FloatArray]:
    """Return the clip in which the shown part begins: its number, its samples, and its values.

    Args:
        length: the sound, its length and the shown part.
        settings: the settings of the config.

    Returns:
        The number of the clip, counted from 0; the samples of the clip; float32, `Settings.input_shape`.

    Raises:
        AudioError: the sound gives no clip, or the spectrogram is not finite.
    """
    settings = _cut_edges(settings)
    spans = list(enumerate(list_clip_spans(settings, length.samples)))
    if not spans:
        raise AudioError(f"{format_path(length.sound.path)}: is shorter than a clip, and gives no row")
    number, span = max((one for one in spans if one[1].start <= length.start), default=spans[0])
    blocks = read_samples(length.sound, settings.audio, lambda _: None)
    with name_file_in_errors(length.sound.path):
        clip = next(islice(ClipMaker(settings).make_clips(blocks), number, None))
    return number, span, clip


def list_clip_spans(settings: Settings, samples: int) -> Iterator[ClipSpan]:
    """Yield the samples of each different clip of a sound; with `edges: repeat` there are more rows.

    Args:
        settings: the settings of the config.
        samples: the length of the sound.
    """
    return _cut_edges(settings).clip_grid.iterate_spans(samples)


def has_own_values(settings: Settings) -> bool:
    """Return whether the values of one moment differ between two clips that both contain it."""
    spectrogram = settings.spectrogram
    is_normalized = bool(spectrogram.normalize and spectrogram.normalize.clip)
    return settings.clips.cut == "samples" or is_normalized or spectrogram.clip_decibels is not None


@contextmanager
def name_file_in_errors(path: str) -> Iterator[None]:
    """Put the name of a file before the message of each `AudioError` in the block."""
    try:
        yield
    except AudioError as e:
        raise AudioError(f"{format_path(path)}: {e}", e.stage, e.cause, e.at_s, remedy=e.remedy) from e


def _cut_edges(settings: Settings) -> Settings:
    """Return settings with which each clip is made once, even if the config repeats those at the ends."""
    clips = settings.clips.model_copy(update={"edges": "cut"})
    return settings.model_copy(update={"clips": clips})


def _iterate_visible_spans(settings: Settings, samples: int) -> Iterator[tuple[ClipSpan, float]]:
    """Yield the samples of each clip, and where the next clip begins, which hides the rest of the clip."""
    end = ClipSpan(1 << 62, 1 << 62)
    for span, following in pairwise(chain(list_clip_spans(settings, samples), [end])):
        yield span, following.start


def _measure_envelope(blocks: Iterator[FloatArray], envelope: Envelope) -> Iterator[FloatArray]:
    """Add each block to the envelope, and yield it unchanged."""
    for block in blocks:
        envelope.add_samples(block)
        yield block
