"""Recognises audio by its first bytes, for extensions that other files have more often than audio."""

from pathlib import Path

from specfeat.file_access import read_first_bytes
from specfeat.files import inspect_file

# For each extension, the offsets and bytes of which a file that libsndfile reads has at least one. The other
# files with these extensions are data of MATLAB, features of HTK, pictures of the Amiga, alignments of
# genomes, and vocabularies.
_MAGIC_NUMBERS = {
    "mat": (),  # see `has_magic_number`
    "htk": ((8, b"\x00\x02\x00\x00"),),  # 2 bytes per sample, kind WAVEFORM (The HTK Book, 5.10.1)
    "iff": ((8, b"8SVX"), (8, b"16SV"), (8, b"AIFF"), (8, b"AIFC")),
    "paf": ((0, b" paf"), (0, b"fap ")),
    "voc": ((0, b"Creative Voice File"),),
}
FIRST_BYTES = 512  # how many bytes are read
# libsndfile reads only MATLAB files whose first variable is the sample rate, with this name.
_MATLAB_VARIABLE = b"samplerate"


def can_be_audio(path: str, extension: str) -> bool:
    """Return whether the first bytes of a file allow that it is audio.

    A file that cannot be read counts as audio, so that the run reports it.

    Args:
        path: the path of a file whose extension libsndfile reads.
        extension: the extension of the file, in lower case and without the dot.
    """
    if extension not in _MAGIC_NUMBERS:
        return True
    try:
        kind, _ = inspect_file(path)
    except (OSError, ValueError):
        return True
    if kind != "file":  # opening a FIFO would wait for its other end
        return True
    first_bytes = read_first_bytes(Path(path), FIRST_BYTES)
    return first_bytes is None or has_magic_number(first_bytes, extension)


def needs_first_bytes(extension: str) -> bool:
    """Return whether only the first bytes of a file with this extension tell whether it can be audio."""
    return extension in _MAGIC_NUMBERS


def has_magic_number(first_bytes: bytes, extension: str) -> bool:
    """Return whether first bytes are those of audio.

    Args:
        first_bytes: the first `FIRST_BYTES` bytes of a file, or all if there are fewer.
        extension: its extension, one for which `needs_first_bytes` is true.
    """
    if extension == "mat":
        return _MATLAB_VARIABLE in first_bytes
    return any(first_bytes.startswith(number, offset) for offset, number in _MAGIC_NUMBERS[extension])
