"""Writes pieces of audio files as WAV files."""

import contextlib
import os
import re
import wave
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from specfeat.analysis.audio_events import AudioEvent
from specfeat.atomic_file import AtomicFile
from specfeat.audio.audio_file import AudioFile
from specfeat.audio.decoder import Block
from specfeat.audio.sound_parts import find_sample_range
from specfeat.errors import AudioError, UsageError
from specfeat.files import format_path, wrap_os_errors
from specfeat.sound import SoundPart

MAX_CLIP_S = 3600  # a longer piece is probably a mistake
MAX_DATA_BYTES = (
    2**32 - 100
)  # the header of a WAV file has its size in 32 bits, and is smaller than 100 bytes
_SAMPLE_BYTES = 3
_BLOCK_FRAMES = 16_384
_MAX_STEM_LENGTH = 80  # characters of the name of the audio file; file systems allow names of 255 bytes


@dataclass(frozen=True, slots=True)
class ClipFile:
    """A WAV file to write.

    Attributes:
        path: its path.
        event: the piece of an audio file that is written to it.
        source: the path of the audio file.
    """

    path: Path
    event: AudioEvent
    source: str


def name_clip(number: int, event: AudioEvent) -> str:
    """Return the name of a WAV file: a number, the name of the audio file, start and end.

    Each character that is no letter, digit, point or hyphen becomes "_", so the name stays in its folder.
    """
    stem = os.path.splitext(event.name.rpartition("/")[2])[0]
    stem = re.sub(r"[^\w.-]+", "_", stem.encode("utf-8", "replace").decode())[:_MAX_STEM_LENGTH]
    return f"{number:04}_{stem}_{event.start_s:.2f}-{event.end_s:.2f}.wav"


def write_clips(clips: Sequence[ClipFile]) -> list[str]:
    """Write WAV files with the sample rate and the channels of their audio files, at 24 bits.

    An event that names a channel gets this channel only. Samples outside -1..1 are clipped. Each audio file
    is decoded once, from its start to the end of its last piece.

    Args:
        clips: the WAV files. Their folder is made.

    Returns:
        A message for each WAV file that could not be written, because its audio file cannot be read, or does
        not have its piece.

    Raises:
        UsageError: a file has the name of a WAV file already; then nothing is written.
        OutputError: a WAV file cannot be written.
    """
    for clip in clips:
        if os.path.lexists(clip.path):
            raise UsageError(
                f"{format_path(str(clip.path))}: exists already; give another folder for the clips"
            )
    sources: dict[str, list[ClipFile]] = {}
    for clip in clips:
        with wrap_os_errors(clip.path.parent):
            clip.path.parent.mkdir(parents=True, exist_ok=True)
        sources.setdefault(clip.source, []).append(clip)
    return [message for source, group in sources.items() for message in _write_clips_of_file(source, group)]


def _write_clips_of_file(source: str, clips: Sequence[ClipFile]) -> Iterator[str]:
    """Write the pieces of one audio file; yield a message for each one that could not be written."""
    unfinished = list(clips)
    wrong_pieces: dict[ClipFile, str] = {}
    error = "the file ends before this piece"
    try:
        with AudioFile(source) as file:
            writers = list(_make_writers(file, clips, wrong_pieces))
            for clip in _decode_pieces(file, writers) if writers else ():
                unfinished.remove(clip)
    except AudioError as e:
        error = str(e)
    for clip in unfinished:
        problem = wrong_pieces.get(clip, error)
        yield f"{format_path(str(clip.path))}: not written: {format_path(source)}: {problem}"


def _make_writers(
    file: AudioFile, clips: Sequence[ClipFile], wrong_pieces: dict[ClipFile, str]
) -> "Iterator[_ClipWriter]":
    """Yield a writer for each clip whose piece can be written; the others are added to `wrong_pieces`."""
    for clip in clips:
        try:
            yield _ClipWriter(clip, file)
        except AudioError as e:  # it does not concern the other pieces of the file
            wrong_pieces[clip] = str(e)


def _decode_pieces(file: AudioFile, writers: "Sequence[_ClipWriter]") -> Iterator[ClipFile]:
    """Decode an audio file, and yield each WAV file when it is finished.

    A WAV file is open only while its piece is decoded, because there may be thousands of pieces.
    """
    waiting = deque(sorted(writers, key=lambda writer: writer.samples.start))
    position = 0
    with contextlib.ExitStack() as opened:
        active: list[_ClipWriter] = []
        for block in file.read_blocks(_BLOCK_FRAMES):
            while waiting and waiting[0].samples.start < position + len(block):
                active.append(opened.enter_context(waiting.popleft()))
            for writer in active:
                writer.add_block(block, position)
            position += len(block)
            for writer in [one for one in active if one.samples.is_complete(position)]:
                active.remove(writer)
                yield writer.finish()
            if not waiting and not active:
                return
        for writer in active:  # the last clip of the file may be filled with silence, so its piece ends early
            yield writer.finish()


class _ClipWriter:
    """Writes one WAV file while its audio file is decoded.

    Args:
        clip: the WAV file.
        file: the open audio file.

    Attributes:
        samples: the samples of the audio file that it gets.

    Raises:
        AudioError: the audio file does not have this piece, or the piece is too large for a WAV file.
    """

    def __init__(self, clip: ClipFile, file: AudioFile) -> None:
        event = clip.event
        if event.end_s - event.start_s > MAX_CLIP_S:
            raise AudioError(f"the piece is longer than {MAX_CLIP_S} s", "open", "part")
        if event.channel is not None and event.channel >= file.channels:
            raise AudioError(f"has no channel {event.channel}", "open", "channel")
        part = SoundPart(start_s=event.start_s, end_s=event.end_s, may_end_early=True)
        self.samples = find_sample_range(part, file.rate)
        self._clip = clip
        self._channels = slice(None) if event.channel is None else slice(event.channel, event.channel + 1)
        self._channel_count = file.channels if event.channel is None else 1
        size = ((self.samples.end or 0) - self.samples.start) * self._channel_count * _SAMPLE_BYTES
        if size > MAX_DATA_BYTES:
            raise AudioError(f"the piece has {size:,} bytes, too many for a WAV file", "open", "part")
        self._rate = file.rate
        self._target = AtomicFile(clip.path)

    def __enter__(self) -> "_ClipWriter":
        self._target.__enter__()
        self._wave = wave.open(self._target.file, "wb")
        self._wave.setnchannels(self._channel_count)
        self._wave.setsampwidth(_SAMPLE_BYTES)
        self._wave.setframerate(self._rate)
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError, ValueError):  # the disk is full, or `finish` has closed it
            self._wave.close()
        self._target.discard()

    def add_block(self, block: Block, position: int) -> None:
        """Write the samples of a block that belong to the piece."""
        piece = self.samples.cut_block(block, position)[:, self._channels]
        levels = np.clip(np.rint(piece.astype(np.float64) * 2**23), -(2**23), 2**23 - 1)
        # The three lower bytes of each little-endian integer.
        data = levels.astype("<i4").reshape(-1, 1).view(np.uint8)[:, :_SAMPLE_BYTES].tobytes()
        with wrap_os_errors(self._clip.path):
            self._wave.writeframes(data)

    def finish(self) -> ClipFile:
        """Give the file its name, and return it."""
        with wrap_os_errors(self._clip.path):
            self._wave.close()
        self._target.sync()
        self._target.finish()
        return self._clip
