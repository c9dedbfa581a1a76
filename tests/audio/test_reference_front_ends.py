"""The front ends of published networks, against numbers that their own code gave.

../shared/reference/README.md says how. Most of those codes compute in float32, so a quiet band keeps what a
transform in float32 leaves of the loud ones beside it: an amplitude of 2**-24 of the frame's loudest band.
`EPS` of that loudest band is therefore allowed everywhere; where the references and ours differ by more,
librosa in float64 sides with ours (PANNs: 1.5e-5 dB). What is allowed on top is each reference's own:

* VGGish, float64 to the end: a step of float32 at 8, where its logarithms lie.
* PANNs, torchlibrosa: steps of float32 at 100 dB, 8e-6 each, for a logarithm and a subtraction.
* Kaldi, AST and TensorFlow reckon the mel of each bin in float32, right to 2e-4 of 2 840 mel, so that the
  weights of narrow triangles are right to 1e-5 of the top: much, for a bin that lies at a foot.
* inaSpeechSegmenter, float32 after the FFT: 1e-3, where 24 bands reach to ln(1e-13).
* OpenL3, kapre, before any logarithm: its Hann window is float32 too, so the foot of it is wrong by parts
  in a thousand, which is all that the last nine frames, padded with zeros, have of the sound.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from helpers.sample_data import Float, clips, frames
from specfeat.config import load_config

Double = NDArray[np.float64]

EPS = 2.0**-24  # of an amplitude
SOUNDS = ("speech", "music")
SAMPLES = {"speech": 68_267, "music": 128_000}  # at 16 kHz


@pytest.fixture(scope="module")
def reference(shared: Path) -> Iterator[Any]:
    with np.load(shared / "reference" / "frontends.npz") as arrays:
        yield arrays


@pytest.fixture
def sound_at(shared: Path) -> Any:
    """Read a sound at a rate."""
    return partial(sound_of, shared)


def sound_of(shared: Path, name: str, rate: int) -> Float:
    samples, read_rate = soundfile.read(shared / f"reference/audio/{name}_{rate}.flac", dtype="float32")
    assert read_rate == rate
    sound: Float = samples
    return sound


def assert_logs_agree(got: Float, wanted: Float, tolerance: float, power_in: float) -> None:
    """Compare logarithms of power, or of amplitude.

    Args:
        got: shape (..., bands).
        wanted: the reference.
        tolerance: allowed everywhere, in the logarithm's unit.
        power_in: of an amplitude's change by one e, the change of the logarithm: 2 for ln of power.
    """
    assert got.shape == wanted.shape
    wide = wanted.astype(np.float64)
    below = (wide.max(axis=-1, keepdims=True) - wide) / power_in  # the loudest band, in ln of amplitude
    allowed = tolerance + power_in * EPS * np.exp(below)
    excess = np.abs(got - wide) / allowed
    assert excess.max() <= 1, (
        f"{np.abs(got - wide).max():.2e} at most, {excess.max():.2f} times the tolerance"
    )


LN_POWER, DB_POWER, LN_AMPLITUDE = 2.0, 20 / np.log(10), 1.0


@pytest.mark.parametrize("name", SOUNDS)
def test_vggish(name: str, reference: Any, sound_at: Any) -> None:
    made = load_config("vggish").settings
    sound = sound_at(name, 16_000)

    whole, cut = frames(made, sound), clips(made, sound)

    assert made.input_shape == (96, 64, 1)
    assert_logs_agree(whole[..., 0], reference[f"vggish_{name}_logmel"], 5e-7, LN_AMPLITUDE)
    assert_logs_agree(cut[..., 0], reference[f"vggish_{name}_examples"], 5e-7, LN_AMPLITUDE)
    assert len(cut) == made.clip_grid.count_rows(len(sound)) == {"speech": 4, "music": 8}[name]


@pytest.mark.parametrize("config", ["yamnet", "yamnet_relu6"])
@pytest.mark.parametrize("name", SOUNDS)
def test_yamnet(name: str, config: str, reference: Any, sound_at: Any) -> None:
    """With YAMNet's own padding: frames of silence that make whole hops of 0.48 s."""
    made = load_config(config).settings
    sound = sound_at(name, 16_000)
    padded = np.pad(sound, (0, made.clip_grid.compute_padded_length(len(sound)) - len(sound)))

    whole, cut = frames(made, padded), clips(made, sound)

    assert made.input_shape == (96, 64, 1)
    assert_logs_agree(whole[..., 0], reference[f"yamnet_{name}_logmel"], 2e-4, LN_AMPLITUDE)
    assert_logs_agree(cut[..., 0], reference[f"yamnet_{name}_patches"], 2e-4, LN_AMPLITUDE)
    assert len(cut) == made.clip_grid.count_rows(len(sound)) == {"speech": 8, "music": 16}[name]


@pytest.mark.parametrize(
    ("config", "rate", "of"),
    [
        ("cnn6", 32_000, "32k"),
        ("cnn10", 32_000, "32k"),
        ("cnn14", 32_000, "32k"),
        ("cnn14_16k", 16_000, "16k"),
    ],
)
@pytest.mark.parametrize("name", SOUNDS)
def test_panns(name: str, config: str, rate: int, of: str, reference: Any, sound_at: Any) -> None:
    """The whole file as PANNs; the shipped clips of ten seconds agree until their padding is felt."""
    made = load_config(config).settings
    sound = sound_at(name, rate)
    wanted = reference[f"panns{of}_{name}_logmel"]

    whole, cut = frames(made, sound), clips(made, sound)

    assert_logs_agree(whole[..., 0], wanted, 5e-5, DB_POWER)
    assert cut.shape == (1, 1001, 64, 1) == (made.clip_grid.count_rows(len(sound)), *made.input_shape)
    until = (len(sound) - made.spectrogram.n_fft // 2) // made.spectrogram.hop_length
    assert_logs_agree(cut[0, :until, :, 0], wanted[:until], 5e-5, DB_POWER)


@pytest.mark.parametrize("name", SOUNDS)
def test_kaldi_fbank(name: str, reference: Any, sound_at: Any) -> None:
    """Whole, and in clips of a second."""
    made, sound = load_config("kaldi80").settings, sound_at(name, 16_000)
    wanted = reference[f"kaldi80_{name}_fbank"]

    whole, cut = frames(made, sound)[..., 0], clips(made, sound)[..., 0]

    assert_logs_agree(whole, wanted, 2e-4, LN_POWER)
    assert len(cut) == made.clip_grid.count_rows(len(sound)) == {"speech": 5, "music": 8}[name]
    assert_logs_agree(np.concatenate(cut)[: len(wanted)], wanted, 2e-4, LN_POWER)


@pytest.mark.parametrize("name", SOUNDS)
def test_ast_fbank(name: str, reference: Any, sound_at: Any) -> None:
    """The file's mean goes with each frame's; of 128 bands some hold no bin and stay at the floor."""
    made, sound = load_config("ast128").settings, sound_at(name, 16_000)
    normalize = made.spectrogram.normalize
    assert normalize
    assert isinstance(normalize.mean, float)
    assert isinstance(normalize.std, float)
    wanted = reference[f"ast128_{name}_fbank"]

    normalized = clips(made, sound)
    got = normalized[0, : len(wanted), :, 0] * np.float32(normalize.std) + np.float32(normalize.mean)

    assert normalized.shape == (1, 1024, 128, 1)
    assert_logs_agree(got, wanted, 5e-4, LN_POWER)
    floor = np.log(2.0**-23)
    empty = (got <= floor + 1e-5).all(axis=0)
    assert empty.any()
    assert (empty == (wanted <= floor + 1e-5).all(axis=0)).all()


OPENL3 = {"linear": (197, 257), "mel128": (199, 128), "mel256": (199, 256)}


@pytest.mark.parametrize("n_mels", [128, 256])
@pytest.mark.parametrize("name", SOUNDS)
def test_openl3_before_its_decibels(name: str, n_mels: int, reference: Any, sound_at: Any) -> None:
    """Windows of a second, each with a spectrogram of its own; the reference has the first three."""
    changes = ["spectrogram.compress=null", "spectrogram.normalize=null", "clips.hop=24000"]
    made = load_config(f"openl3_mel{n_mels}", changes).settings
    sound = sound_at(name, 48_000)

    got = clips(made, sound)

    assert got.shape == (made.clip_grid.count_rows(len(sound)), 199, n_mels, 1)
    assert len(got) == {"speech": 8, "music": 15}[name]
    wanted = reference[f"openl3_mel{n_mels}_{name}_mel"]
    loudest = wanted.max(axis=-1, keepdims=True)
    loudest[:, 190:] = wanted.max()
    excess = np.abs(got[:3, ..., 0] - wanted) / (1e-6 * wanted + 3 * EPS * loudest)
    assert excess.max() <= 1, f"{excess.max():.2f} times the tolerance"


@pytest.mark.parametrize("n_mels", [128, 256])
@pytest.mark.parametrize("name", SOUNDS)
def test_openl3_in_decibels(name: str, n_mels: int, reference: Any, sound_at: Any) -> None:
    """10 log10(max(x, 1e-10)) of the reference, less the window's largest, not below -80 dB."""
    made = load_config(f"openl3_mel{n_mels}", ["clips.hop=24000"]).settings
    magnitude = reference[f"openl3_mel{n_mels}_{name}_mel"].astype(np.float64)
    decibels = 10 * np.log10(np.maximum(magnitude, 1e-10))
    wanted = np.maximum(decibels - decibels.max(axis=(1, 2), keepdims=True), -80)

    got = clips(made, sound_at(name, 48_000))[:3, ..., 0]

    loudest = magnitude.max(axis=-1, keepdims=True)
    loudest[:, 190:] = magnitude.max()
    allowed = 2e-5 + 10 / np.log(10) * 3 * EPS * loudest / np.maximum(magnitude, 1e-8 * magnitude.max())
    excess = np.abs(got - wanted) / allowed
    assert excess.max() <= 1, f"{excess.max():.2f} times the tolerance"
    assert got.max(axis=(1, 2)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("kind", OPENL3)
@pytest.mark.parametrize("name", SOUNDS)
def test_openl3_has_a_window_every_tenth_of_a_second(name: str, kind: str, sound_at: Any) -> None:
    """As many as its own pad_audio makes: the last one is filled up with zeros."""
    made = load_config(f"openl3_{kind}").settings
    samples = len(sound_at(name, 48_000))

    assert made.input_shape == (*OPENL3[kind], 1)
    assert made.clip_grid.count_rows(samples) == 1 + -(-(samples - 48_000) // 4_800)


@pytest.mark.parametrize("name", SOUNDS)
def test_musicnn(name: str, sound_at: Any) -> None:
    """librosa's, as its extractor.py asks; the 16 bits that it rounds to move what stays finite by 0.003."""
    made, sound = load_config("musicnn_vgg").settings, sound_at(name, 16_000)
    power = librosa.feature.melspectrogram(y=sound, sr=16_000, hop_length=256, n_fft=512, n_mels=96).T
    with np.errstate(over="ignore"):
        rounded = np.log10(10000 * power.astype(np.float16) + 1)

    got = clips(made, sound)[..., 0]

    assert made.input_shape == (187, 96, 1)
    assert len(got) == {"speech": 1, "music": 2}[name]
    for k, clip in enumerate(got):
        part = slice(187 * k, 187 * (k + 1))
        np.testing.assert_allclose(clip, np.log10(10000 * power[part] + 1), rtol=0, atol=2e-5)
        finite = np.isfinite(rounded[part])
        assert np.abs(clip - rounded[part])[finite].max() < 3e-3


@pytest.mark.parametrize("name", ["musanmix", "lamartine"])
def test_inaspeech(name: str, shared: Path) -> None:
    """Its 24 bands whole; of its patches the number, and the first fifty, those at the edge included."""
    sound, rate = soundfile.read(shared / f"reference/inaspeech/{name}.wav", dtype="float32")
    with np.load(shared / "reference/inaspeech/golden.npz") as golden:
        bands, patches = golden[f"{name}.wav_mspec"], golden[f"{name}.wav_patches21"]
    made = load_config("inaspeech").settings

    whole = frames(load_config("inaspeech", ["spectrogram.mel.keep=24"]).settings, sound)[..., 0]
    cut = clips(made, sound)[..., 0]

    assert rate == made.audio.sample_rate
    assert whole.shape == bands.shape
    np.testing.assert_allclose(whole, bands, rtol=0, atol=1e-3)
    assert cut.shape == (-(-len(bands) // 2), 68, 21)
    np.testing.assert_allclose(cut[:50], patches, rtol=0, atol=1e-4)
    assert (cut[:18] == cut[0]).all()
    assert not (cut[18] == cut[0]).all()
    repeated = 17 + len(bands) % 2
    assert (cut[-repeated:] == cut[-1]).all()
    assert not (cut[-repeated - 1] == cut[-1]).all()
