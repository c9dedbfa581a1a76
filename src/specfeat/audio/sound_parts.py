"""Parts of a file: converts their times to samples of the file, and keeps their decoded samples."""

import math
from collections import deque
from dataclasses import dataclass
from fractions import Fraction

from specfeat.audio.decoder import Block
from specfeat.errors import AudioError
from specfeat.sound import SoundPart


@dataclass(frozen=True, slots=True)
class SampleRange:
    """The samples of one part of a file, at the file's own sample rate.

    Attributes:
        start: the number of the first sample of the part, counted from 0.
        end: the number of the sample after the last one of the part; None for the end of the file.
        rate: the file's sample rate in Hz.
        part: the part in seconds as the user gave it, for error messages.
    """

    start: int
    end: int | None
    rate: int
    part: SoundPart

    def cut_block(self, block: Block, position: int) -> Block:
        """Return the samples of a block that belong to the part.

        Args:
            block: the samples of the file, along the first axis.
            position: the number of the block's first sample in the file, counted from 0.
        """
        begin = max(0, self.start - position)
        end = None if self.end is None else max(0, self.end - position)
        return block[begin:end]

    def is_complete(self, position: int) -> bool:
        """Return whether the whole part has been decoded when the next sample of the file is `position`."""
        return self.end is not None and position >= self.end

    def check_length(self, samples: int) -> None:
        """Check that the whole part lies in the file.

        Args:
            samples: the number of samples of each channel in the file.

        Raises:
            AudioError: the part begins or ends after the end of the file.
        """
        problem = None
        if self.start > 0 and self.start >= samples:
            problem = "begins after the end of the file"
        elif self.end is not None and self.end > samples and not self.part.may_end_early:
            problem = "ends after the end of the file"
        if problem:
            end_s = samples / self.rate
            raise AudioError(f"{_format_part(self.part)} {problem}, at {end_s:g} s", "decode", "part", end_s)


def find_sample_range(part: SoundPart, rate: int) -> SampleRange:
    """Convert a part from seconds to the nearest samples of a file.

    The times are read as decimal numbers, as the user wrote them: 0.009 s at 48 kHz is sample 432, although
    the nearest binary number of 0.009 is slightly smaller. If one part ends at the time at which another one
    begins, no sample is in both parts, and no sample is between them.

    Args:
        part: the part, with its times in seconds.
        rate: the file's sample rate in Hz.

    Raises:
        AudioError: the part begins before the file, or has no sample.
    """
    if not all(math.isfinite(time_s) for time_s in (part.start_s, part.end_s) if time_s is not None):
        raise AudioError(f"{_format_part(part)} has a time that is not a number", "open", "part")
    start = 0 if part.start_s is None else _convert_to_sample(part.start_s, rate)
    end = None if part.end_s is None else _convert_to_sample(part.end_s, rate)
    if start < 0:
        raise AudioError(f"{_format_part(part)} begins before the start of the file", "open", "part")
    if end is not None and end <= start:
        problem = "ends before it begins" if end < start else "has no samples"
        raise AudioError(f"{_format_part(part)} {problem}", "open", "part")
    return SampleRange(start, end, rate, part)


class WaitingPart:
    """A part of a file, and those of its samples that have been decoded but have not been read yet.

    Args:
        part: the part.
        rate: the file's sample rate in Hz.

    Attributes:
        channel: see `SoundPart`.
        blocks: what has been decoded of the part, in order.
    """

    def __init__(self, part: SoundPart, rate: int) -> None:
        self.channel = part.channel
        self.blocks: deque[Block] = deque()
        self._is_read = False
        self._range: SampleRange | AudioError
        try:
            self._range = find_sample_range(part, rate)
        except AudioError as e:
            self._range = e  # it is raised when this part is read, because it does not concern the others

    def get_range(self) -> SampleRange:
        """Return the samples of the part.

        Raises:
            AudioError: see `find_sample_range`.
        """
        if isinstance(self._range, AudioError):
            raise self._range
        return self._range

    def get_start(self) -> int:
        """Return the number of the first sample; 0 if the part is wrong."""
        return self._range.start if isinstance(self._range, SampleRange) else 0

    def needs_samples(self, position: int) -> bool:
        """Return whether the part needs samples from this position on."""
        return (
            isinstance(self._range, SampleRange)
            and not self._is_read
            and not self._range.is_complete(position)
        )

    def drop_blocks(self) -> None:
        """Forget what has been decoded, because nobody reads the part any more."""
        self._is_read = True
        self.blocks.clear()

    def add_block(self, block: Block, position: int) -> None:
        """Keep the samples of a block that belong to the part.

        Args:
            block: the block.
            position: the number of its first sample in the file.
        """
        if isinstance(self._range, SampleRange):
            piece = self._range.cut_block(block, position)
            if len(piece):
                self.blocks.append(piece)


def _convert_to_sample(seconds: float, rate: int) -> int:
    # From the text of the number, because the text has the decimal digits that the user wrote.
    return round(Fraction(repr(float(seconds))) * rate)


def _format_part(part: SoundPart) -> str:
    name = "the part" if part.id is None else f"the part {part.id!r}"
    end = "the end" if part.end_s is None else f"{part.end_s:g} s"
    return f"{name} from {part.start_s or 0:g} s to {end}"
