"""Magnitudes to what the network sees: bands, compression, cepstrum, deltas, normalisation."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from threadpoolctl import ThreadpoolController

from specfeat.audio.stft import DoubleArray, FloatArray, Stft
from specfeat.config.compression import Compress, Db, Ln, Log10, Pcen, Power
from specfeat.config.mel import Mel, Mfcc
from specfeat.config.mel_scale import find_top_bin, hz_to_mel
from specfeat.config.settings import Settings
from specfeat.config.spectrogram import Deltas, Normalize


class SpectrogramMaker:
    """Turns a stream of samples into spectrogram frames, by one config.

    Args:
        settings: the config's settings; filters, window and work space are made once.
    """

    def __init__(self, settings: Settings) -> None:
        spectrogram = settings.spectrogram
        self.settings = settings
        self.stft = Stft(spectrogram, settings.clip_grid.frames)
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

    def frames(self, blocks: Iterable[FloatArray]) -> Iterator[FloatArray]:
        """Yield the spectrogram of a stream of mono samples, some frames at a time.

        Yields:
            float32, shape (frames, bins, channels), as `Settings.input_shape` says after the first axis.
        """
        spectrogram = self.settings.spectrogram
        bands = self._bands(blocks)
        frames = (
            append_deltas(bands, spectrogram.deltas)
            if spectrogram.deltas
            else (b[..., np.newaxis] for b in bands)
        )
        normalize = spectrogram.normalize
        if normalize and normalize.clip is None:
            mean = np.asarray(0.0 if normalize.mean is None else normalize.mean, np.float32)
            std = np.asarray(1.0 if normalize.std is None else normalize.std, np.float32)
            frames = ((block - mean) / std for block in frames)
        yield from frames

    def clip(self, clip: FloatArray) -> FloatArray:
        """Finish one clip, shape `Settings.input_shape`: normalise it by its own values if asked."""
        normalize = self.settings.spectrogram.normalize
        return normalize_clip(clip, normalize) if normalize and normalize.clip else clip

    def _bands(self, blocks: Iterable[FloatArray]) -> Iterator[FloatArray]:
        """Yield float32 blocks of shape (frames, bins), compressed, or their cepstrum.

        All is done in whole blocks, and what was filled up at the end is cut off last.
        """
        counts: deque[int] = deque()
        compress = self.settings.spectrogram.compress
        values = self._magnitudes(blocks, counts)
        if compress and compress.pcen:
            hop_seconds = self.settings.spectrogram.hop_length / self.settings.audio.sample_rate
            values = apply_pcen(values, compress.pcen, hop_seconds)
        for block in values:
            yield self._product(self._compress(block), self._cepstrum)[: counts.popleft()]

    def _magnitudes(self, blocks: Iterable[FloatArray], counts: deque[int]) -> Iterator[FloatArray]:
        for frames, count in self.stft.frames(blocks):
            counts.append(count)
            with np.errstate(over="ignore", invalid="ignore"):  # ClipMaker tells of what is not finite
                magnitudes = self.stft.magnitudes(frames).astype(np.float32)
            yield self._product(magnitudes, self._filters)

    def _product(self, values: FloatArray, matrix: FloatArray | None) -> FloatArray:
        if matrix is None:
            return values
        # On one thread, because a matrix product may round otherwise when it is shared out.
        with self._blas.limit(limits=1, user_api="blas"), np.errstate(over="ignore", invalid="ignore"):
            product: FloatArray = values @ matrix
        return product


def make_mel_filters(mel: Mel, sample_rate: int, n_fft: int) -> FloatArray:
    """Return the triangles of the bands that are kept, float32, shape (bands, n_fft // 2 + 1).

    librosa.filters.mel with `triangles: hz`; with `mel` the sides are straight over the mel scale,
    as in tf.signal.linear_to_mel_weight_matrix.
    """
    edges = np.array(mel.compute_edges_hz(sample_rate))
    bins = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    points, places = edges, bins
    if mel.triangles == "mel":
        points = np.array([hz_to_mel(hz, htk=mel.htk) for hz in edges])
        places = np.array([hz_to_mel(hz, htk=mel.htk) for hz in bins])
    widths = np.diff(points)
    rising = (places - points[:-2, np.newaxis]) / widths[:-1, np.newaxis]
    falling = (points[2:, np.newaxis] - places) / widths[1:, np.newaxis]
    triangles: DoubleArray = np.maximum(0.0, np.minimum(rising, falling))
    if mel.norm == "slaney":
        triangles *= (2.0 / (edges[2:] - edges[:-2]))[:, np.newaxis]
    if mel.top_bin == "drop":
        _drop_top_bins(triangles, mel.compute_edges_hz(sample_rate), sample_rate / n_fft)
    return triangles.astype(np.float32)


def _drop_top_bins(triangles: DoubleArray, edges_hz: tuple[float, ...], bin_hz: float) -> None:
    for band, triangle in enumerate(triangles):
        top = find_top_bin(edges_hz, band, bin_hz)
        if top is not None:
            triangle[top] = 0.0


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


# --- compression: each function takes and gives float32 ------------------------------------------


def _ln(x: FloatArray, ln: Ln) -> FloatArray:
    return np.log(np.maximum(x, np.float32(ln.amin)) + np.float32(ln.offset))


def _db(x: FloatArray, db: Db) -> FloatArray:
    decibels: FloatArray = np.float32(10.0) * np.log10(np.maximum(x, np.float32(db.amin)))
    decibels -= np.float32(10.0 * np.log10(db.ref))
    return decibels if db.floor is None else np.maximum(decibels, np.float32(db.floor))


def _log10(x: FloatArray, log10: Log10) -> FloatArray:
    compressed: FloatArray = np.log10(np.float32(1.0) + np.float32(log10.scale) * x)
    return compressed


def _power(x: FloatArray, power: Power) -> FloatArray:
    return x ** np.float32(power.exponent)


def make_compression(compress: Compress | None) -> Callable[[FloatArray], FloatArray]:
    """Return the function that compresses a block; PCEN, which has a memory, is `pcen` below."""
    if compress and compress.ln:
        ln = compress.ln
        return lambda x: _ln(x, ln)
    if compress and compress.db:
        db = compress.db
        return lambda x: _db(x, db)
    if compress and compress.log10:
        log10 = compress.log10
        return lambda x: _log10(x, log10)
    if compress and compress.power:
        power = compress.power
        return lambda x: _power(x, power)
    return lambda x: x


def apply_pcen(blocks: Iterable[FloatArray], settings: Pcen, hop_seconds: float) -> Iterator[FloatArray]:
    """Normalise each band by its own smoothed past, as librosa.pcen does from a cold start.

    M[t] = (1 - b) M[t-1] + b E[t] with M[-1] = 1;
    out = bias^p expm1(p log1p(E (eps + M)^-gain / bias)), p being the power.

    Args:
        blocks: float32, shape (frames, bands), 0 or more.
        settings: librosa's parameters.
        hop_seconds: between frames.
    """
    t = settings.time_constant / hop_seconds
    b = (np.sqrt(1.0 + 4.0 * t**2) - 1.0) / (2.0 * t**2)
    state: DoubleArray | None = None
    for block in blocks:
        energy = block.astype(np.float64)
        smooth = np.empty_like(energy)
        for i, row in enumerate(energy):
            state = b * row + (1.0 - b) * (1.0 if state is None else state)
            smooth[i] = state
        gained = energy * np.exp(-settings.gain * (np.log(settings.eps) + np.log1p(smooth / settings.eps)))
        yield _pcen_root(gained, settings).astype(np.float32)


def _pcen_root(gained: DoubleArray, settings: Pcen) -> DoubleArray:
    bias, power = settings.bias, settings.power
    if power == 0:
        return np.log1p(gained)
    if bias == 0:
        return gained**power
    rooted: DoubleArray = bias**power * np.expm1(power * np.log1p(gained / bias))
    return rooted


# --- over time -----------------------------------------------------------------------------------


def compute_delta_weights(order: int, width: int) -> DoubleArray:
    """Return the weights of the `order`-th derivative of the least-squares polynomial of that degree.

    Over `width` frames around the present one: Savitzky and Golay 1964, as librosa.feature.delta.
    """
    k = np.arange(width, dtype=np.float64) - width // 2
    squares = float((k**2).sum())
    if order == 1:
        return k / squares
    fourths = float((k**4).sum())
    weights: DoubleArray = 2.0 * (width * k**2 - squares) / (width * fourths - squares**2)
    return weights


def append_deltas(blocks: Iterable[FloatArray], deltas: Deltas) -> Iterator[FloatArray]:
    """Add the deltas of a stream as channels: (frames, bins) to (frames, bins, 1 + order).

    At the ends, where the polynomial is fitted to the first or last `width` frames, its `order`-th
    derivative is that of the nearest frame with a whole window. Fewer than `width` frames give nothing.
    """
    half = deltas.width // 2
    weights = [
        compute_delta_weights(order, deltas.width).astype(np.float32) for order in range(1, deltas.order + 1)
    ]
    pending: FloatArray | None = None
    first = True
    last: FloatArray | None = None
    for block in blocks:
        pending = block if pending is None else np.concatenate([pending, block])
        count = len(pending) - 2 * half
        if count <= 0:
            continue
        changes = [_weighted(pending, w, count) for w in weights]
        out = np.stack([pending[half : half + count], *changes], axis=-1)
        if first:
            yield _at_an_end(pending[:half], out[0])
            first = False
        yield out
        last = out[-1]
        pending = pending[count:]
    if pending is not None and last is not None:
        yield _at_an_end(pending[half:], last)


def _weighted(frames: FloatArray, weights: FloatArray, count: int) -> FloatArray:
    total: FloatArray = weights[0] * frames[:count]
    for k in range(1, len(weights)):
        total += weights[k] * frames[k : k + count]
    return total


def _at_an_end(frames: FloatArray, whole: FloatArray) -> FloatArray:
    """Give frames at an end the deltas of the nearest frame that has a whole window."""
    out = np.repeat(whole[np.newaxis], len(frames), axis=0)
    out[..., 0] = frames
    return out


def normalize_clip(clip: FloatArray, normalize: Normalize) -> FloatArray:
    """Normalise one clip, shape (frames, bins, channels), each channel by its own values."""
    if normalize.clip == "max":
        largest = np.abs(clip).max(axis=(0, 1))
        out: FloatArray = np.divide(clip, np.where(largest > 0, largest, 1.0), dtype=np.float32)
    elif normalize.clip == "subtract_max":
        out = clip - clip.max(axis=(0, 1))
    else:
        out = _standardized(clip)
    return out if normalize.floor is None else np.maximum(out, np.float32(normalize.floor))


def _standardized(clip: FloatArray) -> FloatArray:
    wide = clip.astype(np.float64)
    wide -= wide.mean(axis=(0, 1))
    std = wide.std(axis=(0, 1))  # exactly 0 for a constant clip: its mean in float64 is exact
    return np.where(std > 0, wide / np.where(std > 0, std, 1.0), 0.0).astype(np.float32)
