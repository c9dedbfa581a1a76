"""The front ends of published networks, against numbers that their own code gave.

../shared/reference/README.md says how. Most of those codes compute in float32, so a quiet band keeps what a
transform in float32 leaves of the loud ones beside it: an amplitude of 2**-24 of the frame's loudest band.
`EPS` of that loudest band is therefore allowed everywhere; where the references and ours differ by more,
librosa in float64 sides with ours (PANNs: 1.5e-5 dB). What is allowed on top is each reference's own:

* VGGish, float64 to the end: a step of float32 at 8, where its logarithms lie.
* PANNs, torchlibrosa: steps of float32 at 100 dB, 8e-6 each, for a logarithm and a subtraction.
* Kaldi, AST and TensorFlow reckon the mel of each bin in float32, right to 2e-4 of 2 840 mel, so that the
  weights of narrow triangles are right to 1e-5 of the top: much, for a bin that lies at a foot.
* OpenL3, kapre, before any logarithm: its Hann window is float32 too, so the foot of it is wrong by parts
  in a thousand, which is all that the last nine frames, padded with zeros, have of the sound.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from making import Float, clips, frames, settings
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

PANNS16 = partial(
    settings,
    rate=16_000,
    kind="mel",
    n_fft=512,
    hop_length=160,
    pad_mode="reflect",
    mel={"n_mels": 64, "fmin": 50, "fmax": 8000},
    compress={"db": {}},
)
KALDI = partial(
    settings,
    rate=16_000,
    kind="mel",
    n_fft=512,
    win_length=400,
    hop_length=160,
    center=False,
    framing="win_length",
    periodic=False,
    remove_dc_offset=True,
    preemphasis={"coef": 0.97, "per": "frame"},
    compress={"ln": {"amin": 2.0**-23}},  # Kaldi's floor: float32's epsilon
)
KALDI_MEL = {"fmin": 20, "htk": True, "norm": None, "triangles": "mel"}


@pytest.mark.parametrize("name", SOUNDS)
def test_vggish(name: str, reference: Any, sound_at: Any) -> None:
    made = load_config("vggish").settings
    sound = sound_at(name, 16_000)

    whole, cut = frames(made, sound), clips(made, sound)

    assert made.input_shape == (96, 64, 1)
    assert_logs_agree(whole[..., 0], reference[f"vggish_{name}_logmel"], 5e-7, LN_AMPLITUDE)
    assert_logs_agree(cut[..., 0], reference[f"vggish_{name}_examples"], 5e-7, LN_AMPLITUDE)
    assert len(cut) == made.cutter.count(len(sound)) == {"speech": 4, "music": 8}[name]


@pytest.mark.parametrize("name", SOUNDS)
def test_yamnet(name: str, reference: Any, sound_at: Any) -> None:
    """With YAMNet's own padding: frames of silence that make whole hops of 0.48 s."""
    made = load_config("yamnet").settings
    sound = sound_at(name, 16_000)
    padded = np.pad(sound, (0, made.cutter.padded_length(len(sound)) - len(sound)))

    whole, cut = frames(made, padded), clips(made, sound)

    assert made.input_shape == (96, 64, 1)
    assert_logs_agree(whole[..., 0], reference[f"yamnet_{name}_logmel"], 2e-4, LN_AMPLITUDE)
    assert_logs_agree(cut[..., 0], reference[f"yamnet_{name}_patches"], 2e-4, LN_AMPLITUDE)
    assert len(cut) == made.cutter.count(len(sound)) == {"speech": 8, "music": 16}[name]


@pytest.mark.parametrize("name", SOUNDS)
def test_cnn14(name: str, reference: Any, sound_at: Any) -> None:
    """The whole file as PANNs; the shipped clips of ten seconds agree until their padding is felt."""
    made = load_config("cnn14").settings
    sound = sound_at(name, 32_000)
    wanted = reference[f"panns32k_{name}_logmel"]

    whole, cut = frames(made, sound), clips(made, sound)

    assert_logs_agree(whole[..., 0], wanted, 5e-5, DB_POWER)
    assert cut.shape == (1, 1001, 64, 1) == (made.cutter.count(len(sound)), *made.input_shape)
    until = (len(sound) - 512) // 320
    assert_logs_agree(cut[0, :until, :, 0], wanted[:until], 5e-5, DB_POWER)


@pytest.mark.parametrize("name", SOUNDS)
def test_panns_at_16_khz(name: str, reference: Any, sound_at: Any) -> None:
    got = frames(PANNS16(), sound_at(name, 16_000))[..., 0]

    assert_logs_agree(got, reference[f"panns16k_{name}_logmel"], 5e-5, DB_POWER)


@pytest.mark.parametrize("name", SOUNDS)
def test_kaldi_fbank(name: str, reference: Any, sound_at: Any) -> None:
    made = KALDI(window="povey", mel={"n_mels": 80, **KALDI_MEL})

    got = frames(made, sound_at(name, 16_000))[..., 0]

    assert_logs_agree(got, reference[f"kaldi80_{name}_fbank"], 2e-4, LN_POWER)


@pytest.mark.parametrize("name", SOUNDS)
def test_ast_fbank(name: str, reference: Any, sound_at: Any) -> None:
    """AST subtracts the file's mean first; of its 128 bands some hold no bin and stay at the floor."""
    made = KALDI(window="hann", mel={"n_mels": 128, "empty_bands": "keep", **KALDI_MEL})
    sound = sound_at(name, 16_000)

    got = frames(made, sound - sound.mean())[..., 0]

    wanted = reference[f"ast128_{name}_fbank"]
    assert_logs_agree(got, wanted, 5e-4, LN_POWER)
    floor = np.log(2.0**-23)
    empty = (got <= floor + 1e-5).all(axis=0)
    assert empty.any()
    assert (empty == (wanted <= floor + 1e-5).all(axis=0)).all()


@pytest.mark.parametrize("n_mels", [128, 256])
@pytest.mark.parametrize("name", SOUNDS)
def test_openl3(name: str, n_mels: int, reference: Any, sound_at: Any) -> None:
    """Windows of a second, each with a spectrogram of its own; the reference has the first three."""
    made = settings(
        rate=48_000,
        kind="mel",
        n_fft=2048,
        hop_length=242,
        center=False,
        pad_end=True,
        power=1,
        mel={"n_mels": n_mels, "fmax": 24_000},
        clips={"cut": "samples", "samples": 48_000, "hop": 24_000},
    )
    sound = sound_at(name, 48_000)

    got = clips(made, sound)

    assert got.shape == (made.cutter.count(len(sound)), 199, n_mels, 1)
    assert len(got) == {"speech": 8, "music": 15}[name]
    wanted = reference[f"openl3_mel{n_mels}_{name}_mel"]
    loudest = wanted.max(axis=-1, keepdims=True)
    loudest[:, 190:] = wanted.max()
    excess = np.abs(got[:3, ..., 0] - wanted) / (1e-6 * wanted + 3 * EPS * loudest)
    assert excess.max() <= 1, f"{excess.max():.2f} times the tolerance"
