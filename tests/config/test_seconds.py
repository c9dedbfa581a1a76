"""Lengths in seconds, as samples."""

from fractions import Fraction

import pytest

from specfeat.config.seconds import convert_to_samples


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
def test_seconds_are_whole_samples_or_none(rate: int) -> None:
    """Every millisecond up to three seconds: the decimal that was written counts, not its nearest binary number."""
    for ms in range(1, 3001):
        samples = Fraction(ms, 1000) * rate
        wanted = int(samples) if samples.denominator == 1 else None
        assert wanted == convert_to_samples(ms / 1000, rate), ms


@pytest.mark.parametrize(
    ("seconds", "rate", "samples"),
    [(1, 16000, 16000), (1e-3, 8000, 8), (6.25e-5, 16000, 1), (1e-5, 16000, None), (1e6, 48000, 48 * 10**9)],
)
def test_seconds_may_be_integers_or_have_an_exponent(seconds: float, rate: int, samples: int | None) -> None:
    """The number of samples depends only on the value."""
    assert samples == convert_to_samples(seconds, rate)
