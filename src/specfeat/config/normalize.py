"""The settings `spectrogram.normalize`: the last step from samples to the network's input."""

from typing import ClassVar, Literal

from pydantic import PositiveFloat

from specfeat.config.section import Section

Statistic = Literal["mean_std", "max", "subtract_max"]


class Normalize(Section):
    """The last step: `(x - mean) / std` with constants, or with values of each clip or of the file.

    Attributes:
        mean: the constant that is subtracted: one for all values, or a list as `per` says.
        std: the constant to divide by, above 0: one for all values, or a list as `per` says.
        clip: how each clip is normalised by its own values. "mean_std" subtracts the mean and divides by the
            standard deviation, "max" divides by the largest magnitude, and "subtract_max" subtracts the
            largest value (of decibels: the loudest value becomes 0 dB). Nothing is divided by 0: a clip of
            one constant value becomes 0 with "mean_std".
        file: as `clip`, but by the values of the whole file. All its frames are kept until its end.
        per: what has values of its own: each "channel", or each "band" (of each channel). With "band", a list
            of constants has one for each band; if there are deltas, it is a list of such lists, one for each
            channel.
        floor: the smallest value after `clip` or `file`; smaller values are replaced by it; none if left out.
    """

    later_keys: ClassVar[frozenset[str]] = frozenset({"file", "per"})

    mean: float | tuple[float, ...] | tuple[tuple[float, ...], ...] | None = None
    std: PositiveFloat | tuple[PositiveFloat, ...] | tuple[tuple[PositiveFloat, ...], ...] | None = None
    clip: Statistic | None = None
    file: Statistic | None = None
    per: Literal["channel", "band"] = "channel"
    floor: float | None = None
