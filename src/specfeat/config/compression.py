"""The settings `spectrogram.compress`: how the values of a spectrogram are compressed.

In the formulas x is a value before the compression: of an FFT bin or a mel band, in the unit that
`spectrogram.power` gives (magnitude or power).
"""

from typing import Annotated

from pydantic import Field, PositiveFloat

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
    """Decibels: `10 log10(max(x, amin) / ref)`, as `librosa.power_to_db` without `top_db`.

    Attributes:
        amin: the smallest x; smaller values are replaced by it; above 0.
        ref: the x that is 0 dB, above 0. It is a number and not the maximum of a file or clip: decibels below
            a clip's maximum are made by `normalize: {clip: subtract_max}`.
        floor: the smallest result in dB; smaller results are replaced by it; none if left out.
    """

    amin: PositiveFloat = 1e-10
    ref: PositiveFloat = 1.0
    floor: float | None = None


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
    """How the values are compressed: exactly one of these keys is given.

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
