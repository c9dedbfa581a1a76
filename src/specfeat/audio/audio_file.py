"""Reads one audio file once, from its first byte to the end of its sound.

The number of samples in the header is not trusted, because it is often wrong. Reading never jumps to another
place in the file, because some decoders then give other samples.
"""

import contextlib
import os
from collections.abc import Iterator

from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.decoder import Block
from specfeat.audio.decoder_checks import (
    MAX_SAMPLES_PER_BYTE,
    DecodedPart,
    describe_missing_samples,
    describe_unread_data,
)
from specfeat.audio.decoder_choice import open_decoder
from specfeat.audio.inputs.copies import open_copy
from specfeat.errors import AudioError
from specfeat.files import describe_os_error, inspect_file
from specfeat.sound import SoundSource

# After a break, a file is decoded again to find the sample at which it breaks off, but only up to this number
# of samples: 95 s at 44.1 kHz, a few tenths of a second of CPU time. Before a later break, only the number of
# the samples in whole blocks is known.
MAX_SEARCHED_SAMPLES = 2**22
SEARCH_BLOCK_SAMPLES = 512


class AudioFile:
    """An open audio file. The end of the `with` block closes it.

    Args:
        path: the path of the audio file.
        source: the place of its bytes if the path is not that of a file; None for a file.

    Attributes:
        rate: the file's sample rate in Hz.
        channels: the number of channels in the file.
        decoder_version: the version of FFmpeg if it decodes the file; None if libsndfile decodes it.

    Raises:
        AudioError: the file cannot be opened, or is not audio.
    """

    def __init__(self, path: str, source: SoundSource | None = None) -> None:
        # Absolute, because libsndfile takes the name "-" for standard input.
        path = os.path.abspath(path)
        self._path, self._source = path, source
        if source is None:
            _check_file(path)
        try:
            self._descriptor = (
                os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
                if source is None
                else open_copy(source)
            )
        except OSError as e:
            raise _convert_os_error(e, "cannot be opened", "open") from e
        try:
            self._content = FileBytes(self._descriptor)
            if self._content.size == 0:  # the size of a file may have changed, or it may be a member's
                raise AudioError("is empty, 0 bytes", "open", "0 bytes")
            self._decoder = open_decoder(path, self._descriptor, self._content, self._source)
        except OSError as e:
            os.close(self._descriptor)
            raise _convert_os_error(e, "cannot be read", "open") from e
        except BaseException:  # after an error here, no caller can close the file
            os.close(self._descriptor)
            raise
        self.rate = self._decoder.rate
        self.channels = self._decoder.channels
        self.decoder_version = self._decoder.version
        self._is_open = True

    def __enter__(self) -> "AudioFile":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def header_seconds(self) -> float | None:
        """The length that the header gives, which may be wrong; None if the decoder does not know it."""
        frames = self._decoder.frames
        return frames / self.rate if frames else None

    def close(self) -> None:
        """Close the file."""
        if self._is_open:
            self._is_open = False
            self._decoder.close()
            os.close(self._descriptor)

    @property
    def expected_samples(self) -> int | None:
        """The number of samples of each channel, from the header and the size of the file; None if unknown.

        The header is often wrong, so only `read_blocks` shows how many samples there are.
        """
        limit = self._decoder.sample_limit
        return self._decoder.frames if limit is None else limit

    def read_blocks(self, frames: int) -> Iterator[Block]:
        """Decode the file from its beginning to its end. This method can be called once.

        Args:
            frames: the number of samples of each channel in a block, 1 or more. The last block may be
                shorter.

        Yields:
            Blocks of float32 samples, shape (n, channels). Samples of integer formats are in -1..1, and
            samples of float formats have the values that are stored in the file.

        Raises:
            AudioError: the file is damaged, or has less or more sound than its header says.
        """
        samples_per_byte = MAX_SAMPLES_PER_BYTE.get(self._decoder.coding)
        # A damaged header can make a decoder invent samples without end. The size of the file limits them.
        max_samples = samples_per_byte * self._content.size // self.channels if samples_per_byte else None
        samples = 0
        for block in self._decode_blocks(frames):
            samples += len(block)
            if max_samples is not None and samples > max_samples:
                text = (
                    f"breaks off by sample {max_samples}: the file is too short for the length in its header"
                )
                raise AudioError(text, "decode", "header", max_samples / self.rate)
            yield block
        try:
            unread = self._describe_unread_data(samples)
        except OSError as e:
            raise _convert_os_error(e, "cannot be checked to its end", "decode") from e
        if unread:
            raise AudioError(f"ends at sample {samples}: {unread}", "decode", "header", samples / self.rate)

    def _describe_unread_data(self, samples: int) -> str | None:
        decoder = self._decoder
        if decoder.sound and (missing := describe_missing_samples(decoder.sound, decoder.block, samples)):
            return missing
        return describe_unread_data(self._content, DecodedPart(decoder.container, samples, decoder.position))

    def _decode_blocks(self, frames: int) -> Iterator[Block]:
        samples, limit = 0, self._decoder.sample_limit
        while limit is None or samples < limit:
            try:
                block = self._decoder.read(frames if limit is None else min(frames, limit - samples))
            except AudioError as e:
                place = self._find_break(samples)
                if place is not None:
                    text = f"breaks off at sample {place}: {e}"
                    raise AudioError(text, "decode", e.cause, place / self.rate) from e
                text = f"breaks off at sample {samples} or later: {e}"
                # If the first block fails, the damage may be anywhere in it, so its time is not known.
                raise AudioError(text, "decode", e.cause, samples / self.rate if samples else None) from e
            if len(block) == 0:
                break
            samples += len(block)
            yield block
        if samples == 0 and self._decoder.frames != 0:
            raise AudioError(
                f"has no samples, but its header says that it has {self._decoder.frames or 'some'}"
            )

    def _find_break(self, start: int) -> int | None:
        """Return the sample at which the file breaks off; None if it is late in the file, or not found again.

        If a block cannot be decoded, the decoder does not tell how many of its samples are good. So the file
        is decoded once more from its beginning, first in small blocks, and then sample by sample.

        Args:
            start: the number of samples before the block that cannot be decoded.
        """
        if start > MAX_SEARCHED_SAMPLES:
            return None
        for frames in (SEARCH_BLOCK_SAMPLES, 1):
            place = 0
            try:
                decoder = open_decoder(self._path, self._descriptor, self._content, self._source)
                with contextlib.closing(decoder):
                    while count := len(decoder.read(frames if place >= start else start - place)):
                        place += count
                return None
            except AudioError:
                if place < start:
                    return None
                start = place
            except OSError:
                return None
        return start


def count_channels(path: str, source: SoundSource | None = None) -> int:
    """Return the number of channels in a file; 0 if the file cannot be opened.

    Args:
        path: see `AudioFile`.
        source: see `AudioFile`.
    """
    try:
        with AudioFile(path, source) as file:
            return file.channels
    except (AudioError, MemoryError):
        return 0


def _check_file(path: str) -> None:
    """Check that a path leads to a regular file with content that may be read.

    This is checked before libsndfile opens the file: libsndfile would wait for ever for the other end of a
    FIFO, and its error does not say why a file cannot be read.
    """
    try:
        kind, size = inspect_file(path)
    except (OSError, ValueError) as e:
        raise _convert_os_error(e, "cannot be opened", "open") from e
    if kind == "folder":
        try:
            os.scandir(path).close()
        except OSError as e:
            raise _convert_os_error(e, "the folder cannot be read", "open") from e
        raise AudioError("is a folder", "open", "not a file")
    if kind == "other":
        raise AudioError("is not a regular file", "open", "not a file")
    if size == 0:
        raise AudioError("is empty, 0 bytes", "open", "0 bytes")
    if not os.access(path, os.R_OK):
        raise AudioError("may not be read: permission denied", "open", "unreadable")


def _convert_os_error(error: Exception, problem: str, stage: str) -> AudioError:
    cause = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
    return AudioError(f"{problem}: {describe_os_error(error)}", stage, cause)
