"""The extensions of the files that can be read."""

import soundfile

from specfeat.audio.ffmpeg_formats import is_ffmpeg_installed
from specfeat.convertible_files import CONVERTIBLE_EXTENSIONS

# The file extensions of each container that libsndfile knows. RAW is left out because it has no header, SD2
# because its header is in another file.
_EXTENSIONS = {
    "AIFF": "aif aiff aifc",
    "AU": "au snd",
    "AVR": "avr",
    "CAF": "caf",
    "FLAC": "flac",
    "HTK": "htk",
    "IRCAM": "sf ircam",
    "MAT4": "mat",
    "MAT5": "mat",
    "MP3": "mp3 mp2 mp1 mpga m1a m2a",
    "MPC2K": "mpc2k",
    "NIST": "nist sph wv1 wv2",
    "OGG": "ogg oga opus",
    "PAF": "paf fap",
    "PVF": "pvf",
    "RF64": "rf64 bw64",
    "SDS": "sds",
    "SVX": "iff svx 8svx 16svx",
    "VOC": "voc",
    "W64": "w64",
    "WAV": "wav wave bwf",
    "WVE": "wve",
    "XI": "xi",
}


def list_audio_extensions() -> frozenset[str]:
    """Return the extensions of the files that can be read, in lower case and without the dot.

    They are those of the installed libsndfile, and those of FFmpeg if it is installed.
    """
    extensions = frozenset(
        extension
        for container in soundfile.available_formats()
        for extension in _EXTENSIONS.get(container, "").split()
    )
    return extensions | CONVERTIBLE_EXTENSIONS if is_ffmpeg_installed() else extensions
