"""The axis across the time axis of a spectrogram: frequencies in Hz, or numbers of coefficients."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from specfeat.config.mel import Mel
from specfeat.config.mel_scale import hz_to_mel
from specfeat.config.settings import Settings

_MAX_TICKS = 8


@dataclass(frozen=True, slots=True)
class ValueAxis:
    """An axis with its label and its ticks.

    Attributes:
        label: what the axis shows, with the unit.
        ticks: for each tick the position, in values from the middle of the first one (0.0), and the text.
    """

    label: str
    ticks: tuple[tuple[float, str], ...]


def make_bin_axis(settings: Settings) -> ValueAxis:
    """Return the axis of the bins, bands or coefficients of a config's spectrogram."""
    spectrogram = settings.spectrogram
    if spectrogram.mfcc:
        return make_number_axis("coefficient", spectrogram.bins)
    if spectrogram.mel:
        ticks = _choose_mel_ticks(spectrogram.mel, settings.audio.sample_rate)
        return ValueAxis("frequency (Hz)", tuple(ticks))
    bins_per_hz = spectrogram.n_fft / settings.audio.sample_rate
    return ValueAxis(
        "frequency (Hz)",
        tuple((hz * bins_per_hz, f"{hz:g}") for hz in _list_round_numbers(settings.audio.sample_rate / 2)),
    )


def make_number_axis(label: str, count: int) -> ValueAxis:
    """Return the axis of `count` values that are only counted, from 0."""
    numbers = _list_round_numbers(max(1, count - 1))
    return ValueAxis(label, tuple((number, f"{number:g}") for number in numbers if number == int(number)))


def _list_round_numbers(largest: float) -> Iterator[float]:
    """Yield 0 and the multiples of a round number up to `largest`: at most `_MAX_TICKS` after the 0."""
    smallest_step = largest / _MAX_TICKS
    magnitude = 10.0 ** math.floor(math.log10(smallest_step))
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= smallest_step)
    for number in range(math.floor(largest / step * (1 + 1e-9)) + 1):
        yield number * step


def _choose_mel_ticks(mel: Mel, sample_rate: int) -> Iterator[tuple[float, str]]:
    """Yield ticks at 10, 20, 50, 100, 200 ... Hz, the highest first, which are not too close to each other.

    The middle of band i is edge i + 1, and the edges have equal distances in mel. So the position of a
    frequency between the bands is exact.
    """
    edges = mel.compute_edges_hz(sample_rate)
    lowest_mel = hz_to_mel(edges[0], htk=mel.htk)
    mel_per_band = (hz_to_mel(edges[-1], htk=mel.htk) - lowest_mel) / (mel.bands + 1)
    last_position = math.inf
    candidates = (factor * 10.0**exponent for exponent in range(6, -1, -1) for factor in (5, 2, 1))
    for hz in candidates:
        position = (hz_to_mel(hz, htk=mel.htk) - lowest_mel) / mel_per_band - 1
        is_inside = -0.5 <= position <= mel.bands - 0.5
        if is_inside and last_position - position >= mel.bands / (2 * _MAX_TICKS):
            last_position = position
            yield position, f"{hz:g}"
