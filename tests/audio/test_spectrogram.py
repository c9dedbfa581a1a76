"""Mel bands, compression, cepstrum, deltas and normalisation against librosa and plain restatements.

References are computed in float64. specfeat uses float32 after the magnitudes, where a value is a sum of positive
products: the error of float32 is below 1e-6 of the value, which is 2e-5 dB, and a step of float32 at 100 dB is
another 8e-6.
"""

from itertools import product
from typing import Any

import librosa
import numpy as np
import pytest
import scipy
from hypothesis import example, given, reject
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from threadpoolctl import threadpool_limits

from helpers.sample_data import (
    RATE,
    Float,
    compute_frames,
    examples,
    get_bits,
    make_chirp,
    make_click,
    make_noise,
    make_settings,
    make_tone,
)
from specfeat.audio import stft
from specfeat.audio.deltas import append_deltas
from specfeat.audio.normalization import normalize_clip
from specfeat.audio.spectrogram import SpectrogramMaker, make_mel_filters
from specfeat.config.mel import Mel
from specfeat.config.normalize import Normalize
from specfeat.config.spectrogram import Deltas

librosa_modules: Any = librosa  # loaded when they are used, which its type stub does not say

Double = NDArray[np.float64]

VALUE: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-12}  # for magnitudes, and for what is computed like them
DECIBEL: dict[str, Any] = {"rtol": 0, "atol": 3e-5}


def compute_librosa_mel(sound: Float, mel: dict[str, Any], **spectrogram: Any) -> Double:
    """Return librosa.feature.melspectrogram in float64, shape (frames, bands)."""
    bands: Double = librosa.feature.melspectrogram(
        y=sound.astype(np.float64), sr=RATE, dtype=np.float64, **mel, **spectrogram
    )
    return bands.T


def compute_librosa_db(power: Double, amin: float = 1e-10, ref: float = 1.0) -> Double:
    decibels: Double = librosa.power_to_db(power, ref=ref, amin=amin, top_db=None)
    return decibels


# --- mel -----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize(("fmin", "fmax"), [(0.0, None), (300.0, 3500.0)])
def test_mel_filters_are_librosas(fmin: float, fmax: float | None, htk: bool) -> None:
    """With and without equal areas, for an even and an odd length of the FFT."""
    for norm, n_fft in product(("slaney", None), (512, 511)):
        mel = {"n_mels": 13, "fmin": fmin, "fmax": fmax, "htk": htk, "norm": norm}
        result = make_mel_filters(Mel.model_validate(mel), RATE, n_fft)
        expected = librosa_modules.filters.mel(sr=RATE, n_fft=n_fft, dtype=np.float64, **mel)

        assert result.dtype == np.float32
        np.testing.assert_allclose(result, expected, rtol=2.0**-24 * 1.01, atol=1e-14, err_msg=str(mel))


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["slaney", None])
@pytest.mark.parametrize("htk", [False, True])
def test_mel_filters_with_straight_sides_over_mel(htk: bool, norm: Any) -> None:
    """The sides are straight over mel as in tf.signal.linear_to_mel_weight_matrix and Kaldi's mel-computations.cc."""
    n_mels, fmin, fmax, n_fft = 13, 300.0, 3500.0, 512
    mel = Mel(n_mels=n_mels, fmin=fmin, fmax=fmax, htk=htk, norm=norm, triangles="mel")

    def to_mel(hz: float) -> float:
        return float(1127 * np.log(1 + hz / 700) if htk else librosa.hz_to_mel(hz))

    edges = np.linspace(to_mel(fmin), to_mel(fmax), n_mels + 2)
    edges_hz = 700 * (np.exp(edges / 1127) - 1) if htk else librosa.mel_to_hz(edges)
    expected = np.zeros((n_mels, n_fft // 2 + 1))
    for band, bin_number in product(range(n_mels), range(n_fft // 2 + 1)):
        left, middle, right = edges[band : band + 3]
        place = to_mel(bin_number * RATE / n_fft)
        if left < place < right:
            rising, falling = (place - left) / (middle - left), (right - place) / (right - middle)
            expected[band, bin_number] = min(rising, falling)
        if norm == "slaney":
            expected[band, bin_number] *= 2 / (edges_hz[band + 2] - edges_hz[band])

    np.testing.assert_allclose(make_mel_filters(mel, RATE, n_fft), expected, rtol=2e-7, atol=1e-12)


@pytest.mark.parametrize("triangles", ["hz", "mel"])
@pytest.mark.parametrize("keep", [1, 9, 13])
def test_kept_bands_are_the_lowest_of_all(keep: int, triangles: Any) -> None:
    """Their edges are those of all n_mels bands, not of `keep` bands up to fmax."""
    every = Mel(n_mels=13, fmin=100, triangles=triangles)
    some = Mel(n_mels=13, fmin=100, triangles=triangles, keep=keep)

    np.testing.assert_array_equal(
        make_mel_filters(some, RATE, 512), make_mel_filters(every, RATE, 512)[:keep]
    )


@pytest.mark.slow
def test_kept_bands_are_those_of_the_whole_spectrogram() -> None:
    """The kept bands do not depend on the others, and the cepstrum is that of the kept bands."""
    mel, sound = {"n_mels": 20, "fmin": 50}, make_noise(3000)

    every = compute_frames(make_settings(kind="mel", n_fft=256, mel=mel), sound)
    some = compute_frames(make_settings(kind="mel", n_fft=256, mel={**mel, "keep": 7}), sound)
    settings = make_settings(kind="mfcc", n_fft=256, mel={**mel, "keep": 7}, mfcc={"n_mfcc": 7})

    assert some.shape == (len(every), 7, 1)
    np.testing.assert_allclose(some, every[:, :7], rtol=1e-6)
    decibels = compute_librosa_db(some[..., 0].astype(np.float64))
    cepstra = scipy.fft.dct(decibels, type=2, norm="ortho", axis=1)
    np.testing.assert_allclose(compute_frames(settings, sound)[..., 0], cepstra, rtol=0, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("n_mels", "n_fft"), [(13, 512), (24, 512), (30, 256), (24, 100)])
def test_the_top_bin_of_each_triangle_may_be_dropped(n_mels: int, n_fft: int) -> None:
    """As in SIDEKIT's trfbank, the last bin from the middle of a triangle to its upper foot gets no weight."""
    mel = {"n_mels": n_mels, "fmin": 100.0, "fmax": RATE / 2, "htk": True, "empty_bands": "keep"}
    edges = librosa.mel_frequencies(n_mels + 2, fmin=100.0, fmax=RATE / 2, htk=True)

    expected = make_mel_filters(Mel.model_validate(mel), RATE, n_fft)
    for band, (_, middle, high) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        falling = [k for k in range(n_fft // 2 + 1) if middle < k * RATE / n_fft <= high + 1e-9]
        expected[band, falling[-1:]] = 0

    result = make_mel_filters(Mel.model_validate({**mel, "top_bin": "drop"}), RATE, n_fft)
    np.testing.assert_array_equal(result, expected)
    assert (result > 0).sum() < (make_mel_filters(Mel.model_validate(mel), RATE, n_fft) > 0).sum()


PADDINGS: tuple[dict[str, Any], ...] = ({"center": False}, {}, {"pad_mode": "reflect"})
MELS: tuple[dict[str, Any], ...] = (
    {"n_mels": 20},
    {"n_mels": 13, "fmin": 100.0, "fmax": 3500.0, "htk": True, "norm": None},
    {"n_mels": 29, "fmin": 20.0, "htk": True},
    {"n_mels": 16, "norm": None},
)


@pytest.mark.slow
@pytest.mark.parametrize("mel", MELS, ids=str)
def test_a_mel_spectrogram_is_librosas(mel: dict[str, Any]) -> None:
    """With each power and each way to pad the ends."""
    sound = make_noise(3003)
    for power, pad in product((1, 2, 1.5), PADDINGS):
        lengths: dict[str, Any] = {"n_fft": 511, "win_length": 300, "hop_length": 110, "power": power, **pad}
        expected = compute_librosa_mel(sound, mel, **lengths)
        result = compute_frames(make_settings(kind="mel", mel=mel, **lengths), sound)

        assert result.dtype == np.float32
        assert result.shape == (*expected.shape, 1)
        np.testing.assert_allclose(result[..., 0], expected, **VALUE, err_msg=str(lengths))


@pytest.mark.slow
@given(
    n_fft=st.integers(64, 300),
    win=st.floats(0, 1),
    hop=st.floats(0, 1),
    n_mels=st.integers(1, 20),
    edges=st.tuples(st.floats(0, 2000), st.none() | st.floats(2500, RATE / 2)),
    htk=st.booleans(),
    norm=st.sampled_from(["slaney", None]),
    more=st.fixed_dictionaries(
        {
            "center": st.booleans(),
            "power": st.sampled_from([1, 1.5, 2]),
            "window": st.sampled_from(["hann", "hamming", "blackman"]),
        }
    ),
)
@examples(max_examples=40)
def test_any_mel_spectrogram_is_librosas(
    n_fft: int,
    win: float,
    hop: float,
    edges: tuple[float, float | None],
    more: dict[str, Any],
    **mel: Any,
) -> None:
    win_length = 20 + round(win * (n_fft - 20))
    lengths: dict[str, Any] = {
        "n_fft": n_fft,
        "win_length": win_length,
        "hop_length": 1 + round(hop * (win_length - 1)),
    }
    mel |= {"fmin": edges[0], "fmax": edges[1]}
    try:
        settings = make_settings(kind="mel", mel=mel, **lengths, **more)
    except ValidationError as e:
        if "no FFT bin" not in str(e):
            raise
        reject()
    sound = make_noise(700)

    expected = compute_librosa_mel(sound, mel, **lengths, **more)
    result = compute_frames(settings, sound)[..., 0]

    assert result.shape == expected.shape
    # The weight of a bin at the foot of a triangle is the rounding error of its place, hence the 1e-10.
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-10 * expected.max())


# --- compression and cepstrum --------------------------------------------------------------------

LENGTHS: dict[str, Any] = {"n_fft": 256, "hop_length": 100}
MEL = {"n_mels": 20}


def compute_uncompressed(sound: Float) -> Double:
    return compute_librosa_mel(sound, MEL, **LENGTHS)


def compute_compressed(compress: Any, sound: Float) -> Float:
    return compute_frames(make_settings(kind="mel", mel=MEL, **LENGTHS, compress=compress), sound)[..., 0]


def make_swelling_noise(samples: int) -> Float:
    """Make noise that swells from -200 dB to 0 dB, so that it has values below and above every floor."""
    swell = np.logspace(-10, 0, samples)
    return (make_noise(samples) * swell).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("amin", [1e-10, 1e-5])
@pytest.mark.parametrize("ref", [1.0, 20.0])
def test_decibels_are_librosas(amin: float, ref: float) -> None:
    sound = make_swelling_noise(9001)

    result = compute_compressed({"db": {"amin": amin, "ref": ref}}, sound)

    np.testing.assert_allclose(result, compute_librosa_db(compute_uncompressed(sound), amin, ref), **DECIBEL)
    assert result.min() == pytest.approx(10 * np.log10(amin / ref), abs=2e-5)


@pytest.mark.slow
def test_decibels_stop_at_their_floor() -> None:
    sound = make_swelling_noise(9001)

    result = compute_compressed({"db": {"ref": 20.0, "floor": -33.0}}, sound)

    expected = np.maximum(compute_librosa_db(compute_uncompressed(sound), ref=20.0), -33.0)
    np.testing.assert_allclose(result, expected, **DECIBEL)
    assert result.min() == -33.0


@pytest.mark.slow
@pytest.mark.parametrize("ln", [{"offset": 0.01}, {"amin": 1e-6}, {"amin": 1e-3, "offset": 0.5}])
def test_the_logarithm_is_that_of_the_clipped_value_plus_the_offset(
    ln: dict[str, float],
) -> None:
    sound = make_swelling_noise(9001)

    result = compute_compressed({"ln": ln}, sound)

    amin, offset = ln.get("amin", 0), ln.get("offset", 0)
    np.testing.assert_allclose(
        result, np.log(np.maximum(compute_uncompressed(sound), amin) + offset), rtol=0, atol=1.5e-6
    )


@pytest.mark.slow
def test_steps_of_compression_follow_each_other() -> None:
    """PCEN and then ln(1 + x), as np.log1p(librosa.pcen(...)); and a root before decibels."""
    sound = make_swelling_noise(20_000)
    plain = compute_uncompressed(sound)

    twice = compute_compressed([{"pcen": {"gain": 0.8}}, {"ln": {"offset": 1}}], sound)
    root = compute_compressed([{"power": {"exponent": 0.5}}, {"db": {}}], sound)

    pcen = librosa.pcen(plain.T, sr=RATE, hop_length=100, gain=0.8).T
    np.testing.assert_allclose(twice, np.log1p(pcen), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(root, compute_librosa_db(np.sqrt(plain)), **DECIBEL)


@pytest.mark.parametrize("deltas", [None, {"order": 1, "width": 5}], ids=str)
def test_constants_may_be_given_for_each_band(deltas: dict[str, int] | None) -> None:
    """Each band (of each channel) has its own mean and deviation, as (x - mean) / std broadcasts in NumPy."""
    sound, more = make_swelling_noise(5000), {"kind": "mel", "mel": MEL, **LENGTHS, "compress": {"db": {}}}
    channels = 2 if deltas else 1
    mean = np.linspace(-90, 10, 20 * channels).reshape(channels, 20)
    std = np.linspace(0.5, 30, 20 * channels).reshape(channels, 20)
    lists = (mean.tolist(), std.tolist()) if deltas else (mean[0].tolist(), std[0].tolist())
    settings = make_settings(
        **more,
        deltas=deltas,
        clips={"frames": 9},
        normalize={"mean": lists[0], "std": lists[1], "per": "band"},
    )

    plain = compute_frames(make_settings(**more, deltas=deltas, clips={"frames": 9}), sound)

    np.testing.assert_allclose(
        compute_frames(settings, sound), (plain - mean.T) / std.T, rtol=1e-5, atol=1e-5
    )


@pytest.mark.slow
def test_log10_and_power() -> None:
    sound = make_swelling_noise(9001)
    plain = compute_uncompressed(sound)

    np.testing.assert_allclose(
        compute_compressed({"log10": {"scale": 500.0}}, sound),
        np.log10(1 + 500 * plain),
        rtol=1e-6,
        atol=1e-7,
    )
    np.testing.assert_allclose(compute_compressed({"power": {"exponent": 0.3}}, sound), plain**0.3, **VALUE)


@pytest.mark.slow
@pytest.mark.parametrize(
    "pcen",
    [
        {},
        {"gain": 0.8, "bias": 10.0, "power": 0.25, "time_constant": 0.06, "eps": 1e-4},
        {"power": 0.0},
        {"bias": 0.0},
        {"gain": 0.0},
        {"gain": 1.0, "bias": 0.0, "power": 1.0},
        {"time_constant": 5.0},
        {"bias": 1e-3},
    ],
    ids=str,
)
@pytest.mark.parametrize("make_sound", [make_noise, make_swelling_noise])
def test_pcen_is_librosas(make_sound: Any, pcen: dict[str, float]) -> None:
    """It has no initial state, and 1,500 frames are more than a block of frames."""
    sound = 2**10 * make_sound(150_000)

    result = compute_compressed({"pcen": pcen}, sound)

    expected = librosa.pcen(compute_uncompressed(sound).T, sr=RATE, hop_length=100, **pcen).T
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["ortho", None])
@pytest.mark.parametrize("lifter", [0, 22.0, 7.5])
def test_mfccs_are_librosas(lifter: float, norm: Any) -> None:
    """A coefficient is the sum of 20 bands, each with an error of 3e-5 dB, times weights up to `largest`."""
    sound = make_chirp(9001)
    decibels = compute_librosa_db(compute_uncompressed(sound)).T
    for n_mfcc in (1, 13, 20):
        mfcc = {"n_mfcc": n_mfcc, "norm": norm, "lifter": lifter}

        result = compute_frames(make_settings(kind="mfcc", mel=MEL, mfcc=mfcc, **LENGTHS), sound)[..., 0]

        expected = librosa.feature.mfcc(S=decibels, **mfcc).T
        assert result.shape == expected.shape
        largest = (np.sqrt(2 / 20) if norm else 2.0) * (1 + lifter / 2)
        np.testing.assert_allclose(result, expected, rtol=0, atol=20 * 3e-5 * largest, err_msg=str(mfcc))


@pytest.mark.slow
def test_the_cepstrum_is_that_of_the_configs_compression() -> None:
    sound = make_noise(9001)
    own = {"ln": {"amin": 1e-8}}

    result = compute_frames(
        make_settings(kind="mfcc", mel=MEL, mfcc={"n_mfcc": 13}, compress=own, **LENGTHS), sound
    )[..., 0]

    expected = librosa.feature.mfcc(S=np.log(np.maximum(compute_uncompressed(sound), 1e-8)).T, n_mfcc=13).T
    np.testing.assert_allclose(result, expected, rtol=0, atol=3e-5)


# --- deltas and constants ------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("count", [9, 10, 200])
@pytest.mark.parametrize(("order", "width"), [(1, 9), (2, 9), (2, 3), (1, 3), (2, 5)])
def test_deltas_are_librosas_as_channels(order: int, width: int, count: int) -> None:
    """Order 2 gives three channels; the ends are those of librosa's mode "interp"."""
    sound = make_noise(100 * count)
    deltas = {"order": order, "width": width}
    settings = {"kind": "mel", "mel": MEL, **LENGTHS, "compress": {"db": {}}, "clips": {"frames": 9}}

    plain = compute_frames(make_settings(**settings), sound)[..., 0]
    result = compute_frames(make_settings(**settings, deltas=deltas), sound)

    assert result.shape == (count + 1, 20, 1 + order)
    assert get_bits(result[..., 0].copy()) == get_bits(plain)
    for channel in range(1, order + 1):
        expected = librosa.feature.delta(plain.astype(np.float64), width=width, order=channel, axis=0)
        np.testing.assert_allclose(result[..., channel], expected, rtol=0, atol=2e-7 * np.abs(plain).max())


def test_deltas_of_a_parabola_are_its_derivatives() -> None:
    """Away from the ends, the slope is 2 a t + b and the curvature 2 a, for any width."""
    t = np.arange(60.0)
    parabola = (0.25 * t**2 + 3 * t + 1).astype(np.float32)[:, np.newaxis]

    result = np.concatenate([*append_deltas([parabola], Deltas(order=2, width=7))])[3:-3, 0]

    np.testing.assert_allclose(result[:, 1], 0.5 * t[3:-3] + 3, rtol=2e-6)
    np.testing.assert_allclose(result[:, 2], 0.5, rtol=0, atol=2e-4)


@pytest.mark.parametrize(
    ("normalize", "mean", "std"),
    [
        ({"mean": -50.0, "std": 25.0}, -50.0, 25.0),
        ({"mean": -50.0}, -50.0, 1.0),
        ({"std": 25.0}, 0.0, 25.0),
        ({"mean": [-50.0, 1.0, 2.0], "std": [25.0, 3.0, 4.0]}, [-50.0, 1.0, 2.0], [25.0, 3.0, 4.0]),
        ({"mean": -50, "std": [25.0, 3.0, 4.0]}, -50.0, [25.0, 3.0, 4.0]),
    ],
    ids=str,
)
def test_constants_normalise_all_channels_or_each_channel(
    normalize: dict[str, Any], mean: Any, std: Any
) -> None:
    settings: dict[str, Any] = {"compress": {"db": {}}, "deltas": {"order": 2}, "clips": {"frames": 9}}
    sound = make_noise(2000)

    plain = compute_frames(make_settings(**settings), sound).astype(np.float64)
    result = compute_frames(make_settings(**settings, normalize=normalize), sound)

    assert result.dtype == np.float32
    np.testing.assert_allclose(result, (plain - mean) / std, rtol=2e-7, atol=1e-6)


CLIP = np.stack(
    [make_noise(35, seed=1).reshape(7, 5), 100 + 9 * make_noise(35, seed=2).reshape(7, 5)], axis=-1
)


def test_a_clip_is_normalised_by_its_own_values_channel_by_channel() -> None:
    wide = CLIP.astype(np.float64)

    standard = normalize_clip(CLIP, Normalize(clip="mean_std"))
    largest = normalize_clip(-CLIP, Normalize(clip="max"))

    expected = (wide - wide.mean(axis=(0, 1))) / wide.std(axis=(0, 1))
    np.testing.assert_allclose(standard, expected, rtol=1.2e-7)
    np.testing.assert_allclose(largest, -wide / np.abs(wide).max(axis=(0, 1)), rtol=1.2e-7)
    assert standard.dtype == largest.dtype == np.float32


@pytest.mark.slow
@pytest.mark.parametrize("top_db", [None, 80.0, 20.0])
def test_decibels_below_the_clips_loudest_are_librosas(top_db: float | None) -> None:
    """`{clip: subtract_max, floor: -80}` is librosa.power_to_db(ref=np.max, top_db=80)."""
    power = np.abs(CLIP) ** 3 * 10.0 ** np.arange(-6, 1)[:, np.newaxis, np.newaxis]
    floor = None if top_db is None else -top_db

    result = normalize_clip(
        compute_librosa_db(power).astype(np.float32), Normalize(clip="subtract_max", floor=floor)
    )

    for channel in range(2):
        expected = librosa.power_to_db(power[..., channel], ref=np.max, amin=1e-10, top_db=top_db)
        np.testing.assert_allclose(result[..., channel], expected, **DECIBEL)
    assert result.dtype == np.float32
    assert result.max() == 0


@pytest.mark.parametrize("value", [0.0, 1e-30, 0.1, -100.0, 3e38])
def test_a_constant_clip_has_no_deviation(value: float) -> None:
    constant = np.full((97, 64, 1), value, np.float32)

    assert (normalize_clip(constant, Normalize(clip="mean_std")) == 0).all()
    assert (normalize_clip(constant, Normalize(clip="subtract_max", floor=-80)) == 0).all()
    assert (normalize_clip(constant, Normalize(clip="max")) == np.sign(value)).all()


def test_one_constant_channel_does_not_disturb_the_other() -> None:
    half = np.stack([CLIP[..., 0], np.full((7, 5), 4.2, np.float32)], axis=-1)

    result = normalize_clip(half, Normalize(clip="mean_std"))

    assert (result[..., 1] == 0).all()
    assert result[..., 0].std() == pytest.approx(1, abs=1e-6)


# --- known answers -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["hz", "mel"])
@pytest.mark.parametrize("band", [2, 7, 12])
def test_a_tone_lights_its_own_band(band: int, kind: str) -> None:
    """The tone has the frequency of the top of the band's triangle, by the HTK formula."""
    mel = {"n_mels": 16, "htk": True, "norm": None, "triangles": kind}
    top = 700 * (10 ** ((band + 1) / 17 * np.log10(1 + RATE / 2 / 700)) - 1)

    result = compute_frames(
        make_settings(kind="mel", mel=mel, n_fft=512, hop_length=110), make_tone(top, 4000)
    )[..., 0]

    assert (result[3:-3].argmax(axis=1) == band).all()


@pytest.mark.parametrize(
    ("compress", "floor"),
    [
        (None, 0.0),
        ({"db": {}}, -100.0),
        ({"db": {"amin": 1e-5, "ref": 10.0}}, -60.0),
        ({"db": {"floor": -80.0}}, -80.0),
        ({"ln": {"offset": 0.01}}, np.log(0.01)),
        ({"ln": {"amin": 1e-7}}, np.log(1e-7)),
        ({"log10": {}}, 0.0),
        ({"power": {"exponent": 0.3}}, 0.0),
        ({"pcen": {}}, 0.0),
        ({"pcen": {"power": 0}}, 0.0),
        ({"pcen": {"bias": 0}}, 0.0),
    ],
    ids=str,
)
def test_silence_gives_the_floor(compress: dict[str, object] | None, floor: float) -> None:
    result = compute_frames(
        make_settings(kind="mel", mel=MEL, **LENGTHS, compress=compress), np.zeros(3000, np.float32)
    )

    np.testing.assert_allclose(result, floor, rtol=2e-7, atol=1e-12)


def test_the_cepstrum_of_silence_is_its_level() -> None:
    """-100 dB in 20 bands give -100 sqrt(20), and zeros in the other coefficients up to rounding."""
    result = compute_frames(make_settings(kind="mfcc", mel=MEL, **LENGTHS), np.zeros(3000, np.float32))[
        ..., 0
    ]

    np.testing.assert_allclose(result[:, 0], -100 * np.sqrt(20), rtol=1e-6)
    np.testing.assert_allclose(result[:, 1:], 0, atol=1e-4)


def test_a_click_gives_each_band_the_sum_of_its_weights() -> None:
    """The spectrum of a click is flat, so a band is the sum of its triangle times the power of the window."""
    mel = {"n_mels": 16, "norm": None}
    settings = make_settings(kind="mel", mel=mel, n_fft=512, hop_length=512, center=False, window="boxcar")

    result = compute_frames(settings, make_click(1024, at=700))[..., 0]

    weights = make_mel_filters(Mel.model_validate(mel), RATE, 512).astype(np.float64)
    assert (result[0] == 0).all()
    np.testing.assert_allclose(result[1], weights.sum(axis=1), rtol=1e-6)


# --- blocks, places and threads have no effect ---------------------------------------------------

# With n_fft 512, a block has 32 frames of 20 samples, so 2,000 samples are several blocks.
BLOCK_VALUES = 32 * 512
STREAMS: dict[str, dict[str, Any]] = {
    "linear, centred": {"kind": "linear"},
    "linear, reflected": {"kind": "linear", "pad_mode": "reflect"},
    "mel, uncentred": {"center": False},
    "mel, short frames": {"center": False, "framing": "win_length"},
    "mel, pad_end": {"center": False, "pad_end": True},
    "pad_end, pre-emphasis": {"center": False, "pad_end": True, "preemphasis": {}},
    "reflected, pre-emphasis": {"pad_mode": "reflect", "preemphasis": {"coef": 0.9}},
    "Kaldi": {"center": False, "remove_dc_offset": True, "preemphasis": {"per": "frame"}, "window": "povey"},
    "pcen": {"compress": {"pcen": {}}},
    "pcen, deltas": {"compress": {"pcen": {"power": 0.3}}, "deltas": {"order": 2}},
    "mfcc, deltas": {"kind": "mfcc", "mfcc": {"n_mfcc": 7}, "deltas": {"order": 1, "width": 5}},
    "normalised": {"compress": {"db": {}}, "normalize": {"mean": -40, "std": 20}},
    "odd": {"n_fft": 511, "win_length": 41, "hop_length": 19, "framing": "win_length"},
}


def make_stream_settings(name: str) -> Any:
    spectrogram = {"kind": "mel", "n_fft": 512, "win_length": 40, "hop_length": 20, **STREAMS[name]}
    if spectrogram["kind"] != "linear":
        spectrogram["mel"] = {"n_mels": 12}
    return make_settings(clips={"frames": 9}, **spectrogram)


@pytest.mark.parametrize("name", STREAMS)
@given(samples=st.integers(200, 2000), sizes=st.lists(st.integers(0, 900), max_size=12))
@example(samples=700, sizes=[1] * 700)
@example(samples=1821, sizes=[0, 1, 0, 0, 640, 0, 1])
@examples(max_examples=5)
def test_a_stream_gives_the_bits_of_the_whole(name: str, samples: int, sizes: list[int]) -> None:
    settings, sound = make_stream_settings(name), make_noise(samples)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stft, "BLOCK_VALUES", BLOCK_VALUES)
        assert get_bits(compute_frames(settings, sound, sizes)) == get_bits(compute_frames(settings, sound))


@pytest.mark.parametrize("name", STREAMS)
def test_a_short_stream_gives_the_frames_that_the_settings_predict(name: str) -> None:
    """Around the lengths of the window, of half an FFT and of a whole one."""
    settings = make_stream_settings(name)
    deltas = settings.spectrogram.deltas
    single_samples = [1] * 41  # at the start and, as far as there are so many, at the end
    for samples in (0, 1, 2, 39, 40, 41, 255, 256, 257, 511, 512, 513):
        sound, count = make_noise(samples), settings.spectrogram.count_frames(samples)

        result = compute_frames(settings, sound)

        # Deltas need at least `width` frames.
        assert len(result) == (0 if deltas and count < deltas.width else count), samples
        assert result.shape[1:] == settings.input_shape[1:]
        assert np.isfinite(result).all(), samples
        sizes = [*single_samples, max(0, samples - 82), *single_samples]
        assert get_bits(compute_frames(settings, sound, sizes)) == get_bits(result), samples


def test_a_maker_can_be_used_again() -> None:
    settings, sound = make_stream_settings("pcen, deltas"), make_noise(3000)
    maker = SpectrogramMaker(settings)
    first, _, again = (np.concatenate([*maker.make_frames([s])]) for s in (sound, 9 * sound, sound))

    assert get_bits(first) == get_bits(again)


@pytest.mark.parametrize("kind", ["mel", "mfcc"])
@pytest.mark.parametrize("n_mels", [40, 64, 128])
def test_the_number_of_blas_threads_does_not_matter(n_mels: int, kind: str) -> None:
    """OpenBLAS would round products of these sizes differently when two threads share them."""
    mel = {"n_mels": n_mels, "fmin": 30.0, "empty_bands": "keep"}
    compress: dict[str, Any] = {"compress": {"db": {}}}
    settings = make_settings(kind=kind, mel=mel, n_fft=1024, hop_length=256, **compress)
    sound = make_noise(60_000)

    results = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            results.append(get_bits(compute_frames(settings, sound)))

    assert results[0] == results[1]


@pytest.mark.slow
def test_a_cepstrum_of_pcen_comes_after_it() -> None:
    """The order for an MFCC of PCEN is bands, PCEN, DCT."""
    shared: dict[str, Any] = {"hop_length": 64, "n_fft": 256, "mel": {"n_mels": 20}, "compress": {"pcen": {}}}
    sound = make_noise(5000)
    bands = compute_frames(make_settings(kind="mel", **shared), sound)[..., 0]
    cepstra = compute_frames(make_settings(kind="mfcc", mfcc={"n_mfcc": 9}, **shared), sound)[..., 0]
    expected = scipy.fft.dct(bands, axis=1, norm="ortho")[:, :9]

    np.testing.assert_allclose(cepstra, expected, atol=1e-5 * np.abs(expected).max())
