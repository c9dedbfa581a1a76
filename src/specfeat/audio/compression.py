"""Compresses spectrogram values, from float32 to float32, as `spectrogram.compress` describes it."""

from collections.abc import Iterable, Iterator

import numpy as np

from specfeat.audio.stft import DoubleArray, FloatArray
from specfeat.config.compression import Db, Ln, Log10, Pcen, Power


def compress_values(values: FloatArray, step: Ln | Db | Log10 | Power) -> FloatArray:
    """Apply one step of the compression that needs only the value itself to each value of a block.

    For decibels, `ref: max` and `top_db` are not applied here but in `specfeat.audio.largest_value`.
    """
    if isinstance(step, Ln):
        return _compress_ln(values, step)
    if isinstance(step, Db):
        return _compress_db(values, step)
    if isinstance(step, Log10):
        return _compress_log10(values, step)
    return values ** np.float32(step.exponent)


def _compress_ln(x: FloatArray, ln: Ln) -> FloatArray:
    return np.log(np.maximum(x, np.float32(ln.amin)) + np.float32(ln.offset))


def _compress_db(x: FloatArray, db: Db) -> FloatArray:
    decibels: FloatArray = np.float32(10.0) * np.log10(np.maximum(x, np.float32(db.amin)))
    if db.ref != "max":
        decibels -= np.float32(10.0 * np.log10(db.ref))
    if db.floor is None or db.has_largest_value:
        return decibels
    return np.maximum(decibels, np.float32(db.floor))


def _compress_log10(x: FloatArray, log10: Log10) -> FloatArray:
    compressed: FloatArray = np.log10(np.float32(1.0) + np.float32(log10.scale) * x)
    return compressed


def apply_pcen(blocks: Iterable[FloatArray], settings: Pcen, hop_seconds: float) -> Iterator[FloatArray]:
    """Divide each band by its own smoothed past (PCEN), as librosa.pcen does without an initial state.

    The smoothed value is M[t] = (1 - b) M[t-1] + b E[t] with M[-1] = 1, where E is the value of the band. The
    result is bias^p expm1(p log1p(E (eps + M)^-gain / bias)), where p is the setting `power`.

    Args:
        blocks: the values of the bands, float32, 0 or more, shape (frames, bands).
        settings: the parameters of PCEN, named as in librosa.
        hop_seconds: the time from one frame to the next in seconds.
    """
    t = settings.time_constant / hop_seconds
    b = (np.sqrt(1.0 + 4.0 * t**2) - 1.0) / (2.0 * t**2)  # the coefficient of librosa's filter
    state: DoubleArray | None = None
    for block in blocks:
        energy = block.astype(np.float64)
        smoothed = np.empty_like(energy)
        for i, frame in enumerate(energy):
            state = b * frame + (1.0 - b) * (1.0 if state is None else state)
            smoothed[i] = state
        gain = np.exp(-settings.gain * (np.log(settings.eps) + np.log1p(smoothed / settings.eps)))
        yield _compute_pcen_root(energy * gain, settings).astype(np.float32)


def _compute_pcen_root(values: DoubleArray, settings: Pcen) -> DoubleArray:
    bias, power = settings.bias, settings.power
    if power == 0:
        return np.log1p(values)
    if bias == 0:
        return values**power
    root: DoubleArray = bias**power * np.expm1(power * np.log1p(values / bias))
    return root
