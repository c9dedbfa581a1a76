"""The settings `spectrogram.normalize`: the last step of a spectrogram."""

from typing import ClassVar, Literal

from pydantic import PositiveFloat

from specfeat.config.section import Section

Statistic = Literal["mean_std", "max", "subtract_max"]


class Normalize(Section):
    """The last step: `(x - mean) / std` with constants, or with values of each clip or of the file.

    Attributes:
        mean: the constant that is subtracted: one number for all values, or a list whose form `per`
            describes.
        std: the constant, above 0, by which values are divided: one number for all values, or a list whose
            form `per` describes.
        clip: how each clip is normalised by its own values. "mean_std" subtracts the mean and divides by the
            standard deviation, "max" divides by the largest magnitude, and "subtract_max" subtracts the
            largest value (of decibels: the loudest value becomes 0 dB). Nothing is divided by 0: a clip of
            one constant value becomes 0 with "mean_std".
        file: the same as `clip`, with the values of the whole file. All frames of a file are kept until its
            end.
        per: whether each "channel", or each "band" of each channel, is normalised with values of its own.
            With "channel", a list of constants has one number for each channel. With "band", it has one
            number for each band; if there are deltas, it has such a list for each channel.
        floor: the smallest result of `clip` or `file`. Smaller values are replaced by it. If left out, there
            is no limit.
    """

    later_keys: ClassVar[frozenset[str]] = frozenset({"file", "per"})

    mean: float | tuple[float, ...] | tuple[tuple[float, ...], ...] | None = None
    std: PositiveFloat | tuple[PositiveFloat, ...] | tuple[tuple[PositiveFloat, ...], ...] | None = None
    clip: Statistic | None = None
    file: Statistic | None = None
    per: Literal["channel", "band"] = "channel"
    floor: float | None = None
