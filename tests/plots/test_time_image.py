"""Images over time: which values a column has."""

import numpy as np
import pytest

from helpers.sample_data import make_noise
from specfeat.plots.time_image import Envelope, TimeImage, pool_lines


def test_a_long_frame_fills_its_columns_with_its_own_values() -> None:
    """With frames longer than a column, each column has the values of the frame at its middle, unchanged."""
    frames = make_noise(5 * 3).reshape(5, 3)
    image = TimeImage(0, 100, 10, columns=40)
    image.add_frames(frames[:2], 20, 40)
    image.add_frames(frames[2:], 50, 75)
    values = image.get_values()

    assert values is not None
    times = (np.arange(40) + 0.5) * 2.5
    for time, column in zip(times, values, strict=True):
        if 20 <= time < 40:
            expected = frames[int((time - 20) // 10)]
        elif 50 <= time < 75:
            expected = frames[2 + int((time - 50) // 10)]
        else:
            expected = np.full(3, np.nan)
        assert np.array_equal(column, expected, equal_nan=True)
    assert image.frames_per_column == 1


def test_short_frames_are_averaged() -> None:
    """With several frames in a column, the column has their mean, also if they come in two calls."""
    frames = make_noise(60 * 2).reshape(60, 2)
    image = TimeImage(0, 600, 10, columns=12)
    image.add_frames(frames[:23], 0, 230)
    image.add_frames(frames[23:], 230, 600)
    values = image.get_values()

    assert values is not None
    assert np.allclose(values, frames.reshape(12, 5, 2).mean(axis=1), rtol=1e-5)
    assert image.frames_per_column == 5


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_the_envelope_has_the_limits_of_each_column(block: int) -> None:
    """Each column has the smallest and the largest sample in it, for any size of blocks."""
    samples = make_noise(1000)
    envelope = Envelope(200, 1200, columns=50)
    for first in range(0, 1000, block):
        envelope.add_samples(samples[first : first + block])
    low, high = envelope.get_limits()

    groups = samples[200:].reshape(40, 20)
    assert np.array_equal(low[:40], groups.min(axis=1))
    assert np.array_equal(high[:40], groups.max(axis=1))
    assert np.isnan(low[40:]).all()


def test_neighbouring_values_are_averaged_if_there_are_too_many() -> None:
    """At most `max_lines` values remain; the last of them is the mean of what is left."""
    values = make_noise(2 * 10).reshape(2, 10)

    assert pool_lines(values, 10) is values
    expected = np.stack([*(values[:, i : i + 3].mean(axis=1) for i in (0, 3, 6)), values[:, 9]], axis=1)
    assert np.allclose(pool_lines(values, 4), expected)
