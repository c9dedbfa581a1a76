"""Finds the files that a table of segments names; for a table that names none, the file it belongs to."""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from specfeat.errors import UsageError
from specfeat.files import format_path, from_record_name
from specfeat.sound import Sound
from specfeat.text import join_names

MAX_NAMES = 3  # how many names of files a message lists


class FileSearch:
    """Finds files in the inputs of a run, in the folder of a table, and in the current folder, in this order.

    Args:
        inputs: the inputs of the run: files, and folders.
        table: the table.
        extensions: the extensions of audio files, in lower case and without the dot.
        sounds_by_input: the sounds of those inputs that are archives. They are searched as folders are.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        table: Path,
        extensions: Collection[str],
        sounds_by_input: Mapping[str, Sequence[Sound]] = MappingProxyType({}),
    ) -> None:
        archives = {name for name, sounds in sounds_by_input.items() if [s.path for s in sounds] != [name]}
        self._folders = [name for name in inputs if name in archives or os.path.isdir(name)]
        folders = {*self._folders}
        self._files = [name for name in inputs if name not in folders]
        self._members = {sound.path for sounds in sounds_by_input.values() for sound in sounds}
        self._table = table
        self._extensions = extensions
        self._found: dict[tuple[str, ...], str] = {}

    def find_file(self, names: tuple[str, ...]) -> str:
        """Return the path of the first name of which a file exists; if none exists, a path that does not.

        Args:
            names: the names, in the form of the record.
        """
        if names not in self._found:
            paths = [path for name in names for path in self._list_paths(from_record_name(name))]
            self._found[names] = next((path for path in paths if self._exists(path)), paths[0])
        return self._found[names]

    def _list_paths(self, name: str) -> list[str]:
        """Return the paths that a name can stand for. The path of an absolute name is the name."""
        inputs = [path for path in self._files if path == name or path.endswith(f"/{name}")]
        folders = [*self._folders, str(self._table if self._table.is_dir() else self._table.parent)]
        return [*inputs, *(os.path.join("" if folder == "." else folder, name) for folder in folders), name]

    def find_own_file(self) -> str:
        """Return the file that the table belongs to, for a table that names no file.

        This is the only input, or the audio file with the name of the table: `a.wav` belongs to `a.txt` and
        to `a.Table.1.selections.txt`.

        Raises:
            UsageError: there is no such file, or there are several.
        """
        if len(self._files) == 1 and not self._folders:
            return self._files[0]
        name = self._table.name
        while "." in name.lstrip("."):
            name = name.rpartition(".")[0]
            paths = self._find_by_stem(name)
            if len(paths) > 1:
                names = join_names([format_path(path) for path in paths[:MAX_NAMES]], "or")
                raise UsageError(
                    f"{format_path(str(self._table))}: names no file, and it can belong to {names}; "
                    "give the file that it belongs to as the only input"
                )
            if paths:
                return paths[0]
        raise UsageError(
            f"{format_path(str(self._table))}: names no file, and there is no audio file with its name; "
            "give the file that it belongs to as the only input"
        )

    def _find_by_stem(self, stem: str) -> list[str]:
        """Return the audio files with a name, in the first place that has one."""
        paths = [path for path in self._files if self._has_stem(os.path.basename(path), stem)]
        for folder in [*self._folders, str(self._table.parent)]:
            if paths:
                break
            names = sorted(name for name in self._list_folder(folder) if self._has_stem(name, stem))
            paths = [os.path.join("" if folder == "." else folder, name) for name in names]
        return paths

    def _has_stem(self, name: str, stem: str) -> bool:
        start, extension = os.path.splitext(name)
        return start == stem and extension[1:].lower() in self._extensions

    def _exists(self, path: str) -> bool:
        try:
            return path in self._members or os.path.lexists(path)
        except ValueError:  # the name contains a NUL byte
            return False

    def _list_folder(self, folder: str) -> list[str]:
        try:
            return os.listdir(folder)
        except OSError:  # it may be an archive
            return [os.path.basename(path) for path in self._members if os.path.dirname(path) == folder]
