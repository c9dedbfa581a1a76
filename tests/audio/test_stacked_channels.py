"""`audio.channels: {stack: N}`: the channels of a file become channels of the network's input."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from specfeat.audio import decode
from specfeat.audio.clips import ClipMaker
from specfeat.config import Settings, load_config
from specfeat.errors import AudioError, ConfigError
from specfeat.sound import Sound, SoundPart

Float = NDArray[np.float32]
CONFIGS = {
    "minimal": [],
    "deltas": ["spectrogram.deltas.order=1", "spectrogram.deltas.width=3"],
    "peak of the file": ["spectrogram.peak=1.0"],
    "mean of the file": ["spectrogram.normalize={file: mean_std}"],
    "peak of each clip": ["spectrogram.peak=1.0", "clips.cut=samples"],
    "shifted": ["clips.tail=shift", "clips.hop=20"],
}


def load_settings(channels: str, overrides: list[str]) -> Settings:
    return load_config("minimal", [f"audio.channels={channels}", *overrides]).settings


def make_clips(path: Path, settings: Settings) -> Float:
    clips = ClipMaker(settings).make_clips(decode.read_samples(Sound(str(path)), settings.audio))
    return np.stack([clip.copy() for clip in clips])


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """Return a file of three channels at another rate than the config's."""
    samples = np.random.default_rng(1).normal(scale=0.1, size=(70_001, 3)) * (1.0, 0.2, 0.01)
    soundfile.write(tmp_path / "noise.wav", samples, 22_050, "FLOAT")
    return tmp_path / "noise.wav"


@pytest.mark.parametrize("overrides", CONFIGS.values(), ids=CONFIGS)
def test_a_clip_has_the_clips_of_each_channel(noise: Path, overrides: list[str]) -> None:
    """The last axis of a clip has, bit for bit, what each channel alone gives, one after the other."""
    stacked = make_clips(noise, load_settings("{stack: 3}", overrides))
    single = [make_clips(noise, load_settings(str(channel), overrides)) for channel in range(3)]

    np.testing.assert_array_equal(stacked, np.concatenate(single, axis=-1))


def test_the_shape_of_the_input_is_derived() -> None:
    """The network's input has the channels of the spectrogram for each channel of the file."""
    assert load_settings("{stack: 2}", []).input_shape[2] == 2
    assert load_settings("{stack: 2}", CONFIGS["deltas"]).input_shape[2] == 4
    with pytest.raises(ConfigError, match=r"or \{stack: N\} with N up to 64"):
        load_settings("{stack: 1}", [])


@pytest.mark.parametrize(("channels", "text"), [(1, "has 1 channel, but"), (3, "has 3 channels, but")])
def test_a_file_with_another_number_of_channels_fails(tmp_path: Path, channels: int, text: str) -> None:
    """No channel is left out or repeated: the file fails, and the error has both numbers."""
    soundfile.write(tmp_path / "a.wav", np.zeros((9_000, channels)), 16_000)

    with pytest.raises(AudioError, match=f"{text} the config stacks 2") as caught:
        make_clips(tmp_path / "a.wav", load_settings("{stack: 2}", []))
    assert caught.value.cause == "channel"


def test_a_bad_sample_in_any_channel_is_found(tmp_path: Path) -> None:
    """The error names the channel and the place, also if the first channel is good."""
    samples = np.zeros((9_000, 2), np.float32)
    samples[8_000, 1] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, 16_000, "FLOAT")

    with pytest.raises(AudioError, match="sample 8000 of channel 1 is nan") as caught:
        make_clips(tmp_path / "a.wav", load_settings("{stack: 2}", []))
    assert caught.value.at_s == 0.5


@pytest.mark.parametrize(("value", "channel"), [("each", None), ("{stack: 2}", 0)])
def test_a_sound_that_does_not_fit_the_setting_fails(tmp_path: Path, value: str, channel: int | None) -> None:
    """No other channels are taken in silence, e.g. the mean for a whole file although each channel is wanted."""
    soundfile.write(tmp_path / "a.wav", np.zeros((9_000, 2)), 16_000)
    sound = Sound(str(tmp_path / "a.wav"), SoundPart(channel=channel))

    with pytest.raises(AudioError) as caught:
        list(decode.read_samples(sound, load_settings(value, []).audio))
    assert caught.value.cause == "channel"


def test_the_digest_of_other_configs_is_unchanged() -> None:
    """A config that stacks has a digest of its own; the digest of the others is that of their settings as before."""
    assert load_settings("{stack: 2}", []).digest != load_settings("mix", []).digest
    assert load_settings("mix", []).model_dump(mode="json")["audio"]["channels"] == "mix"
