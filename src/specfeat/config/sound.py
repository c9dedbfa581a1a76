"""The settings of the sound: what audio becomes before the network sees it.

Names, meanings and defaults are librosa's where librosa has them. Every number that follows from
them is derived in exact integers, and only once: frames here, clips in `cutter`, the input's shape in
`settings`.
"""

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from specfeat.config.mel_scale import compute_band_edges_hz

# Sums of cosines and other shapes of our own; see audio/stft.py.
Window = Literal[
    "hann", "hamming", "blackman", "blackmanharris", "nuttall", "flattop", "bartlett", "povey", "boxcar"
]
# Shapes with a parameter, [name, parameter]: librosa.filters.get_window makes them.
ShapedWindow = tuple[Literal["kaiser", "gaussian", "tukey", "general_hamming", "chebwin"], float]


SAMPLE_RATE_LIMITS = (1_000, 3_072_000)  # Hz, of a config or a file; a header that says another is broken


class Section(BaseModel):
    """A part of the config: frozen, exact types, no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Audio(Section):
    """How a file becomes samples.

    Attributes:
        sample_rate: in Hz; every file is resampled to it.
        channels: "mix" is the mean of all channels; "left" and "right" are 0 and 1; a number counts from 0.
        res_type: soxr's quality, by librosa's names; it changes the numbers.
    """

    sample_rate: Annotated[int, Field(ge=SAMPLE_RATE_LIMITS[0], le=SAMPLE_RATE_LIMITS[1])]
    channels: Literal["mix", "left", "right"] | Annotated[int, Field(ge=0, le=1023)] = "mix"
    res_type: Literal["soxr_vhq", "soxr_hq", "soxr_mq", "soxr_lq", "soxr_qq"] = "soxr_hq"

    @property
    def channel(self) -> int | None:
        """The one channel that is read, counted from 0, or None for the mean of all."""
        named = {"mix": None, "left": 0, "right": 1}
        return self.channels if isinstance(self.channels, int) else named[self.channels]


class Mel(Section):
    """Triangular mel filters (librosa.filters.mel).

    Attributes:
        n_mels: number of bands.
        fmin: lowest edge in Hz.
        fmax: highest edge in Hz; null is half the sample rate.
        htk: the HTK formula of the mel scale, else Slaney's.
        norm: "slaney" gives each triangle the area 1 (in Hz), null the height 1.
        triangles: whether the sides are straight over Hz (librosa) or over mel (TensorFlow, Kaldi, VGGish).
        empty_bands: what of bands so narrow that no FFT bin lies in them, whose value never changes: "refuse"
            them, or "keep" them where a published network was trained with such (AST).
        keep: of the n_mels bands, how many are kept, from the lowest up; all if left out.
        top_bin: of the highest FFT bin on a triangle's falling side: "keep" it, or "drop" it (SIDEKIT, whose
            filters inaSpeechSegmenter was trained with).
    """

    n_mels: Annotated[int, Field(ge=1, le=4096)] = 128
    fmin: Annotated[float, Field(ge=0)] = 0.0
    fmax: PositiveFloat | None = None
    htk: bool = False
    norm: Literal["slaney"] | None = "slaney"
    triangles: Literal["hz", "mel"] = "hz"
    empty_bands: Literal["refuse", "keep"] = "refuse"
    keep: PositiveInt | None = None
    top_bin: Literal["keep", "drop"] = "keep"

    @property
    def bands(self) -> int:
        """The number of bands that are kept."""
        return self.keep or self.n_mels

    def edges_hz(self, sample_rate: int) -> tuple[float, ...]:
        """The edges of the bands that are kept, in Hz: two more than there are bands."""
        fmax = sample_rate / 2 if self.fmax is None else self.fmax
        return compute_band_edges_hz(self.n_mels, self.fmin, fmax, htk=self.htk)[: self.bands + 2]


class Mfcc(Section):
    """Cepstrum of the compressed mel bands (librosa.feature.mfcc, DCT type 2).

    Attributes:
        n_mfcc: number of coefficients, from the 0th up.
        norm: "ortho" for the orthonormal DCT; null leaves it unscaled, as scipy.fft.dct does.
        lifter: L of the lifter `1 + L/2 sin(pi n / L)`, n counted from 1 (librosa's); 0 for none.
    """

    n_mfcc: PositiveInt = 20
    norm: Literal["ortho"] | None = "ortho"
    lifter: Annotated[float, Field(ge=0)] = 0.0


class Ln(Section):
    """`ln(max(x, amin) + offset)`."""

    offset: Annotated[float, Field(ge=0)] = 0.0
    amin: Annotated[float, Field(ge=0)] = 0.0


class Db(Section):
    """`10 log10(max(x, amin) / ref)`, not below `floor` dB; ref is a number, never a file's maximum."""

    amin: PositiveFloat = 1e-10
    ref: PositiveFloat = 1.0
    floor: float | None = None


class Log10(Section):
    """`log10(1 + scale x)`."""

    scale: PositiveFloat = 10_000.0


class Power(Section):
    """`x ** exponent`."""

    exponent: PositiveFloat


class Pcen(Section):
    """Per-channel energy normalisation: `(x / (eps + M)**gain + bias)**power - bias**power` (librosa.pcen).

    M is x smoothed along the file; before the first frame it is 1.

    Attributes:
        gain: the exponent of M.
        bias: added before the root.
        power: of the root; with 0 it is `ln(1 + x / (eps + M)**gain)` instead.
        time_constant: of the smoothing, in seconds.
        eps: added to M, in the unit of x.
    """

    gain: Annotated[float, Field(ge=0)] = 0.98
    bias: Annotated[float, Field(ge=0)] = 2.0
    power: Annotated[float, Field(ge=0)] = 0.5
    time_constant: PositiveFloat = 0.4
    eps: PositiveFloat = 1e-6


class Compress(Section):
    """How the values are compressed: exactly one of these."""

    ln: Ln | None = None
    db: Db | None = None
    log10: Log10 | None = None
    power: Power | None = None
    pcen: Pcen | None = None


class Preemphasis(Section):
    """`y[n] = x[n] - coef x[n-1]`, along the file (begun as librosa begins it) or in each frame (Kaldi)."""

    coef: Annotated[float, Field(ge=0, le=1)] = 0.97
    per: Literal["file", "frame"] = "file"


class Normalize(Section):
    """The last step: `(x - mean) / std` by constants, or each clip by its own values.

    Attributes:
        mean: a constant, for all channels or one each.
        std: likewise.
        clip: "mean_std" subtracts the clip's mean and divides by its standard deviation, "max" divides by
            its largest magnitude, "subtract_max" subtracts its largest value (of decibels: the loudest cell
            is 0 dB); all per channel. Nothing is divided by 0: of a constant clip "mean_std" and
            "subtract_max" make zeros, "max" makes 1 or -1 everywhere, and silence (zeros) stays zeros.
        floor: for `clip`: no value is below it in the end.
    """

    mean: float | tuple[float, ...] | None = None
    std: PositiveFloat | tuple[PositiveFloat, ...] | None = None
    clip: Literal["mean_std", "max", "subtract_max"] | None = None
    floor: float | None = None


class Deltas(Section):
    """Changes over time as further channels (librosa.feature.delta, its ends by mode "interp").

    Attributes:
        order: 1 adds the first derivative, 2 the second as well.
        width: frames that one estimate spans, odd.
    """

    order: Annotated[int, Field(ge=1, le=2)] = 1
    width: Annotated[int, Field(ge=3, le=99)] = 9


def _of_kind(fields: dict[str, object], default: Any, *kinds: str) -> Any:
    """A mel spectrogram has mel bands, an MFCC a cepstrum of decibels, written out or not."""
    return default if fields.get("kind") in kinds else None


class Spectrogram(Section):
    """What a stretch of samples becomes (librosa.stft, librosa.feature.melspectrogram, ...mfcc).

    Attributes:
        kind: "linear" keeps the FFT's bins.
        n_fft: FFT length in samples.
        win_length: window length in samples; n_fft if left out. `win_seconds` instead is converted.
        hop_length: samples between frames. `hop_seconds` instead is converted.
        window: its name, or [name, parameter].
        periodic: the window for spectral analysis (librosa's); false is the symmetric one.
        center: frame t is centred on sample t * hop_length, the ends padded by pad_mode.
        pad_end: uncentred, with as many frames as hops, zeros after the end (kapre, TensorFlow's pad_end).
        framing: whether a frame is n_fft samples (librosa: the window in its middle) or win_length
            samples (TensorFlow, Kaldi). Uncentred frames differ by it in number and in place.
        power: 1 for magnitude, 2 for power, of |STFT|.
        remove_dc_offset: subtract each frame's mean first (Kaldi).
        preemphasis: before the window.
        pad_mode: what centring puts before the first sample and after the last: zeros ("constant"), or the
            sound turned round ("reflect").
        mel: the bands of `kind: mel` and `mfcc`.
        mfcc: the cepstrum of `kind: mfcc`.
        compress: of the values, before the cepstrum; none if left out, decibels for `kind: mfcc`.
        deltas: further channels; none if left out.
        normalize: the last step; none if left out.
    """

    kind: Literal["linear", "mel", "mfcc"] = "mel"
    n_fft: Annotated[int, Field(ge=2, le=1_048_576)] = 2048
    win_length: PositiveInt | None = None
    hop_length: PositiveInt
    window: Window | ShapedWindow = "hann"
    periodic: bool = True
    center: bool = True
    pad_mode: Literal["constant", "reflect"] = "constant"
    pad_end: bool = False
    framing: Literal["n_fft", "win_length"] = "n_fft"
    power: PositiveFloat = 2.0
    remove_dc_offset: bool = False
    preemphasis: Preemphasis | None = None
    mel: Mel | None = Field(default_factory=lambda f: _of_kind(f, Mel(), "mel", "mfcc"))
    mfcc: Mfcc | None = Field(default_factory=lambda f: _of_kind(f, Mfcc(), "mfcc"))
    compress: Compress | None = Field(default_factory=lambda f: _of_kind(f, Compress(db=Db()), "mfcc"))
    deltas: Deltas | None = None
    normalize: Normalize | None = None

    @property
    def window_samples(self) -> int:
        """Length of the window in samples."""
        return self.win_length or self.n_fft

    @property
    def frame_length(self) -> int:
        """Samples that one frame is cut from the sound."""
        return self.n_fft if self.framing == "n_fft" else self.window_samples

    @property
    def pads_ends(self) -> bool:
        """Whether the ends are padded, so that there is a frame for every hop begun."""
        return self.center or self.pad_end

    @property
    def margin(self) -> int:
        """Samples that centring adds before the first and after the last."""
        return self.frame_length // 2 if self.center else 0

    @property
    def bins(self) -> int:
        """Values in a frame: the second axis of the network's input."""
        if self.mfcc:
            return self.mfcc.n_mfcc
        return self.mel.bands if self.mel else self.n_fft // 2 + 1

    @property
    def channels(self) -> int:
        """The last axis of the network's input: the spectrogram and its deltas."""
        return 1 + (self.deltas.order if self.deltas else 0)

    def frames(self, samples: int) -> int:
        """Frames that `samples` samples give, without any silence added for the sake of a clip."""
        if samples <= 0:
            return 0
        if self.pad_end:
            return -(-samples // self.hop_length)
        return max(0, 1 + (samples + 2 * self.margin - self.frame_length) // self.hop_length)

    def samples(self, frames: int) -> int:
        """The fewest samples that give `frames` frames."""
        if self.pad_end:
            return (frames - 1) * self.hop_length + 1
        return max(1, (frames - 1) * self.hop_length + self.frame_length - 2 * self.margin)


class Clips(Section):
    """How the sound is cut into inputs of the network.

    Attributes:
        cut: "frames" cuts the spectrogram of the whole file; "samples" cuts the sound, and each clip has a
            spectrogram of its own (its ends padded, its PCEN and deltas begun anew).
        frames: length in frames. `seconds` instead is converted on reading.
        samples: length in samples, for `cut: samples` alone.
        hop: from one clip's start to the next, in the same unit; the length if left out.
            `hop_seconds` instead is converted on reading.
        tail: what is left after the last whole clip: "pad" adds silence, "drop" leaves it out,
            "shift" moves the last clip back so that it ends where the file does.
        short: a file shorter than one clip: "pad" adds silence, "skip" gives no row.
        edges: "cut" gives a row for each clip; "repeat" gives a row for each hop of the file, whose clip
            has that hop in its middle: at the ends, where there is none, the nearest clip is given again.
    """

    cut: Literal["frames", "samples"] = "frames"
    frames: PositiveInt | None = None
    samples: PositiveInt | None = None
    hop: PositiveInt | None = None
    tail: Literal["pad", "drop", "shift"] = "pad"
    short: Literal["pad", "skip"] = "pad"
    edges: Literal["cut", "repeat"] = "cut"


def convert_to_samples(seconds: float, sample_rate: int) -> int | None:
    """Return the samples in `seconds`, or None if they are not a whole number.

    The decimal that was written counts: 0.009 s at 48 kHz is 432 samples, whatever 0.009 is in binary.
    """
    samples = Fraction(repr(seconds)) * sample_rate
    return samples.numerator if samples.denominator == 1 else None
