"""One audio file that is read once, from the front, until the decoder has no more.

What the header says about the length is not believed, and nothing seeks.
"""

import os
from collections.abc import Iterator

import numpy as np
import soundfile
from numpy.typing import NDArray

from specfeat.audio.decoder_checks import MAX_SAMPLES_PER_BYTE, describe_unread_data
from specfeat.config.audio import SAMPLE_RATE_LIMITS
from specfeat.errors import AudioError
from specfeat.files import describe_os_error, inspect_file

Block = NDArray[np.float32]

LIBSNDFILE_SYSTEM_ERROR = 2  # SF_ERR_SYSTEM: the file could not be opened at all
UNKNOWN_LENGTH = 2**62  # libsndfile gives lengths around 2**63 where it does not know the length


class _ForwardSoundFile(soundfile.SoundFile):
    """A sound file that is only read forward.

    `SoundFile.read` seeks to its own position after each read. In an MP3 this changes the samples that
    follow, and in a FLAC of unknown length it fails.
    """

    def seekable(self) -> bool:
        """Return False, so that nothing seeks."""
        return False


class AudioFile:
    """An open audio file; leaving the `with` block closes it.

    Args:
        path: the file.

    Attributes:
        rate: samples per second.
        channels: the number of channels.

    Raises:
        AudioError: the file cannot be opened, or is not audio.
    """

    def __init__(self, path: str) -> None:
        # Absolute, because libsndfile takes the name "-" for standard input.
        self._path = os.path.abspath(path)
        self._bytes = _check_file(self._path)
        self._file = _open_sound_file(self._path)
        self.rate: int = self._file.samplerate
        self.channels: int = self._file.channels

    def __enter__(self) -> "AudioFile":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read_blocks(self, frames: int) -> Iterator[Block]:
        """Decode the file from its beginning to its end; to be called once.

        Args:
            frames: samples of each channel in a block, 1 or more; the last block may be shorter.

        Yields:
            float32, shape (n, channels), -1..1 for integer formats, as stored for float formats.

        Raises:
            AudioError: the file breaks, or has less or more sound than its header says.
        """
        samples_per_byte = MAX_SAMPLES_PER_BYTE.get(self._file.subtype)
        most = samples_per_byte * self._bytes // self.channels if samples_per_byte else None
        samples = 0
        for block in self._decode_blocks(frames):
            samples += len(block)
            if most is not None and samples > most:
                text = f"breaks off by sample {most}: the file is too short for the length in its header"
                raise AudioError(text, "decode", "header", most / self.rate)
            yield block
        try:
            unread = describe_unread_data(self._path, self._file.format)
        except OSError as e:  # e.g. somebody has removed the file while it was decoded
            raise _convert_os_error(e, "cannot be checked to its end", "decode") from e
        if unread:
            raise AudioError(f"ends at sample {samples}: {unread}", "decode", "header", samples / self.rate)

    def _decode_blocks(self, frames: int) -> Iterator[Block]:
        samples = 0
        while True:
            try:
                block = self._file.read(frames, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as e:
                text = f"breaks off at sample {samples} or later: {_format_libsndfile_error(e)}"
                # If the first block fails, the break may be anywhere in it, so the place is not known.
                raise AudioError(text, "decode", "broken", samples / self.rate if samples else None) from e
            if len(block) == 0:
                break
            samples += len(block)
            yield block
        if samples == 0 and self._file.frames > 0:
            count = "some" if self._file.frames >= UNKNOWN_LENGTH else self._file.frames
            raise AudioError(f"has no samples, but its header says that it has {count}")


def _open_sound_file(path: str) -> soundfile.SoundFile:
    try:
        # As bytes, because a file name need not be text.
        file = _ForwardSoundFile(os.fsencode(path) if os.name == "posix" else path)
    except soundfile.LibsndfileError as e:
        text = _format_libsndfile_error(e)
        if e.code == LIBSNDFILE_SYSTEM_ERROR:
            raise AudioError(f"cannot be opened: {text}", "open", "unreadable") from e
        raise AudioError(f"is not audio that libsndfile reads: {text}", "open", "not audio") from e
    except TypeError as e:  # soundfile asks for the rate and the channels of a file without a header
        raise AudioError("has no header with its sample rate and channels", "open", "not audio") from e
    lowest, highest = SAMPLE_RATE_LIMITS
    if not lowest <= file.samplerate <= highest:
        file.close()
        text = f"has a sample rate of {file.samplerate} Hz in its header; expected {lowest} to {highest} Hz"
        raise AudioError(text, "open", "rate")
    return file


def _check_file(path: str) -> int:
    """Check that a path leads to a regular file with content, and return its size in bytes.

    libsndfile would wait for the other end of a FIFO, and does not say why a file may not be read.
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
    return size


def _convert_os_error(error: Exception, problem: str, stage: str) -> AudioError:
    cause = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
    return AudioError(f"{problem}: {describe_os_error(error)}", stage, cause)


def _format_libsndfile_error(error: soundfile.LibsndfileError) -> str:
    return " ".join(str(error.error_string).split()).rstrip(".")
