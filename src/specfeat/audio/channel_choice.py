"""Takes from the samples of a file the channels that the config wants: one, the mean of all, or several."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from specfeat.audio.decoder import Block
from specfeat.config.audio import Audio
from specfeat.errors import AudioError
from specfeat.text import format_count

Samples = NDArray[np.float32]


def choose_channels(
    blocks: Iterable[Block], audio: Audio, channel: int | None, rate: int, first_sample: int = 0
) -> Iterator[Samples]:
    """Take the channels that the config wants: one, the mean of all, or all of them if they are stacked.

    Args:
        blocks: the blocks, shape (n, channels).
        audio: the config's channels.
        channel: the channel that the sound itself names, counted from 0; None if it names none.
        rate: samples per second, for the time in an error.
        first_sample: the number of the first sample in its file, for the place in an error.

    Raises:
        AudioError: the file does not have these channels, or a sample is not finite.
    """
    if audio.stacked_channels:
        if channel is not None:
            text = f"is named with its channel {channel}, but the config stacks channels"
            raise AudioError(text, "open", "channel")
        return stack_channels(blocks, audio.stacked_channels, rate, first_sample)
    if audio.channels == "each" and channel is None:
        text = "is read as a whole, but the config makes rows for each channel; choose another audio.channels"
        raise AudioError(text, "open", "channel")
    return mix_to_mono(blocks, audio.channel if channel is None else channel, rate, first_sample)


def stack_channels(
    blocks: Iterable[Block], count: int, rate: int, first_sample: int = 0
) -> Iterator[Samples]:
    """Yield blocks with all of their channels, after a check that there are `count` channels.

    Args:
        blocks: the blocks, shape (n, channels).
        count: how many channels the file must have.
        rate: samples per second, for the time in an error.
        first_sample: the number of the first sample in its file, for the place in an error.

    Raises:
        AudioError: the file has another number of channels, or a sample is not finite.
    """
    position = first_sample
    for block in blocks:
        if block.shape[1] != count:
            text = f"has {format_count(block.shape[1], 'channel', 'channels')}, but the config stacks {count}"
            raise AudioError(text, "open", "channel")
        is_finite = np.isfinite(block).all(axis=1)
        if not is_finite.all():
            first_bad = int(np.argmin(is_finite))
            yield block[:first_bad]
            position += first_bad
            text = _describe_bad_sample(block[first_bad], np.float32(0), position, 0)
            raise AudioError(text, "decode", "not finite", position / rate)
        position += len(block)
        yield block


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


def _select_channel(block: Block, channel: int) -> Block:
    channels = block.shape[1]
    if channel >= channels:
        count = format_count(channels, "channel", "channels")
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
