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
from specfeat.audio.decoder import Block
from specfeat.audio.sound_parts import SampleRange, WaitingPart
from specfeat.config.audio import Audio
from specfeat.errors import AudioError
from specfeat.sound import Sound, SoundPart

Samples = NDArray[np.float32]
BreakHandler = Callable[[AudioError], None]
OpenHandler = Callable[[str | None], None]

BLOCK_VALUES = 131_072  # of all channels together: half a MiB, which fits the second-level cache
# The rows before a break are kept only up to the last whole block, so blocks are short where they are wanted.
KEEP_PARTIAL_BLOCK_VALUES = 4_096


def read_samples(
    sound: Sound, audio: Audio, on_break: BreakHandler | None = None, on_open: OpenHandler | None = None
) -> Iterator[Samples]:
    """Yield the mono samples of a sound at `audio.sample_rate`, in blocks.

    Args:
        sound: the file, and the part of it that is read.
        audio: the config's sample rate, channel and quality of the resampler.
        on_break: called with the error if the file breaks in the middle; the sound then ends at the break.
            Without it, the error is raised.
        on_open: called when the file has been opened, with the version of the decoder; see `AudioFile`.

    Yields:
        float32, shape (n,), -1..1 for integer formats, as stored for float formats.

    Raises:
        AudioError: the file cannot be opened or decoded, has a value that is not finite, or does not have the
            channel or the part.
    """
    values = KEEP_PARTIAL_BLOCK_VALUES if on_break else BLOCK_VALUES
    with PartReader(sound.path, [sound.part], audio, values) as reader:
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

    Attributes:
        decoder_version: see `AudioFile`.

    Raises:
        AudioError: the file cannot be opened.
    """

    def __init__(
        self, path: str, parts: Sequence[SoundPart], audio: Audio, block_values: int | None = None
    ) -> None:
        self._audio = audio
        self._file = AudioFile(path)
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
        channel = audio.channel if part.channel is None else part.channel
        blocks = mix_to_mono(self._take_blocks(part, samples), channel, rate, samples.start)
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
        """Decode one block, and keep what of it belongs to each part."""
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


def mix_to_mono(
    blocks: Iterable[Block], channel: int | None, rate: int | None = None, first_sample: int = 0
) -> Iterator[Samples]:
    """Take one channel, or the mean of all, of blocks of shape (n, channels).

    Args:
        blocks: the blocks.
        channel: the channel, counted from 0; None for the mean of all.
        rate: samples per second, for the time in an error.
        first_sample: the number of the first sample in its file, for the place in an error.

    Raises:
        AudioError: there is no such channel, or a sample is not finite; what comes before it has been
            yielded.
    """
    position = first_sample
    for block in blocks:
        used_channels = block if channel is None else _select_channel(block, channel)
        samples = _compute_mean(used_channels)
        is_finite = np.isfinite(samples)
        if not is_finite.all():
            first_bad = int(np.argmin(is_finite))
            yield samples[:first_bad]
            bad_position = position + first_bad
            text = _describe_bad_sample(
                used_channels[first_bad], samples[first_bad], bad_position, channel or 0
            )
            raise AudioError(text, "decode", "not finite", bad_position / rate if rate else None)
        position += len(block)
        yield samples


def resample_blocks(blocks: Iterable[Samples], rate: int, audio: Audio) -> Iterator[Samples]:
    """Resample mono blocks from `rate` Hz to `audio.sample_rate`.

    The result has the same bytes as `soxr.resample` of all samples at once.
    """
    if rate == audio.sample_rate:
        yield from blocks
        return
    quality = audio.res_type.removeprefix("soxr_").upper()
    resampler = soxr.ResampleStream(rate, audio.sample_rate, 1, dtype="float32", quality=quality)
    for block in blocks:
        yield resampler.resample_chunk(block)
    yield resampler.resample_chunk(np.empty(0, np.float32), last=True)


def _select_channel(block: Block, channel: int) -> Block:
    channels = block.shape[1]
    if channel >= channels:
        count = f"{channels} channel{'s' * (channels != 1)}"
        raise AudioError(f"has {count}, counted from 0, so no channel {channel}", "open", "channel")
    return block[:, channel : channel + 1]


def _describe_bad_sample(values: Samples, mean: np.float32, position: int, first_channel: int) -> str:
    for column, value in enumerate(values):
        if not np.isfinite(value):
            return f"sample {position} of channel {first_channel + column} is {value}"
    return f"sample {position} is too large: the mean of its channels is {mean}"


def _compute_mean(block: Block) -> Samples:
    # Column by column: `.mean(axis=1)` over interleaved samples takes longer than resampling does.
    total = block[:, 0].copy()
    with np.errstate(over="ignore", invalid="ignore"):  # the caller checks the result
        for column in range(1, block.shape[1]):
            total += block[:, column]
    if block.shape[1] > 1:
        total /= np.float32(block.shape[1])
    return total
