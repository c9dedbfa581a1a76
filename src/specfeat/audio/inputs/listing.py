"""Makes the sounds of an input that is neither a file nor a folder."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from specfeat.audio.ambiguous_files import has_magic_number
from specfeat.audio.audio_extensions import list_audio_extensions
from specfeat.audio.inputs.base import InputKind, ListedFile, UnusableSource
from specfeat.audio.inputs.registry import find_input_kind
from specfeat.audio.path_filter import EVERY_PATH, PathFilter
from specfeat.errors import UsageError
from specfeat.files import UNREADABLE_FILE, format_path, get_extension, identify_file
from specfeat.sound import Sound


@dataclass(frozen=True, slots=True)
class FoundInput:
    """The files of one input.

    Attributes:
        sounds: the sounds of the audio files and of the unreadable folders, in order.
        skipped: the paths of the other files.
        unreadable: the paths of the folders and archives that cannot be read.
    """

    sounds: list[Sound]
    skipped: list[str]
    unreadable: list[str]


def list_other_input(
    name: str, kind: InputKind, extensions: frozenset[str], path_filter: PathFilter
) -> FoundInput:
    """Find the files of an input that is neither a file nor a folder.

    If the input cannot be read to its end, the input itself is a sound that fails, after its other sounds.

    Args:
        name: the input as the user has written it.
        kind: its kind.
        extensions: the file extensions of audio.
        path_filter: chooses the files by their paths below the input.

    Raises:
        UsageError: the input cannot be read for a reason that the user can change.
    """

    def is_wanted(path: str) -> bool:
        return get_extension(path) in extensions and path_filter.takes_file(path)

    listing = kind.list_files(name, is_wanted)
    found = FoundInput([], [], [])
    for file in listing.files:
        full_path = f"{name.rstrip('/')}/{file.path}" if file.path else name
        if file.source is not None and _can_be_audio(file):
            found.sounds.append(Sound(full_path, file=file.identity, source=file.source))
        elif path_filter.takes_file(file.path):
            found.skipped.append(full_path)
    if listing.problem is not None:
        source = UnusableSource(str(listing.problem), listing.problem.cause)
        identity = identify_file(name) if kind.can_be_read_again else UNREADABLE_FILE
        found.sounds.append(Sound(name, file=identity, source=source))
        if listing.problem.cause == "unreadable":
            found.unreadable.append(name)
    return found


def list_sounds_by_input(inputs: Iterable[str], listed_inputs: Iterable[str] = ()) -> dict[str, list[Sound]]:
    """Return the sounds of those inputs that are neither files nor folders, by the inputs.

    Args:
        inputs: the inputs of a run that chooses the sounds by their paths.
        listed_inputs: its inputs from a list.

    Raises:
        UsageError: an input cannot be read to its end.
    """
    sounds_by_input = {}
    names = [*((name, False) for name in inputs), *((name, True) for name in listed_inputs)]
    for name, is_listed in names:
        if kind := find_input_kind(name, is_listed=is_listed):
            sounds = list_other_input(name, kind, list_audio_extensions(), EVERY_PATH).sounds
            problem = sounds[-1].source if sounds and sounds[-1].path == name else None
            if isinstance(problem, UnusableSource):
                raise UsageError(f"{format_path(name)}: {problem.message}")
            sounds_by_input[name] = sounds
    return sounds_by_input


def make_comparable_path(sound: Sound, name: str) -> str:
    """Return a text that is the same for all names of a sound, by which a sound that is given twice is found.

    Args:
        sound: the sound.
        name: the input that has it.
    """
    if sound.source is None:
        return os.path.abspath(sound.path)
    # The path of a member is no path of the system: it may have ".." or a slash at its beginning.
    is_path = os.path.lexists(name)
    return os.path.abspath(name) + sound.path.removeprefix(name) if is_path else sound.path


def _can_be_audio(file: ListedFile) -> bool:
    return file.first_bytes is None or has_magic_number(file.first_bytes, get_extension(file.path))
