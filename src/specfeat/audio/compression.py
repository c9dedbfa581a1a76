"""Compression of spectrogram values, from float32 to float32; `spectrogram.compress` of a config."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from specfeat.audio.stft import DoubleArray, FloatArray
from specfeat.config.compression import Compress, Db, Ln, Log10, Pcen, Power


def make_compression(compress: Compress | None) -> Callable[[FloatArray], FloatArray]:
    """Return the function that compresses a block of values.

    PCEN is left out here, because it depends on earlier blocks: see `apply_pcen`.
    """
    if compress and compress.ln:
        ln = compress.ln
        return lambda x: _compress_ln(x, ln)
    if compress and compress.db:
        db = compress.db
        return lambda x: _compress_db(x, db)
    if compress and compress.log10:
        log10 = compress.log10
        return lambda x: _compress_log10(x, log10)
    if compress and compress.power:
        power = compress.power
        return lambda x: _compress_power(x, power)
    return lambda x: x


def _compress_ln(x: FloatArray, ln: Ln) -> FloatArray:
    return np.log(np.maximum(x, np.float32(ln.amin)) + np.float32(ln.offset))


def _compress_db(x: FloatArray, db: Db) -> FloatArray:
    decibels: FloatArray = np.float32(10.0) * np.log10(np.maximum(x, np.float32(db.amin)))
    decibels -= np.float32(10.0 * np.log10(db.ref))
    return decibels if db.floor is None else np.maximum(decibels, np.float32(db.floor))


def _compress_log10(x: FloatArray, log10: Log10) -> FloatArray:
    compressed: FloatArray = np.log10(np.float32(1.0) + np.float32(log10.scale) * x)
    return compressed


def _compress_power(x: FloatArray, power: Power) -> FloatArray:
    return x ** np.float32(power.exponent)


def apply_pcen(blocks: Iterable[FloatArray], settings: Pcen, hop_seconds: float) -> Iterator[FloatArray]:
    """Normalise each band by its own smoothed past, as librosa.pcen does without an initial state.

    M[t] = (1 - b) M[t-1] + b E[t] with M[-1] = 1;
    out = bias^p expm1(p log1p(E (eps + M)^-gain / bias)), where p is the setting `power`.

    Args:
        blocks: float32, shape (frames, bands), 0 or more.
        settings: the parameters, named as in librosa.
        hop_seconds: the time between frames.
    """
    t = settings.time_constant / hop_seconds
    b = (np.sqrt(1.0 + 4.0 * t**2) - 1.0) / (2.0 * t**2)
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
