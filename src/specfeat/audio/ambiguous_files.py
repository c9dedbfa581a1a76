"""Files whose extension belongs to audio, and more often to something else: their first bytes decide."""

from pathlib import Path

from specfeat.file_access import read_first_bytes
from specfeat.files import inspect_file

# For each extension, what can stand where in a file that libsndfile reads. The other uses: data of MATLAB,
# features of HTK, pictures of the Amiga, alignments of genomes, and vocabularies.
_FRONTS = {
    "mat": (),  # see `_is_audio_front`
    "htk": ((8, b"\x00\x02\x00\x00"),),  # two bytes a sample, of the kind WAVEFORM: The HTK Book, 5.10.1
    "iff": ((8, b"8SVX"), (8, b"16SV"), (8, b"AIFF"), (8, b"AIFC")),
    "paf": ((0, b" paf"), (0, b"fap ")),
    "voc": ((0, b"Creative Voice File"),),
}
_FRONT_BYTES = 512
# libsndfile writes the rate first, as a variable of this name, and reads no other file of MATLAB.
_MATLAB_VARIABLE = b"samplerate"


def can_be_audio(path: str, extension: str) -> bool:
    """Return whether a file with the extension of audio can be audio, by its first bytes.

    A file that cannot be read counts as audio, so that the run reports it.

    Args:
        path: the file.
        extension: its extension, in lower case and without the dot.
    """
    if extension not in _FRONTS:
        return True
    try:
        kind, _ = inspect_file(path)
    except (OSError, ValueError):
        return True
    if kind != "file":  # to open a FIFO would wait for its other end
        return True
    front = read_first_bytes(Path(path), _FRONT_BYTES)
    return front is None or _is_audio_front(front, extension)


def _is_audio_front(front: bytes, extension: str) -> bool:
    if extension == "mat":
        return _MATLAB_VARIABLE in front
    return any(front.startswith(mark, start) for start, mark in _FRONTS[extension])
