"""Finds the audio files that a user means, in the same order on every machine."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace

import soundfile

from specfeat.audio.ambiguous_files import can_be_audio
from specfeat.audio.folder_search import FoundPath, is_hidden_by_error, is_missing, list_files_below
from specfeat.errors import CHECK_PATH_HINT, NoUsableAudioError, UsageError
from specfeat.files import describe_os_error, format_path
from specfeat.sound import Sound, make_file_sound
from specfeat.text import describe_files

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


def list_audio_extensions() -> frozenset[str]:
    """Return the extensions, in lower case and without the dot, that the installed libsndfile reads."""
    return frozenset(
        extension
        for container in soundfile.available_formats()
        for extension in _EXTENSIONS.get(container, "").split()
    )


@dataclass(frozen=True, slots=True)
class UnreadFolder:
    """A folder that could not be read, or a path that could not be looked at and may be a folder.

    Attributes:
        path: the folder; among the sounds it is one that will fail.
        first: the number of the first sound of the input that the folder is in, counted from 0.
        end: the number after the last sound of this input.
    """

    path: str
    first: int
    end: int

    def contains(self, path: str) -> bool:
        """Return whether a path lies in the folder, by its name."""
        return path.startswith(f"{self.path.rstrip('/')}/")


@dataclass(frozen=True, slots=True)
class FoundSounds:
    """What the inputs of a run contain.

    Attributes:
        sounds: the sounds to extract, in order. The path of each is as the user gives it; for a file in a
            folder, it is the folder's path joined with the path below it.
        skipped_files: the files in the folders that are hidden or are not audio by their name.
        unread_folders: the folders that could not be read, in the order of their inputs. What is in them is
            not known, so a file in one of them cannot be said to be gone.
    """

    sounds: tuple[Sound, ...]
    skipped_files: tuple[str, ...]
    unread_folders: tuple[UnreadFolder, ...] = ()

    def add_unseen_sounds(self, known_sounds: Iterable[Sound]) -> "FoundSounds":
        """Return the same with the sounds that lie in unread folders, as far as an earlier run knows them.

        They come where they would be if their folder could be read.

        Args:
            known_sounds: the sounds of the earlier run.
        """
        if not self.unread_folders:
            return self
        keys = {sound.key for sound in self.sounds}
        unseen = [sound for sound in known_sounds if sound.key not in keys]
        sounds: list[Sound] = []
        folders: list[UnreadFolder] = []
        position = 0
        for first, end in dict.fromkeys((folder.first, folder.end) for folder in self.unread_folders):
            group = [folder for folder in self.unread_folders if (folder.first, folder.end) == (first, end)]
            added = [sound for sound in unseen if any(folder.contains(sound.path) for folder in group)]
            sounds += self.sounds[position:first]
            start = len(sounds)
            sounds += sorted((*self.sounds[first:end], *added), key=lambda sound: os.fsencode(sound.path))
            folders += [replace(folder, first=start, end=len(sounds)) for folder in group]
            position = end
        sounds += self.sounds[position:]
        return FoundSounds(tuple(sounds), self.skipped_files, tuple(folders))


def find_sounds(inputs: Iterable[str | os.PathLike[str]], listed_inputs: Iterable[str] = ()) -> FoundSounds:
    """Find the sounds in the inputs, and after them those in a list of inputs.

    A file that is named directly is a sound, with any extension. A folder stands for all files below it with
    an extension that libsndfile reads (in upper or lower case), sorted by the bytes of their path below the
    folder; of some extensions, only those that begin as audio does. Hidden files and folders are skipped.
    Links are followed, but not back to a folder that the link is in. A folder below another one that cannot
    be read is a sound that will fail, so that it is reported.

    Args:
        inputs: files and folders, which must exist.
        listed_inputs: files and folders that may have disappeared since the list was made; each of these is a
            sound that will fail.

    Raises:
        UsageError: an input does not exist or is a folder that cannot be read, or a file is given twice.
        NoUsableAudioError: the inputs contain no audio.
    """
    names = [os.fspath(name) for name in inputs]
    for name in names:
        if is_missing(name):
            raise UsageError(f"{format_path(name)}: no such file or folder; {CHECK_PATH_HINT}")
    first_listed = len(names)
    names += listed_inputs
    if not names:
        raise UsageError("no inputs are given; expected audio files or folders")
    extensions = list_audio_extensions()
    paths: list[str] = []
    skipped_files: list[str] = []
    unread_folders: list[UnreadFolder] = []
    input_of_file: dict[str, str] = {}  # by absolute path: the input that the file comes from
    for number, name in enumerate(names):
        found = _list_input(name, extensions, is_listed=number >= first_listed)
        for path in found.audio:
            absolute_path = os.path.abspath(path)
            if absolute_path in input_of_file:
                both = f"'{format_path(input_of_file[absolute_path])}' and '{format_path(name)}'"
                raise UsageError(f"{format_path(path)}: is named twice, by {both}; name it once")
            input_of_file[absolute_path] = name
        first, end = len(paths), len(paths) + len(found.audio)
        paths += found.audio
        skipped_files += found.skipped
        unread_folders += [UnreadFolder(path, first, end) for path in found.unread]
    if not paths:
        raise NoUsableAudioError(_describe_missing_audio(names, extensions, skipped_files))
    return FoundSounds(tuple(map(make_file_sound, paths)), tuple(skipped_files), tuple(unread_folders))


@dataclass(frozen=True, slots=True)
class _FoundInput:
    """What one input stands for.

    Attributes:
        audio: the audio files, and the folders of `unread`, in order.
        skipped: the other files.
        unread: the folders that cannot be read.
    """

    audio: list[str]
    skipped: list[str]
    unread: list[str]


def _list_input(name: str, extensions: frozenset[str], *, is_listed: bool) -> _FoundInput:
    """Find the files that one input stands for.

    Args:
        name: the input.
        extensions: the extensions of audio.
        is_listed: whether the input comes from a list, so that it costs only itself if it cannot be read.

    Raises:
        UsageError: the input is a folder that cannot be read, and does not come from a list.
    """
    if not os.path.isdir(name):
        return _FoundInput([name], [], [name] if is_hidden_by_error(name) else [])
    try:
        found_paths = sorted(list_files_below(name), key=lambda found: os.fsencode(found.path))
    except OSError as e:
        if is_listed:
            return _FoundInput([name], [], [name])
        text = f"{format_path(name)}: the folder cannot be read: {describe_os_error(e)}"
        raise UsageError(text) from e
    found_input = _FoundInput([], [], [])
    for found in found_paths:
        full_path = os.path.join(name, found.path)
        is_wanted = found.is_unread or _is_audio(found, full_path, extensions)
        (found_input.audio if is_wanted else found_input.skipped).append(full_path)
        if found.is_unread:
            found_input.unread.append(full_path)
    return found_input


def _is_audio(found: FoundPath, full_path: str, extensions: frozenset[str]) -> bool:
    extension = _get_extension(found.path)
    return extension in extensions and can_be_audio(full_path, extension)


def _describe_missing_audio(names: list[str], extensions: frozenset[str], skipped: list[str]) -> str:
    looked_for = " ".join(sorted(f".{extension}" for extension in extensions))
    text = f"no audio in {', '.join(map(format_path, names))}: looked for {looked_for}"
    if skipped:
        text += f", skipped {len(skipped)} other file{'s' * (len(skipped) > 1)} ({describe_files(skipped)})"
    return f"{text}; name a folder with audio, or the files themselves"


def _get_extension(path: str) -> str:
    """Return the extension in lower case, without the dot; nothing for a hidden file."""
    if path.rpartition("/")[2].startswith("."):
        return ""
    return os.path.splitext(path)[1][1:].lower()
