"""FFmpeg's decoder of one open file, through PyAV (the extra `av`); no other module imports PyAV."""

from collections.abc import Iterator

import av
import numpy as np
from av.audio import AudioStream
from av.container import InputContainer

from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.decoder import Block
from specfeat.config.audio import SAMPLE_RATE_LIMITS
from specfeat.errors import AudioError

# Containers whose header or last page gives the length of the sound. For the others, FFmpeg guesses the
# length from the first packets.
_DEMUXERS_WITH_LENGTH = frozenset(
    ["mov", "matroska", "asf", "flv", "ogg", "flac", "caf", "wv", "ape", "tta", "mpc8", "tak", "rm", "wav"]
)
# How much less sound than the declared length a file may have. Containers round times to milliseconds, and
# count the silence at the beginning that encoders add, or do not count it.
_MISSING_SECONDS = 0.5
_SPLIT_HINT = "split the file, or convert it with ffmpeg"


def describe_ffmpeg() -> str:
    """Return the versions of FFmpeg and PyAV, for the record."""
    return f"FFmpeg {av.ffmpeg_version_info} in PyAV {av.__version__}"


class FfmpegDecoder:
    """FFmpeg's decoder of one open file.

    The rate and the channels are those of the first decoded samples, because some headers of AAC have half
    the rate, or one channel of two.

    Args:
        content: the bytes of the file. FFmpeg is not told its name.
        demuxer: FFmpeg's name of the demuxer that reads the file. FFmpeg does not guess it.

    Attributes:
        rate: samples per second.
        channels: the number of channels.
        container: `demuxer`.
        coding: FFmpeg's name of the coding, e.g. "aac".
        version: the versions of FFmpeg and PyAV.
        frames: 0 if the file says that it has no samples; otherwise None.
        sound: None; see `decoder.Decoder`.
        block: None; see `decoder.Decoder`.
        position: None; see `decoder.Decoder`.
        sample_limit: the number of samples after which to stop; None if the decoder finds the end by itself.

    Raises:
        AudioError: FFmpeg does not read the file, it has no sound, or its beginning is damaged.
        OSError: the file cannot be read.
    """

    sound = block = position = None

    def __init__(self, content: FileBytes, demuxer: str) -> None:
        self.container = demuxer
        self.version = describe_ffmpeg()
        self._container = _open_container(content, demuxer)
        try:
            self._stream = _find_stream(self._container)
            self.coding = self._stream.codec_context.name
            self._blocks = self._decode_blocks()
            self._next_block = self._read_first_block()
            self.sample_limit = self._compute_sample_limit()
        except BaseException:  # after an error here, no caller can close the container
            self._container.close()
            raise

    def close(self) -> None:
        """Close the decoder; the file stays open."""
        self._container.close()

    def read(self, frames: int) -> Block:
        """Decode the next samples.

        Args:
            frames: samples of each channel; there may be fewer before the end or before a damaged place.

        Returns:
            float32, shape (n, channels), -1..1 for integer formats, as stored for float formats.

        Raises:
            AudioError: a packet is damaged, the rate or the channels change, or sound is missing at the end.
        """
        block = self._next_block if len(self._next_block) else next(self._blocks, self._next_block)
        self._next_block = block[frames:]
        return block[:frames]

    def _read_first_block(self) -> Block:
        self.rate, self.channels = 0, 0
        self.frames: int | None = None
        try:
            block = next(self._blocks, None)
        except AudioError as e:
            raise AudioError(f"breaks off at its beginning: {e}", "decode", e.cause) from e
        if block is None:
            context = self._stream.codec_context
            self.rate, self.channels = context.sample_rate, max(1, context.layout.nb_channels)
            self.frames = 0
            block = np.empty((0, self.channels), np.float32)
        lowest, highest = SAMPLE_RATE_LIMITS
        if not lowest <= self.rate <= highest:
            text = f"has a sample rate of {self.rate} Hz; expected {lowest} to {highest} Hz"
            raise AudioError(text, "open", "rate")
        return block

    def _compute_sample_limit(self) -> int | None:
        """Return the length in a header of MP4, where the last packet has more samples than the sound."""
        duration, base = self._stream.duration, self._stream.time_base
        if self.container != "mov" or not duration or base is None or base * self.rate > 1:
            return None
        return round(duration * base * self.rate)

    def _decode_blocks(self) -> Iterator[Block]:
        """Yield the samples of each frame.

        Raises:
            AudioError: see `read`.
        """
        samples = 0
        try:
            for packet in self._container.demux(self._stream):
                if packet.is_corrupt:
                    raise AudioError("a packet is incomplete or damaged")
                for frame in packet.decode():
                    self._check_frame(frame)
                    samples += frame.samples
                    yield _convert_frame(frame)
        except (av.FFmpegError, OSError) as e:
            raise AudioError(_format_error(e)) from e
        if (seconds := self._find_length()) and samples / self.rate < seconds - _MISSING_SECONDS:
            raise AudioError(f"its header says that the sound lasts {seconds:.2f} s", "decode", "header")

    def _check_frame(self, frame: av.AudioFrame) -> None:
        channels = frame.layout.nb_channels
        if self.rate == 0:
            self.rate, self.channels = frame.sample_rate, channels
        if frame.is_corrupt:
            raise AudioError("a packet is damaged")
        if (frame.sample_rate, channels) != (self.rate, self.channels):
            before, after = f"{self.rate} Hz, {self.channels}", f"{frame.sample_rate} Hz, {channels}"
            text = f"the sample rate or the channels change ({before}, then {after}); {_SPLIT_HINT}"
            raise AudioError(text, "decode", "header")

    def _find_length(self) -> float | None:
        """Return the length of the sound in seconds that the file declares; None if it declares none."""
        if self.container not in _DEMUXERS_WITH_LENGTH:
            return None
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        # The length of the whole file is that of its longest stream.
        is_alone = len(self._container.streams) == 1
        return self._container.duration / av.time_base if is_alone and self._container.duration else None


def _open_container(content: FileBytes, demuxer: str) -> InputContainer:
    options = {"format_whitelist": demuxer, "protocol_whitelist": "none"}  # so it opens no other file
    try:
        return av.open(_FileReader(content), "r", format=demuxer, options=options, metadata_errors="ignore")
    except av.FFmpegError as e:
        text = f"is not audio that FFmpeg's demuxer {demuxer!r} reads: {_format_error(e)}"
        hint = "it may be incomplete, so copy it again, or leave this file out"
        raise AudioError(f"{text}; {hint}", "open", "not audio") from e


def _find_stream(container: InputContainer) -> AudioStream:
    stream = container.streams.best("audio")
    if not isinstance(stream, AudioStream):
        raise AudioError("has no sound; leave this file out", "open", "not audio")
    if stream.codec_context is None:  # the header names a coding that FFmpeg does not know
        raise AudioError("has a coding that FFmpeg does not decode; leave this file out", "open", "not audio")
    stream.codec_context.thread_count = 1  # there is a worker for each core
    stream.codec_context.options = {"err_detect": "crccheck+explode"}  # report damage, and do not hide it
    return stream


def _convert_frame(frame: av.AudioFrame) -> Block:
    """Return the samples of a frame as float32, shape (n, channels)."""
    values = frame.to_ndarray()  # (channels, n), or (1, n * channels)
    channels = frame.layout.nb_channels
    samples = values.T if frame.format.is_planar else values.reshape(-1, channels)
    if samples.dtype.kind == "u":
        return (samples.astype(np.float32) - 128) / np.float32(128)
    if samples.dtype.kind == "i":
        return samples.astype(np.float32) / np.float32(2 ** (8 * samples.dtype.itemsize - 1))
    return np.ascontiguousarray(samples, np.float32)


def _format_error(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()).rstrip(".")


class _FileReader:
    """The methods by which PyAV reads a file.

    There is no attribute `name`, because FFmpeg would look at the extension of the name.
    """

    def __init__(self, content: FileBytes) -> None:
        self._content = content
        self._position = 0

    def read(self, count: int) -> bytes:
        content = self._content.read(self._position, count)
        self._position += len(content)
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = offset + (0, self._position, self._content.size)[whence]
        return self._position

    def tell(self) -> int:
        return self._position
