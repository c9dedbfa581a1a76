"""Writes tables of events and of scores: to stdout, to a file, or to a folder."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from specfeat.atomic_file import write_pieces
from specfeat.cli.overwritten_inputs import refuse_overwriting
from specfeat.cli.standard_streams import write_to_stdout
from specfeat.errors import UsageError
from specfeat.file_access import check_new_path
from specfeat.files import format_path
from specfeat.text import format_count

if TYPE_CHECKING:
    from specfeat.analysis.audio_events import EventTable
    from specfeat.analysis.event_formats import EventFormat
    from specfeat.analysis.sound_events import SoundEvents
    from specfeat.config.settings import Settings
    from specfeat.output.finished_output import FinishedOutput


def check_target(
    target: str | None, output: "FinishedOutput", inputs: Iterable[str | Path] = (), *, force: bool
) -> None:
    """Check before the work that a target may be written. The files in a folder are not checked here.

    Args:
        target: the file or folder to write; None for stdout.
        output: the output that is read.
        inputs: other files that are read, besides the audio files of the output.
        force: whether an existing file may be replaced.

    Raises:
        UsageError: the target is read by the command, or exists.
    """
    if target is None:
        return
    if Path(target).resolve() in {path.resolve() for path in output.paths.files}:
        raise UsageError(f"{format_path(target)}: is a file of the output itself; give another name")
    check_new_path(target, force=force or os.path.isdir(target))  # noqa: PTH112 -- as below
    if Path(target).is_file():  # otherwise it replaces nothing
        sounds = (output.find_file(entry) for entry in output.record.files)
        refuse_overwriting([target], [*inputs, *sounds])


def write_events(
    output: "FinishedOutput",
    settings: "Settings",
    sounds: "Iterator[SoundEvents]",
    target: str | None,
    format_name: str,
    *,
    force: bool,
) -> str:
    """Write the events of all sounds, and return what was written, for a message.

    Args:
        output: the output in which they were found.
        settings: the settings with which it was made.
        sounds: the sounds and their events.
        target: the file or folder; None for stdout.
        format_name: the value of --format; "" to choose the format by the name of the target.
        force: whether existing files may be replaced.

    Raises:
        UsageError: the target exists, or cannot have these events.
        OutputError: a file cannot be written.
    """
    from specfeat.analysis.event_files import find_event_format, write_event_table
    from specfeat.analysis.event_table import make_event_table

    event_format = find_event_format(target or "stdout.csv", format_name or None)
    table = make_event_table(output, settings, sounds)
    files = ""
    if target is not None:
        written = write_event_table(table, target, event_format, force=force)
        if target.endswith("/") or os.path.isdir(target):  # noqa: PTH112 -- the name is kept as it is
            files = f", {format_count(len(written), 'file')} written"
    else:
        print_event_table(table, event_format, is_text=format_name != "parquet")
    count = format_count(len(table.events), "event")
    return f"{count} in {format_count(len({event.name for event in table.events}), 'file')}{files}"


def print_event_table(table: "EventTable", event_format: "EventFormat", *, is_text: bool = True) -> None:
    """Write a table of events to stdout.

    Args:
        table: the table.
        event_format: its format.
        is_text: see `write_table`.

    Raises:
        UsageError: the format cannot have the events of several files, or is no text.
    """
    if not event_format.can_have(table):
        raise UsageError(
            f"a table of this format belongs to one audio file, but there are {len(table.files)}; name a "
            "folder with -o, e.g. -o labels/"
        )
    write_table(event_format.format_table(table), None, is_text=is_text)


def write_table(
    pieces: Iterable[bytes], target: str | None, *, is_text: bool = True, force: bool = False
) -> None:
    """Write one table to a file or to stdout.

    Args:
        pieces: the bytes of the table, in pieces.
        target: the file; None for stdout.
        is_text: whether the table is text, which stdout may have.
        force: whether an existing file may be replaced.

    Raises:
        UsageError: the file exists, or stdout may not have the table.
        OutputError: the file cannot be written.
    """
    if target is None:
        if not is_text:
            raise UsageError("Parquet is not written to stdout, because it is no text; name a file with -o")
        write_to_stdout(pieces)
        return
    check_new_path(target, force=force)
    write_pieces(Path(target), pieces)
