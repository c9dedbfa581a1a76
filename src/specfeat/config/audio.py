"""The settings `audio`: how a file becomes samples."""

from typing import Annotated, Literal

from pydantic import Field

from specfeat.config.section import Section

# The lowest and the highest sample rate in Hz that a config or a file may have. 3,072,000 is 64 x 48,000,
# more than the rate of any sound card or ultrasound recorder. A file whose header has another rate is
# damaged.
SAMPLE_RATE_LIMITS = (1_000, 3_072_000)


class Stack(Section):
    """The channels of a file become channels of the network's input, instead of one channel of their mean.

    Attributes:
        stack: the number of channels that each file must have, 2 to 64.
    """

    stack: Annotated[int, Field(ge=2, le=64)]


class Audio(Section):
    """How a file becomes samples: the section `audio`.

    Attributes:
        sample_rate: the sample rate in Hz, 1,000 to 3,072,000, to which every file is resampled; frequencies
            above half of it are discarded.
        channels: the channels that are used. "mix" is the mean of all channels, "left" is the first channel,
            "right" is the second channel, and a number is one channel, counted from 0, at most 1023. "each"
            makes rows for each channel of a file, as if each was a file of its own. `{stack: N}` makes the N
            channels of a file channels of the network's input.
        res_type: the quality of the resampling by soxr, from "soxr_vhq" (very high) down to "soxr_qq"
            (quick). The names are those of `librosa.resample`. The quality changes the features of every file
            whose sample rate is not `sample_rate`.
    """

    sample_rate: Annotated[int, Field(ge=SAMPLE_RATE_LIMITS[0], le=SAMPLE_RATE_LIMITS[1])]
    channels: Literal["mix", "left", "right", "each"] | Annotated[int, Field(ge=0, le=1023)] | Stack = "mix"
    res_type: Literal["soxr_vhq", "soxr_hq", "soxr_mq", "soxr_lq", "soxr_qq"] = "soxr_hq"

    @property
    def channel(self) -> int | None:
        """The number of the one channel that is used, counted from 0; None if there is no such channel."""
        if isinstance(self.channels, int):
            return self.channels
        return {"left": 0, "right": 1}.get(self.channels) if isinstance(self.channels, str) else None

    @property
    def stacked_channels(self) -> int | None:
        """How many channels of a file are stacked; None if one channel or the mean is used."""
        return self.channels.stack if isinstance(self.channels, Stack) else None

    @property
    def description(self) -> str | int:
        """The channels as the index has them for sounds that name no channel."""
        return "stack" if isinstance(self.channels, Stack) else self.channels
