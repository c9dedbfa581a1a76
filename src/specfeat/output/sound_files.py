"""A folder with one file of another format for each sound."""

import hashlib
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from specfeat.errors import UsageError
from specfeat.files import from_record_name, wrap_os_errors
from specfeat.output.feature_table import ArrayLayout, FeatureTable, Rows
from specfeat.output.formats import OutputFormat
from specfeat.output.records import SoundEntry
from specfeat.output.sound_names import name_part
from specfeat.output.tree_files import iterate_files

_MAX_NAME_BYTES = 240  # most file systems allow 255; a number and an extension are added


class SoundFilesFormat(OutputFormat):
    """A folder that mirrors the folders of the inputs. A sound without rows has no file.

    Args:
        name: the name of the format of the files, which is also their extension.
        file_format: the format of the files.
    """

    magic = b""
    is_folder = True

    def __init__(self, name: str, file_format: OutputFormat) -> None:
        if file_format.is_folder:
            raise UsageError(f"a folder with a file for each input cannot have the format {name}")
        self._name = name
        self._format = file_format
        self.package = file_format.package
        self.extra = file_format.extra
        self.dtypes = file_format.dtypes

    def write_table(self, path: Path, table: FeatureTable) -> None:
        """See `OutputFormat`."""
        names = list_file_names(table.layout.entries, self._name)
        for name, (_, sound_table) in zip(names, table.split_by_sound(), strict=True):
            file = path / name
            with wrap_os_errors(file):
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch(exist_ok=False)
            self._format.write_table(file, sound_table)

    def has_layout(self, path: Path, layout: ArrayLayout) -> bool:
        """See `OutputFormat`; the names of all files and the layout of the first one are compared."""
        names = list_file_names(layout.entries, self._name)
        with wrap_os_errors(path, "read"):
            if {*iterate_files(path)} != {*names}:
                return False
        first = layout.entries[:1]
        first_layout = replace(layout, rows=sum(entry.rows for entry in first), entries=first)
        return not names or self._format.has_layout(path / names[0], first_layout)

    def read_rows(self, path: Path, layout: ArrayLayout) -> Iterator[Rows]:
        """See `OutputFormat`."""
        names = list_file_names(layout.entries, self._name)
        for name, entry in zip(names, layout.entries, strict=True):
            yield from self._format.read_rows(path / name, replace(layout, rows=entry.rows, entries=(entry,)))

    def find_other_file(self, path: Path, layout: ArrayLayout) -> str:
        """See `OutputFormat`."""
        names = {*list_file_names(layout.entries, self._name)}
        return next((name for name in iterate_files(path) if name not in names), "")


def list_file_names(entries: Sequence[SoundEntry], extension: str) -> list[str]:
    """Return for each sound the path of its file, relative to the folder of the output.

    This is the path of the input and the extension, so `a.wav` and `a.flac` have different files. A part of a
    file also has its id or its times. If two sounds would have the same file, the later ones get a number. No
    path leads out of the folder.

    Args:
        entries: the sounds, in the order of their rows.
        extension: the extension of the files, without the dot.
    """
    taken: set[str] = set()  # files, and the folders in which they are
    files: set[str] = set()
    names = []
    for entry in entries:
        stem = _make_stem(entry)
        # The name of a folder in the path may be that of a file; then the number belongs to the folder.
        is_folder_taken = not files.isdisjoint(_list_folders(f"{stem}.{extension}"))
        for number in itertools.count(1):
            name = f"{_add_number(stem, number, to_folder=is_folder_taken)}.{extension}"
            folders = _list_folders(name)
            if name not in taken and files.isdisjoint(folders):
                break
        taken |= {name, *folders}
        files.add(name)
        names.append(name)
    return names


def _list_folders(name: str) -> list[str]:
    return [os.fspath(folder) for folder in Path(name).parents]


def _add_number(stem: str, number: int, *, to_folder: bool) -> str:
    """Return a path with a number at its end, or at the end of its first folder; 1 adds nothing."""
    if number == 1:
        return stem
    folder, slash, rest = stem.partition("/")
    return f"{folder}~{number}{slash}{rest}" if to_folder else f"{stem}~{number}"


def _make_stem(entry: SoundEntry) -> str:
    part = name_part(entry.key.part)
    path = from_record_name(entry.path) + (f"~{part.replace('/', '_')}" if part else "")
    # ".." in the path of an input must not lead out of the folder.
    words = ["__" if word == ".." else word for word in path.split("/")]
    return "/".join(_shorten_name(word) for word in words if word not in ("", "."))


def _shorten_name(name: str) -> str:
    """Return a name that a file can have; a long name ends with a hash of the whole name."""
    data = os.fsencode(name.replace("\0", "_"))
    if len(data) <= _MAX_NAME_BYTES:
        return os.fsdecode(data)
    return os.fsdecode(data[: _MAX_NAME_BYTES - 17]) + "~" + hashlib.sha256(data).hexdigest()[:16]
