"""From samples to what the network sees: magnitudes, bands, compression, cepstrum, deltas, normalisation."""

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np
from threadpoolctl import ThreadpoolController

from specfeat.audio.compression import apply_pcen, make_compression
from specfeat.audio.deltas import append_deltas
from specfeat.audio.stft import DoubleArray, FloatArray, Stft
from specfeat.config.mel import Mel, Mfcc
from specfeat.config.mel_scale import find_top_bin, hz_to_mel
from specfeat.config.settings import Settings
from specfeat.config.spectrogram import Normalize


class SpectrogramMaker:
    """Makes spectrograms of one sound after another, as a config says.

    Args:
        settings: the config's settings. Filters, window and working memory are made once from them.
    """

    def __init__(self, settings: Settings) -> None:
        spectrogram = settings.spectrogram
        self._settings = settings
        self._stft = Stft(spectrogram, settings.clip_grid.frames)
        self._filters = (
            make_mel_filters(spectrogram.mel, settings.audio.sample_rate, spectrogram.n_fft).T.copy()
            if spectrogram.mel
            else None
        )
        self._cepstrum = (
            make_cepstrum_matrix(spectrogram.mfcc, spectrogram.mel.bands)
            if spectrogram.mfcc and spectrogram.mel
            else None
        )
        self._compress = make_compression(spectrogram.compress)
        self._blas = ThreadpoolController()

    def make_frames(self, blocks: Iterable[FloatArray]) -> Iterator[FloatArray]:
        """Yield the spectrogram of a stream of mono samples, some frames at a time.

        Yields:
            float32, shape (frames, bins, channels): bins and channels are those of `Settings.input_shape`.
        """
        spectrogram = self._settings.spectrogram
        bands = self._make_bands(blocks)
        frames = (
            append_deltas(bands, spectrogram.deltas)
            if spectrogram.deltas
            else (block[..., np.newaxis] for block in bands)
        )
        normalize = spectrogram.normalize
        if normalize and normalize.clip is None:
            mean = np.asarray(0.0 if normalize.mean is None else normalize.mean, np.float32)
            std = np.asarray(1.0 if normalize.std is None else normalize.std, np.float32)
            frames = ((block - mean) / std for block in frames)
        yield from frames

    def normalize_clip(self, clip: FloatArray) -> FloatArray:
        """Return one clip, shape `Settings.input_shape`, normalised by its own values if the config asks."""
        normalize = self._settings.spectrogram.normalize
        return normalize_clip(clip, normalize) if normalize and normalize.clip else clip

    def _make_bands(self, blocks: Iterable[FloatArray]) -> Iterator[FloatArray]:
        """Yield float32 blocks of shape (frames, bins): compressed bands, or their cepstrum.

        Every step computes whole blocks, also of the frames that only fill the last block, because a matrix
        product of another shape may round differently. These frames are cut off at the end.
        """
        frame_counts: deque[int] = deque()  # of the blocks on their way, the frames that belong to the sound
        compress = self._settings.spectrogram.compress
        values = self._make_magnitudes(blocks, frame_counts)
        if compress and compress.pcen:
            hop_seconds = self._settings.spectrogram.hop_length / self._settings.audio.sample_rate
            values = apply_pcen(values, compress.pcen, hop_seconds)
        for block in values:
            yield self._multiply(self._compress(block), self._cepstrum)[: frame_counts.popleft()]

    def _make_magnitudes(
        self, blocks: Iterable[FloatArray], frame_counts: deque[int]
    ) -> Iterator[FloatArray]:
        for frames, count in self._stft.cut_frames(blocks):
            frame_counts.append(count)
            with np.errstate(over="ignore", invalid="ignore"):  # ClipIterator reports what is not finite
                magnitudes = self._stft.compute_magnitudes(frames).astype(np.float32)
            yield self._multiply(magnitudes, self._filters)

    def _multiply(self, values: FloatArray, matrix: FloatArray | None) -> FloatArray:
        if matrix is None:
            return values
        # On one thread, because a matrix product may round differently when several threads share it.
        with self._blas.limit(limits=1, user_api="blas"), np.errstate(over="ignore", invalid="ignore"):
            product: FloatArray = values @ matrix
        return product


def make_mel_filters(mel: Mel, sample_rate: int, n_fft: int) -> FloatArray:
    """Return the triangular filters of the bands that are kept, float32, shape (bands, n_fft // 2 + 1).

    With `triangles: hz` they are those of librosa.filters.mel; with `triangles: mel` their sides are straight
    over the mel scale, as in tf.signal.linear_to_mel_weight_matrix.
    """
    edges = np.array(mel.compute_edges_hz(sample_rate))
    bins = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    corners, positions = edges, bins  # on the scale over which the sides are straight
    if mel.triangles == "mel":
        corners = np.array([hz_to_mel(hz, htk=mel.htk) for hz in edges])
        positions = np.array([hz_to_mel(hz, htk=mel.htk) for hz in bins])
    widths = np.diff(corners)
    rising = (positions - corners[:-2, np.newaxis]) / widths[:-1, np.newaxis]
    falling = (corners[2:, np.newaxis] - positions) / widths[1:, np.newaxis]
    triangles: DoubleArray = np.maximum(0.0, np.minimum(rising, falling))
    if mel.norm == "slaney":
        triangles *= (2.0 / (edges[2:] - edges[:-2]))[:, np.newaxis]
    if mel.top_bin == "drop":
        _drop_top_bins(triangles, mel.compute_edges_hz(sample_rate), sample_rate / n_fft)
    return triangles.astype(np.float32)


def _drop_top_bins(triangles: DoubleArray, edges_hz: tuple[float, ...], bin_hz: float) -> None:
    for band, triangle in enumerate(triangles):
        top_bin = find_top_bin(edges_hz, band, bin_hz)
        if top_bin is not None:
            triangle[top_bin] = 0.0


def make_cepstrum_matrix(mfcc: Mfcc, n_mels: int) -> FloatArray:
    """Return the matrix of the DCT (type 2) and the lifter, float32, shape (n_mels, n_mfcc).

    As scipy.fft.dct and librosa.feature.mfcc, whose lifter is 1 + (lifter / 2) sin(pi (k + 1) / lifter).
    """
    k = np.arange(mfcc.n_mfcc)
    n = np.arange(n_mels)[:, np.newaxis]
    basis: DoubleArray = 2.0 * np.cos(np.pi * k * (2 * n + 1) / (2 * n_mels))
    if mfcc.norm == "ortho":
        basis *= np.where(k == 0, np.sqrt(1 / (4 * n_mels)), np.sqrt(1 / (2 * n_mels)))
    if mfcc.lifter:
        basis *= 1.0 + (mfcc.lifter / 2.0) * np.sin(np.pi * (k + 1) / mfcc.lifter)
    return basis.astype(np.float32)


def normalize_clip(clip: FloatArray, normalize: Normalize) -> FloatArray:
    """Return a clip, shape (frames, bins, channels), each channel normalised by its own values."""
    if normalize.clip == "max":
        largest = np.abs(clip).max(axis=(0, 1))
        out: FloatArray = np.divide(clip, np.where(largest > 0, largest, 1.0), dtype=np.float32)
    elif normalize.clip == "subtract_max":
        out = clip - clip.max(axis=(0, 1))
    else:
        out = _standardize(clip)
    return out if normalize.floor is None else np.maximum(out, np.float32(normalize.floor))


def _standardize(clip: FloatArray) -> FloatArray:
    values = clip.astype(np.float64)
    values -= values.mean(axis=(0, 1))
    std = values.std(axis=(0, 1))  # exactly 0 for a constant clip, because its mean in float64 is exact
    return np.where(std > 0, values / np.where(std > 0, std, 1.0), 0.0).astype(np.float32)
