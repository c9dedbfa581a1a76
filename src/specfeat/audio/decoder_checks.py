"""Checks that a decoder has given what the file holds.

libsndfile believes wrong headers and reports no error:

* It repeats samples when a file in a block coding (GSM, ADPCM) ends before the length in its header.
* It stops where the header says that the sound ends, although more sound follows.
* It reads only the first of several streams that follow each other.
"""

from typing import NamedTuple

from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.containers.flac_frames import describe_unread_frames, find_second_stream, read_stream_info
from specfeat.audio.containers.mpeg_frames import has_frames_after
from specfeat.audio.containers.ogg_pages import has_several_streams
from specfeat.audio.containers.sound_extent import BlockSize
from specfeat.audio.containers.sound_measure import SoundMeasure

# The most samples that one byte can hold, in codings whose decoders go on after the last byte.
MAX_SAMPLES_PER_BYTE = {
    "GSM610": 5,
    **dict.fromkeys(("IMA_ADPCM", "MS_ADPCM", "G721_32", "NMS_ADPCM_32", "VOX_ADPCM", "G723_40"), 2),
    **dict.fromkeys(("G723_24", "NMS_ADPCM_24"), 3),
    "NMS_ADPCM_16": 4,
}


class DecodedPart(NamedTuple):
    """What a decoder has given until it came to its end.

    Attributes:
        container: libsndfile's name of the file format, e.g. "WAV".
        samples: how many samples of each channel.
        position: where the decoder has stopped in the file, in bytes; None if that is not known.
    """

    container: str
    samples: int
    position: int | None


def describe_unread_data(file: FileBytes, part: DecodedPart) -> str | None:
    """Describe the sound that the decoder has not read, although it has come to its end.

    Args:
        file: the file.
        part: what the decoder has given.

    Returns:
        The second half of an error message; None if everything has been read.

    Raises:
        OSError: the file cannot be read any more.
    """
    position = file.size if part.position is None else part.position
    if part.container == "OGG" and has_several_streams(file):
        return (
            "the file has several streams, one after another, and only the first can be read; split the file"
        )
    if part.container == "MP3" and has_frames_after(file, position):
        return (
            "more frames follow, because its header declares too few frames, or the sample rate or the "
            "channels change; split the file, or convert it with ffmpeg"
        )
    if part.container == "FLAC" and (info := read_stream_info(file)):
        second_stream = find_second_stream(file, info)
        return second_stream or describe_unread_frames(file, info, part.samples, position)
    return None


def describe_missing_samples(sound: SoundMeasure, block: BlockSize | None, samples: int) -> str | None:
    """Describe the sound that a decoder has not given, although it is in the file; None if it has given all.

    Args:
        sound: how much sound the file has.
        block: the smallest piece that can be decoded; None if the pieces have different lengths.
        samples: how many samples of each channel the decoder has given.
    """
    if sound.is_missing:
        return f"its header says that {sound.extent.length:,} bytes of sound follow, but there are none"
    if sound.unread_bytes:
        return f"its header says that the sound ends there, but {sound.unread_bytes:,} more bytes follow"
    most = sound.length // block.size * block.samples if block else 0
    if block and samples <= most - block.samples:
        return f"the file has {most} samples"
    return None
