"""Checkpoints of PANNs hold their spectrogram's filters and window, which must be the config's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.weights_files import (
    CONFIG,
    assert_same_arrays,
    build_small_network,
    make_arrays,
    make_torch_state,
    read_network_arrays,
    write_npz,
)
from specfeat.errors import WeightsError

pytestmark = pytest.mark.tf


def _make_front_end(**changes: Any) -> Any:
    """Return the arrays of PANNs' front end, made with librosa: mel filters and STFT kernels."""
    from librosa.filters import get_window
    from librosa.filters import mel as mel_filters

    mel = {"sr": 8000, "n_fft": 128, "n_mels": 10, "fmin": 0.0, "fmax": 4000.0} | changes.pop("mel", {})
    n_fft = mel["n_fft"]
    window = get_window(changes.pop("window", "hann"), n_fft, fftbins=True)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(n_fft // 2 + 1), np.arange(n_fft)) / n_fft) * window
    return {
        "logmel_extractor.melW": mel_filters(**mel).T,
        "spectrogram_extractor.stft.conv_real.weight": waves.real[:, None].astype(np.float32),
        "spectrogram_extractor.stft.conv_imag.weight": waves.imag[:, None].astype(np.float32),
    }


def test_a_checkpoint_with_the_configs_front_end_loads(tmp_path: Path) -> None:
    """The mel filters and the window in the file are compared and are not used otherwise."""
    arrays = make_arrays()
    path = write_npz(tmp_path / "w.npz", make_torch_state(arrays) | _make_front_end())

    assert_same_arrays(arrays, read_network_arrays(build_small_network(tmp_path, {"file": str(path)})))


@pytest.mark.parametrize(
    ("change", "override", "message"),
    [
        ({}, "spectrogram.mel.fmin=100", "other mel bands .* check spectrogram.mel.fmin, fmax and htk"),
        ({}, "spectrogram.mel.htk=true", "other mel bands"),
        ({}, "spectrogram.mel.norm=null", "trained with spectrogram.mel.norm slaney .*, the config has null"),
        (
            {"mel": {"norm": None}},
            "model.batch=4",
            "trained with spectrogram.mel.norm null .*, the config has slaney",
        ),
        ({}, "audio.sample_rate=16000", "other mel bands"),
        ({}, "spectrogram.n_fft=256", "trained with spectrogram.n_fft 128 .*, the config has 256"),
        ({}, "spectrogram.win_length=100", "another window than a Hann window of 100 samples"),
        ({}, "spectrogram.periodic=false", "another window than a Hann window of 128 samples"),
        ({}, "spectrogram.window=hamming", "trained with spectrogram.window hann .*, the config has hamming"),
        ({"window": "hamming"}, "model.batch=4", "another window than a Hann window of 128 samples"),
    ],
)
def test_a_checkpoint_with_another_front_end_is_refused(
    tmp_path: Path, change: dict[str, Any], override: str, message: str
) -> None:
    """On another spectrogram the weights would give plausible but wrong features; the error names the setting."""
    path = write_npz(tmp_path / "w.npz", make_torch_state(make_arrays()) | _make_front_end(**change))

    with pytest.raises(WeightsError, match=message):
        build_small_network(tmp_path, {"file": str(path)}, CONFIG, override)
