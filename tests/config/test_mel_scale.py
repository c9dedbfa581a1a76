"""The mel scale and the edges of mel bands, against librosa."""

import itertools
from typing import Any

import hypothesis
import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specfeat.config.mel_scale import compute_band_edges_hz, find_empty_bands, hz_to_mel, mel_to_hz

pytestmark = pytest.mark.slow

librosa_modules: Any = librosa  # loaded when they are used, which its type stub does not say

HZ = [0.0, 0.5, 20.0, 60.0, 440.0, 999.999, 1000.0, 1000.001, 3999.5, 6400.0, 8000.0, 24000.0]
MEL = [0.0, 0.3, 7.0, 14.999, 15.0, 15.001, 40.0, 61.5, 700.0, 2840.0]


@pytest.mark.parametrize("htk", [False, True])
def test_hz_and_mel_are_those_of_librosa(htk: bool) -> None:
    """Both formulas, in both directions, below, at and above the corner of Slaney's."""
    mels = [mel for mel in MEL if htk or mel < 100]

    np.testing.assert_allclose([hz_to_mel(hz, htk=htk) for hz in HZ], librosa.hz_to_mel(HZ, htk=htk), 1e-12)
    np.testing.assert_allclose(
        [mel_to_hz(mel, htk=htk) for mel in mels], librosa.mel_to_hz(mels, htk=htk), 1e-12
    )


@pytest.mark.parametrize("htk", [False, True])
@given(hz=st.floats(0, 1e5))
@hypothesis.settings(deadline=None, derandomize=True, max_examples=100)
def test_mel_and_back_is_the_same_frequency(htk: bool, hz: float) -> None:
    """The two conversions are inverse to each other."""
    assert mel_to_hz(hz_to_mel(hz, htk=htk), htk=htk) == pytest.approx(hz, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize(
    ("n_mels", "fmin", "fmax"), [(1, 0, 4000), (28, 60, 7800), (64, 125, 7500), (128, 0, 24000)]
)
def test_band_edges_are_those_of_librosa(htk: bool, n_mels: int, fmin: float, fmax: float) -> None:
    """Few and many bands, over all frequencies and over a part of them."""
    edges = compute_band_edges_hz(n_mels, fmin, fmax, htk=htk)

    wanted = librosa.mel_frequencies(n_mels + 2, fmin=fmin, fmax=fmax, htk=htk)
    np.testing.assert_allclose(edges, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore:Empty filters")
@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_empty_bands_are_the_filters_of_zeros_in_librosa(rate: int, htk: bool) -> None:
    """Few and many bands, short and long FFTs. The limits are not near bins, where rounding would decide."""
    empties = 0
    for n_fft, n_mels in itertools.product((128, 255, 512, 2048), (1, 28, 64, 128, 256)):
        for fmin, share in ((0.0, 0.4801), (20.3, 0.4801), (0.0, 0.2503), (125.7, 0.4701)):
            fmax = rate * share
            filters = librosa_modules.filters.mel(
                sr=rate,
                n_fft=n_fft,
                n_mels=n_mels,
                fmin=fmin,
                fmax=fmax,
                htk=htk,
                norm=None,
                dtype=np.float64,
            )

            empty = find_empty_bands(compute_band_edges_hz(n_mels, fmin, fmax, htk=htk), rate, n_fft)

            assert np.flatnonzero(filters.max(axis=1) == 0).tolist() == empty
            empties += bool(empty)
    assert 0 < empties < 4 * 5 * 4


@pytest.mark.parametrize(
    ("edges", "empty"),
    [
        ((0.0, 20.0, 31.25), [0]),
        ((0.0, 20.0, 31.26), []),
        ((31.25, 40.0, 62.5), [0]),
        ((31.24, 40.0, 62.5), []),
        ((0.0, 10.0, 20.0, 30.0, 40.0), [0, 1]),
    ],
)
def test_a_bin_on_the_foot_of_a_triangle_does_not_count(edges: tuple[float, ...], empty: list[int]) -> None:
    """Bins are 31.25 Hz apart; at its two feet a triangle is 0."""
    assert empty == find_empty_bands(edges, 16000, 512)


@pytest.mark.parametrize("n_mels", [24, 60, 80, 100])
def test_a_band_is_empty_if_its_only_bin_is_dropped(n_mels: int) -> None:
    """The filters of librosa without their top bins have the same rows of zeros."""
    edges = compute_band_edges_hz(n_mels, 100, 7990, htk=True)
    filters = librosa_modules.filters.mel(sr=16000, n_fft=512, n_mels=n_mels, fmin=100, fmax=7990, htk=True)
    for band in range(n_mels):
        falling = [k for k in range(257) if edges[band + 1] < k * 31.25 <= edges[band + 2]]
        filters[band, falling[-1:]] = 0

    assert np.flatnonzero(filters.max(axis=1) == 0).tolist() == find_empty_bands(
        edges, 16000, 512, drop_top=True
    )


@pytest.mark.parametrize(("htk", "empty"), [(False, []), (True, [0])])
def test_128_bands_of_a_short_fft(htk: bool, empty: list[int]) -> None:
    """16 kHz, 512 points: bins are 31.25 Hz apart, and the lowest of 128 triangles of HTK ends at 27.5 Hz."""
    assert empty == find_empty_bands(compute_band_edges_hz(128, 0, 8000, htk=htk), 16000, 512)
