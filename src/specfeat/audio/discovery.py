"""Finds the audio files that a user means, in the same order on every machine."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import soundfile

from specfeat.errors import CHECK_PATH_HINT, NoUsableAudioError, UsageError
from specfeat.files import describe_os_error, format_path, identify_inode
from specfeat.sound import Sound, make_file_sound

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
    "NIST": "nist sph",
    "OGG": "ogg oga opus",
    "PAF": "paf fap",
    "PVF": "pvf",
    "RF64": "rf64",
    "SDS": "sds",
    "SVX": "iff svx 8svx 16svx",
    "VOC": "voc",
    "W64": "w64",
    "WAV": "wav wave bwf",
    "WVE": "wve",
    "XI": "xi",
}

# Links from folder to folder can give more paths to walk than there is time for.
MAX_FOLDERS = 200_000


def list_audio_extensions() -> frozenset[str]:
    """Return the extensions, in lower case and without the dot, that the installed libsndfile reads."""
    return frozenset(
        extension
        for container in soundfile.available_formats()
        for extension in _EXTENSIONS.get(container, "").split()
    )


@dataclass(frozen=True, slots=True)
class FoundSounds:
    """What the inputs of a run contain.

    Attributes:
        sounds: the sounds to extract, in order. The path of each is as the user gives it; for a file in a
            folder, it is the folder's path joined with the path below it.
        skipped_files: the files in the folders that are hidden or do not have the extension of audio.
    """

    sounds: tuple[Sound, ...]
    skipped_files: tuple[str, ...]


def find_sounds(inputs: Iterable[str | os.PathLike[str]], listed_inputs: Iterable[str] = ()) -> FoundSounds:
    """Find the sounds in the inputs, and after them those in a list of inputs.

    A file that is named directly is a sound, with any extension. A folder stands for all files below it with
    an extension that libsndfile reads (in upper or lower case), sorted by the bytes of their path below the
    folder. Hidden files and folders are skipped. Links are followed, but not back to a folder that the link
    is in.

    Args:
        inputs: files and folders, which must exist.
        listed_inputs: files and folders that may have disappeared since the list was made; each of these is a
            sound that will fail.

    Raises:
        UsageError: an input does not exist, or a file is given twice.
        NoUsableAudioError: the inputs contain no audio.
    """
    names = [os.fspath(name) for name in inputs]
    for name in names:
        if not os.path.lexists(name):
            raise UsageError(f"{format_path(name)}: no such file or folder; {CHECK_PATH_HINT}")
    names += listed_inputs
    if not names:
        raise UsageError("no inputs are given; expected audio files or folders")
    extensions = list_audio_extensions()
    paths: list[str] = []
    skipped_files: list[str] = []
    input_of_file: dict[str, str] = {}  # by absolute path: the input that the file comes from
    for name in names:
        input_paths, input_skipped = _list_input(name, extensions)
        for path in input_paths:
            absolute_path = os.path.abspath(path)
            if absolute_path in input_of_file:
                both = f"'{format_path(input_of_file[absolute_path])}' and '{format_path(name)}'"
                raise UsageError(f"{format_path(path)}: is named twice, by {both}; name it once")
            input_of_file[absolute_path] = name
            paths.append(path)
        skipped_files += input_skipped
    if not paths:
        raise NoUsableAudioError(_describe_missing_audio(names, extensions, len(skipped_files)))
    return FoundSounds(tuple(map(make_file_sound, paths)), tuple(skipped_files))


def _list_input(name: str, extensions: frozenset[str]) -> tuple[list[str], list[str]]:
    """Return the paths of the audio files in one input, and of the files that are skipped."""
    if not os.path.isdir(name):
        return [name], []
    audio: list[str] = []
    skipped: list[str] = []
    for path in sorted(_list_files_below(name), key=os.fsencode):
        full_path = os.path.join(name, path)
        # A folder that is listed as a file cannot be read. It stays, so that the run reports it.
        is_audio = _get_extension(path) in extensions or os.path.isdir(full_path)
        (audio if is_audio else skipped).append(full_path)
    return audio, skipped


def _describe_missing_audio(names: list[str], extensions: frozenset[str], skipped: int) -> str:
    looked_for = " ".join(sorted(f".{extension}" for extension in extensions))
    text = f"no audio in {', '.join(map(format_path, names))}: looked for {looked_for}"
    text += f", skipped {skipped} other file{'s' * (skipped > 1)}" if skipped else ""
    return f"{text}; name a folder with audio, or the files themselves"


def _get_extension(path: str) -> str:
    """Return the extension in lower case, without the dot; nothing for a hidden file."""
    if path.rpartition("/")[2].startswith("."):
        return ""
    return os.path.splitext(path)[1][1:].lower()


def _list_files_below(folder: str) -> Iterator[str]:
    """Yield the paths of the files below a folder, relative to it; hidden folders are not entered.

    A link to a folder is entered, unless it leads back to a folder that it is in. A folder that cannot be
    read is yielded like a file, so that it costs only what is in it, and not the run.

    Raises:
        UsageError: the folder itself cannot be read, or links in it lead to too many folders.
    """
    # A folder that is still to be listed, and the inodes of the folders that lead to it.
    waiting: list[tuple[str, frozenset[tuple[int, int]]]] = [("", frozenset())]
    entered = 0
    while waiting:
        path, parents = waiting.pop()
        full_path = os.path.join(folder, path) if path else folder
        inode = identify_inode(full_path)
        entries = _list_folder(full_path, is_input=not path)
        if entries is None:
            yield path
            continue
        if inode is None or inode in parents:
            continue
        entered += 1
        if entered > MAX_FOLDERS:
            raise UsageError(f"{format_path(folder)}: links in it lead to over {MAX_FOLDERS:,} folders")
        for entry in entries:
            entry_path = f"{path}/{entry.name}" if path else entry.name
            if not _is_folder(entry):
                yield entry_path
            elif not entry.name.startswith("."):
                waiting.append((entry_path, parents | {inode}))


def _list_folder(folder: str, *, is_input: bool) -> list["os.DirEntry[str]"] | None:
    """Return what is in a folder; None if it cannot be read and is not an input itself."""
    try:
        return list(os.scandir(folder))
    except OSError as e:
        if not is_input:
            return None
        text = f"{format_path(folder)}: the folder cannot be read: {describe_os_error(e)}"
        raise UsageError(text) from e


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or to a place that may not be looked at: opening it will report this
        return False
