"""The spectrograms of published networks, compared with numbers from the networks' own code.

../shared/reference/README.md says how the numbers were made. Most of these programs compute in float32. Their
transform leaves in a quiet band a rounding error of the loudest band of the frame: an amplitude of 2**-24 of it.
Therefore `EPS` of the loudest band is allowed everywhere. (Where a reference and specfeat differ by more, librosa in
float64 agrees with specfeat; PANNs: 1.5e-5 dB.) In addition, each reference has its own tolerance:

* VGGish, float64 to the end: a step of float32 at 8, which is the size of its logarithms.
* PANNs, torchlibrosa: steps of float32 at 100 dB, 8e-6 each, for a logarithm and a subtraction.
* Kaldi, AST and TensorFlow compute the mel of each bin in float32, with an error of 2e-4 in 2,840 mel. So the
  weights of narrow triangles have an error of 1e-5 of the top, which is much for a bin at a foot.
* inaSpeechSegmenter, float32 after the FFT: 1e-3, because 24 bands go down to ln(1e-13).
* OpenL3, kapre, before any logarithm: its Hann window is float32, too, so its foot has an error of some
  thousandths. The last nine frames, padded with zeros, have only the foot of the window over the sound.
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

from helpers.sample_data import Float, compute_clips, compute_frames
from specfeat.config import load_config

pytestmark = pytest.mark.slow

Double = NDArray[np.float64]

EPS = 2.0**-24  # of an amplitude
SOUNDS = ("speech", "music")
SAMPLES = {"speech": 68_267, "music": 128_000}  # at 16 kHz


@pytest.fixture(scope="module")
def reference(shared: Path) -> Iterator[Any]:
    with np.load(shared / "reference" / "frontends.npz") as arrays:
        yield arrays


@pytest.fixture
def read_sound_at(shared: Path) -> Any:
    """Return a function that reads a sound, by name and rate."""
    return partial(read_sound, shared)


def read_sound(shared: Path, name: str, rate: int) -> Float:
    samples, read_rate = soundfile.read(shared / f"reference/audio/{name}_{rate}.flac", dtype="float32")
    assert read_rate == rate
    sound: Float = samples
    return sound


def assert_logs_agree(result: Float, expected: Float, tolerance: float, power_in: float) -> None:
    """Compare logarithms of power, or of amplitude.

    Args:
        result: shape (..., bands).
        expected: the reference.
        tolerance: allowed everywhere, in the logarithm's unit.
        power_in: by how much the logarithm changes if the amplitude changes by a factor of e: 2 for ln of power.
    """
    assert result.shape == expected.shape
    wide = expected.astype(np.float64)
    below = (wide.max(axis=-1, keepdims=True) - wide) / power_in  # the loudest band, in ln of amplitude
    allowed = tolerance + power_in * EPS * np.exp(below)
    excess = np.abs(result - wide) / allowed
    assert excess.max() <= 1, (
        f"{np.abs(result - wide).max():.2e} at most, {excess.max():.2f} times the tolerance"
    )


LN_POWER, DB_POWER, LN_AMPLITUDE = 2.0, 20 / np.log(10), 1.0


@pytest.mark.parametrize("name", SOUNDS)
def test_vggish(name: str, reference: Any, read_sound_at: Any) -> None:
    settings = load_config("vggish").settings
    sound = read_sound_at(name, 16_000)

    whole, cut = compute_frames(settings, sound), compute_clips(settings, sound)

    assert settings.input_shape == (96, 64, 1)
    assert_logs_agree(whole[..., 0], reference[f"vggish_{name}_logmel"], 5e-7, LN_AMPLITUDE)
    assert_logs_agree(cut[..., 0], reference[f"vggish_{name}_examples"], 5e-7, LN_AMPLITUDE)
    assert len(cut) == settings.clip_grid.count_rows(len(sound)) == {"speech": 4, "music": 8}[name]


@pytest.mark.parametrize("config", ["yamnet", "yamnet_relu6"])
@pytest.mark.parametrize("name", SOUNDS)
def test_yamnet(name: str, config: str, reference: Any, read_sound_at: Any) -> None:
    """YAMNet pads a sound with silence to whole hops of 0.48 s."""
    settings = load_config(config).settings
    sound = read_sound_at(name, 16_000)
    padded = np.pad(sound, (0, settings.clip_grid.compute_padded_length(len(sound)) - len(sound)))

    whole, cut = compute_frames(settings, padded), compute_clips(settings, sound)

    assert settings.input_shape == (96, 64, 1)
    assert_logs_agree(whole[..., 0], reference[f"yamnet_{name}_logmel"], 2e-4, LN_AMPLITUDE)
    assert_logs_agree(cut[..., 0], reference[f"yamnet_{name}_patches"], 2e-4, LN_AMPLITUDE)
    assert len(cut) == settings.clip_grid.count_rows(len(sound)) == {"speech": 8, "music": 16}[name]


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
def test_panns(name: str, config: str, rate: int, of: str, reference: Any, read_sound_at: Any) -> None:
    """The spectrogram of the whole file is that of PANNs; the config's clips of ten seconds agree up to their padding."""
    settings = load_config(config).settings
    sound = read_sound_at(name, rate)
    expected = reference[f"panns{of}_{name}_logmel"]

    whole, cut = compute_frames(settings, sound), compute_clips(settings, sound)

    assert_logs_agree(whole[..., 0], expected, 5e-5, DB_POWER)
    assert cut.shape == (1, 1001, 64, 1) == (settings.clip_grid.count_rows(len(sound)), *settings.input_shape)
    until = (len(sound) - settings.spectrogram.n_fft // 2) // settings.spectrogram.hop_length
    assert_logs_agree(cut[0, :until, :, 0], expected[:until], 5e-5, DB_POWER)


@pytest.mark.parametrize("name", SOUNDS)
def test_kaldi_fbank(name: str, reference: Any, read_sound_at: Any) -> None:
    """Compare the spectrogram of the whole sound, and the clips of a second."""
    settings, sound = load_config("kaldi80").settings, read_sound_at(name, 16_000)
    expected = reference[f"kaldi80_{name}_fbank"]

    whole, cut = compute_frames(settings, sound)[..., 0], compute_clips(settings, sound)[..., 0]

    assert_logs_agree(whole, expected, 2e-4, LN_POWER)
    assert len(cut) == settings.clip_grid.count_rows(len(sound)) == {"speech": 5, "music": 8}[name]
    assert_logs_agree(np.concatenate(cut)[: len(expected)], expected, 2e-4, LN_POWER)


@pytest.mark.parametrize("name", SOUNDS)
def test_ast_fbank(name: str, reference: Any, read_sound_at: Any) -> None:
    """AST also removes the mean of the file: no effect, as each frame loses its mean. Bands without a bin stay at the floor."""
    settings, sound = load_config("ast128").settings, read_sound_at(name, 16_000)
    normalize = settings.spectrogram.normalize
    assert normalize
    assert isinstance(normalize.mean, float)
    assert isinstance(normalize.std, float)
    expected = reference[f"ast128_{name}_fbank"]

    normalized = compute_clips(settings, sound)
    result = normalized[0, : len(expected), :, 0] * np.float32(normalize.std) + np.float32(normalize.mean)

    assert normalized.shape == (1, 1024, 128, 1)
    assert_logs_agree(result, expected, 5e-4, LN_POWER)
    floor = np.log(2.0**-23)
    empty = (result <= floor + 1e-5).all(axis=0)
    assert empty.any()
    assert (empty == (expected <= floor + 1e-5).all(axis=0)).all()


OPENL3 = {"linear": (197, 257), "mel128": (199, 128), "mel256": (199, 256)}


@pytest.mark.parametrize("n_mels", [128, 256])
@pytest.mark.parametrize("name", SOUNDS)
def test_openl3_before_its_decibels(name: str, n_mels: int, reference: Any, read_sound_at: Any) -> None:
    """Each window of a second has a spectrogram of its own; the reference has the first three."""
    changes = ["spectrogram.compress=null", "spectrogram.normalize=null", "clips.hop=24000"]
    settings = load_config(f"openl3_mel{n_mels}", changes).settings
    sound = read_sound_at(name, 48_000)

    result = compute_clips(settings, sound)

    assert result.shape == (settings.clip_grid.count_rows(len(sound)), 199, n_mels, 1)
    assert len(result) == {"speech": 8, "music": 15}[name]
    expected = reference[f"openl3_mel{n_mels}_{name}_mel"]
    loudest = expected.max(axis=-1, keepdims=True)
    loudest[:, 190:] = expected.max()
    excess = np.abs(result[:3, ..., 0] - expected) / (1e-6 * expected + 3 * EPS * loudest)
    assert excess.max() <= 1, f"{excess.max():.2f} times the tolerance"


@pytest.mark.parametrize("n_mels", [128, 256])
@pytest.mark.parametrize("name", SOUNDS)
def test_openl3_in_decibels(name: str, n_mels: int, reference: Any, read_sound_at: Any) -> None:
    """The reference in dB, minus the largest value of the window, and not below -80 dB."""
    settings = load_config(f"openl3_mel{n_mels}", ["clips.hop=24000"]).settings
    magnitude = reference[f"openl3_mel{n_mels}_{name}_mel"].astype(np.float64)
    decibels = 10 * np.log10(np.maximum(magnitude, 1e-10))
    expected = np.maximum(decibels - decibels.max(axis=(1, 2), keepdims=True), -80)

    result = compute_clips(settings, read_sound_at(name, 48_000))[:3, ..., 0]

    loudest = magnitude.max(axis=-1, keepdims=True)
    loudest[:, 190:] = magnitude.max()
    allowed = 2e-5 + 10 / np.log(10) * 3 * EPS * loudest / np.maximum(magnitude, 1e-8 * magnitude.max())
    excess = np.abs(result - expected) / allowed
    assert excess.max() <= 1, f"{excess.max():.2f} times the tolerance"
    assert result.max(axis=(1, 2)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("kind", OPENL3)
@pytest.mark.parametrize("name", SOUNDS)
def test_openl3_has_a_window_every_tenth_of_a_second(name: str, kind: str, read_sound_at: Any) -> None:
    """OpenL3's pad_audio makes the same number of windows: the last one is filled with zeros."""
    settings = load_config(f"openl3_{kind}").settings
    samples = len(read_sound_at(name, 48_000))

    assert settings.input_shape == (*OPENL3[kind], 1)
    assert settings.clip_grid.count_rows(samples) == 1 + -(-(samples - 48_000) // 4_800)


@pytest.mark.parametrize("name", SOUNDS)
def test_musicnn(name: str, read_sound_at: Any) -> None:
    """extractor.py of musicnn uses librosa and rounds to 16 bits, which changes finite values by up to 0.003."""
    settings, sound = load_config("musicnn_vgg").settings, read_sound_at(name, 16_000)
    power = librosa.feature.melspectrogram(y=sound, sr=16_000, hop_length=256, n_fft=512, n_mels=96).T
    with np.errstate(over="ignore"):
        rounded = np.log10(10000 * power.astype(np.float16) + 1)

    result = compute_clips(settings, sound)[..., 0]

    assert settings.input_shape == (187, 96, 1)
    assert len(result) == {"speech": 1, "music": 2}[name]
    for k, clip in enumerate(result):
        part = slice(187 * k, 187 * (k + 1))
        np.testing.assert_allclose(clip, np.log10(10000 * power[part] + 1), rtol=0, atol=2e-5)
        finite = np.isfinite(rounded[part])
        assert np.abs(clip - rounded[part])[finite].max() < 3e-3


def test_speech_embedding() -> None:
    """The frames are librosa's, of samples as 16-bit numbers, as openWakeWord's melspectrogram.tflite computes them.

    That program has the same Hann window of 400 samples, the same filters to the last bit, and for the rows of a clip
    the features of its own network differ by 4.5e-5 of 48 (compared once, with pyopen-wakeword 1.1.0).
    """
    sound = np.random.default_rng(8).standard_normal(512 + 75 * 160).astype(np.float32) * np.float32(0.1)
    power = librosa.feature.melspectrogram(
        y=sound * 32768, sr=16000, n_fft=512, win_length=400, hop_length=160, center=False,
        n_mels=32, fmin=60, fmax=3800,
    )  # fmt: skip
    expected = librosa.power_to_db(power, amin=1e-10, top_db=80).T / 10 + 2

    clips = compute_clips(load_config("speech_embedding").settings, sound)[..., 0]

    assert clips.shape == (1, 76, 32)
    np.testing.assert_allclose(clips[0], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["musanmix", "lamartine"])
def test_inaspeech(name: str, shared: Path) -> None:
    """Compare all 24 bands, the number of patches, and the first fifty patches with those at the edge."""
    sound, rate = soundfile.read(shared / f"reference/inaspeech/{name}.wav", dtype="float32")
    with np.load(shared / "reference/inaspeech/golden.npz") as golden:
        bands, patches = golden[f"{name}.wav_mspec"], golden[f"{name}.wav_patches21"]
    settings = load_config("inaspeech").settings

    whole = compute_frames(load_config("inaspeech", ["spectrogram.mel.keep=24"]).settings, sound)[..., 0]
    cut = compute_clips(settings, sound)[..., 0]

    assert rate == settings.audio.sample_rate
    assert whole.shape == bands.shape
    np.testing.assert_allclose(whole, bands, rtol=0, atol=1e-3)
    assert cut.shape == (-(-len(bands) // 2), 68, 21)
    np.testing.assert_allclose(cut[:50], patches, rtol=0, atol=1e-4)
    assert (cut[:18] == cut[0]).all()
    assert not (cut[18] == cut[0]).all()
    repeated = 17 + len(bands) % 2
    assert (cut[-repeated:] == cut[-1]).all()
    assert not (cut[-repeated - 1] == cut[-1]).all()
