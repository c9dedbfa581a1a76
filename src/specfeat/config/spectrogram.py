"""The settings `spectrogram`: how a spectrogram is made from samples.

If librosa has a setting, its name, meaning and default are those of librosa. The numbers that follow from the
settings, such as the number of bins, are computed only here, in exact integers.
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
# Windows with a parameter, which a config gives as [name, parameter]. They are those of scipy.signal.windows.
ShapedWindow = tuple[Literal["kaiser", "gaussian", "tukey", "general_hamming", "chebwin"], float]
# The largest parameter of each of these windows. The parameters of tukey and general_hamming are shares; the
# other limits are far above all useful values.
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
        per: what is filtered: the whole "file", with the first sample of `librosa.effects.preemphasis`, or
            each "frame" separately (Kaldi).
    """

    coef: Annotated[float, Field(ge=0, le=1)] = 0.97
    per: Literal["file", "frame"] = "file"


class Dither(Section):
    """Noise that is added to the samples of each frame before all other steps on the frame, as in Kaldi.

    The noise depends only on the seed and the number of the frame. So the same file always gives the same
    rows.

    Attributes:
        std: the standard deviation of the noise, above 0, in the unit of the samples after `gain`: Kaldi's
            default of 1.0 is meant for `gain: 32768`.
        seed: the seed of the noise, 0 to 4,294,967,295.
    """

    std: PositiveFloat
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0


class Deltas(Section):
    """Changes over time, which are added as channels, as `librosa.feature.delta` with `mode="interp"`.

    Attributes:
        order: 1 adds the first derivative as a channel, 2 adds the second one as well.
        width: the number of frames from which one delta is computed: an odd number from 3 to 99, at most the
            number of frames of a clip.
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
    """The section `spectrogram`: how a spectrogram is made from samples.

    Attributes:
        kind: the values of a frame: "linear" for the n_fft / 2 + 1 bins of the FFT, "mel" for mel bands
            (`librosa.feature.melspectrogram`), "mfcc" for a cepstrum of mel bands (`librosa.feature.mfcc`).
        n_fft: the length of the FFT in samples, 2 to 1,048,576.
        win_length: the length of the window in samples, at most `n_fft`; `n_fft` if left out. May be given in
            seconds as `win_seconds`.
        hop_length: the number of samples from the start of one frame to the start of the next one, at most
            the length of the window. May be given in seconds as `hop_seconds`.
        window: the shape of the window: a name, or [name, parameter] for a window that has a parameter.
        periodic: true for the periodic window, which is meant for spectral analysis (librosa's default),
            false for the symmetric window (`numpy.hanning`, Kaldi).
        center: true if frame t is centred on sample t * hop_length, and both ends are padded with `pad_mode`
            (librosa's default); false if frame t begins at this sample.
        pad_mode: how `center` and `padding` pad the ends, with the names of `numpy.pad`. "constant" adds
            zeros. "reflect" adds the sound mirrored at its first and last sample. "symmetric" does the same,
            but repeats the first and last sample.
        padding: the number of samples that are added before the first sample, and the number that are added
            after the last sample; only with `center: false`. Nothing is added if it is left out.
        snip_edges: true if all frames are inside the sound; false for Kaldi's frames, which are centred on
            the middle of each hop, with the sound mirrored at both ends. False only with `center: false`.
        pad_end: whether zeros are added after the end, so that every hop that begins in the sound has a frame
            (kapre, TensorFlow's `pad_end`); only with `center: false`.
        framing: the length of a frame. "n_fft" takes n_fft samples, with the window in their middle
            (librosa). "win_length" takes win_length samples, followed by zeros up to n_fft (TensorFlow,
            Kaldi). With `center: false`, this changes the number and the positions of the frames.
        gain: the factor by which each sample is multiplied first, above 0, at most 1e9. 32768 gives samples
            in -1..1 the scale of 16-bit integers, which Kaldi and other programs use.
        peak: the largest magnitude of the samples after they are scaled, above 0, at most 1e9. The whole file
            is multiplied by one factor, or with `clips.cut: samples` each clip by a factor of its own
            (`librosa.util.normalize`). Nothing is scaled if it is left out. For the largest magnitude of a
            file, all its samples are kept until its end.
        power: the exponent of |STFT|, above 0: 1 for the magnitude, 2 for the power.
        remove_dc_offset: whether each frame's mean is subtracted before the window (Kaldi).
        dither: the noise that is added to each frame; no noise if left out.
        preemphasis: the filter that raises high frequencies before the window; no filter if left out.
        mel: the mel bands, for `kind: mel` and `kind: mfcc`.
        mfcc: the cepstrum, for `kind: mfcc`.
        compress: how the values are compressed, before the cepstrum: one step, or a list of steps, each of
            which is applied to the results of the step before. If left out, values are not compressed; only
            `kind: mfcc` then has `db: {}`.
        deltas: changes over time, which are added as channels; no channels are added if it is left out.
        normalize: how values are normalised in the last step; not at all if left out.
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
        """The last step of the compression, if it is decibels relative to the largest value of each clip."""
        last_step = self.compression_steps[-1] if self.compression_steps else None
        return last_step if isinstance(last_step, Db) and last_step.per == "clip" else None

    @property
    def window_samples(self) -> int:
        """The length of the window in samples."""
        return self.win_length or self.n_fft

    @property
    def frame_length(self) -> int:
        """How many samples of the sound one frame contains."""
        return self.n_fft if self.framing == "n_fft" else self.window_samples

    @property
    def has_padded_ends(self) -> bool:
        """Whether the ends are padded, so that there is a frame for every hop that begins in the sound."""
        return self.center or self.pad_end

    @property
    def padded_samples(self) -> tuple[int, int]:
        """How many samples are added before the first and after the last sample, except by `pad_end`."""
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
        """How the values of the `padded_samples` are computed, as a mode of `numpy.pad`."""
        return self.pad_mode if self.snip_edges else "symmetric"

    @property
    def bins(self) -> int:
        """How many values a frame has. This is the second axis of the network's input."""
        if self.mfcc:
            return self.mfcc.n_mfcc
        return self.mel.bands if self.mel else self.n_fft // 2 + 1

    @property
    def channels(self) -> int:
        """How many channels the spectrogram has with its deltas: the last axis of the network's input."""
        return 1 + (self.deltas.order if self.deltas else 0)

    def count_frames(self, samples: int) -> int:
        """Return how many frames a sound has before silence is added to complete a clip.

        Args:
            samples: the length of the sound in samples.
        """
        if samples <= 0:
            return 0
        if self.pad_end:
            return -(-samples // self.hop_length)
        return max(0, 1 + (samples + sum(self.padded_samples) - self.frame_length) // self.hop_length)

    def count_frames_to_end(self, samples: int) -> int:
        """Return how many frames, counted from the first one, are needed so that all samples are in frames.

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
