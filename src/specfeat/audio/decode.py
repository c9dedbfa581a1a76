"""From a sound to blocks of mono samples at one rate.

    file -> blocks of all channels -> the part that is asked for -> one channel, or the mean -> resampled

Every step handles one block at a time, so memory does not grow with the length of the file.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import soxr
from numpy.typing import NDArray

from specfeat.audio.audio_file import AudioFile
from specfeat.audio.channel_choice import choose_channels
from specfeat.audio.decoder import Block
from specfeat.audio.sound_parts import SampleRange, WaitingPart
from specfeat.config.audio import Audio
from specfeat.errors import AudioError
from specfeat.sound import Sound, SoundPart, SoundSource

Samples = NDArray[np.float32]
BreakHandler = Callable[[AudioError], None]
OpenHandler = Callable[[str | None], None]

BLOCK_VALUES = 131_072  # of all channels together: half a MiB, which fits the second-level cache
# The rows before a break are kept only up to the last whole block, so blocks are short where they are wanted.
KEEP_PARTIAL_BLOCK_VALUES = 4_096


def read_samples(
    sound: Sound, audio: Audio, on_break: BreakHandler | None = None, on_open: OpenHandler | None = None
) -> Iterator[Samples]:
    """Yield the samples of a sound at `audio.sample_rate`, in blocks.

    Args:
        sound: the file, and the part of it that is read.
        audio: the config's sample rate, channel and quality of the resampler.
        on_break: called with the error if the file breaks in the middle; the sound then ends at the break.
            Without it, the error is raised.
        on_open: called when the file has been opened, with the version of the decoder; see `AudioFile`.

    Yields:
        float32, -1..1 for integer formats, as stored for float formats. The shape is (n,), or (n, channels)
        if the config stacks channels.

    Raises:
        AudioError: the file cannot be opened or decoded, has a value that is not finite, or does not have the
            channel or the part.
    """
    values = KEEP_PARTIAL_BLOCK_VALUES if on_break else BLOCK_VALUES
    with PartReader(sound.path, [sound.part], audio, values, sound.source) as reader:
        if on_open:
            on_open(reader.decoder_version)
        yield from reader.read_samples(0, on_break)


class PartReader:
    """Decodes a file once, and gives the samples of one or several of its parts.

    The parts may overlap, and may be read in any order or by turns. A block that has been decoded is kept for
    each part that it belongs to until that part is read. So memory stays small if the parts are read in the
    order in which they begin, and parts that overlap by turns.

    Args:
        path: the file.
        parts: the parts.
        audio: the config's sample rate, channel and quality of the resampler.
        block_values: how many values, of all channels together, are decoded at once.
        source: the place of the bytes if the path is not that of a file; None for a file.

    Attributes:
        decoder_version: see `AudioFile`.

    Raises:
        AudioError: the file cannot be opened.
    """

    def __init__(
        self,
        path: str,
        parts: Sequence[SoundPart],
        audio: Audio,
        block_values: int | None = None,
        source: SoundSource | None = None,
    ) -> None:
        self._audio = audio
        self._file = AudioFile(path, source)
        self.decoder_version = self._file.decoder_version
        self._parts = [WaitingPart(part, self._file.rate) for part in parts]
        # The parts that begin after the position, and those that have begun and have not ended.
        self._later_parts = deque(sorted(self._parts, key=WaitingPart.get_start))
        self._begun_parts: list[WaitingPart] = []
        frames = compute_block_frames(self._file, audio, block_values or BLOCK_VALUES)
        self._blocks = self._file.read_blocks(frames)
        self._position = 0  # how many samples have been decoded
        self._is_at_end = False
        self._error: AudioError | None = None  # why the decoder cannot go on

    def __enter__(self) -> "PartReader":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read_samples(self, number: int, on_break: BreakHandler | None = None) -> Iterator[Samples]:
        """Yield the samples of one part as `decode.read_samples` does; each part can be read once.

        Args:
            number: the number of the part, counted from 0.
            on_break: see `decode.read_samples`.

        Raises:
            AudioError: the file breaks in the part or before it, or does not have the channel or the part.
        """
        part, audio, rate = self._parts[number], self._audio, self._file.rate
        samples = part.get_range()
        blocks = choose_channels(self._take_blocks(part, samples), audio, part.channel, rate, samples.start)
        if on_break:
            blocks = _stop_at_break(blocks, on_break)
        try:
            yield from resample_blocks(blocks, rate, audio)
        finally:  # also if the caller does not read the part to its end
            part.drop_blocks()

    def _take_blocks(self, part: WaitingPart, samples: SampleRange) -> Iterator[Block]:
        while True:
            while part.blocks:
                yield part.blocks.popleft()
            if samples.is_complete(self._position):  # what comes after the part is not decoded for its sake
                return
            if self._is_at_end:
                samples.check_length(self._position)
                return
            self._decode_block()

    def _decode_block(self) -> None:
        """Decode one block, and keep for each part the samples that belong to it."""
        if self._error:  # another part has met it first
            raise self._error
        try:
            block = next(self._blocks, None)
        except AudioError as e:
            self._error = e
            raise
        if block is None:
            self._is_at_end = True
            return
        end = self._position + len(block)
        while self._later_parts and self._later_parts[0].get_start() < end:
            self._begun_parts.append(self._later_parts.popleft())
        self._begun_parts = [part for part in self._begun_parts if part.needs_samples(self._position)]
        for part in self._begun_parts:
            part.add_block(block, self._position)
        self._position = end


def compute_block_frames(file: AudioFile, audio: Audio, block_values: int) -> int:
    """Return how many samples of each channel to decode at once.

    A block has at most `block_values` values (but one sample of each channel at least), also after it has
    been resampled.
    """
    return max(1, block_values * file.rate // (file.channels * max(file.rate, audio.sample_rate)))


def _stop_at_break(blocks: Iterator[Samples], on_break: BreakHandler) -> Iterator[Samples]:
    try:
        yield from blocks
    except AudioError as e:
        on_break(e)


def resample_blocks(blocks: Iterable[Samples], rate: int, audio: Audio) -> Iterator[Samples]:
    """Resample blocks from `rate` Hz to `audio.sample_rate`; each channel by itself if there are several.

    The result has the same bytes as `soxr.resample` of all samples at once.
    """
    if rate == audio.sample_rate:
        yield from blocks
        return
    quality = audio.res_type.removeprefix("soxr_").upper()
    channels = audio.stacked_channels or 1
    resampler = soxr.ResampleStream(rate, audio.sample_rate, channels, dtype="float32", quality=quality)
    for block in blocks:
        yield resampler.resample_chunk(block)
    end = np.empty((0, channels) if audio.stacked_channels else 0, np.float32)
    yield resampler.resample_chunk(end, last=True)
