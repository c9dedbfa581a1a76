"""Finds the audio files in the inputs of a run, in the same order on every machine."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace

from specfeat.audio.ambiguous_files import can_be_audio
from specfeat.audio.audio_extensions import list_audio_extensions
from specfeat.audio.conversion import describe_convertible_files
from specfeat.audio.folder_search import FoundPath, check_inputs_exist, is_hidden_by_error, list_files_below
from specfeat.audio.inputs.listing import FoundInput, list_other_input, make_comparable_path
from specfeat.audio.inputs.registry import find_input_kind
from specfeat.audio.path_filter import EVERY_PATH, PathFilter
from specfeat.convertible_files import list_convertible_files
from specfeat.errors import NoUsableAudioError, UsageError
from specfeat.files import describe_os_error, format_path, get_extension
from specfeat.sound import WHOLE_FILE, Sound, SoundPart, make_file_sound
from specfeat.text import describe_files


@dataclass(frozen=True, slots=True)
class UnreadableFolder:
    """A folder that cannot be read, or a path that cannot be examined and may be a folder.

    Attributes:
        path: the path of the folder. The list of sounds has a sound with this path, which will fail.
        first_sound: the number, counted from 0, of the first sound of the input that contains the folder.
        end_sound: the number after that of the last sound of this input.
    """

    path: str
    first_sound: int
    end_sound: int

    @property
    def sound_range(self) -> tuple[int, int]:
        """`first_sound` and `end_sound`; folders of one input have the same range."""
        return self.first_sound, self.end_sound

    def contains_path(self, path: str) -> bool:
        """Return whether a path begins with the path of the folder."""
        return path.startswith(f"{self.path.rstrip('/')}/")


@dataclass(frozen=True, slots=True)
class FoundSounds:
    """The sounds and the other files in the inputs of a run.

    Attributes:
        sounds: the sounds to extract, in order. A file that is an input has the path that the user gave. A
            file in a folder has the path of the folder, joined with its path below the folder.
        skipped_files: the files in the folders that are hidden or are not audio.
        unreadable_folders: the folders that cannot be read, in the order of their inputs. Their files are not
            known. Therefore the run must not assume that a file of an earlier run in such a folder was
            removed.
        columns: the names of the additional columns of the index, whose values the sounds have.
        notes: what the user should know about the sounds, each a whole sentence.
        time_range: the part of each file, if it is the same for all files.
    """

    sounds: tuple[Sound, ...]
    skipped_files: tuple[str, ...]
    unreadable_folders: tuple[UnreadableFolder, ...] = ()
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    time_range: SoundPart = WHOLE_FILE

    def add_unseen_sounds(self, known_sounds: Iterable[Sound]) -> "FoundSounds":
        """Return these results with the sounds of an earlier run that are in unreadable folders.

        Each added sound gets the place that it would have if its folder could be read. So its rows stay at
        the same place in the output.

        Args:
            known_sounds: the sounds of the earlier run.
        """
        if not self.unreadable_folders:
            return self
        keys = {sound.key for sound in self.sounds}
        unseen = [sound for sound in known_sounds if sound.key not in keys]
        sounds: list[Sound] = []
        folders: list[UnreadableFolder] = []
        copied = 0  # how many of the known sounds are in the new list
        # One step for each input with unreadable folders: only the sounds of one input are sorted together.
        for first, end in dict.fromkeys(folder.sound_range for folder in self.unreadable_folders):
            folders_of_input = [f for f in self.unreadable_folders if f.sound_range == (first, end)]
            added = [s for s in unseen if any(folder.contains_path(s.path) for folder in folders_of_input)]
            sounds += self.sounds[copied:first]
            start = len(sounds)
            sounds += sorted((*self.sounds[first:end], *added), key=lambda sound: os.fsencode(sound.path))
            folders += [
                replace(folder, first_sound=start, end_sound=len(sounds)) for folder in folders_of_input
            ]
            copied = end
        sounds += self.sounds[copied:]
        return replace(self, sounds=tuple(sounds), unreadable_folders=tuple(folders))


def find_sounds(
    inputs: Iterable[str | os.PathLike[str]],
    listed_inputs: Iterable[str] = (),
    path_filter: PathFilter = EVERY_PATH,
) -> FoundSounds:
    """Find the sounds in the inputs as `search_inputs` does, and check that there is one.

    Args:
        inputs: files and folders; see `search_inputs`.
        listed_inputs: files and folders from a list.
        path_filter: chooses the files in folders.

    Raises:
        UsageError: see `search_inputs`.
        NoUsableAudioError: the inputs contain no audio.
    """
    names, listed_names = [os.fspath(name) for name in inputs], [*listed_inputs]
    found = search_inputs(names, listed_names, path_filter)
    if found.sounds:
        return found
    names += listed_names
    if path_filter == EVERY_PATH:
        skipped_files = list(found.skipped_files)
        raise NoUsableAudioError(_describe_missing_audio(names, list_audio_extensions(), skipped_files))
    places = ", ".join(map(format_path, names))
    raise NoUsableAudioError(f"no audio in {places} that the patterns choose; check the patterns")


def search_inputs(
    inputs: Iterable[str | os.PathLike[str]],
    listed_inputs: Iterable[str] = (),
    path_filter: PathFilter = EVERY_PATH,
) -> FoundSounds:
    """Find the sounds in the inputs, and after them those in a list of inputs.

    An input that is a file is a sound, with any extension, unless it is of one of the kinds in
    `inputs.registry`, e.g. an archive. Then the audio files in it are sounds, as in a folder, and have the
    order of the archive. In a folder, all files below it are sounds that have one of the
    `list_audio_extensions`, in upper or lower case. They are sorted by the bytes of their path below the
    folder. If an extension is also used for other files, the first bytes of the file decide
    (`ambiguous_files`). Hidden files and folders are skipped. The search follows links, except a link back to
    a folder that contains the link. If a folder inside an input cannot be read, the folder itself becomes a
    sound that will fail, so that the run reports it.

    Args:
        inputs: files and folders, which must exist.
        listed_inputs: files and folders from a list. They may have disappeared since the list was made; then
            each of them is a sound that will fail.
        path_filter: chooses the files in folders. What it leaves out is neither a sound nor a skipped file.
            It does not apply to an input that is a file.

    Raises:
        UsageError: an input does not exist or is a folder that cannot be read, or a file is given twice.
    """
    names = [os.fspath(name) for name in inputs]
    check_inputs_exist(names)
    first_listed = len(names)
    names += listed_inputs
    if not names:
        raise UsageError("no inputs are given; expected audio files or folders")
    extensions = list_audio_extensions()
    sounds: list[Sound] = []
    skipped_files: list[str] = []
    unreadable_folders: list[UnreadableFolder] = []
    input_of_file: dict[str, str] = {}  # for the absolute path of each file, the input that contains it
    for number, name in enumerate(names):
        found = _list_input(name, extensions, path_filter, is_listed=number >= first_listed)
        for sound in found.sounds:
            path = make_comparable_path(sound, name)
            if path in input_of_file:
                both = f"'{format_path(input_of_file[path])}' and '{format_path(name)}'"
                raise UsageError(f"{format_path(sound.path)}: is named twice, by {both}; name it once")
            input_of_file[path] = name
        first, end = len(sounds), len(sounds) + len(found.sounds)
        sounds += found.sounds
        skipped_files += found.skipped
        unreadable_folders += [UnreadableFolder(path, first, end) for path in found.unreadable]
    return FoundSounds(tuple(sounds), tuple(skipped_files), tuple(unreadable_folders))


def _list_input(
    name: str, extensions: frozenset[str], path_filter: PathFilter, *, is_listed: bool
) -> FoundInput:
    """Find the files of one input.

    Args:
        name: the path of the input.
        extensions: the file extensions of audio.
        path_filter: chooses the files in a folder.
        is_listed: whether the input comes from a list. Then a folder that cannot be read is only one failed
            sound, and not the end of the run.

    Raises:
        UsageError: the input is a folder that cannot be read, and does not come from a list.
    """
    if kind := find_input_kind(name, is_listed=is_listed):
        return list_other_input(name, kind, extensions, path_filter)
    if not os.path.isdir(name):
        return FoundInput([make_file_sound(name)], [], [name] if is_hidden_by_error(name) else [])
    try:
        found_paths = sorted(list_files_below(name, path_filter), key=lambda found: os.fsencode(found.path))
    except OSError as e:
        if is_listed:
            return FoundInput([make_file_sound(name)], [], [name])
        text = f"{format_path(name)}: the folder cannot be read: {describe_os_error(e)}"
        raise UsageError(text) from e
    found_input = FoundInput([], [], [])
    for found in found_paths:
        full_path = os.path.join(name, found.path)
        is_sound = found.is_unreadable or _is_audio(found, full_path, extensions)
        if is_sound:
            found_input.sounds.append(make_file_sound(full_path))
        else:
            found_input.skipped.append(full_path)
        if found.is_unreadable:
            found_input.unreadable.append(full_path)
    return found_input


def _is_audio(found: FoundPath, full_path: str, extensions: frozenset[str]) -> bool:
    extension = get_extension(found.path)
    return extension in extensions and can_be_audio(full_path, extension)


def _describe_missing_audio(names: list[str], extensions: frozenset[str], skipped: list[str]) -> str:
    if convertible := list_convertible_files(skipped):
        places = ", ".join(map(format_path, names))
        return f"no audio that can be read in {places}: {describe_convertible_files(convertible)}"
    looked_for = " ".join(sorted(f".{extension}" for extension in extensions))
    text = f"no audio in {', '.join(map(format_path, names))}: looked for {looked_for}"
    if skipped:
        text += f", skipped {len(skipped)} other file{'s' * (len(skipped) > 1)} ({describe_files(skipped)})"
    return f"{text}; name a folder with audio, or the files themselves"
