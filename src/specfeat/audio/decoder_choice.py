"""Opens a file with libsndfile, or with FFmpeg if only FFmpeg reads it and the extra `av` is installed."""

from typing import Protocol

from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.containers.refused_files import describe_refused_file
from specfeat.audio.containers.sound_extent import BlockSize
from specfeat.audio.containers.sound_measure import SoundMeasure
from specfeat.audio.decoder import Block, Decoder
from specfeat.audio.ffmpeg_formats import find_demuxer, is_ffmpeg_installed, is_for_ffmpeg_alone
from specfeat.audio.raw_decoder import RawDecoder
from specfeat.errors import AudioError
from specfeat.sound import SoundSource


class SoundDecoder(Protocol):
    """What libsndfile's and FFmpeg's decoder have in common; `decoder.Decoder` describes each attribute."""

    rate: int
    channels: int
    container: str
    coding: str

    @property
    def version(self) -> str | None:
        """The version of the decoder, if the record of a file must have it."""

    @property
    def frames(self) -> int | None:
        """The number of samples in the header."""

    @property
    def sound(self) -> SoundMeasure | None:
        """How much sound the file has."""

    @property
    def block(self) -> BlockSize | None:
        """The smallest piece that can be decoded."""

    @property
    def position(self) -> int | None:
        """Where the decoder has stopped reading, in bytes."""

    @property
    def sample_limit(self) -> int | None:
        """The number of samples after which to stop."""

    def read(self, frames: int) -> Block:
        """Decode the next samples."""

    def close(self) -> None:
        """Close the decoder."""


def describe_installed_ffmpeg() -> str | None:
    """Return the version of FFmpeg as records have it; None if the extra `av` is not installed."""
    if not is_ffmpeg_installed():
        return None
    # Imported here, because PyAV takes time to load, and most runs need no decoder of FFmpeg.
    from specfeat.audio.ffmpeg_decoder import describe_ffmpeg

    return describe_ffmpeg()


def open_decoder(
    path: str, descriptor: int, content: FileBytes, source: SoundSource | None = None
) -> SoundDecoder:
    """Open the decoder of a file.

    libsndfile comes first, so that the rows of a file that it reads are the same with and without the extra.

    Args:
        path: the absolute path of the file.
        descriptor: the descriptor of the open file. It stays open.
        content: the bytes of the same file.
        source: the place of the bytes if the path is not that of a file; None for a file.

    Raises:
        AudioError: the file is not audio, or a decoder would give wrong sound.
        OSError: the file cannot be read.
    """
    if source is not None and source.raw_format is not None:
        return RawDecoder(descriptor, content, source.raw_format)
    try:
        return Decoder(path, descriptor, content, has_path=source is None)
    except AudioError as e:
        demuxer = find_demuxer(content, path) if e.cause == "not audio" and is_ffmpeg_installed() else None
        # Of FLAC, libsndfile lacks only some bit depths. If it refuses another file, the header is damaged.
        if demuxer is None or (demuxer == "flac" and describe_refused_file(content) is None):
            raise
        from specfeat.audio.ffmpeg_decoder import FfmpegDecoder  # not above, see `describe_installed_ffmpeg`

        if is_for_ffmpeg_alone(demuxer):
            return FfmpegDecoder(content, demuxer)
        try:
            decoder = FfmpegDecoder(content, demuxer)
        except AudioError:
            raise e from None
        if decoder.coding.startswith("pcm_"):
            # libsndfile reads PCM in these containers. If it refuses a file, the header is damaged.
            decoder.close()
            raise
        return decoder
