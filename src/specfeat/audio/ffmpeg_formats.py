"""Recognises, by their first bytes, the files that FFmpeg reads, and says whether PyAV is installed.

FFmpeg itself is not asked what a file is. It would take a text for a playlist, and then open the files that
the playlist names. It would also take noise for a coding that has few rules, such as MP3. So the first bytes
decide which of FFmpeg's demuxers reads a file, and a file that begins in another way is not given to FFmpeg.
"""

import importlib.util

from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.containers.trailing_data import skip_tags
from specfeat.files import get_extension

# FFmpeg's demuxer for each offset and the bytes there. From the magic numbers in `file` 5.45
# (https://github.com/file/file, magic/Magdir), and for AAC from ISO/IEC 13818-7, 6.2 (12 bits of syncword,
# then layer 0). libsndfile reads none of these containers, or reads them only with some codings and bit
# depths.
_MAGIC_NUMBERS = (
    (4, b"ftyp", "mov"), (4, b"moov", "mov"), (4, b"mdat", "mov"), (4, b"wide", "mov"),  # .m4a .mp4 .mov .3gp
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),  # .wma
    (0, b"\x1a\x45\xdf\xa3", "matroska"),  # .webm .mka .mkv
    (0, b"\xff\xf0", "aac"), (0, b"\xff\xf1", "aac"), (0, b"\xff\xf8", "aac"), (0, b"\xff\xf9", "aac"),
    (0, b"OggS", "ogg"), (0, b"fLaC", "flac"), (0, b"caff", "caf"),
    (0, b"wvpk", "wv"), (0, b"MAC ", "ape"), (0, b"TTA1", "tta"), (0, b"MPCK", "mpc8"), (0, b"MP+", "mpc"),
    (0, b"tBaK", "tak"), (0, b"ajkg", "shn"), (0, b"#!AMR", "amr"),
    (0, b"\x0b\x77", "ac3"),  # also E-AC-3
    (0, b"\x7f\xfe\x80\x01", "dts"), (0, b".RMF", "rm"), (0, b"DSD ", "dsf"), (0, b"FRM8", "iff"),
    (0, b"FLV", "flv"), (8, b"AVI ", "avi"), (0, b"\x00\x00\x01\xba", "mpeg"),
)  # fmt: skip
# The same for containers that libsndfile reads, but not with the codings of all files, e.g. WAV with G.722.
# If neither of the two reads such a file, the file is probably damaged.
_SHARED_MAGIC_NUMBERS = ((8, b"WAVE", "wav"), (8, b"AIFC", "aiff"), (0, b"NIST_1A", "nistsphere"))
_HEADERLESS_DEMUXERS = {"g722": "g722"}  # by extension: a file of G.722 is samples from its first byte on
_TRANSPORT_PACKET = 188  # bytes; each packet of an MPEG transport stream begins with b"G" (ISO/IEC 13818-1)
_FIRST_BYTES = 16


def find_demuxer(content: FileBytes, path: str) -> str | None:
    """Return the name of FFmpeg's demuxer for a file that libsndfile does not read; None if there is none.

    Args:
        content: the bytes of the file.
        path: the path of the file, for the extension of a file without a header.

    Raises:
        OSError: the file cannot be read.
    """
    first_bytes = content.read(skip_tags(content, 0), _FIRST_BYTES)  # AAC often begins with a tag ID3
    for offset, number, demuxer in _MAGIC_NUMBERS + _SHARED_MAGIC_NUMBERS:
        if first_bytes.startswith(number, offset):
            return demuxer
    if all(content.read(k * _TRANSPORT_PACKET, 1) == b"G" for k in range(3)):
        return "mpegts"
    return _HEADERLESS_DEMUXERS.get(get_extension(path))


def is_for_ffmpeg_alone(demuxer: str | None) -> bool:
    """Return whether libsndfile reads no file of a demuxer's container, or only a few codings in it.

    Args:
        demuxer: what `find_demuxer` has returned.
    """
    return demuxer is not None and all(demuxer != name for _, _, name in _SHARED_MAGIC_NUMBERS)


def is_ffmpeg_installed() -> bool:
    """Return whether PyAV, which contains FFmpeg, is installed (the extra `av`); it is not loaded."""
    return importlib.util.find_spec("av") is not None
