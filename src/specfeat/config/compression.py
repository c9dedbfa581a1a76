"""The settings `spectrogram.compress`: how the values of a spectrogram are compressed.

In the formulas x is a value before the compression: of an FFT bin or a mel band, in the unit that
`spectrogram.power` gives (magnitude or power).
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, PositiveFloat, Tag

from specfeat.config.section import Section


class Ln(Section):
    """The natural logarithm: `ln(max(x, amin) + offset)`.

    `amin` or `offset` must be above 0, because the logarithm of silence would be -inf.

    Attributes:
        offset: the number that is added to x, 0 or more.
        amin: the smallest x, 0 or more. Smaller values are replaced by it.
    """

    offset: Annotated[float, Field(ge=0)] = 0.0
    amin: Annotated[float, Field(ge=0)] = 0.0


class Db(Section):
    """Decibels: `10 log10(max(x, amin) / ref)`, as `librosa.power_to_db`.

    Attributes:
        amin: the smallest x, above 0. Smaller values are replaced by it.
        ref: the x whose result is 0 dB, above 0. "max" is the largest x of the file or of the clip; see
            `per`.
        floor: the smallest result in dB. Smaller results are replaced by it. If left out, there is no limit.
        top_db: the largest difference, in dB, to the largest result of the file or of the clip. Smaller
            results are replaced by the largest result minus `top_db`. If left out, there is no limit.
        per: where the largest value for `ref: max` and `top_db` is searched: in the whole "file", or in each
            "clip". For the largest value of a file, all its frames are kept until its end.
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
    time by a filter of first order. M is 1 before the first frame of the file (with `clips.cut: samples`,
    before the first frame of each clip).

    Attributes:
        gain: the exponent of `eps + M`, 0 or more; 0 turns the normalisation off.
        bias: the number that is added before the power, 0 or more.
        power: the exponent of the power, 0 or more. With 0, the result is `ln(1 + x / (eps + M)**gain)`.
        time_constant: the time constant of the smoothing in seconds, above 0.
        eps: the small number, above 0, that is added to M. It has the unit of x.
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
        pcen: the per-channel energy normalisation (`librosa.pcen`).
    """

    ln: Ln | None = None
    db: Db | None = None
    log10: Log10 | None = None
    power: Power | None = None
    pcen: Pcen | None = None

    @property
    def step(self) -> "CompressionStep":
        """The settings of the one kind of compression that is given."""
        kinds = (self.ln, self.db, self.log10, self.power, self.pcen)
        return next(kind for kind in kinds if kind is not None)


CompressionStep = Ln | Db | Log10 | Power | Pcen


def _find_compression_type(value: object) -> str:
    return "<list>" if isinstance(value, list | tuple) else "<step>"


# One step, or a list of steps. The tags appear only in the locations of pydantic's errors. Because of the
# angle brackets they are different from all keys, so `validation_errors` can leave them out.
Compression = Annotated[
    Annotated[Compress, Tag("<step>")]
    | Annotated[tuple[Compress, ...], Field(min_length=1, max_length=8), Tag("<list>")],
    Discriminator(_find_compression_type),
]


def unwrap_single_step(compress: Any) -> Any:
    """Return the only item of a list of one step, so that equal settings have equal values and one digest."""
    return compress[0] if isinstance(compress, tuple) and len(compress) == 1 else compress
