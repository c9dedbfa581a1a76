"""libsndfile's decoder of one open file."""

import os
from functools import partial

import numpy as np
import soundfile
from numpy.typing import NDArray

from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.containers.file_view import FileView
from specfeat.audio.containers.refused_files import describe_refused_file
from specfeat.audio.containers.sound_extent import count_samples, get_block_size, get_sample_bytes
from specfeat.audio.containers.sound_measure import measure_sound
from specfeat.audio.containers.views import make_repaired_view, make_view
from specfeat.audio.conversion import suggest_conversion
from specfeat.config.audio import SAMPLE_RATE_LIMITS
from specfeat.errors import AudioError

Block = NDArray[np.float32]

LIBSNDFILE_SYSTEM_ERROR = 2  # SF_ERR_SYSTEM: the file could not be opened at all
# SFE_BAD_FILE: "File does not exist". The file is there, so this is an MP3 without a frame.
LIBSNDFILE_BAD_FILE = 7
LEAST_UNKNOWN_LENGTH = 2**62  # libsndfile gives lengths around 2**63 where it does not know the length


class ForwardSoundFile(soundfile.SoundFile):
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
        content: the bytes of the same file.
        has_path: whether the file can be opened by its path, which `SoundSource` files cannot.

    Attributes:
        rate: samples per second.
        channels: the number of channels.
        container: libsndfile's name of the file format, e.g. "WAV".
        coding: libsndfile's name of the coding of the samples, e.g. "PCM_16".
        version: None. The record has the version of libsndfile once, and not for each file.
        frames: the number of samples of each channel in the header; None if libsndfile does not know it.
        sound: how much sound the file has; None if that is not known before it is decoded.
        block: the smallest piece that can be decoded; None if the pieces have different lengths, or if
            `sound` is None.

    Raises:
        AudioError: the file is not audio, or libsndfile would give wrong sound.
        OSError: the file cannot be read.
    """

    version = None

    def __init__(self, path: str, descriptor: int, content: FileBytes, *, has_path: bool = True) -> None:
        self._descriptor = descriptor
        open_path = None if has_path else f"/dev/fd/{descriptor}"
        open_view = partial(_open_sound_file, path, descriptor, content, open_path or path)
        self._file = open_view(make_repaired_view(content))
        try:
            view = make_view(content, self._file.format, self._get_length())
            if view:
                self._file.close()
                self._file = open_view(view)
            sample_bytes = get_sample_bytes(self._file.subtype, self._file.channels)
            self.sound = measure_sound(content, self._file.format, sample_bytes)
            if self.sound and self.sound.problem:
                raise AudioError(f"{self.sound.problem}; convert it with ffmpeg", "open", "header")
        except BaseException:  # after an error here, no caller can close the file
            self._file.close()
            raise
        self.rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.container: str = self._file.format
        self.coding: str = self._file.subtype
        self.frames = self._get_length()
        self.block = (
            get_block_size(self.sound.extent, self.container, self.coding, self.channels)
            if self.sound
            else None
        )

    @property
    def position(self) -> int | None:
        """Where the decoder has stopped reading, in bytes; None if that is not known."""
        if isinstance(self._file.name, FileView):
            return self._file.name.position
        is_by_descriptor = isinstance(self._file.name, int)
        return os.lseek(self._descriptor, 0, os.SEEK_CUR) if is_by_descriptor else None

    @property
    def sample_limit(self) -> int | None:
        """The number of samples after which to stop; None if the decoder finds the end by itself."""
        if self.container == "FLAC":  # behind the last one may be a tag, which the decoder takes for damage
            return self.frames or None
        if self.sound and self.block:
            return count_samples(self.sound.length, self.block, self.coding, self.channels)
        return None

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
        return read_sound_file(self._file, frames)

    def _get_length(self) -> int | None:
        return self._file.frames if self._file.frames < LEAST_UNKNOWN_LENGTH else None


def read_sound_file(file: ForwardSoundFile, frames: int) -> Block:
    """Decode the next samples of a file; see `Decoder.read`."""
    try:
        block: Block = file.read(frames, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as e:
        raise AudioError(_format_libsndfile_error(e)) from e
    return block


def _open_sound_file(
    path: str, descriptor: int, content: FileBytes, open_path: str, view: FileView | None
) -> soundfile.SoundFile:
    try:
        # The descriptor stays ours: where it stands tells what the decoder has read.
        os.lseek(descriptor, 0, os.SEEK_SET)
        file = ForwardSoundFile(view or descriptor, closefd=False)
    except soundfile.LibsndfileError:
        file = _open_by_name(path, content, open_path)
    lowest, highest = SAMPLE_RATE_LIMITS
    if not lowest <= file.samplerate <= highest:
        file.close()
        text = f"has a sample rate of {file.samplerate} Hz in its header; expected {lowest} to {highest} Hz"
        raise AudioError(text, "open", "rate")
    return file


def _open_by_name(path: str, content: FileBytes, open_path: str) -> soundfile.SoundFile:
    """Open a file by its name, because the extension alone tells some formats that have no header.

    Args:
        path: the path of the file for messages.
        content: the bytes of the file.
        open_path: the path by which the file is opened. It has no extension if the file has no name of its
            own; then a file without a header is not audio.
    """
    try:
        # As bytes, because a file name need not be text.
        return ForwardSoundFile(os.fsencode(open_path) if os.name == "posix" else open_path)
    except soundfile.LibsndfileError as e:
        text = _format_libsndfile_error(e)
        if e.code == LIBSNDFILE_SYSTEM_ERROR:
            raise AudioError(f"cannot be opened: {text}", "open", "unreadable") from e
        refusal = describe_refused_file(content)
        if refusal and refusal.cause != "not audio":
            raise AudioError(refusal.message, "open", refusal.cause) from e
        if refusal:
            text = refusal.message
        elif e.code == LIBSNDFILE_BAD_FILE:
            text = "it finds no sound in the file"
        text += suggest_conversion(path, content) or "; leave this file out, or check how it was made"
        raise AudioError(f"is not audio that libsndfile reads: {text}", "open", "not audio") from e
    except TypeError as e:  # soundfile asks for the rate and the channels of a file without a header
        raise AudioError("has no header with its sample rate and channels", "open", "not audio") from e


def _format_libsndfile_error(error: soundfile.LibsndfileError) -> str:
    return " ".join(str(error.error_string).split()).rstrip(".")
