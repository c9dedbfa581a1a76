"""The gain of the samples."""

from typing import Any

import numpy as np
import pytest

from helpers.sample_data import compute_clips, compute_frames, get_bits, make_noise, make_settings
from specfeat.config import load_config
from specfeat.errors import AudioError


@pytest.mark.parametrize("preemphasis", [None, {"per": "file"}, {"per": "frame"}])
def test_a_gain_is_a_factor_of_each_sample(preemphasis: dict[str, str] | None) -> None:
    """The spectrogram has the bits of that of multiplied samples, in whatever blocks they are read."""
    sound = make_noise(3000)
    more: dict[str, Any] = {
        "preemphasis": preemphasis,
        "pad_mode": "reflect",
        "compress": {"ln": {"offset": 1}},
    }

    result = compute_frames(make_settings(gain=300.7, **more), sound, [1, 0, 999, 7])

    assert get_bits(result) == get_bits(compute_frames(make_settings(**more), np.float32(300.7) * sound))


def test_a_gain_gives_samples_the_scale_of_16_bit_integers() -> None:
    """Kaldi reads integers: its logarithms of power are 2 ln 32768 higher than those of samples of -1..1."""
    sound = make_noise(8000)

    plain = compute_frames(load_config("kaldi80").settings, sound)
    integers = compute_frames(load_config("kaldi80", ["spectrogram.gain=32768"]).settings, sound)

    np.testing.assert_allclose(integers - plain, 2 * np.log(32768), rtol=0, atol=4e-6)


def test_samples_that_a_gain_makes_infinite_are_an_error_of_the_file() -> None:
    """Float samples may be so large that the product is not finite."""
    with pytest.raises(AudioError, match="clip 0 is not finite: its samples are too large"):
        compute_clips(make_settings(gain=1e9), np.full(200, 1e30, np.float32))
