"""The sound that weights were trained on, where the file knows it: it must be the config's."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from specfeat.config.mel import Mel
from specfeat.config.settings import Settings
from specfeat.config.spectrogram import Spectrogram
from specfeat.config.training_sound import find_first_difference, flatten_sound_settings
from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import FileArray, FileContents

_TOLERANCE = 1e-4  # of a window's and a filter's height; float32 files differ by less than 1e-6


def format_sound_settings(settings: Settings) -> str:
    """Write what the network's weights depend on of the sound, for `specfeat weights convert`."""
    return json.dumps(
        {"sample_rate": settings.audio.sample_rate} | settings.spectrogram.model_dump(mode="json")
    )


def check_sound(settings: Settings, contents: FileContents) -> None:
    """Compare the config's spectrogram with what the file says of the one it was trained with.

    A file of specfeat's says it whole; those of PANNs and OpenL3 hold their mel filters and STFT.

    Raises:
        WeightsError: names the first setting that differs.
    """
    if contents.stamp is not None:
        _check_stamp(settings, contents.stamp)
    for array in contents.arrays:
        if array.name.endswith("logmel_extractor.melW"):
            _check_mel(settings, array)
        elif array.name.endswith("spectrogram_extractor.stft.conv_real.weight"):
            _check_stft(settings, array, samples=-1)
        elif "freq2mel" in array.name:
            _check_mel(settings, array)
        elif "real_kernels" in array.name:
            _check_stft(settings, array, samples=0)


def _check_stamp(settings: Settings, text: str) -> None:
    try:  # a key that the file does not know had the default's effect when it was written
        written = json.loads(text)
        rate = written.pop("sample_rate")
        theirs = flatten_sound_settings(rate, Spectrogram.model_validate_json(json.dumps(written)))
    except ValidationError as e:
        raise WeightsError("was converted by another specfeat, for a spectrogram that this one lacks") from e
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as e:
        raise WeightsError("says of its spectrogram what cannot be read; convert it again") from e
    mine = flatten_sound_settings(settings.audio.sample_rate, settings.spectrogram)
    key = find_first_difference(mine, theirs)
    if key is not None:
        raise WeightsError(
            f"was trained with {key} {json.dumps(theirs.get(key))}, "
            f"the config has {json.dumps(mine.get(key))}; its features would be wrong"
        )


def _check_mel(settings: Settings, array: FileArray) -> None:
    """Compare which bins each filter holds, (bins, bands), and how its area is normalised."""
    spectrogram, rate = settings.spectrogram, settings.audio.sample_rate
    mel = spectrogram.mel
    bins = spectrogram.n_fft // 2 + 1
    if len(array.shape) != 2:
        raise WeightsError(f"{array.name} is no mel filterbank: it has {len(array.shape)} axes; wanted 2")
    if array.shape[0] != bins:
        raise WeightsError(_trained(array, "spectrogram.n_fft", 2 * (array.shape[0] - 1), spectrogram.n_fft))
    if spectrogram.kind == "linear" or mel is None:
        raise WeightsError(f"was trained on mel bands ({array.name}), the config has kind: linear")
    if array.shape[1] != mel.n_mels:
        raise WeightsError(_trained(array, "spectrogram.mel.n_mels", array.shape[1], mel.n_mels))
    filters = array.read()  # now that it is known to be no larger than the config's own
    hz = np.arange(bins) * rate / spectrogram.n_fft
    edges = mel.compute_edges_hz(rate)
    for band, (low, high) in enumerate(zip(edges, edges[2:], strict=False)):
        inside = (hz > low) & (hz < high)
        near = np.isclose(hz, low, atol=1e-3) | np.isclose(hz, high, atol=1e-3)  # zero to rounding
        if ((filters[:, band] > 0) != inside)[~near].any():
            raise WeightsError(
                f"was trained on other mel bands ({array.name}): band {band} is not from {low:.0f} to "
                f"{high:.0f} Hz; look at spectrogram.mel.fmin, fmax and htk, and audio.sample_rate"
            )
    _check_norm(array, filters, mel, edges)


def _check_norm(array: FileArray, filters: NDArray[Any], mel: Mel, edges: tuple[float, ...]) -> None:
    """A triangle of height 1 has no bin above 1; one of area 1 has none above 2 / width."""
    widths = np.array(edges[2:]) - np.array(edges[:-2])
    heights = filters.max(axis=0)
    slaney = bool((heights <= 2 / widths * (1 + _TOLERANCE)).all())
    if slaney != (mel.norm == "slaney") and 2 / widths.max() < heights.max():
        raise WeightsError(
            _trained(array, "spectrogram.mel.norm", "slaney" if slaney else "null", mel.norm or "null")
        )


def _check_stft(settings: Settings, array: FileArray, samples: int) -> None:
    """The kernel for 0 Hz is the window itself; a Hann one is compared by value.

    Args:
        settings: of the config.
        array: an STFT's kernels, (bins, 1, samples) or (samples, 1, 1, bins).
        samples: which axis they are, 0 or -1; the other end is the bins.
    """
    spectrogram, shape = settings.spectrogram, array.shape
    if len(shape) not in (3, 4) or array.size != shape[0] * shape[-1]:
        raise WeightsError(f"{array.name} is no STFT's kernel")
    if shape[samples] != spectrogram.n_fft:
        raise WeightsError(_trained(array, "spectrogram.n_fft", shape[samples], spectrogram.n_fft))
    if shape[-1 - samples] != spectrogram.n_fft // 2 + 1:
        raise WeightsError(f"{array.name} is no STFT's kernel")
    if spectrogram.window != "hann":
        raise WeightsError(_trained(array, "spectrogram.window", "hann", str(spectrogram.window)))
    kernels = np.asarray(array.read(), np.float64).reshape(shape[0], shape[-1])
    window = kernels[0] if samples == -1 else kernels[:, 0]
    length = spectrogram.window_samples
    steps = length if spectrogram.periodic else length - 1
    ours = np.zeros(spectrogram.n_fft)
    start = (spectrogram.n_fft - length) // 2
    ours[start : start + length] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / steps)
    if np.abs(ours - window).max() > _TOLERANCE:
        raise WeightsError(
            f"was trained with another window than a Hann of {length} samples ({array.name}); look at "
            "spectrogram.window, win_length and periodic"
        )


def _trained(array: FileArray, key: str, theirs: object, ours: object) -> str:
    return (
        f"was trained with {key} {theirs} ({array.name}), the config has {ours}; its features would be wrong"
    )
