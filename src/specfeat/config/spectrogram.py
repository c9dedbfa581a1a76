"""The settings `spectrogram`: how samples become frames of values.

Names, meanings and defaults are those of librosa where librosa has them. The numbers that follow from the
settings, such as the bins of a frame, are derived here and nowhere else, in exact integers.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt

from specfeat.config.compression import Compress, Compression, CompressionStep, Db, unwrap_single_step
from specfeat.config.mel import Mel, Mfcc
from specfeat.config.normalize import Normalize
from specfeat.config.section import Section

Window = Literal[
    "hann", "hamming", "blackman", "blackmanharris", "nuttall", "flattop", "bartlett", "povey", "boxcar"
]
# Windows with a parameter, written as [name, parameter]. Their shapes are those of scipy.signal.windows.
ShapedWindow = tuple[Literal["kaiser", "gaussian", "tukey", "general_hamming", "chebwin"], float]
# The largest parameter of each: those of tukey and general_hamming are shares, the others are far above any
# use.
LARGEST_WINDOW_PARAMETERS = {
    "kaiser": 300.0,
    "chebwin": 300.0,
    "gaussian": 1e6,
    "tukey": 1.0,
    "general_hamming": 1.0,
}
PaddingSamples = Annotated[int, Field(ge=0, le=1_048_576)]


class Preemphasis(Section):
    """A filter that raises high frequencies before the window: `y[n] = x[n] - coef x[n-1]`.

    Attributes:
        coef: the coefficient, 0 to 1.
        per: what is filtered: the "file", whose first sample is treated as `librosa.effects.preemphasis`
            does, or each "frame" by itself (Kaldi).
    """

    coef: Annotated[float, Field(ge=0, le=1)] = 0.97
    per: Literal["file", "frame"] = "file"


class Dither(Section):
    """Noise that is added to the samples of each frame before all else, as Kaldi does.

    It depends on the seed and the number of the frame alone, so a file always has the same bytes.

    Attributes:
        std: the standard deviation of the noise, above 0, in the unit of the samples after `gain`: Kaldi's
            default of 1.0 is meant for `gain: 32768`.
        seed: the seed of the noise, 0 to 4,294,967,295.
    """

    std: PositiveFloat
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0


class Deltas(Section):
    """Changes over time as further channels, as `librosa.feature.delta` with `mode="interp"`.

    Attributes:
        order: 1 adds the first derivative as a channel, 2 adds the second one as well.
        width: how many frames one estimate spans, an odd number from 3 to 99, at most the frames of a clip.
    """

    order: Annotated[int, Field(ge=1, le=2)] = 1
    width: Annotated[int, Field(ge=3, le=99)] = 9


def _make_default_mel(settings: dict[str, Any]) -> Mel | None:
    return Mel() if settings.get("kind") in ("mel", "mfcc") else None


def _make_default_mfcc(settings: dict[str, Any]) -> Mfcc | None:
    return Mfcc() if settings.get("kind") == "mfcc" else None


def _make_default_compress(settings: dict[str, Any]) -> Compress | None:
    return Compress(db=Db()) if settings.get("kind") == "mfcc" else None


class Spectrogram(Section):
    """How samples become frames of values: the section `spectrogram`.

    Attributes:
        kind: what the values of a frame are: "linear" for the FFT's n_fft / 2 + 1 bins, "mel" for mel bands
            (`librosa.feature.melspectrogram`), "mfcc" for a cepstrum of mel bands (`librosa.feature.mfcc`).
        n_fft: the length of the FFT in samples, 2 to 1,048,576.
        win_length: the length of the window in samples, at most `n_fft`; `n_fft` if left out. May be given in
            seconds as `win_seconds`.
        hop_length: the samples from one frame to the next, at most the length of the window. May be given in
            seconds as `hop_seconds`.
        window: the shape of the window: a name, or [name, parameter] for a window that has a parameter.
        periodic: whether the window is the periodic one, for spectral analysis (librosa's default); false for
            the symmetric one (`numpy.hanning`, Kaldi).
        center: whether frame t is centred on sample t * hop_length and both ends are padded by `pad_mode`
            (librosa's default); false if frame t begins at that sample.
        pad_mode: how `center` and `padding` pad the ends: "constant" with zeros, "reflect" with the sound
            mirrored at its first and last sample, "symmetric" with the sound mirrored so that these samples
            are repeated (the names of `numpy.pad`).
        padding: with `center: false`, how many samples are added before the first sample and after the last
            one; none if left out.
        snip_edges: with `center: false`, whether frames lie inside the sound; false for Kaldi's frames, whose
            middles lie in the middle of each hop, with the sound mirrored at both ends.
        pad_end: with `center: false`, whether zeros after the end give one frame for every hop that begins in
            the sound (kapre, TensorFlow's `pad_end`).
        framing: the length of a frame: "n_fft" samples with the window in their middle (librosa), or
            "win_length" samples, followed by zeros up to n_fft (TensorFlow, Kaldi). With `center: false` it
            changes the number of the frames and where they lie.
        gain: the factor by which each sample is multiplied first, above 0, at most 1e9: 32768 gives samples
            of -1..1 the scale of 16-bit integers (Kaldi and other programs that do not divide them).
        peak: the largest magnitude that the samples get: all are multiplied by the factor that this takes, in
            the whole file, or with `clips.cut: samples` in each clip (`librosa.util.normalize`); above 0, at
            most 1e9; not at all if left out. For the largest magnitude of a file, its samples are kept until
            its end.
        power: the exponent of |STFT|, above 0: 1 for magnitude, 2 for power.
        remove_dc_offset: whether each frame's mean is subtracted before the window (Kaldi).
        dither: noise that is added to each frame; none if left out.
        preemphasis: a filter that raises high frequencies before the window; none if left out.
        mel: the mel bands, for `kind: mel` and `kind: mfcc`.
        mfcc: the cepstrum, for `kind: mfcc`.
        compress: how the values are compressed, before the cepstrum: one step, or a list of steps, each of
            which is applied to the results of the one before; not at all if left out, but by `db: {}` for
            `kind: mfcc`.
        deltas: changes over time as further channels; none if left out.
        normalize: how values are normalised, as the last step; not at all if left out.
    """

    later_keys: ClassVar[frozenset[str]] = frozenset({"gain", "peak", "padding", "snip_edges", "dither"})

    kind: Literal["linear", "mel", "mfcc"] = "mel"
    n_fft: Annotated[int, Field(ge=2, le=1_048_576)] = 2048
    win_length: PositiveInt | None = None
    hop_length: PositiveInt
    window: Window | ShapedWindow = "hann"
    periodic: bool = True
    center: bool = True
    pad_mode: Literal["constant", "reflect", "symmetric"] = "constant"
    padding: tuple[PaddingSamples, PaddingSamples] | None = None
    snip_edges: bool = True
    pad_end: bool = False
    framing: Literal["n_fft", "win_length"] = "n_fft"
    gain: Annotated[float, Field(gt=0, le=1e9)] = 1.0
    peak: Annotated[float, Field(gt=0, le=1e9)] | None = None
    power: PositiveFloat = 2.0
    remove_dc_offset: bool = False
    dither: Dither | None = None
    preemphasis: Preemphasis | None = None
    mel: Mel | None = Field(default_factory=_make_default_mel)
    mfcc: Mfcc | None = Field(default_factory=_make_default_mfcc)
    compress: Annotated[Compression | None, AfterValidator(unwrap_single_step)] = Field(
        default_factory=_make_default_compress
    )
    deltas: Deltas | None = None
    normalize: Normalize | None = None

    @property
    def compression_steps(self) -> tuple[CompressionStep, ...]:
        """The steps of the compression, in order."""
        if self.compress is None:
            return ()
        steps = self.compress if isinstance(self.compress, tuple) else (self.compress,)
        return tuple(compress.step for compress in steps)

    @property
    def clip_decibels(self) -> Db | None:
        """The decibels, the last step of the compression, that depend on the largest value of each clip."""
        last_step = self.compression_steps[-1] if self.compression_steps else None
        return last_step if isinstance(last_step, Db) and last_step.per == "clip" else None

    @property
    def window_samples(self) -> int:
        """The length of the window in samples."""
        return self.win_length or self.n_fft

    @property
    def frame_length(self) -> int:
        """How many samples of the sound one frame takes."""
        return self.n_fft if self.framing == "n_fft" else self.window_samples

    @property
    def has_padded_ends(self) -> bool:
        """Whether the ends are padded, so that there is a frame for every hop that begins in the sound."""
        return self.center or self.pad_end

    @property
    def padded_samples(self) -> tuple[int, int]:
        """How many samples are added before the first sample and after the last one, but by `pad_end`."""
        length, hop = self.frame_length, self.hop_length
        if self.center:
            return length // 2, length // 2
        if not self.snip_edges:
            # Kaldi, feat/feature-window.cc (FirstSampleOfFrame, NumFrames): frame t begins at sample
            # t hop + hop / 2 - length / 2, divided as integers; there are (samples + hop / 2) / hop frames.
            return length // 2 - hop // 2, length - length // 2 - hop % 2
        return self.padding or (0, 0)

    @property
    def end_pad_mode(self) -> Literal["constant", "reflect", "symmetric"]:
        """How the ends are padded by `padded_samples`."""
        return self.pad_mode if self.snip_edges else "symmetric"

    @property
    def bins(self) -> int:
        """How many values a frame has: the second axis of the network's input."""
        if self.mfcc:
            return self.mfcc.n_mfcc
        return self.mel.bands if self.mel else self.n_fft // 2 + 1

    @property
    def channels(self) -> int:
        """The spectrogram and its deltas: the last axis of the network's input."""
        return 1 + (self.deltas.order if self.deltas else 0)

    def count_frames(self, samples: int) -> int:
        """Return how many frames a sound gives, before silence is added for a clip.

        Args:
            samples: the length of the sound in samples.
        """
        if samples <= 0:
            return 0
        if self.pad_end:
            return -(-samples // self.hop_length)
        return max(0, 1 + (samples + sum(self.padded_samples) - self.frame_length) // self.hop_length)

    def count_frames_to_end(self, samples: int) -> int:
        """Return how many frames, from the first one, have each sample of a sound in one of them.

        Args:
            samples: the length of the sound in samples.
        """
        samples_after_first = samples + self.padded_samples[0] - self.frame_length
        return max(self.count_frames(samples), 1 + -(-samples_after_first // self.hop_length))

    def count_samples(self, frames: int) -> int:
        """Return the smallest number of samples that gives `frames` frames, 1 or more."""
        if self.pad_end:
            return (frames - 1) * self.hop_length + 1
        return max(1, (frames - 1) * self.hop_length + self.frame_length - sum(self.padded_samples))
