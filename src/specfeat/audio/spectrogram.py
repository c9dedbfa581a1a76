"""Makes spectrograms from samples, as a config describes them.

The steps are, in this order: STFT magnitudes, bands, compression, cepstrum, deltas, normalisation.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial

import numpy as np
from threadpoolctl import ThreadpoolController

from specfeat.audio.compression import apply_pcen, compress_values
from specfeat.audio.deltas import append_deltas
from specfeat.audio.largest_value import apply_largest_value, limit_below_largest
from specfeat.audio.normalization import apply_constants, normalize_clip, normalize_file
from specfeat.audio.stft import DoubleArray, FloatArray, Stft
from specfeat.config.compression import CompressionStep, Db, Pcen
from specfeat.config.mel import Mel, Mfcc
from specfeat.config.mel_scale import find_top_bin, hz_to_mel
from specfeat.config.settings import Settings


@cache
def _find_blas_libraries() -> ThreadpoolController:
    """Find the BLAS libraries of this process, one of which NumPy uses.

    The result is cached, because the search reads the list of all libraries that the process has loaded.
    """
    return ThreadpoolController()


class SpectrogramMaker:
    """Makes the spectrograms of one sound after another, with the settings of a config.

    Filters, window and working memory are made once, and are used for all sounds.

    Args:
        settings: the settings of the config.
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
        # Decibels relative to the largest value of each clip are finished only when the clips have been cut.
        # With `clips.cut: samples`, each clip is a stream of its own, so its largest value is that of the
        # stream.
        self._clip_decibels = spectrogram.clip_decibels if settings.clips.cut == "frames" else None
        self._blas = _find_blas_libraries()

    def make_frames(
        self, blocks: Iterable[FloatArray], get_length: Callable[[], int] | None = None
    ) -> Iterator[FloatArray]:
        """Yield the spectrogram of a stream of mono samples in blocks of frames.

        If a step needs values of the whole file, the first block is yielded after the end of the stream.

        Args:
            blocks: the samples of the sound, followed by the silence that completes the last clip.
            get_length: a function that is called after the end of the stream, and returns the length of the
                sound in samples without this silence. The values of the file are then computed without the
                frames of the silence; if the function is left out, they are computed from all frames.

        Yields:
            float32 arrays, shape (frames, bins, channels), where bins and channels are those of
            `Settings.input_shape`.
        """
        spectrogram = self._settings.spectrogram
        bands = self._make_bands(blocks, get_length)
        frames = (
            append_deltas(bands, spectrogram.deltas)
            if spectrogram.deltas
            else (block[..., np.newaxis] for block in bands)
        )
        normalize = spectrogram.normalize
        if normalize and normalize.file:
            frames = normalize_file(frames, normalize, partial(self._count_measured, get_length))
        elif normalize and not normalize.clip and not self._clip_decibels:
            frames = apply_constants(frames, normalize)
        yield from frames

    def normalize_clip(self, clip: FloatArray) -> FloatArray:
        """Apply the steps that need the values of a whole clip; its shape is `Settings.input_shape`."""
        normalize = self._settings.spectrogram.normalize
        if self._clip_decibels:
            clip = limit_below_largest(clip, self._clip_decibels, clip.max())
            if normalize and not normalize.clip:
                clip = next(apply_constants([clip], normalize))
        return normalize_clip(clip, normalize) if normalize and normalize.clip else clip

    def _count_measured(self, get_length: Callable[[], int] | None) -> int | None:
        """Return from how many frames the values of the file are computed; None for all frames."""
        # At least 1, because every frame of a sound shorter than a frame is completed by silence.
        return None if get_length is None else max(1, self._settings.spectrogram.count_frames(get_length()))

    def _make_bands(
        self, blocks: Iterable[FloatArray], get_length: Callable[[], int] | None
    ) -> Iterator[FloatArray]:
        """Yield float32 blocks of shape (frames, bins): compressed bands, or their cepstrum.

        Every step computes blocks of one shape, because a matrix product of another shape may round
        differently. The last block is filled with frames that do not belong to the sound; they are cut off
        after the last step.
        """
        # How many frames of each block belong to the sound, for the blocks that have not been yielded yet.
        # The first step appends a number, and the last step takes it. Between them, a step may hold many
        # blocks.
        frame_counts: deque[int] = deque()
        values = self._make_magnitudes(blocks, frame_counts)
        for step in self._settings.spectrogram.compression_steps:
            values = self._compress_blocks(values, step, frame_counts, get_length)
        for block in values:
            yield self._multiply_matrix(block, self._cepstrum)[: frame_counts.popleft()]

    def _compress_blocks(
        self,
        blocks: Iterator[FloatArray],
        step: CompressionStep,
        frame_counts: deque[int],
        get_length: Callable[[], int] | None,
    ) -> Iterator[FloatArray]:
        """Apply one step of the compression to blocks of shape (block_frames, bins)."""
        if isinstance(step, Pcen):
            hop_seconds = self._settings.spectrogram.hop_length / self._settings.audio.sample_rate
            return apply_pcen(blocks, step, hop_seconds)
        compressed = (compress_values(block, step) for block in blocks)
        if isinstance(step, Db) and step.has_largest_value and not self._clip_decibels:

            def count_measured() -> int:
                # At the end of the stream, no block has been yielded yet, so the counts are those of all
                # blocks.
                frames, measured = sum(frame_counts), self._count_measured(get_length)
                return frames if measured is None else min(frames, measured)

            return apply_largest_value(compressed, step, count_measured)
        return compressed

    def _make_magnitudes(
        self, blocks: Iterable[FloatArray], frame_counts: deque[int]
    ) -> Iterator[FloatArray]:
        for frames, count in self._stft.cut_frames(blocks):
            frame_counts.append(count)
            # ClipIterator reports values that are not finite.
            with np.errstate(over="ignore", invalid="ignore"):
                magnitudes = self._stft.compute_magnitudes(frames).astype(np.float32)
            yield self._multiply_matrix(magnitudes, self._filters)

    def _multiply_matrix(self, values: FloatArray, matrix: FloatArray | None) -> FloatArray:
        if matrix is None:
            return values
        # On one thread, because a matrix product may round differently when several threads share it.
        with self._blas.limit(limits=1, user_api="blas"), np.errstate(over="ignore", invalid="ignore"):
            product: FloatArray = values @ matrix
        return product


def make_mel_filters(mel: Mel, sample_rate: int, n_fft: int) -> FloatArray:
    """Return the triangular filters of the used bands, float32, shape (bands, n_fft // 2 + 1).

    With `triangles: hz` the filters are those of librosa.filters.mel. With `triangles: mel` their sides are
    straight lines over the mel scale, as in tf.signal.linear_to_mel_weight_matrix.
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
    """Return the matrix that applies the DCT (type 2) and the lifter, float32, shape (n_mels, n_mfcc).

    The DCT is that of scipy.fft.dct. The lifter is that of librosa.feature.mfcc, which multiplies coefficient
    k by 1 + (lifter / 2) sin(pi (k + 1) / lifter).
    """
    k = np.arange(mfcc.n_mfcc)
    n = np.arange(n_mels)[:, np.newaxis]
    basis: DoubleArray = 2.0 * np.cos(np.pi * k * (2 * n + 1) / (2 * n_mels))
    if mfcc.norm == "ortho":
        basis *= np.where(k == 0, np.sqrt(1 / (4 * n_mels)), np.sqrt(1 / (2 * n_mels)))
    if mfcc.lifter:
        basis *= 1.0 + (mfcc.lifter / 2.0) * np.sin(np.pi * (k + 1) / mfcc.lifter)
    return basis.astype(np.float32)
