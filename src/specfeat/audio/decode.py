"""A file to blocks of mono samples at one rate.

Read once from the front, in blocks of a bounded size, until the decoder has no more: what the
header says about the length is not believed, and nothing seeks.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from specfeat.audio.decoder_checks import MAX_SAMPLES_PER_BYTE, describe_unread_data
from specfeat.config.audio import SAMPLE_RATE_LIMITS, Audio
from specfeat.errors import AudioError

Samples = NDArray[np.float32]


class _Forward(soundfile.SoundFile):
    """A sound file that is only read forward.

    SoundFile.read seeks to where it is after each read; in an MP3 that changes the samples that follow, and
    a FLAC of unknown length cannot do it.
    """

    def seekable(self) -> bool:
        """Say no, so that nothing seeks."""
        return False


BLOCK_VALUES = 131_072  # of all channels together: half a MiB, which fits the second-level cache
FINE_VALUES = 4_096  # where little is to be lost when a block breaks
SYSTEM_ERROR = 2  # libsndfile's SF_ERR_SYSTEM: the file could not be opened at all


def read_samples(
    path: str, audio: Audio, broken: Callable[[AudioError], None] | None = None
) -> Iterator[Samples]:
    """Yield the file's mono samples at `audio.sample_rate`, in blocks.

    Args:
        path: of the file.
        audio: the rate, the channel and the resampler.
        broken: is told what is wrong with a file that breaks half-way, which then ends there; the error is
            raised if nobody is to be told.

    Yields:
        float32, shape (n,), -1..1 for integer formats, as stored for float formats.

    Raises:
        AudioError: the file cannot be opened or decoded, or holds a value that is not finite.
    """
    with _open(path) as file:
        values = BLOCK_VALUES if broken is None else FINE_VALUES
        rate = file.samplerate
        frames = values * rate // (file.channels * max(rate, audio.sample_rate))  # resampled, no more either
        blocks = mix_to_mono(_true(path, file, _decoded(file, max(1, frames))), audio.channel, rate)
        yield from resample_blocks(blocks if broken is None else _to_the_break(blocks, broken), rate, audio)


def _to_the_break(blocks: Iterator[Samples], broken: Callable[[AudioError], None]) -> Iterator[Samples]:
    try:
        yield from blocks
    except AudioError as e:
        broken(e)


def mix_to_mono(
    blocks: Iterable[NDArray[np.float32]], channel: int | None, rate: int | None = None
) -> Iterator[Samples]:
    """Take one channel, or the mean of all, of blocks of shape (n, channels).

    Args:
        blocks: of samples.
        channel: counted from 0; None for the mean of all.
        rate: samples a second, to say where an error lies.

    Raises:
        AudioError: there is no such channel, or a sample is not finite; what comes before it is yielded.
    """
    done = 0
    for block in blocks:
        heard = block if channel is None else _one(block, channel)
        samples = _mean(heard)
        finite = np.isfinite(samples)
        if not finite.all():
            good = int(np.argmin(finite))
            yield samples[:good]
            at_s = (done + good) / rate if rate else None
            text = _not_finite(heard[good], samples[good], done + good, channel or 0)
            raise AudioError(text, "decode", "not finite", at_s)
        done += len(block)
        yield samples


def resample_blocks(blocks: Iterable[Samples], rate: int, audio: Audio) -> Iterator[Samples]:
    """Bring mono blocks from `rate` Hz to `audio.sample_rate`: the bytes of `soxr.resample` on the whole."""
    if rate == audio.sample_rate:
        yield from blocks
        return
    quality = audio.res_type.removeprefix("soxr_").upper()
    resampler = soxr.ResampleStream(rate, audio.sample_rate, 1, dtype="float32", quality=quality)
    for block in blocks:
        yield resampler.resample_chunk(block)
    yield resampler.resample_chunk(np.empty(0, np.float32), last=True)


def _one(block: NDArray[np.float32], channel: int) -> NDArray[np.float32]:
    channels = block.shape[1]
    if channel >= channels:
        text = f"has {channels} channels, counted from 0; the config asks for channel {channel}"
        raise AudioError(text, "open", "channel")
    return block[:, channel : channel + 1]


def _not_finite(values: NDArray[np.float32], mean: np.float32, number: int, first: int) -> str:
    for column, value in enumerate(values):
        if not np.isfinite(value):
            return f"sample {number} of channel {first + column} is {value}"
    return f"sample {number} is too large: the mean of its channels is {mean}"


def _mean(block: NDArray[np.float32]) -> Samples:
    # Column by column: `.mean(axis=1)` over interleaved samples takes longer than resampling does.
    total = block[:, 0].copy()
    with np.errstate(over="ignore", invalid="ignore"):  # who calls looks at what came of it
        for column in range(1, block.shape[1]):
            total += block[:, column]
    if block.shape[1] > 1:
        total /= np.float32(block.shape[1])
    return total


def _open(path: str) -> soundfile.SoundFile:
    path = os.path.abspath(path)
    _check(path)
    try:
        # As bytes, because a name need not be text.
        file = _Forward(os.fsencode(path) if os.name == "posix" else path)
    except soundfile.LibsndfileError as e:
        if e.code == SYSTEM_ERROR:
            raise AudioError(f"cannot be opened: {_sentence(e)}", "open", "unreadable") from e
        raise AudioError(f"is not audio that libsndfile reads: {_sentence(e)}", "open", "not audio") from e
    except TypeError as e:  # soundfile wants to be told what a headerless file holds
        raise AudioError("has no header that says what it holds", "open", "not audio") from e
    if not SAMPLE_RATE_LIMITS[0] <= file.samplerate <= SAMPLE_RATE_LIMITS[1]:
        file.close()
        text = f"says it has {file.samplerate} samples a second; wanted {SAMPLE_RATE_LIMITS[0]} to {SAMPLE_RATE_LIMITS[1]}"
        raise AudioError(text, "open", "rate")
    return file


def _check(path: str) -> None:
    try:
        status = os.stat(path)
    except (OSError, ValueError) as e:
        cause = "missing" if isinstance(e, FileNotFoundError) else "unreadable"
        raise AudioError(f"cannot be opened: {getattr(e, 'strerror', None) or e}", "open", cause) from e
    if stat.S_ISDIR(status.st_mode):
        raise AudioError("is a folder", "open", "not a file")
    if not stat.S_ISREG(status.st_mode):
        raise AudioError("is not a regular file", "open", "not a file")
    if status.st_size == 0:
        raise AudioError("is empty, 0 bytes", "open", "0 bytes")
    if not os.access(path, os.R_OK):
        raise AudioError("may not be read: permission denied", "open", "unreadable")


def _decoded(file: soundfile.SoundFile, frames: int) -> Iterator[NDArray[np.float32]]:
    """Yield blocks of shape (frames, channels) until the decoder is done."""
    done = 0
    while True:
        try:
            block = file.read(frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as e:
            text = f"breaks off at sample {done} or later: {_sentence(e)}"
            # Nothing read tells nothing: the break may be anywhere in the first block.
            raise AudioError(text, "decode", "broken", done / file.samplerate if done else None) from e
        if len(block) == 0:
            break
        done += len(block)
        yield block
    if done == 0 and file.frames > 0:
        raise AudioError(f"gives no sample, though its header says that it has {_frames(file.frames)}")


def _true(
    path: str, file: soundfile.SoundFile, blocks: Iterator[NDArray[np.float32]]
) -> Iterator[NDArray[np.float32]]:
    """Pass blocks on as long as the file can hold what they say, and see that it holds no more."""
    density = MAX_SAMPLES_PER_BYTE.get(file.subtype)
    most = density * os.stat(path).st_size // file.channels if density else None
    done = 0
    for block in blocks:
        done += len(block)
        if most is not None and done > most:
            text = f"breaks off by sample {most}: there are no bytes for what its header says follows"
            raise AudioError(text, "decode", "header", most / file.samplerate)
        yield block
    said = describe_unread_data(path, file.format)
    if said:
        raise AudioError(f"ends at sample {done}: {said}", "decode", "header", done / file.samplerate)


def _frames(count: int) -> str:
    return "some" if count >= 2**62 else str(count)  # libsndfile's way to say that it does not know


def _sentence(error: soundfile.LibsndfileError) -> str:
    return " ".join(str(error.error_string).split()).rstrip(".")
