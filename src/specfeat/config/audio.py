"""The settings `audio`: how a file becomes samples."""

from typing import Annotated, Literal

from pydantic import Field

from specfeat.config.section import Section

# The lowest and the highest sample rate in Hz that a config or a file may have. 3,072,000 is 64 x 48,000,
# more than the rate of any sound card or ultrasound recorder. A file whose header has another rate is
# damaged.
SAMPLE_RATE_LIMITS = (1_000, 3_072_000)


class Audio(Section):
    """How a file becomes samples: the section `audio`.

    Attributes:
        sample_rate: the sample rate in Hz, 1,000 to 3,072,000, to which every file is resampled; frequencies
            above half of it are discarded.
        channels: the channels that are used. "mix" is the mean of all channels, "left" is the first channel,
            "right" is the second channel, and a number is one channel, counted from 0, at most 1023.
        res_type: the quality of the resampling by soxr, from "soxr_vhq" (very high) down to "soxr_qq"
            (quick). The names are those of `librosa.resample`. The quality changes the features of every file
            whose sample rate is not `sample_rate`.
    """

    sample_rate: Annotated[int, Field(ge=SAMPLE_RATE_LIMITS[0], le=SAMPLE_RATE_LIMITS[1])]
    channels: Literal["mix", "left", "right"] | Annotated[int, Field(ge=0, le=1023)] = "mix"
    res_type: Literal["soxr_vhq", "soxr_hq", "soxr_mq", "soxr_lq", "soxr_qq"] = "soxr_hq"

    @property
    def channel(self) -> int | None:
        """The number of the one channel that is used, counted from 0; None for the mean of all channels."""
        numbers = {"mix": None, "left": 0, "right": 1}
        return self.channels if isinstance(self.channels, int) else numbers[self.channels]
