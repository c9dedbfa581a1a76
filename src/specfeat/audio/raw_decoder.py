"""libsndfile's decoder of sound without a header."""

import os

from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.decoder import Block, ForwardSoundFile, read_sound_file
from specfeat.audio.raw_format import RAW_CODINGS
from specfeat.errors import AudioError
from specfeat.sound import RawFormat


class RawDecoder:
    """libsndfile's decoder of sound without a header.

    Args:
        descriptor: the descriptor of the open file. It stays open.
        content: the bytes of the same file.
        raw: rate, channels and coding.

    Attributes:
        rate: samples per second.
        channels: the number of channels.
        container: "RAW".
        coding: libsndfile's name of the coding.
        version, sound, block, position, sample_limit: None; see `decoder.Decoder`.
        frames: the number of samples of each channel.

    Raises:
        AudioError: the file ends in the middle of a sample, so the format is wrong or the sound is cut.
    """

    version = sound = block = position = sample_limit = None
    container = "RAW"

    def __init__(self, descriptor: int, content: FileBytes, raw: RawFormat) -> None:
        self.rate, self.channels = raw.rate, raw.channels
        self.coding, endian, sample_bytes = RAW_CODINGS[raw.coding]
        frame_bytes = sample_bytes * raw.channels
        if content.size % frame_bytes:
            raise AudioError(
                f"ends in the middle of a sample: it has {content.size:,} bytes, and a sample of all "
                f"channels has {frame_bytes} in the raw format; check the channels and the coding",
                "open",
                "header",
            )
        self.frames: int | None = content.size // frame_bytes
        os.lseek(descriptor, 0, os.SEEK_SET)
        self._file = ForwardSoundFile(
            descriptor,
            closefd=False,
            format="RAW",
            samplerate=raw.rate,
            channels=raw.channels,
            subtype=self.coding,
            endian=endian,
        )

    def close(self) -> None:
        """Close the decoder; the descriptor stays open."""
        self._file.close()

    def read(self, frames: int) -> Block:
        """Decode the next samples; see `decoder.Decoder.read`."""
        return read_sound_file(self._file, frames)
