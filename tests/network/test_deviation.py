"""The layer `StandardDeviationPooling2D` and the config `logmel_stats` that needs it, compared with NumPy and librosa."""

import warnings
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest

from specfeat.config import load_config

pytestmark = pytest.mark.tf


@pytest.mark.parametrize(("strides", "padding"), [(None, "valid"), ([2, 3], "valid"), ([3, 2], "same")])
def test_windows_have_the_deviation_of_numpy(strides: Any, padding: str) -> None:
    """Windows of 3 frames x 4 bins, with and without overlap; at the edges only values that exist count."""
    from specfeat.network.deviation import StandardDeviationPooling2D
    from specfeat.tensorflow_runtime import keras

    values = np.random.default_rng(2).normal(3, 2, (2, 11, 13, 5)).astype(np.float32)
    layer = StandardDeviationPooling2D(pool_size=[3, 4], strides=strides, padding=padding)
    average = keras.layers.AveragePooling2D([3, 4], strides, padding)

    got = layer(values).numpy()

    frame_step, bin_step = strides or (3, 4)
    assert got.shape == tuple(average(values).shape)
    frame_pad, bin_pad = (
        (max(0, (n - 1) * step + size - length) // 2 if padding == "same" else 0)
        for n, step, size, length in zip(
            got.shape[1:3], (frame_step, bin_step), (3, 4), (11, 13), strict=True
        )
    )
    for i in range(got.shape[1]):
        for j in range(got.shape[2]):
            start, first = i * frame_step - frame_pad, j * bin_step - bin_pad
            window = values[:, max(start, 0) : start + 3, max(first, 0) : first + 4]
            np.testing.assert_allclose(got[:, i, j], window.std(axis=(1, 2)), rtol=0, atol=2e-5)


def test_equal_values_have_no_deviation() -> None:
    """Rounding may not make the root of a negative number, which is not a number."""
    from specfeat.network.deviation import StandardDeviationPooling2D

    values = np.full((1, 100, 7, 1), -73.1, np.float32)

    got = StandardDeviationPooling2D(pool_size=[100, 1])(values).numpy()

    assert np.isfinite(got).all()
    assert got.max() < 0.1


def test_logmel_stats_are_those_of_librosa(tmp_path: Path) -> None:
    """One row for each second: of each band of librosa's log-mel spectrogram the mean and the deviation; no warning."""
    from specfeat import Extractor

    sound = np.random.default_rng(4).normal(0, 0.1, 32_000).astype(np.float32) * np.linspace(
        0, 1, 32_000, dtype=np.float32
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        extractor = Extractor("logmel_stats")

    rows = extractor.extract(sound, 16_000).rows

    power = librosa.feature.melspectrogram(
        y=sound, sr=16_000, n_fft=512, win_length=400, hop_length=160, n_mels=64, fmin=60, fmax=7800
    )
    decibels = 10 * np.log10(np.maximum(power, 1e-10))[:, :200].reshape(64, 2, 100)
    expected = np.stack(
        [decibels.mean(axis=2), decibels.std(axis=2)], axis=-1
    )  # band, clip, mean or deviation
    assert rows.shape == (2, 128)
    np.testing.assert_allclose(rows.reshape(2, 64, 2), expected.transpose(1, 0, 2), rtol=0, atol=2e-3)
    assert load_config("logmel_stats").settings.model.weights.random == 0
