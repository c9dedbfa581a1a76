"""Finds the audio files of a finished output by the names that other tables give them."""

import os
from collections.abc import Iterable

from specfeat.errors import UsageError
from specfeat.files import format_path, from_record_name
from specfeat.text import join_names

_MAX_NAMES = 3  # how many files a message lists


class OutputFiles:
    """The audio files of an output.

    Args:
        names: the names of the files, as the record has them.
        folder: the folder in which the run was started.
    """

    def __init__(self, names: Iterable[str], folder: str) -> None:
        self._names = {name: number for number, name in enumerate(dict.fromkeys(names))}
        self._folder = folder
        self._paths = {
            os.path.normpath(os.path.join(folder, name)): number for name, number in self._names.items()
        }
        self._by_base: dict[str, list[int]] = {}
        for name, number in self._names.items():
            self._by_base.setdefault(os.path.basename(name), []).append(number)
        self._all_names = list(self._names)

    def find_file(self, name: str, table: str) -> int | None:
        """Return the number of the file of this name; None if the output has none.

        The name is that of the record; or a path, relative to the folder of the run, to that of the table or
        to the current folder; or the end of a path that only one file has.

        Args:
            name: the name, as the table has it.
            table: the path of the table.

        Raises:
            UsageError: several files have this end of a path.
        """
        if name in self._names:
            return self._names[name]
        for folder in (self._folder, os.path.abspath(os.path.dirname(table)), os.path.abspath("")):
            number = self._paths.get(os.path.normpath(os.path.join(folder, name)))
            if number is not None:
                return number
        end = f"/{name.lstrip('./')}"
        found = [
            number
            for number in self._by_base.get(os.path.basename(name), [])
            if f"/{self._all_names[number]}".endswith(end)
        ]
        if len(found) > 1:
            raise UsageError(f"{format_path(table)}: {self._describe(name, found)}; give more of its path")
        return found[0] if found else None

    def find_own_file(self, table: str) -> int:
        """Return the number of the file that a table belongs to, for a table that names no file.

        This is the only file of the output, or the file with the name of the table: `a.wav` belongs to
        `a.txt` and to `a.Table.1.selections.txt`.

        Raises:
            UsageError: there is no such file, or there are several.
        """
        if len(self._names) == 1:
            return 0
        stem = os.path.basename(table)
        while "." in stem.lstrip("."):
            stem = stem.rpartition(".")[0]
            found = [
                number for name, number in self._names.items()
                if os.path.splitext(os.path.basename(name))[0] == stem
            ]  # fmt: skip
            if len(found) > 1:
                raise UsageError(f"{format_path(table)}: names no file, and {self._describe(stem, found)}")
            if found:
                return found[0]
        raise UsageError(f"{format_path(table)}: names no file, and the output has no file with its name")

    def _describe(self, name: str, numbers: list[int]) -> str:
        files = [format_path(from_record_name(self._all_names[number])) for number in numbers[:_MAX_NAMES]]
        return f"{format_path(from_record_name(name))} can be {join_names(files, 'or')}"
