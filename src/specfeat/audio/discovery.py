"""From the paths that a user names to the audio files below them, in one order on every machine."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import soundfile

from specfeat.errors import CHECK_PATH_HINT, NoUsableAudioError, UsageError
from specfeat.files import describe_os_error, format_path

# The file extensions of each container that libsndfile knows. RAW has no header and SD2 keeps its
# header in another file, so neither can be read from a name alone.
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


MAX_FOLDERS = 200_000  # folders that link to each other can be walked in more ways than there is time


def list_audio_extensions() -> frozenset[str]:
    """List the extensions, lower case without the dot, that the installed libsndfile reads."""
    return frozenset(
        extension
        for container in soundfile.available_formats()
        for extension in _EXTENSIONS.get(container, "").split()
    )


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """The files to extract from.

    Attributes:
        paths: each as it was given, or as the given folder joined with what lies below it.
        passed_over: the files of the folders that were left out: hidden, or not named as audio.
    """

    paths: tuple[str, ...]
    passed_over: tuple[str, ...]


def find_audio_files(inputs: Iterable[str | os.PathLike[str]], listed: Iterable[str] = ()) -> FoundFiles:
    """Find the audio files that `inputs` name, and after them those of a list.

    A file counts whatever its name. A folder stands for every file below it whose extension
    libsndfile reads (upper or lower case), sorted by the bytes of the path below the folder;
    hidden files and folders are passed over, links are followed but never in a circle. What a list names
    need not be there any more: it is a file that will fail.

    Raises:
        UsageError: an input does not exist, or a file is named twice.
        NothingError: there is no audio in them.
    """
    known = list_audio_extensions()
    paths: list[str] = []
    named: dict[str, str] = {}
    passed_over: list[str] = []
    given = [os.fspath(name) for name in inputs]
    gone = next((name for name in given if not os.path.lexists(name)), None)
    if gone is not None:
        raise UsageError(f"{format_path(gone)}: no such file or folder; {CHECK_PATH_HINT}")
    given += listed
    if not given:
        raise UsageError("no input is named; wanted audio files or folders")
    for name in given:
        found = [name]
        if os.path.isdir(name):
            below = sorted(_below(name), key=os.fsencode)
            kept = [path for path in below if _extension(path) in known or _leads_to_folder(name, path)]
            found = [os.path.join(name, path) for path in kept]
            audio = set(kept)
            left_out = [path for path in below if path not in audio]
            passed_over += [os.path.join(name, path) for path in left_out]
        for path in found:
            place = os.path.abspath(path)
            if place in named:
                both = f"'{format_path(named[place])}' and '{format_path(name)}'"
                raise UsageError(f"{format_path(path)}: is named twice, by {both}; name it once")
            named[place] = name
            paths.append(path)
    if not paths:
        looked = " ".join(sorted(f".{extension}" for extension in known))
        raise NoUsableAudioError(
            f"no audio in {', '.join(map(format_path, given))}: looked for {looked}"
            + (f", passed over {len(passed_over)} other files" if passed_over else "")
        )
    return FoundFiles(tuple(paths), tuple(passed_over))


def _leads_to_folder(name: str, path: str) -> bool:
    return os.path.isdir(os.path.join(name, path))


def _extension(path: str) -> str:
    if path.rpartition("/")[2].startswith("."):
        return ""
    return os.path.splitext(path)[1][1:].lower()


def _below(folder: str) -> Iterator[str]:
    """Yield the paths of the files below `folder`, relative to it; hidden folders are not entered.

    A link to a folder is entered, unless it leads back to a folder that it lies in. A folder that cannot be
    read is yielded itself: it costs what lies in it, not the run.
    """
    waiting: list[tuple[str, frozenset[tuple[int, int]]]] = [("", frozenset())]
    entered = 0
    while waiting:
        inside, parents = waiting.pop()
        place = os.path.join(folder, inside)
        try:
            status = os.stat(place)
            entries = list(os.scandir(place))
        except OSError as e:
            if not inside:
                raise UsageError(
                    f"{format_path(folder)}: the folder cannot be read: {describe_os_error(e)}"
                ) from e
            yield inside
            continue
        identity = (status.st_dev, status.st_ino)
        if identity in parents:
            continue
        entered += 1
        if entered > MAX_FOLDERS:
            raise UsageError(f"{format_path(folder)}: links in it lead to over {MAX_FOLDERS:,} folders")
        names = {f"{inside}/{entry.name}" if inside else entry.name: entry for entry in entries}
        folders = {path for path, entry in names.items() if _is_folder(entry)}
        yield from (path for path in names if path not in folders)
        shown = (path for path in folders if not names[path].name.startswith("."))
        waiting.extend((path, parents | {identity}) for path in shown)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or to where one may not look: opening it will say so
        return False
