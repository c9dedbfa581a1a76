"""Mel bands, compression, cepstrum, deltas and normalisation against librosa and plain restatements.

References are computed in float64 throughout. Ours is float32 after the magnitudes, where a value is a sum
of positive products: what float32 loses of it stays below 1e-6 of the value, and so below 2e-5 dB, to
which float32 adds its steps of up to 8e-6 at 100 dB.
"""

from itertools import product
from typing import Any

import librosa
import numpy as np
import pytest
import scipy.fft
from hypothesis import example, given, reject
from hypothesis import strategies as st
from librosa.filters import mel as librosa_filters
from numpy.typing import NDArray
from pydantic import ValidationError
from threadpoolctl import threadpool_limits

from helpers.sample_data import RATE, Float, bits, chirp, click, examples, frames, noise, settings, tone
from specfeat.audio.spectrogram import SpectrogramMaker, append_deltas, make_mel_filters, normalize_clip
from specfeat.config.mel import Mel
from specfeat.config.spectrogram import Deltas, Normalize

Double = NDArray[np.float64]

VALUE: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-12}  # of magnitudes and their like
DECIBEL: dict[str, Any] = {"rtol": 0, "atol": 3e-5}


def librosa_mel(sound: Float, mel: dict[str, Any], **spectrogram: Any) -> Double:
    """librosa.feature.melspectrogram in float64, shape (frames, bands)."""
    bands: Double = librosa.feature.melspectrogram(
        y=sound.astype(np.float64), sr=RATE, dtype=np.float64, **mel, **spectrogram
    )
    return bands.T


def librosa_db(power: Double, amin: float = 1e-10, ref: float = 1.0) -> Double:
    decibels: Double = librosa.power_to_db(power, ref=ref, amin=amin, top_db=None)
    return decibels


# --- mel -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_fft", [512, 511])
@pytest.mark.parametrize("norm", ["slaney", None])
@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize(("fmin", "fmax"), [(0.0, None), (300.0, 3500.0)])
def test_mel_filters_are_librosas(fmin: float, fmax: float | None, htk: bool, norm: Any, n_fft: int) -> None:
    mel = {"n_mels": 13, "fmin": fmin, "fmax": fmax, "htk": htk, "norm": norm}

    got = make_mel_filters(Mel.model_validate(mel), RATE, n_fft)

    wanted = librosa_filters(sr=RATE, n_fft=n_fft, dtype=np.float64, **mel)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, wanted, rtol=2.0**-24 * 1.01, atol=1e-14)


@pytest.mark.parametrize("norm", ["slaney", None])
@pytest.mark.parametrize("htk", [False, True])
def test_mel_filters_with_straight_sides_over_mel(htk: bool, norm: Any) -> None:
    """As in tf.signal.linear_to_mel_weight_matrix and Kaldi's mel-computations.cc, told one by one."""
    n_mels, fmin, fmax, n_fft = 13, 300.0, 3500.0, 512
    mel = Mel(n_mels=n_mels, fmin=fmin, fmax=fmax, htk=htk, norm=norm, triangles="mel")

    def to_mel(hz: float) -> float:
        return float(1127 * np.log(1 + hz / 700) if htk else librosa.hz_to_mel(hz))

    edges = np.linspace(to_mel(fmin), to_mel(fmax), n_mels + 2)
    edges_hz = 700 * (np.exp(edges / 1127) - 1) if htk else librosa.mel_to_hz(edges)
    wanted = np.zeros((n_mels, n_fft // 2 + 1))
    for band, bin_number in product(range(n_mels), range(n_fft // 2 + 1)):
        left, middle, right = edges[band : band + 3]
        place = to_mel(bin_number * RATE / n_fft)
        if left < place < right:
            rising, falling = (place - left) / (middle - left), (right - place) / (right - middle)
            wanted[band, bin_number] = min(rising, falling)
        if norm == "slaney":
            wanted[band, bin_number] *= 2 / (edges_hz[band + 2] - edges_hz[band])

    np.testing.assert_allclose(make_mel_filters(mel, RATE, n_fft), wanted, rtol=2e-7, atol=1e-12)


@pytest.mark.parametrize("triangles", ["hz", "mel"])
@pytest.mark.parametrize("keep", [1, 9, 13])
def test_kept_bands_are_the_lowest_of_all(keep: int, triangles: Any) -> None:
    """Their edges are those of all n_mels bands, not of so many bands up to fmax."""
    every = Mel(n_mels=13, fmin=100, triangles=triangles)
    some = Mel(n_mels=13, fmin=100, triangles=triangles, keep=keep)

    np.testing.assert_array_equal(
        make_mel_filters(some, RATE, 512), make_mel_filters(every, RATE, 512)[:keep]
    )


def test_kept_bands_are_those_of_the_whole_spectrogram() -> None:
    """The bits of the others do not depend on what is left out; a cepstrum is that of the kept ones."""
    mel, sound = {"n_mels": 20, "fmin": 50}, noise(3000)

    every = frames(settings(kind="mel", n_fft=256, mel=mel), sound)
    some = frames(settings(kind="mel", n_fft=256, mel={**mel, "keep": 7}), sound)
    made = settings(kind="mfcc", n_fft=256, mel={**mel, "keep": 7}, mfcc={"n_mfcc": 7})

    assert some.shape == (len(every), 7, 1)
    np.testing.assert_allclose(some, every[:, :7], rtol=1e-6)
    decibels = librosa_db(some[..., 0].astype(np.float64))
    cepstra = scipy.fft.dct(decibels, type=2, norm="ortho", axis=1)
    np.testing.assert_allclose(frames(made, sound)[..., 0], cepstra, rtol=0, atol=1e-3)


@pytest.mark.parametrize(("n_mels", "n_fft"), [(13, 512), (24, 512), (30, 256), (24, 100)])
def test_the_top_bin_of_each_triangle_may_be_dropped(n_mels: int, n_fft: int) -> None:
    """As SIDEKIT's trfbank: of the bins above the middle, up to the foot, the last one is given no weight."""
    mel = {"n_mels": n_mels, "fmin": 100.0, "fmax": RATE / 2, "htk": True, "empty_bands": "keep"}
    edges = librosa.mel_frequencies(n_mels + 2, fmin=100.0, fmax=RATE / 2, htk=True)

    wanted = make_mel_filters(Mel.model_validate(mel), RATE, n_fft)
    for band, (_, middle, high) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        falling = [k for k in range(n_fft // 2 + 1) if middle < k * RATE / n_fft <= high + 1e-9]
        wanted[band, falling[-1:]] = 0

    got = make_mel_filters(Mel.model_validate({**mel, "top_bin": "drop"}), RATE, n_fft)
    np.testing.assert_array_equal(got, wanted)
    assert (got > 0).sum() < (make_mel_filters(Mel.model_validate(mel), RATE, n_fft) > 0).sum()


MELS: tuple[dict[str, Any], ...] = (
    {"n_mels": 20},
    {"n_mels": 13, "fmin": 100.0, "fmax": 3500.0, "htk": True, "norm": None},
    {"n_mels": 29, "fmin": 20.0, "htk": True},
    {"n_mels": 16, "norm": None},
)


@pytest.mark.parametrize("power", [1, 2, 1.5])
@pytest.mark.parametrize("pad", [{"center": False}, {}, {"pad_mode": "reflect"}], ids=str)
@pytest.mark.parametrize("mel", MELS, ids=str)
def test_a_mel_spectrogram_is_librosas(mel: dict[str, Any], pad: dict[str, Any], power: float) -> None:
    lengths = {"n_fft": 511, "win_length": 300, "hop_length": 110, "power": power, **pad}
    sound = noise(5003)

    wanted = librosa_mel(sound, mel, **lengths)
    got = frames(settings(kind="mel", mel=mel, **lengths), sound)

    assert got.dtype == np.float32
    assert got.shape == (*wanted.shape, 1)
    np.testing.assert_allclose(got[..., 0], wanted, **VALUE)


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
@examples(max_examples=80)
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
        made = settings(kind="mel", mel=mel, **lengths, **more)
    except ValidationError as e:
        if "no FFT bin" not in str(e):
            raise
        reject()
    sound = noise(700)

    wanted = librosa_mel(sound, mel, **lengths, **more)
    got = frames(made, sound)[..., 0]

    assert got.shape == wanted.shape
    # A lone bin at the foot of a triangle weighs what rounding leaves of its place, hence the 1e-10.
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-10 * wanted.max())


# --- compression and cepstrum --------------------------------------------------------------------

LENGTHS: dict[str, Any] = {"n_fft": 256, "hop_length": 100}
MEL = {"n_mels": 20}


def uncompressed(sound: Float) -> Double:
    return librosa_mel(sound, MEL, **LENGTHS)


def compressed(compress: dict[str, object], sound: Float) -> Float:
    return frames(settings(kind="mel", mel=MEL, **LENGTHS, compress=compress), sound)[..., 0]


def quiet_and_loud(samples: int) -> Float:
    """Noise that swells from -200 dB to 0 dB, so that floors and limits are met."""
    swell = np.logspace(-10, 0, samples)
    return (noise(samples) * swell).astype(np.float32)


@pytest.mark.parametrize("amin", [1e-10, 1e-5])
@pytest.mark.parametrize("ref", [1.0, 20.0])
def test_decibels_are_librosas(amin: float, ref: float) -> None:
    sound = quiet_and_loud(9001)

    got = compressed({"db": {"amin": amin, "ref": ref}}, sound)

    np.testing.assert_allclose(got, librosa_db(uncompressed(sound), amin, ref), **DECIBEL)
    assert got.min() == pytest.approx(10 * np.log10(amin / ref), abs=2e-5)


def test_decibels_stop_at_their_floor() -> None:
    sound = quiet_and_loud(9001)

    got = compressed({"db": {"ref": 20.0, "floor": -33.0}}, sound)

    wanted = np.maximum(librosa_db(uncompressed(sound), ref=20.0), -33.0)
    np.testing.assert_allclose(got, wanted, **DECIBEL)
    assert got.min() == -33.0


@pytest.mark.parametrize("settings_of_ln", [{"offset": 0.01}, {"amin": 1e-6}, {"amin": 1e-3, "offset": 0.5}])
def test_the_logarithm_is_of_what_is_left_above_amin_plus_the_offset(
    settings_of_ln: dict[str, float],
) -> None:
    sound = quiet_and_loud(9001)

    got = compressed({"ln": settings_of_ln}, sound)

    amin, offset = settings_of_ln.get("amin", 0), settings_of_ln.get("offset", 0)
    np.testing.assert_allclose(
        got, np.log(np.maximum(uncompressed(sound), amin) + offset), rtol=0, atol=1.5e-6
    )


def test_log10_and_power() -> None:
    sound = quiet_and_loud(9001)
    plain = uncompressed(sound)

    np.testing.assert_allclose(
        compressed({"log10": {"scale": 500.0}}, sound), np.log10(1 + 500 * plain), rtol=1e-6, atol=1e-7
    )
    np.testing.assert_allclose(compressed({"power": {"exponent": 0.3}}, sound), plain**0.3, **VALUE)


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
@pytest.mark.parametrize("make", [noise, quiet_and_loud])
def test_pcen_is_librosas(make: Any, pcen: dict[str, float]) -> None:
    """Begun cold, over 1 500 frames, which is more than a block of them."""
    sound = 2**10 * make(150_000)

    got = compressed({"pcen": pcen}, sound)

    wanted = librosa.pcen(uncompressed(sound).T, sr=RATE, hop_length=100, **pcen).T
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n_mfcc", [1, 13, 20])
@pytest.mark.parametrize("norm", ["ortho", None])
@pytest.mark.parametrize("lifter", [0, 22.0, 7.5])
def test_mfccs_are_librosas(lifter: float, norm: Any, n_mfcc: int) -> None:
    """A coefficient sums 20 bands, each right to 3e-5 dB, by weights of at most `largest`."""
    sound = chirp(9001)
    mfcc = {"n_mfcc": n_mfcc, "norm": norm, "lifter": lifter}

    got = frames(settings(kind="mfcc", mel=MEL, mfcc=mfcc, **LENGTHS), sound)[..., 0]

    wanted = librosa.feature.mfcc(S=librosa_db(uncompressed(sound)).T, **mfcc).T
    assert got.shape == wanted.shape
    largest = (np.sqrt(2 / 20) if norm else 2.0) * (1 + lifter / 2)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=20 * 3e-5 * largest)


def test_the_cepstrum_follows_its_own_compression() -> None:
    sound = noise(9001)
    own = {"ln": {"amin": 1e-8}}

    got = frames(settings(kind="mfcc", mel=MEL, mfcc={"n_mfcc": 13}, compress=own, **LENGTHS), sound)[..., 0]

    wanted = librosa.feature.mfcc(S=np.log(np.maximum(uncompressed(sound), 1e-8)).T, n_mfcc=13).T
    np.testing.assert_allclose(got, wanted, rtol=0, atol=3e-5)


# --- deltas and constants ------------------------------------------------------------------------


@pytest.mark.parametrize("count", [9, 10, 200])
@pytest.mark.parametrize(("order", "width"), [(1, 9), (2, 9), (2, 3), (1, 3), (2, 5)])
def test_deltas_are_librosas_as_channels(order: int, width: int, count: int) -> None:
    """Order 2 has three channels; the ends are those of mode "interp"."""
    sound = noise(100 * count)
    deltas = {"order": order, "width": width}
    made = {"kind": "mel", "mel": MEL, **LENGTHS, "compress": {"db": {}}, "clips": {"frames": 9}}

    plain = frames(settings(**made), sound)[..., 0]
    got = frames(settings(**made, deltas=deltas), sound)

    assert got.shape == (count + 1, 20, 1 + order)
    assert bits(got[..., 0].copy()) == bits(plain)
    for channel in range(1, order + 1):
        wanted = librosa.feature.delta(plain.astype(np.float64), width=width, order=channel, axis=0)
        np.testing.assert_allclose(got[..., channel], wanted, rtol=0, atol=2e-7 * np.abs(plain).max())


def test_deltas_of_a_parabola_are_its_derivatives() -> None:
    """Inside, where no end is near: slope 2 a t + b, curvature 2 a, whatever the width."""
    t = np.arange(60.0)
    parabola = (0.25 * t**2 + 3 * t + 1).astype(np.float32)[:, np.newaxis]

    got = np.concatenate([*append_deltas([parabola], Deltas(order=2, width=7))])[3:-3, 0]

    np.testing.assert_allclose(got[:, 1], 0.5 * t[3:-3] + 3, rtol=2e-6)
    np.testing.assert_allclose(got[:, 2], 0.5, rtol=0, atol=2e-4)


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
def test_constants_normalise_all_channels_or_each(normalize: dict[str, Any], mean: Any, std: Any) -> None:
    made: dict[str, Any] = {"compress": {"db": {}}, "deltas": {"order": 2}, "clips": {"frames": 9}}
    sound = noise(2000)

    plain = frames(settings(**made), sound).astype(np.float64)
    got = frames(settings(**made, normalize=normalize), sound)

    assert got.dtype == np.float32
    np.testing.assert_allclose(got, (plain - mean) / std, rtol=2e-7, atol=1e-6)


CLIP = np.stack([noise(35, seed=1).reshape(7, 5), 100 + 9 * noise(35, seed=2).reshape(7, 5)], axis=-1)


def test_a_clip_is_normalised_by_its_own_values_channel_by_channel() -> None:
    wide = CLIP.astype(np.float64)

    standard = normalize_clip(CLIP, Normalize(clip="mean_std"))
    largest = normalize_clip(-CLIP, Normalize(clip="max"))

    wanted = (wide - wide.mean(axis=(0, 1))) / wide.std(axis=(0, 1))
    np.testing.assert_allclose(standard, wanted, rtol=1.2e-7)
    np.testing.assert_allclose(largest, -wide / np.abs(wide).max(axis=(0, 1)), rtol=1.2e-7)
    assert standard.dtype == largest.dtype == np.float32


@pytest.mark.parametrize("top_db", [None, 80.0, 20.0])
def test_decibels_below_the_clips_loudest_are_librosas(top_db: float | None) -> None:
    """`{clip: subtract_max, floor: -80}` is librosa.power_to_db(ref=np.max, top_db=80)."""
    power = np.abs(CLIP) ** 3 * 10.0 ** np.arange(-6, 1)[:, np.newaxis, np.newaxis]
    floor = None if top_db is None else -top_db

    got = normalize_clip(librosa_db(power).astype(np.float32), Normalize(clip="subtract_max", floor=floor))

    for channel in range(2):
        wanted = librosa.power_to_db(power[..., channel], ref=np.max, amin=1e-10, top_db=top_db)
        np.testing.assert_allclose(got[..., channel], wanted, **DECIBEL)
    assert got.dtype == np.float32
    assert got.max() == 0


@pytest.mark.parametrize("value", [0.0, 1e-30, 0.1, -100.0, 3e38])
def test_a_constant_clip_has_no_deviation(value: float) -> None:
    constant = np.full((97, 64, 1), value, np.float32)

    assert (normalize_clip(constant, Normalize(clip="mean_std")) == 0).all()
    assert (normalize_clip(constant, Normalize(clip="subtract_max", floor=-80)) == 0).all()
    assert (normalize_clip(constant, Normalize(clip="max")) == np.sign(value)).all()


def test_one_constant_channel_does_not_disturb_the_other() -> None:
    half = np.stack([CLIP[..., 0], np.full((7, 5), 4.2, np.float32)], axis=-1)

    got = normalize_clip(half, Normalize(clip="mean_std"))

    assert (got[..., 1] == 0).all()
    assert got[..., 0].std() == pytest.approx(1, abs=1e-6)


# --- known answers -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["hz", "mel"])
@pytest.mark.parametrize("band", [2, 7, 12])
def test_a_tone_lights_its_own_band(band: int, kind: str) -> None:
    """The tone lies where the band's triangle has its top, by the HTK formula."""
    mel = {"n_mels": 16, "htk": True, "norm": None, "triangles": kind}
    top = 700 * (10 ** ((band + 1) / 17 * np.log10(1 + RATE / 2 / 700)) - 1)

    got = frames(settings(kind="mel", mel=mel, n_fft=512, hop_length=110), tone(top, 4000))[..., 0]

    assert (got[3:-3].argmax(axis=1) == band).all()


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
    got = frames(settings(kind="mel", mel=MEL, **LENGTHS, compress=compress), np.zeros(3000, np.float32))

    np.testing.assert_allclose(got, floor, rtol=2e-7, atol=1e-12)


def test_the_cepstrum_of_silence_is_its_level() -> None:
    """-100 dB in 20 bands: -100 sqrt(20), and nothing else but what float32 leaves."""
    got = frames(settings(kind="mfcc", mel=MEL, **LENGTHS), np.zeros(3000, np.float32))[..., 0]

    np.testing.assert_allclose(got[:, 0], -100 * np.sqrt(20), rtol=1e-6)
    np.testing.assert_allclose(got[:, 1:], 0, atol=1e-4)


def test_a_click_gives_every_band_of_height_one_its_sum_of_weights() -> None:
    """A flat spectrum weighs nothing: bands are the sums of their triangles, times the window's power."""
    mel = {"n_mels": 16, "norm": None}
    made = settings(kind="mel", mel=mel, n_fft=512, hop_length=512, center=False, window="boxcar")

    got = frames(made, click(1024, at=700))[..., 0]

    weights = make_mel_filters(Mel.model_validate(mel), RATE, 512).astype(np.float64)
    assert (got[0] == 0).all()
    np.testing.assert_allclose(got[1], weights.sum(axis=1), rtol=1e-6)


# --- blocks, places and threads do not matter ----------------------------------------------------

# n_fft 512 makes blocks of 128 frames, so that 7 000 samples are some of them.
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


def stream_settings(name: str) -> Any:
    spectrogram = {"kind": "mel", "n_fft": 512, "win_length": 40, "hop_length": 20, **STREAMS[name]}
    if spectrogram["kind"] != "linear":
        spectrogram["mel"] = {"n_mels": 12}
    return settings(clips={"frames": 9}, **spectrogram)


@pytest.mark.parametrize("name", STREAMS)
@given(samples=st.integers(200, 7000), sizes=st.lists(st.integers(0, 3000), max_size=12))
@example(samples=7000, sizes=[1] * 7000)
@example(samples=6021, sizes=[0, 1, 0, 0, 2560, 0, 1])
@examples(max_examples=12)
def test_a_stream_gives_the_bits_of_the_whole(name: str, samples: int, sizes: list[int]) -> None:
    made, sound = stream_settings(name), noise(samples)

    assert bits(frames(made, sound, sizes)) == bits(frames(made, sound))


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("samples", [0, 1, 2, 39, 40, 41, 255, 256, 257, 511, 512, 513])
def test_a_short_stream_gives_the_frames_that_the_settings_count(samples: int, name: str) -> None:
    made, sound = stream_settings(name), noise(samples)
    count = made.spectrogram.count_frames(samples)
    deltas = made.spectrogram.deltas

    got = frames(made, sound)

    # Deltas need a whole window of frames; below it there is nothing to fit them to.
    assert len(got) == (0 if deltas and count < deltas.width else count)
    assert got.shape[1:] == made.input_shape[1:]
    assert np.isfinite(got).all()
    assert bits(frames(made, sound, [1] * samples)) == bits(got)


def test_a_maker_serves_one_file_after_another() -> None:
    made, sound = stream_settings("pcen, deltas"), noise(3000)
    maker = SpectrogramMaker(made)
    first, _, again = (np.concatenate([*maker.frames([s])]) for s in (sound, 9 * sound, sound))

    assert bits(first) == bits(again)


@pytest.mark.parametrize("kind", ["mel", "mfcc"])
@pytest.mark.parametrize("n_mels", [40, 64, 128])
def test_the_number_of_blas_threads_does_not_matter(n_mels: int, kind: str) -> None:
    """OpenBLAS rounds products of these sizes otherwise when two threads share them."""
    mel = {"n_mels": n_mels, "fmin": 30.0, "empty_bands": "keep"}
    compress: dict[str, Any] = {"compress": {"db": {}}}
    made = settings(kind=kind, mel=mel, n_fft=1024, hop_length=256, **compress)
    sound = noise(60_000)

    results = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            results.append(bits(frames(made, sound)))

    assert results[0] == results[1]


def test_a_cepstrum_of_pcen_comes_after_it() -> None:
    """MFCC of PCEN: bands, PCEN, DCT, in that order."""
    shared: dict[str, Any] = {"hop_length": 64, "n_fft": 256, "mel": {"n_mels": 20}, "compress": {"pcen": {}}}
    sound = noise(5000)
    bands = frames(settings(kind="mel", **shared), sound)[..., 0]
    cepstra = frames(settings(kind="mfcc", mfcc={"n_mfcc": 9}, **shared), sound)[..., 0]
    expected = scipy.fft.dct(bands, axis=1, norm="ortho")[:, :9]

    np.testing.assert_allclose(cepstra, expected, atol=1e-5 * np.abs(expected).max())
