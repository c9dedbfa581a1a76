"""The mel scale and the edges of mel bands, in plain Python, so that a config can be checked without NumPy.

There are two formulas, and librosa.hz_to_mel has both:

* HTK's formula: `2595 log10(1 + f / 700)` (The HTK Book, "Filterbank Analysis"). TensorFlow and Kaldi write
  it as `1127 ln(1 + f / 700)`. The two differ only by a factor, which does not change the edges of bands.
* Slaney's formula (Auditory Toolbox): linear up to 1 kHz, which is 15 mel, and logarithmic above, with 27 mel
  from 1 kHz to 6.4 kHz.
"""

import math

_HTK_FACTOR = 2595.0
_HTK_CORNER_HZ = 700.0

_SLANEY_HZ_PER_MEL = 200.0 / 3.0
_SLANEY_CORNER_HZ = 1000.0
_SLANEY_CORNER_MEL = _SLANEY_CORNER_HZ / _SLANEY_HZ_PER_MEL
_SLANEY_LOG_STEP = math.log(6.4) / 27.0  # the natural logarithm of the ratio of frequencies 1 mel apart


def hz_to_mel(hz: float, *, htk: bool) -> float:
    """Convert a frequency from Hz to mel.

    Args:
        hz: the frequency in Hz, 0 or more.
        htk: whether to use HTK's formula; Slaney's otherwise.
    """
    if htk:
        return _HTK_FACTOR * math.log10(1.0 + hz / _HTK_CORNER_HZ)
    if hz < _SLANEY_CORNER_HZ:
        return hz / _SLANEY_HZ_PER_MEL
    return _SLANEY_CORNER_MEL + math.log(hz / _SLANEY_CORNER_HZ) / _SLANEY_LOG_STEP


def mel_to_hz(mel: float, *, htk: bool) -> float:
    """Convert a frequency from mel to Hz. This is the inverse of `hz_to_mel`.

    Args:
        mel: the frequency in mel, 0 or more.
        htk: whether to use HTK's formula; Slaney's otherwise.
    """
    if htk:
        return _HTK_CORNER_HZ * (math.pow(10.0, mel / _HTK_FACTOR) - 1.0)
    if mel < _SLANEY_CORNER_MEL:
        return mel * _SLANEY_HZ_PER_MEL
    return _SLANEY_CORNER_HZ * math.exp(_SLANEY_LOG_STEP * (mel - _SLANEY_CORNER_MEL))


def compute_band_edges_hz(n_mels: int, fmin: float, fmax: float, *, htk: bool) -> tuple[float, ...]:
    """Return the edges in Hz of triangles that are spaced equally in mel.

    Args:
        n_mels: the number of triangles.
        fmin: the lowest edge in Hz.
        fmax: the highest edge in Hz.
        htk: whether to use HTK's formula; Slaney's otherwise.

    Returns:
        The n_mels + 2 edges. The triangle of band i rises from edge i to edge i + 1, and falls to edge i + 2.
    """
    lowest_mel, highest_mel = hz_to_mel(fmin, htk=htk), hz_to_mel(fmax, htk=htk)
    step = (highest_mel - lowest_mel) / (n_mels + 1)
    inner_edges = (mel_to_hz(lowest_mel + step * i, htk=htk) for i in range(1, n_mels + 1))
    # fmin and fmax are not converted to mel and back, because of the rounding error.
    return (fmin, *inner_edges, fmax)


def find_empty_bands(
    edges_hz: tuple[float, ...], sample_rate: int, n_fft: int, *, drop_top: bool = False
) -> list[int]:
    """Return the numbers of the bands whose triangle contains no FFT bin, so that their values are constant.

    A bin at an edge of a triangle has the weight 0, so it is not inside the triangle.

    Args:
        edges_hz: the edges of the bands, as `compute_band_edges_hz` returns them.
        sample_rate: the sample rate in Hz.
        n_fft: the length of the FFT in samples.
        drop_top: whether the bin that `find_top_bin` returns is ignored.
    """
    bin_hz = sample_rate / n_fft
    empty_bands = []
    for band in range(len(edges_hz) - 2):
        first_bin_inside = math.floor(edges_hz[band] / bin_hz) + 1
        dropped_bin = find_top_bin(edges_hz, band, bin_hz) if drop_top else None
        if first_bin_inside * bin_hz >= edges_hz[band + 2] or first_bin_inside == dropped_bin:
            empty_bands.append(band)
    return empty_bands


def find_top_bin(edges_hz: tuple[float, ...], band: int, bin_hz: float) -> int | None:
    """Return the highest FFT bin on the falling side of a band's triangle, including its upper edge.

    Args:
        edges_hz: the edges of the bands, as `compute_band_edges_hz` returns them.
        band: the number of the band, counted from 0.
        bin_hz: the distance from one FFT bin to the next one, in Hz.

    Returns:
        The number of the bin; None if no bin lies on the falling side.
    """
    last_bin = math.floor(edges_hz[band + 2] / bin_hz)
    return last_bin if last_bin > math.floor(edges_hz[band + 1] / bin_hz) else None
