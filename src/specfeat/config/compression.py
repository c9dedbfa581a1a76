"""The settings `spectrogram.compress`: how the values of a spectrogram are compressed.

In the formulas x is a value before the compression: of an FFT bin or a mel band, in the unit that
`spectrogram.power` gives (magnitude or power).
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, PositiveFloat, Tag

from specfeat.config.section import Section


class Ln(Section):
    """The natural logarithm: `ln(max(x, amin) + offset)`; one of the two must be above 0, or silence is -inf.

    Attributes:
        offset: what is added to x, 0 or more.
        amin: the smallest x; smaller values are replaced by it; 0 or more.
    """

    offset: Annotated[float, Field(ge=0)] = 0.0
    amin: Annotated[float, Field(ge=0)] = 0.0


class Db(Section):
    """Decibels: `10 log10(max(x, amin) / ref)`, as `librosa.power_to_db`.

    Attributes:
        amin: the smallest x; smaller values are replaced by it; above 0.
        ref: the x that is 0 dB, above 0; "max" is the largest x of the file or of the clip, see `per`.
        floor: the smallest result in dB; smaller results are replaced by it; none if left out.
        top_db: how many dB below the largest result of the file or of the clip the smallest result lies;
            smaller results are replaced by it; none if left out.
        per: of what the largest value is taken, for `ref: max` and `top_db`: the "file", or each "clip" by
            itself. For the largest value of a file, all its frames are kept until its end.
    """

    later_keys: ClassVar[frozenset[str]] = frozenset({"top_db", "per"})

    amin: PositiveFloat = 1e-10
    ref: PositiveFloat | Literal["max"] = 1.0
    floor: float | None = None
    top_db: PositiveFloat | None = None
    per: Literal["file", "clip"] | None = None

    @property
    def has_largest_value(self) -> bool:
        """Whether the results depend on the largest value of the file or of the clip."""
        return self.ref == "max" or self.top_db is not None


class Log10(Section):
    """The decimal logarithm of scaled values: `log10(1 + scale x)`.

    Attributes:
        scale: the factor of x, above 0.
    """

    scale: PositiveFloat = 10_000.0


class Power(Section):
    """A power: `x ** exponent`.

    Attributes:
        exponent: the exponent, above 0.
    """

    exponent: PositiveFloat


class Pcen(Section):
    """Per-channel energy normalisation, as `librosa.pcen`.

    The formula is `(x / (eps + M)**gain + bias)**power - bias**power`. M is x of the same band, smoothed over
    time by a filter of first order, which is 1 before the first frame of the file (or of the clip, with
    `clips.cut: samples`).

    Attributes:
        gain: the exponent of `eps + M`, 0 or more; 0 turns the normalisation off.
        bias: what is added before the power, 0 or more.
        power: the exponent of the power, 0 or more; 0 replaces it by `ln(1 + x / (eps + M)**gain)`.
        time_constant: the time constant of the smoothing in seconds, above 0.
        eps: a small number that is added to M, in the unit of x, above 0.
    """

    gain: Annotated[float, Field(ge=0)] = 0.98
    bias: Annotated[float, Field(ge=0)] = 2.0
    power: Annotated[float, Field(ge=0)] = 0.5
    time_constant: PositiveFloat = 0.4
    eps: PositiveFloat = 1e-6


class Compress(Section):
    """One step of the compression: exactly one of these keys is given.

    Attributes:
        ln: the natural logarithm, `ln(max(x, amin) + offset)`.
        db: decibels, `10 log10(max(x, amin) / ref)`.
        log10: the decimal logarithm, `log10(1 + scale x)`.
        power: a power, `x ** exponent`.
        pcen: per-channel energy normalisation (`librosa.pcen`).
    """

    ln: Ln | None = None
    db: Db | None = None
    log10: Log10 | None = None
    power: Power | None = None
    pcen: Pcen | None = None

    @property
    def step(self) -> "CompressionStep":
        """The settings of the one kind that is given."""
        kinds = (self.ln, self.db, self.log10, self.power, self.pcen)
        return next(kind for kind in kinds if kind is not None)


CompressionStep = Ln | Db | Log10 | Power | Pcen


def _find_compression_type(value: object) -> str:
    return "<list>" if isinstance(value, list | tuple) else "<step>"


# One step, or a list of steps. The tags appear only in pydantic's locations of errors. They cannot be the
# name of a key, so that `validation_errors` can tell them from keys.
Compression = Annotated[
    Annotated[Compress, Tag("<step>")]
    | Annotated[tuple[Compress, ...], Field(min_length=1, max_length=8), Tag("<list>")],
    Discriminator(_find_compression_type),
]


def unwrap_single_step(compress: Any) -> Any:
    """Return the only item of a list of one step, so that one step has one spelling in the settings."""
    return compress[0] if isinstance(compress, tuple) and len(compress) == 1 else compress
