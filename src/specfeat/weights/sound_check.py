"""Compares the spectrogram that weights were trained on with the config's, if the file contains it.

A file that `specfeat weights convert` has written contains all settings. The files of PANNs (torchlibrosa)
and OpenL3 (kapre) contain their mel filters and their STFT as arrays, which show most of the settings. Other
files contain nothing about their spectrogram.
"""

import json
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from specfeat.config.mel import Mel
from specfeat.config.settings import Settings
from specfeat.config.spectrogram import Spectrogram
from specfeat.config.training_sound import (
    find_first_difference,
    flatten_sound_settings,
    format_sound_setting,
)
from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import FileArray, FileContents

# The largest difference between two values of a window, or the largest relative difference between two values
# of a filter. The float32 values of the known files differ by less than 1e-6.
_WRONG_FEATURES = "its features would be wrong; use the value of the file, or other weights"
_TOLERANCE = 1e-4


def format_sound_settings(settings: Settings) -> str:
    """Return the sample rate and the spectrogram's settings as JSON, for `specfeat weights convert`."""
    return json.dumps(
        {"sample_rate": settings.audio.sample_rate} | settings.spectrogram.model_dump(mode="json")
    )


def check_sound(settings: Settings, contents: FileContents) -> None:
    """Check that the config's spectrogram is the one that the weights were trained on, if the file shows it.

    Args:
        settings: the settings of the config.
        contents: the contents of the weights file.

    Raises:
        WeightsError: a setting differs; the message names the first one.
    """
    if contents.sound_settings is not None:
        _check_settings(settings, contents.sound_settings)
    for array in contents.arrays:
        if array.name.endswith("logmel_extractor.melW") or "freq2mel" in array.name:
            _check_mel_filters(settings, array)
        elif array.name.endswith("spectrogram_extractor.stft.conv_real.weight"):
            _check_stft(settings, array, sample_axis="last")
        elif "real_kernels" in array.name:
            _check_stft(settings, array, sample_axis="first")


def _check_settings(settings: Settings, text: str) -> None:
    try:
        file_values = json.loads(text)
        sample_rate = file_values.pop("sample_rate")
        # Validating adds the defaults of settings that an older version of specfeat did not have. That
        # version computed the same as the defaults do.
        spectrogram = Spectrogram.model_validate_json(json.dumps(file_values))
        file_settings = flatten_sound_settings(sample_rate, spectrogram)
    except ValidationError as e:
        raise WeightsError(
            "was converted by another version of specfeat, for a spectrogram that this version does not have"
        ) from e
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as e:
        raise WeightsError("has spectrogram settings that cannot be read; convert it again") from e
    config_settings = flatten_sound_settings(settings.audio.sample_rate, settings.spectrogram)
    key = find_first_difference(config_settings, file_settings)
    if key is not None:
        raise WeightsError(
            f"was trained with {key} {format_sound_setting(file_settings.get(key))}, "
            f"the config has {format_sound_setting(config_settings.get(key))}; {_WRONG_FEATURES}"
        )


def _check_mel_filters(settings: Settings, array: FileArray) -> None:
    """Check the bins and the norm of each mel filter; `array` has the filters in the shape (bins, bands)."""
    spectrogram, sample_rate = settings.spectrogram, settings.audio.sample_rate
    mel = spectrogram.mel
    bins = spectrogram.n_fft // 2 + 1
    if len(array.shape) != 2:
        raise WeightsError(f"{array.name} is not a mel filterbank: it has {len(array.shape)} axes; wanted 2")
    if array.shape[0] != bins:
        n_fft = 2 * (array.shape[0] - 1)
        raise _make_setting_error(array, "spectrogram.n_fft", n_fft, spectrogram.n_fft)
    if spectrogram.kind == "linear" or mel is None:
        raise WeightsError(f"was trained on mel bands ({array.name}), but the config has kind: linear")
    if array.shape[1] != mel.n_mels:
        raise _make_setting_error(array, "spectrogram.mel.n_mels", array.shape[1], mel.n_mels)
    # The values are read only after the shape is known to be the config's, so they are not too large.
    filters = array.read()
    frequencies = np.arange(bins) * sample_rate / spectrogram.n_fft
    edges = mel.compute_edges_hz(sample_rate)
    for band, (low, high) in enumerate(zip(edges, edges[2:], strict=False)):
        is_inside = (frequencies > low) & (frequencies < high)
        # At the edge of a band, the filter is zero except for rounding, so such a bin may be in or out.
        is_edge = np.isclose(frequencies, low, atol=1e-3) | np.isclose(frequencies, high, atol=1e-3)
        if ((filters[:, band] > 0) != is_inside)[~is_edge].any():
            raise WeightsError(
                f"was trained on other mel bands ({array.name}): band {band} is not from {low:.0f} to "
                f"{high:.0f} Hz; check spectrogram.mel.fmin, fmax and htk, and audio.sample_rate"
            )
    _check_mel_norm(array, filters, mel, edges)


def _check_mel_norm(array: FileArray, filters: NDArray[Any], mel: Mel, edges: tuple[float, ...]) -> None:
    """Check whether the filters are triangles of area 1 (norm slaney) or of height 1 (norm null).

    A triangle of area 1 is at most 2 / width high, and a triangle of height 1 is at most 1 high. A filter has
    few bins, which seldom lie at its peak, so its largest value may be lower. If no value is above 2 / width
    of the widest triangle, both norms are possible, and nothing is checked.

    Args:
        array: the array with the filters, for the message.
        filters: the values, shape (bins, bands).
        mel: the config's mel bands.
        edges: the edges of the bands in Hz; band i is from edge i to edge i + 2.
    """
    widths = np.array(edges[2:]) - np.array(edges[:-2])
    heights = filters.max(axis=0)
    is_slaney = bool((heights <= 2 / widths * (1 + _TOLERANCE)).all())
    if is_slaney != (mel.norm == "slaney") and 2 / widths.max() < heights.max():
        file_norm = "slaney" if is_slaney else "null"
        raise _make_setting_error(array, "spectrogram.mel.norm", file_norm, mel.norm or "null")


def _check_stft(settings: Settings, array: FileArray, sample_axis: Literal["first", "last"]) -> None:
    """Check the size and the window of an STFT, from the real part of its kernels.

    The kernel for 0 Hz is the window itself. Both programs write only Hann windows.

    Args:
        settings: the settings of the config.
        array: the kernels: (bins, 1, samples) of torchlibrosa, or (samples, 1, 1, bins) of kapre.
        sample_axis: the axis of the samples. If it is the first one, the bins have the last one, and vice
        versa.
    """
    spectrogram, shape = settings.spectrogram, array.shape
    if len(shape) not in (3, 4) or array.size != shape[0] * shape[-1]:
        raise WeightsError(f"{array.name} is not the kernel of an STFT")
    samples, bins = (shape[0], shape[-1]) if sample_axis == "first" else (shape[-1], shape[0])
    if samples != spectrogram.n_fft:
        raise _make_setting_error(array, "spectrogram.n_fft", samples, spectrogram.n_fft)
    if bins != spectrogram.n_fft // 2 + 1:
        raise WeightsError(f"{array.name} is not the kernel of an STFT")
    if spectrogram.window != "hann":
        raise _make_setting_error(array, "spectrogram.window", "hann", str(spectrogram.window))
    kernels = np.asarray(array.read(), np.float64).reshape(shape[0], shape[-1])
    file_window = kernels[:, 0] if sample_axis == "first" else kernels[0]
    if np.abs(_compute_hann_window(spectrogram) - file_window).max() > _TOLERANCE:
        raise WeightsError(
            f"was trained with another window than a Hann window of {spectrogram.window_samples} samples "
            f"({array.name}); check spectrogram.window, win_length and periodic"
        )


def _compute_hann_window(spectrogram: Spectrogram) -> NDArray[np.float64]:
    """Return the config's Hann window in the middle of `n_fft` samples; librosa pads it in the same way."""
    window = np.zeros(spectrogram.n_fft)
    length = spectrogram.window_samples
    period = length if spectrogram.periodic else length - 1
    start = (spectrogram.n_fft - length) // 2
    window[start : start + length] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / period)
    return window


def _make_setting_error(array: FileArray, key: str, file_value: object, config_value: object) -> WeightsError:
    return WeightsError(
        f"was trained with {key} {file_value} ({array.name}), the config has {config_value}; "
        f"{_WRONG_FEATURES}"
    )
