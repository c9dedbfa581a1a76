"""libsndfile's decoder of one open file."""

import os
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from numpy.typing import NDArray

from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.containers.views import make_view
from specfeat.audio.conversion import suggest_conversion
from specfeat.config.audio import SAMPLE_RATE_LIMITS
from specfeat.errors import AudioError

if TYPE_CHECKING:
    from specfeat.audio.containers.file_view import FileView

Block = NDArray[np.float32]

LIBSNDFILE_SYSTEM_ERROR = 2  # SF_ERR_SYSTEM: the file could not be opened at all
# SFE_BAD_FILE: "File does not exist". The file is there, so this is an MP3 without a frame.
LIBSNDFILE_BAD_FILE = 7
UNKNOWN_LENGTH = 2**62  # libsndfile gives lengths around 2**63 where it does not know the length


class _ForwardSoundFile(soundfile.SoundFile):
    """A sound file that is only read forward.

    `SoundFile.read` seeks to its own position after each read. In an MP3 this changes the samples that
    follow, and in a FLAC of unknown length it fails.
    """

    def seekable(self) -> bool:
        """Return False, so that nothing seeks."""
        return False


class Decoder:
    """libsndfile's decoder of one open file.

    Args:
        path: the absolute path of the file.
        descriptor: the descriptor of the open file. It stays open.

    Attributes:
        rate: samples per second.
        channels: the number of channels.
        container: libsndfile's name of the file format, e.g. "WAV".
        coding: libsndfile's name of the coding of the samples, e.g. "PCM_16".
        frames: the number of samples of each channel in the header; None if libsndfile does not know it.

    Raises:
        AudioError: the file is not audio.
        OSError: the file cannot be read.
    """

    def __init__(self, path: str, descriptor: int, content: FileBytes) -> None:
        self._descriptor = descriptor
        self._view: FileView | None = None
        self._file = _open_sound_file(path, descriptor)
        try:
            self._view = make_view(content, self._file.format, self._get_length())
            if self._view:
                view_file = _ForwardSoundFile(self._view)
                self._file.close()
                self._file = view_file
        except soundfile.LibsndfileError:  # what the view does not make readable is read as it is
            self._view = None
        except BaseException:
            self._file.close()
            raise
        self.rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.container: str = self._file.format
        self.coding: str = self._file.subtype
        self.frames = self._get_length()

    @property
    def position(self) -> int | None:
        """Where the decoder has stopped reading, in bytes; None if that is not known."""
        if self._view:
            return self._view.position
        is_by_descriptor = isinstance(self._file.name, int)
        return os.lseek(self._descriptor, 0, os.SEEK_CUR) if is_by_descriptor else None

    def close(self) -> None:
        """Close the decoder; the descriptor stays open."""
        self._file.close()

    def read(self, frames: int) -> Block:
        """Decode the next samples.

        Args:
            frames: samples of each channel; there may be fewer at the end.

        Returns:
            float32, shape (n, channels), -1..1 for integer formats, as stored for float formats.

        Raises:
            AudioError: the decoder reports an error; the message is libsndfile's.
        """
        try:
            block: Block = self._file.read(frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as e:
            raise AudioError(_format_libsndfile_error(e)) from e
        return block

    def _get_length(self) -> int | None:
        return self._file.frames if self._file.frames < UNKNOWN_LENGTH else None


def _open_sound_file(path: str, descriptor: int) -> soundfile.SoundFile:
    try:
        # The descriptor stays ours: where it stands tells what the decoder has read.
        file = _ForwardSoundFile(descriptor, closefd=False)
    except soundfile.LibsndfileError:
        file = _open_by_name(path)
    lowest, highest = SAMPLE_RATE_LIMITS
    if not lowest <= file.samplerate <= highest:
        file.close()
        text = f"has a sample rate of {file.samplerate} Hz in its header; expected {lowest} to {highest} Hz"
        raise AudioError(text, "open", "rate")
    return file


def _open_by_name(path: str) -> soundfile.SoundFile:
    """Open a file by its name, because the extension alone tells some formats that have no header."""
    try:
        # As bytes, because a file name need not be text.
        return _ForwardSoundFile(os.fsencode(path) if os.name == "posix" else path)
    except soundfile.LibsndfileError as e:
        text = _format_libsndfile_error(e)
        if e.code == LIBSNDFILE_SYSTEM_ERROR:
            raise AudioError(f"cannot be opened: {text}", "open", "unreadable") from e
        if e.code == LIBSNDFILE_BAD_FILE:
            text = "it finds no sound in the file"
        text += suggest_conversion(path)
        raise AudioError(f"is not audio that libsndfile reads: {text}", "open", "not audio") from e
    except TypeError as e:  # soundfile asks for the rate and the channels of a file without a header
        raise AudioError("has no header with its sample rate and channels", "open", "not audio") from e


def _format_libsndfile_error(error: soundfile.LibsndfileError) -> str:
    return " ".join(str(error.error_string).split()).rstrip(".")
