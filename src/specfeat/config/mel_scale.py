"""The mel scale, in plain Python: the edges of the bands are known before NumPy is loaded.

Two formulas are in use (librosa.hz_to_mel has both):

* HTK: `2595 log10(1 + f / 700)` (The HTK Book, "Filterbank Analysis"); `1127 ln(1 + f / 700)`,
  as TensorFlow and Kaldi write it, is the same up to a factor that cancels.
* Slaney: linear to 1 kHz, 15 bands; then logarithmic, 27 bands to 6.4 kHz (Auditory Toolbox).
"""

import math

_HZ_A_BAND = 200.0 / 3.0
_LOG_FROM_HZ = 1000.0
_LOG_FROM_MEL = _LOG_FROM_HZ / _HZ_A_BAND
_LOG_STEP = math.log(6.4) / 27.0


def hz_to_mel(hz: float, *, htk: bool) -> float:
    """Return the mel of a frequency in Hz, 0 or more."""
    if htk:
        return 2595.0 * math.log10(1.0 + hz / 700.0)
    if hz < _LOG_FROM_HZ:
        return hz / _HZ_A_BAND
    return _LOG_FROM_MEL + math.log(hz / _LOG_FROM_HZ) / _LOG_STEP


def mel_to_hz(mel: float, *, htk: bool) -> float:
    """Return the frequency in Hz of a mel: the inverse of `hz_to_mel`."""
    if htk:
        return 700.0 * (math.pow(10.0, mel / 2595.0) - 1.0)
    if mel < _LOG_FROM_MEL:
        return mel * _HZ_A_BAND
    return _LOG_FROM_HZ * math.exp(_LOG_STEP * (mel - _LOG_FROM_MEL))


def compute_band_edges_hz(n_mels: int, fmin: float, fmax: float, *, htk: bool) -> tuple[float, ...]:
    """Return the n_mels + 2 edges, in Hz, of triangles spaced equally in mel.

    Band i rises from edge i to edge i + 1 and falls to edge i + 2.
    """
    low, high = hz_to_mel(fmin, htk=htk), hz_to_mel(fmax, htk=htk)
    step = (high - low) / (n_mels + 1)
    inner = (mel_to_hz(low + step * i, htk=htk) for i in range(1, n_mels + 1))
    return (fmin, *inner, fmax)  # the ends as given: to mel and back they would move by a rounding error


def find_empty_bands(
    edges_hz: tuple[float, ...], sample_rate: int, n_fft: int, *, drop_top: bool = False
) -> list[int]:
    """List the bands in whose triangle no FFT bin lies: their features would be constant.

    With `drop_top` the bin that `top_bin` gives does not count.
    """
    bin_hz = sample_rate / n_fft
    empty = []
    for band in range(len(edges_hz) - 2):
        first_inside = math.floor(edges_hz[band] / bin_hz) + 1
        dropped = find_top_bin(edges_hz, band, bin_hz) if drop_top else None
        if first_inside * bin_hz >= edges_hz[band + 2] or first_inside == dropped:
            empty.append(band)
    return empty


def find_top_bin(edges_hz: tuple[float, ...], band: int, bin_hz: float) -> int | None:
    """Return the highest FFT bin on the falling side of a band's triangle, its foot included, if any."""
    last = math.floor(edges_hz[band + 2] / bin_hz)
    return last if last > math.floor(edges_hz[band + 1] / bin_hz) else None
