"""Writes tables of events to files: one table for all audio files, or one for each audio file in a folder."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from specfeat.analysis.audio_events import EventFile, EventTable
from specfeat.analysis.event_formats import FORMATS, EventFormat
from specfeat.atomic_file import write_pieces
from specfeat.errors import UsageError
from specfeat.file_access import check_new_path
from specfeat.files import format_path, from_record_name, wrap_os_errors
from specfeat.text import join_names, suggest_name


def find_event_format(
    path: str, name: str | None = None, formats: Mapping[str, EventFormat] = FORMATS
) -> EventFormat:
    """Return the format of a table that will be written.

    Args:
        path: the path of the table. If no format is named, the end of the path decides.
        name: the name of the format; None to find it.
        formats: the possible formats by their names.

    Raises:
        UsageError: there is no format of this name, or no format has this end of a path.
    """
    if name is not None:
        if name not in formats:
            raise UsageError(
                f"there is no format of tables of events {name!r}{suggest_name(name, formats)}; "
                f"give one of {join_names(list(formats))}"
            )
        return formats[name]
    fitting = [own for own in formats.values() if path.lower().endswith(own.extension.lower())]
    if not fitting:
        raise UsageError(
            f"{format_path(path)}: the end of this name belongs to no format of tables of events; give a "
            f"name that ends in {join_names([own.extension for own in formats.values()], 'or')}, "
            "or name the format"
        )
    return max(fitting, key=lambda own: len(own.extension))  # `.selections.txt` also ends in `.txt`


def write_event_table(
    table: EventTable, path: str, event_format: EventFormat, *, force: bool = False
) -> list[Path]:
    """Write a table of events.

    If `path` is a folder, or ends in a slash, each audio file that has events gets a table of its own in this
    folder. If the audio files are in several folders, this folder gets the same subfolders.

    Args:
        table: the table.
        path: the path of the table, or the folder.
        event_format: the format.
        force: replace existing files.

    Returns:
        The paths of the tables that were written.

    Raises:
        UsageError: a file exists already, or the format cannot have the events of several files.
        OutputError: a file cannot be written.
    """
    if path.endswith("/") or os.path.isdir(path):
        tables = list(_divide_table(table, Path(path), event_format.extension))
    elif not event_format.can_have(table):
        raise UsageError(
            f"{format_path(path)}: a table of this format belongs to one audio file, but there are "
            f"{len(table.files)}; give a folder, e.g. {format_path(os.path.splitext(path)[0])}/"
        )
    else:
        tables = [(Path(path), table)]
    for file, _ in tables:
        check_new_path(file, force=force)
    for file, part in tables:
        with wrap_os_errors(file.parent):
            file.parent.mkdir(parents=True, exist_ok=True)
        write_pieces(file, event_format.format_table(part))
    return [file for file, _ in tables]


def _divide_table(table: EventTable, folder: Path, extension: str) -> Iterator[tuple[Path, EventTable]]:
    """Yield a table, and its path, for each audio file that has events."""
    names = {event.name for event in table.events}
    files = [file for file in table.files if file.name in names]
    for file, name in zip(files, list_table_names(files, extension), strict=True):
        yield folder / name, table.select_file(file)


def list_table_names(files: Sequence[EventFile], extension: str) -> list[str]:
    """Return the path of the table of each audio file, relative to one folder.

    The name is that of the audio file with the extension of the table in place of its own. If two names would
    be the same, as for `a.wav` and `a.flac`, the extension of the table is added to the whole name.

    Args:
        files: the audio files.
        extension: the extension of the tables, with the dot.
    """
    paths = [from_record_name(os.path.normpath(file.path)) for file in files]
    common = os.path.commonpath([os.path.dirname(path) for path in paths]) if paths else ""
    # No name leads out of the folder: all paths are absolute and normalised, so no part of a path is "..".
    relative = [os.path.relpath(path, common) for path in paths]
    stems = [os.path.splitext(name)[0] for name in relative]
    # In lower case, because some file systems do not distinguish capital letters.
    counts = Counter(stem.lower() for stem in stems)
    return [
        (name if counts[stem.lower()] > 1 else stem) + extension
        for name, stem in zip(relative, stems, strict=True)
    ]
