"""The short-time Fourier transform against librosa, SciPy and plain restatements.

References are computed in float64. specfeat computes in float64 and rounds to float32 once, after the power, so
a linear spectrogram has the error of one rounding: 2**-24 of the value.
"""

from itertools import product
from typing import Any

import librosa
import numpy as np
import pytest
import scipy
from hypothesis import assume, example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from helpers.sample_data import (
    Float,
    compute_frames,
    cut_blocks,
    examples,
    make_chirp,
    make_click,
    make_noise,
    make_settings,
    make_tone,
)
from specfeat.audio.sample_streams import apply_preemphasis, pad_ends
from specfeat.audio.stft import Stft, make_window
from specfeat.config.spectrogram import Preemphasis

librosa_modules: Any = librosa  # loaded when they are used, which its type stub does not say

# One rounding to float32. A bin that should be empty has the rounding error of the loud bins in float64.
EXACT: dict[str, Any] = {"rtol": 2.0**-24 * 1.01, "atol": 1e-13}

NAMES = ("hann", "hamming", "blackman", "blackmanharris", "nuttall", "flattop", "bartlett", "boxcar")
PADDINGS: tuple[dict[str, Any], ...] = ({"center": False}, {}, {"pad_mode": "reflect"})
SHAPED = (["kaiser", 8.0], ["gaussian", 7.0], ["tukey", 0.3], ["general_hamming", 0.6], ["chebwin", 90.0])


def to_scipy_name(name: Any) -> Any:
    return tuple(name) if isinstance(name, list) else name


# --- windows -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NAMES, *SHAPED], ids=str)
def test_a_window_is_scipys(name: object) -> None:
    """Periodic and symmetric, with an even and an odd number of samples, and with very few."""
    for periodic, length in product((True, False), (2, 3, 33, 64)):
        spectrogram = make_settings(n_fft=length, hop_length=1, window=name, periodic=periodic).spectrogram
        expected = scipy.signal.get_window(to_scipy_name(name), length, fftbins=periodic)
        message = f"{periodic=} {length=}"
        np.testing.assert_allclose(make_window(spectrogram), expected, rtol=0, atol=1e-14, err_msg=message)


@pytest.mark.parametrize("name", [*NAMES, "povey"])
def test_a_window_of_one_sample_is_one(name: str) -> None:
    """SciPy's windows of one sample are 1, too; the formulas would give 0, and so an empty spectrogram."""
    spectrogram = make_settings(
        n_fft=8, win_length=1, hop_length=1, window=name, framing="win_length"
    ).spectrogram

    assert make_window(spectrogram).tolist() == [1.0]


@pytest.mark.parametrize("periodic", [True, False])
def test_the_povey_window_is_kaldis(periodic: bool) -> None:
    """feat/feature-window.cc: pow(0.5 - 0.5 cos(2 pi i / (length - 1)), 0.85); periodic divides by length."""
    length = 25
    spectrogram = make_settings(n_fft=length, hop_length=9, window="povey", periodic=periodic).spectrogram

    period = length if periodic else length - 1
    expected = [(0.5 - 0.5 * np.cos(2 * np.pi * i / period)) ** 0.85 for i in range(length)]

    np.testing.assert_allclose(make_window(spectrogram), expected, rtol=0, atol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize(("win", "n_fft"), [(40, 64), (41, 64), (40, 63), (41, 63)])
def test_a_short_window_is_in_the_middle_of_its_frame(win: int, n_fft: int) -> None:
    spectrogram = make_settings(n_fft=n_fft, win_length=win, hop_length=9).spectrogram

    expected = librosa.util.pad_center(scipy.signal.get_window("hann", win), size=n_fft)

    np.testing.assert_allclose(make_window(spectrogram), expected, rtol=0, atol=1e-14)


# --- frames and magnitudes -----------------------------------------------------------------------


def compute_librosa_linear(sound: Float, **spectrogram: Any) -> NDArray[np.float64]:
    """Return |librosa.stft| ** power in float64, shape (frames, bins)."""
    length = spectrogram.get("win_length", spectrogram["n_fft"])
    name, periodic = spectrogram.get("window", "hann"), spectrogram.get("periodic", True)
    lengths = {k: spectrogram[k] for k in ("n_fft", "win_length", "hop_length") if k in spectrogram}
    transform = librosa.stft(
        sound.astype(np.float64),
        window=scipy.signal.get_window(to_scipy_name(name), length, fftbins=periodic),
        center=spectrogram.get("center", True),
        pad_mode=spectrogram.get("pad_mode", "constant"),
        **lengths,
    )
    power: NDArray[np.float64] = np.abs(transform.T) ** spectrogram.get("power", 2)
    return power


@pytest.mark.slow
@pytest.mark.parametrize(
    "lengths",
    [
        {"n_fft": 64, "hop_length": 20},
        {"n_fft": 63, "hop_length": 20},
        {"n_fft": 64, "win_length": 40, "hop_length": 13},
        {"n_fft": 63, "win_length": 41, "hop_length": 41},
        {"n_fft": 512, "win_length": 100, "hop_length": 7},  # many blocks of frames
    ],
    ids=str,
)
def test_a_linear_spectrogram_is_librosas(lengths: dict[str, int]) -> None:
    """With each power and each way to pad the ends."""
    sound = make_noise(2003)
    for power, pad in product((1, 2, 1.5), PADDINGS):
        spectrogram: dict[str, Any] = {**lengths, "power": power, **pad}
        expected = compute_librosa_linear(sound, **spectrogram)
        result = compute_frames(make_settings(**spectrogram), sound)

        assert result.dtype == np.float32
        assert result.shape == (*expected.shape, 1)
        np.testing.assert_allclose(result[..., 0], expected, **EXACT, err_msg=str(spectrogram))


@pytest.mark.slow
@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("name", [*NAMES, *SHAPED], ids=str)
def test_every_window_is_applied_to_the_frames(name: object, periodic: bool) -> None:
    sound = make_chirp(700)
    spectrogram: dict[str, Any] = {
        "n_fft": 64,
        "win_length": 50,
        "hop_length": 17,
        "window": name,
        "periodic": periodic,
    }

    result = compute_frames(make_settings(**spectrogram), sound)

    np.testing.assert_allclose(result[..., 0], compute_librosa_linear(sound, **spectrogram), **EXACT)


@pytest.mark.slow
@given(
    n_fft=st.integers(4, 130),  # a symmetric Hann window of 2 is all zeros
    win=st.floats(0, 1),
    hop=st.floats(0, 1),
    window=st.sampled_from([*NAMES, *SHAPED]),
    periodic=st.booleans(),
    pad=st.sampled_from(PADDINGS),
    power=st.sampled_from([0.5, 1, 1.5, 2, 3]),
    samples=st.integers(130, 600),
)
@examples(max_examples=50)
def test_any_linear_spectrogram_is_librosas(
    n_fft: int, win: float, hop: float, pad: dict[str, Any], samples: int, **more: Any
) -> None:
    win_length = 4 + round(win * (n_fft - 4))
    hop_length = 1 + round(hop * (win_length - 1))
    spectrogram = {"n_fft": n_fft, "win_length": win_length, "hop_length": hop_length, **pad, **more}
    # For other lengths, librosa 0.11 reflects one sample too few at the end, unlike numpy.pad.
    assume("pad_mode" not in pad or samples % hop_length)
    sound = make_noise(samples)

    expected = compute_librosa_linear(sound, **spectrogram)
    result = compute_frames(make_settings(**spectrogram), sound)[..., 0]

    assert result.shape == expected.shape
    # A power below 2 makes the rounding error of a nearly empty bin larger.
    np.testing.assert_allclose(result, expected, rtol=EXACT["rtol"], atol=1e-7 * expected.max())


def cut_frames(sound: Float, length: int, hop: int) -> list[NDArray[np.float64]]:
    """Return every whole frame of a sound."""
    wide = sound.astype(np.float64)
    return [wide[start : start + length] for start in range(0, len(wide) - length + 1, hop)]


def compute_power(frames: list[NDArray[np.float64]], n_fft: int, name: str = "hann") -> NDArray[np.float64]:
    shape = {"hann": np.hanning, "hamming": np.hamming}[name](len(frames[0]) + 1)[:-1]
    power: NDArray[np.float64] = np.abs([np.fft.rfft(frame * shape, n_fft) for frame in frames]) ** 2
    return power


@pytest.mark.parametrize("n_fft", [64, 63])
def test_frames_of_the_windows_length_are_tensorflows(n_fft: int) -> None:
    """tf.signal.stft cuts win_length samples and puts the zeros after them, not on both sides."""
    sound, win, hop = make_noise(1009), 41, 13
    settings = make_settings(n_fft=n_fft, win_length=win, hop_length=hop, framing="win_length", center=False)

    expected = compute_power(cut_frames(sound, win, hop), n_fft)

    np.testing.assert_allclose(compute_frames(settings, sound)[..., 0], expected, **EXACT)


@pytest.mark.parametrize("pad_mode", ["constant", "reflect"])
@pytest.mark.parametrize("win", [40, 41])
def test_centred_frames_of_the_windows_length_are_padded_by_half_of_it(win: int, pad_mode: Any) -> None:
    sound, hop = make_noise(1009), 13
    settings = make_settings(
        n_fft=64, win_length=win, hop_length=hop, framing="win_length", pad_mode=pad_mode
    )

    expected = compute_power(cut_frames(np.pad(sound, win // 2, mode=pad_mode), win, hop), 64)

    np.testing.assert_allclose(compute_frames(settings, sound)[..., 0], expected, **EXACT)


@pytest.mark.parametrize("framing", ["n_fft", "win_length"])
@pytest.mark.parametrize("samples", [1, 12, 13, 14, 63, 64, 65, 500])
def test_pad_end_gives_one_frame_for_every_hop(samples: int, framing: str) -> None:
    """As in tf.signal.frame with pad_end=True, frame t begins at sample t * hop, inside the sound."""
    sound, hop, win = make_noise(samples), 13, 41
    length = win if framing == "win_length" else 64
    settings = make_settings(
        n_fft=64, win_length=win, hop_length=hop, framing=framing, center=False, pad_end=True, window="boxcar"
    )

    padded = np.pad(sound, (0, 64)).astype(np.float64)
    shape = make_window(settings.spectrogram)
    expected = [np.abs(np.fft.rfft(padded[t : t + length] * shape, 64)) ** 2 for t in range(0, samples, hop)]

    np.testing.assert_allclose(compute_frames(settings, sound)[..., 0], expected, **EXACT)


def test_the_dc_offset_of_each_frame_is_removed_before_the_window() -> None:
    sound, hop, win = make_noise(1009) + np.float32(0.3), 13, 41
    lengths: dict[str, Any] = {
        "n_fft": 64,
        "win_length": win,
        "hop_length": hop,
        "framing": "win_length",
        "center": False,
    }

    expected = compute_power([frame - np.mean(frame) for frame in cut_frames(sound, win, hop)], 64)
    result = compute_frames(make_settings(**lengths, remove_dc_offset=True), sound)[..., 0]

    np.testing.assert_allclose(result, expected, **EXACT)


# --- pre-emphasis --------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("coef", [0.97, 0.5, 1.0, 0.0])
@pytest.mark.parametrize("samples", [2, 3, 1000])
def test_preemphasis_of_a_file_is_librosas(samples: int, coef: float) -> None:
    """Both filter in float32; the last bit may differ if one compiler fuses multiply and add."""
    sound = make_noise(samples)

    result = np.concatenate([*apply_preemphasis([sound], Preemphasis(coef=coef))])

    expected = librosa_modules.effects.preemphasis(sound, coef=coef)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=0, atol=2.0**-24)


@pytest.mark.slow
def test_preemphasis_of_a_file_comes_before_its_padding() -> None:
    sound = make_noise(1009)
    lengths: dict[str, Any] = {"n_fft": 64, "hop_length": 20, "pad_mode": "reflect"}

    expected = compute_librosa_linear(librosa_modules.effects.preemphasis(sound, coef=0.9), **lengths)
    result = compute_frames(make_settings(**lengths, preemphasis={"coef": 0.9}), sound)[..., 0]

    np.testing.assert_allclose(result, expected, rtol=1e-7, atol=1e-7)


def test_preemphasis_of_a_frame_is_kaldis() -> None:
    """feat/feature-window.cc: from the last sample to the second, d[i] -= coef d[i-1]; then d[0] -= coef d[0].

    This comes after the mean is subtracted. The window does not begin with 0, so the first sample counts.
    """
    sound, hop, win, coef = make_noise(1009), 13, 41, 0.93
    lengths: dict[str, Any] = {
        "n_fft": 64,
        "win_length": win,
        "hop_length": hop,
        "framing": "win_length",
        "center": False,
    }
    cut = [frame - np.mean(frame) for frame in cut_frames(sound, win, hop)]
    for frame in cut:
        for i in range(win - 1, 0, -1):
            frame[i] -= coef * frame[i - 1]
        frame[0] -= coef * frame[0]

    settings = make_settings(
        **lengths, remove_dc_offset=True, preemphasis={"coef": coef, "per": "frame"}, window="hamming"
    )

    np.testing.assert_allclose(
        compute_frames(settings, sound)[..., 0], compute_power(cut, 64, "hamming"), **EXACT
    )


# --- known answers -------------------------------------------------------------------------------


@pytest.mark.parametrize("bin_number", [3, 16, 30])
def test_a_tone_lights_its_own_bin(bin_number: int) -> None:
    """Its height is known from physics: (half the amplitude times the sum of the window) squared."""
    settings = make_settings(n_fft=64, hop_length=20, center=False)

    result = compute_frames(settings, make_tone(bin_number * 8000 / 64, 500, amplitude=0.5))[..., 0]

    assert (result.argmax(axis=1) == bin_number).all()
    np.testing.assert_allclose(result[:, bin_number], (0.5 / 2 * 32) ** 2, rtol=1e-6)


def test_a_click_has_a_flat_spectrum() -> None:
    """Its height is the value of the window at the click, and frames without the click are empty."""
    settings = make_settings(n_fft=64, hop_length=20, center=False, power=1)

    result = compute_frames(settings, make_click(300, at=150))[..., 0]

    hann = np.hanning(64 + 1)[:-1]
    for t, frame in enumerate(result):
        place = 150 - 20 * t
        np.testing.assert_allclose(frame, hann[place] if 0 <= place < 64 else 0.0, rtol=1e-6, atol=1e-12)


def test_a_frame_has_the_same_bits_at_another_place() -> None:
    """The bits of a frame depend only on its samples, not on its place in a block or a file."""
    settings = make_settings(n_fft=512, win_length=100, hop_length=7)
    sound = make_noise(4000)

    whole = compute_frames(settings, sound)
    later = compute_frames(settings, sound[7 * 150 :])

    assert (whole[150 + 37 : -37] == later[37:-37]).all()


# --- streams -------------------------------------------------------------------------------------

SIZES = st.lists(st.integers(0, 9), max_size=30)


@pytest.mark.parametrize("mode", ["constant", "reflect", "symmetric"])
@given(sizes=SIZES, lengths=st.tuples(st.integers(0, 9), st.integers(0, 9)))
@example(sizes=[1] * 40, lengths=(6, 6))
@example(sizes=[], lengths=(0, 9))
@examples(max_examples=15)
def test_a_stream_is_padded_as_the_whole_is(mode: Any, sizes: list[int], lengths: tuple[int, int]) -> None:
    """Also if the sound is shorter than the padding; but an empty stream stays empty."""
    for samples in (0, 1, 2, 5, 6, 7, 12, 40):
        sound = make_noise(samples)

        result = np.concatenate([np.empty(0, np.float32), *pad_ends(cut_blocks(sound, sizes), lengths, mode)])

        expected = np.pad(sound, lengths, mode=mode) if samples else sound
        assert result.tolist() == expected.tolist(), samples


@given(sizes=SIZES)
@example(sizes=[1] * 40)
@example(sizes=[0, 1, 0, 0, 1])
@examples(max_examples=15)
def test_a_stream_is_preemphasized_as_the_whole_is(sizes: list[int]) -> None:
    """Whatever the number of samples in each block, and also if the sound is empty."""
    preemphasis = Preemphasis(coef=0.97)
    for samples in (0, 1, 2, 3, 40):
        sound = make_noise(samples)

        result = np.concatenate(
            [np.empty(0, np.float32), *apply_preemphasis(cut_blocks(sound, sizes), preemphasis)]
        )

        expected = np.concatenate([np.empty(0, np.float32), *apply_preemphasis([sound], preemphasis)])
        assert result.tolist() == expected.tolist(), samples
        assert result.shape == sound.shape


def test_preemphasis_leaves_the_blocks_as_they_were() -> None:
    sound = make_noise(100)
    before = sound.copy()

    list(apply_preemphasis(cut_blocks(sound, [30, 30]), Preemphasis()))

    assert (sound == before).all()


@pytest.mark.parametrize("n_fft", [16, 63, 1000, 70_000])
def test_every_block_of_frames_has_one_shape(n_fft: int) -> None:
    settings = make_settings(n_fft=n_fft, win_length=16, hop_length=16).spectrogram
    stft = Stft(settings)

    shapes = [cut.shape for cut, _ in stft.cut_frames([make_noise(70_000)])]
    counts = [count for _, count in stft.cut_frames([make_noise(70_000)])]

    assert set(shapes) == {(stft.block_frames, n_fft)}
    assert sum(counts) == settings.count_frames(70_000)
