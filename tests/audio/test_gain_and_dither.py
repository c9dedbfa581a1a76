"""The gain of the samples, and the noise that is added to each frame."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers.sample_data import compute_clips, compute_frames, cut_blocks, get_bits, make_noise, make_settings
from specfeat.audio import stft
from specfeat.audio.dither import add_dither
from specfeat.audio.spectrogram import SpectrogramMaker
from specfeat.config import load_config
from specfeat.config.settings import Settings
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


# --- dither --------------------------------------------------------------------------------------


def make_dither_settings(std: float = 0.5, seed: int = 7, **spectrogram: Any) -> Settings:
    return make_settings(dither={"std": std, "seed": seed}, center=False, **spectrogram)


def compute_kaldi_noise(seed: int, frame: int, length: int) -> NDArray[np.float64]:
    """Return the noise of one frame by itself: Box and Muller's numbers of the frame's part of the generator."""
    steps = -(-length // 4)
    words = np.random.Philox(key=seed, counter=frame * steps).random_raw(4 * steps)
    uniform = [int(word >> np.uint64(11)) / 2**53 for word in words]
    pairs = list(zip(uniform[: 2 * steps], uniform[2 * steps :], strict=True))
    radii = [math.sqrt(-2 * math.log(1 - first)) for first, _ in pairs]
    cosines = [radius * math.cos(2 * math.pi * u) for radius, (_, u) in zip(radii, pairs, strict=True)]
    sines = [radius * math.sin(2 * math.pi * u) for radius, (_, u) in zip(radii, pairs, strict=True)]
    return np.array([*cosines, *sines][:length])


def test_dither_is_noise_of_each_frame_before_all_else() -> None:
    """As in Kaldi's ProcessWindow: samples plus noise, then the mean is removed, then pre-emphasis and window."""
    sound, coef, length, hop = make_noise(2000), 0.97, 62, 21
    settings = make_dither_settings(
        0.3, 11, n_fft=64, win_length=length, hop_length=hop, framing="win_length", gain=100,
        remove_dc_offset=True, preemphasis={"coef": coef, "per": "frame"}, window="povey", periodic=False,
    )  # fmt: skip

    result = compute_frames(settings, sound)[..., 0]

    window = np.hanning(length) ** 0.85
    for t, values in enumerate(result):
        frame = 100.0 * sound[t * hop : t * hop + length] + 0.3 * compute_kaldi_noise(11, t, length)
        frame -= frame.mean()
        frame -= coef * np.concatenate([frame[:1], frame[:-1]])
        expected = np.abs(np.fft.rfft(frame * window, 64)) ** 2
        np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-6 * expected.max())


def test_dither_is_normal_and_different_in_each_frame() -> None:
    """Noise of 1,000 frames has the deviation, the fourth moment and the independence of normal numbers."""
    settings = make_dither_settings(n_fft=50, hop_length=1).spectrogram
    assert settings.dither

    noise = add_dither(np.zeros((1000, 50), np.float32), settings.dither, 0).astype(np.float64) / 0.5

    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 1) < 0.02
    assert abs((noise**4).mean() - 3) < 0.15
    assert abs((noise[1:] * noise[:-1]).mean()) < 0.02
    assert abs((noise[:, 25:] * noise[:, :25]).mean()) < 0.02
    assert len(np.unique(noise)) > 0.99 * noise.size


@pytest.mark.parametrize("block_values", [1, 2048, 65_536])
def test_dither_does_not_depend_on_blocks(block_values: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same file has the same bytes in whatever blocks it is read, and after whatever other file."""
    settings, sound = make_dither_settings(), make_noise(3000)
    expected = compute_frames(settings, sound)
    monkeypatch.setattr(stft, "BLOCK_VALUES", block_values)
    maker = SpectrogramMaker(settings)
    list(maker.make_frames([make_noise(777)]))

    result = np.concatenate([*maker.make_frames(cut_blocks(sound, [1, 0, 999, 7]))])

    assert get_bits(result) == get_bits(expected)


def test_another_seed_gives_other_noise() -> None:
    """The seed is a setting: it has a digest of its own, and gives other values."""
    one, other = make_dither_settings(seed=0), make_dither_settings(seed=1)

    assert one.digest != other.digest
    assert (
        not np.isclose(
            compute_frames(one, make_noise(500)), compute_frames(other, make_noise(500)), rtol=1e-3
        )
        .any(axis=(1, 2))
        .all()
    )
