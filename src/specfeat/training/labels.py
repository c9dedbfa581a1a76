"""The sounds to train with, and their labels: from a table, or from the names of folders."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from specfeat.audio.discovery import find_sounds
from specfeat.config.train import Labels
from specfeat.delimited_text import find_delimiter, read_delimited_lines
from specfeat.errors import UsageError
from specfeat.files import format_path
from specfeat.sound import Sound, SoundPart, make_part_sound
from specfeat.text import suggest_name

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class LabeledSound:
    """A sound to train with.

    Attributes:
        sound: the sound.
        labels: the labels of the sound; empty if it has no label.
        name: the path of the file, relative to the input, or as the table has it.
        part: "train", "validation" or "test" if the table says so; "" if it does not.
        columns: the text of each column of its line in the table; None without a table.
    """

    sound: Sound
    labels: tuple[str, ...]
    name: str
    part: str = ""
    columns: Mapping[str, str] | None = None


def read_labeled_sounds(inputs: Sequence[str], labels: Labels, *, needs_labels: bool) -> list[LabeledSound]:
    """Find the sounds in the inputs, with their labels.

    Args:
        inputs: audio files and folders.
        labels: the settings that say where the labels come from.
        needs_labels: whether each sound needs a label. If not, the sounds get no labels, and the table needs
            no column for them.

    Raises:
        UsageError: an input does not exist, the table cannot be read, or a label is missing.
        NoUsableAudioError: the inputs contain no audio.
    """
    if labels.file is not None:
        return _read_table(Path(labels.file), inputs, labels, needs_labels=needs_labels)
    sounds = []
    for sound in find_sounds(inputs).sounds:
        name = _find_name(sound.path, inputs)
        label, slash, _ = name.partition("/")
        if needs_labels and not slash:
            raise UsageError(
                f"{format_path(sound.path)}: is in no folder below the input, so it has no label; "
                "put each file into a folder with the name of its label, or give a table of labels"
            )
        sounds.append(LabeledSound(sound, (label,) if needs_labels else (), name))
    return sounds


def _find_name(path: str, inputs: Sequence[str]) -> str:
    """Return the path of a file relative to the input that it is in; of an input, the file's name."""
    for folder in inputs:
        prefix = f"{folder.rstrip('/')}/"
        if path.startswith(prefix):
            return path.removeprefix(prefix).lstrip("/")
    return os.path.basename(path)


def _read_table(
    table: Path, inputs: Sequence[str], labels: Labels, *, needs_labels: bool
) -> list[LabeledSound]:
    sounds: list[LabeledSound] = []
    seen: dict[tuple[str, SoundPart], int] = {}
    for number, line in _read_lines(table, labels, needs_labels=needs_labels):
        place = f"{format_path(str(table))}: line {number}"
        sound = _read_line(line, place, _find_file(line[labels.path], inputs, table.parent), labels)
        names = _read_labels(line, place, labels) if needs_labels else ()
        sound = replace(sound, labels=names)
        key = (os.path.abspath(sound.sound.path), sound.sound.part)
        if key in seen:
            raise UsageError(f"{place}: names the sound of line {seen[key]} again; keep one of the lines")
        seen[key] = number
        sounds.append(sound)
    if not sounds:
        raise UsageError(
            f"{format_path(str(table))}: has no lines after the header; give one line for each sound"
        )
    if not any(os.path.exists(sound.sound.path) for sound in sounds):
        first = sounds[0].sound.path
        raise UsageError(
            f"{format_path(str(table))}: none of its {len(sounds)} files exists, e.g. {format_path(first)}; "
            "paths are relative to the input folder, the folder of the table or the current folder"
        )
    return sounds


def _read_line(line: Mapping[str, str], place: str, path: str, labels: Labels) -> LabeledSound:
    """Return the sound of one line of the table.

    Args:
        line: the text of each column.
        place: the table and the number of the line, for messages.
        path: the path of the file.
        labels: the names of the columns.

    Raises:
        UsageError: a value of the line is wrong.
    """
    start, end = (_read_seconds(line, column, place) for column in (labels.start, labels.end))
    if end is not None and end <= (start or 0.0):
        raise UsageError(f"{place}: {labels.end} is {end:g}, which is not after {labels.start}")
    split_part = line.get(labels.split, "").strip().lower()
    if split_part and split_part not in PARTS:
        raise UsageError(f"{place}: {labels.split} is {split_part!r}; give one of {', '.join(PARTS)}")
    sound = make_part_sound(path, SoundPart(start_s=start, end_s=end))
    return LabeledSound(sound, (), os.path.normpath(line[labels.path]), split_part, line)


def _read_labels(line: Mapping[str, str], place: str, labels: Labels) -> tuple[str, ...]:
    """Return the labels of one line of the table.

    Raises:
        UsageError: the label is missing, and a sound needs one.
    """
    texts = line[labels.label].split(labels.separator) if labels.multi else [line[labels.label]]
    names = tuple(dict.fromkeys(text.strip() for text in texts if text.strip()))
    if not names and not labels.multi:
        raise UsageError(f"{place}: has no label; fill in the column {labels.label!r}")
    return names


def _read_lines(table: Path, labels: Labels, *, needs_labels: bool) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each line of the table as a mapping from column to text, with its number.

    Raises:
        UsageError: the table cannot be read, or lacks the column of the paths or the labels.
    """
    name = format_path(str(table))
    lines = read_delimited_lines(table, "the table of labels", find_delimiter(table))
    columns = next(lines, (0, []))[1]
    for column, key in ((labels.path, "path"), (labels.label, "label")):
        if column not in columns and (key == "path" or needs_labels):
            raise UsageError(
                f"{name}: has no column {column!r}{suggest_name(column, columns)}; it has "
                f"{', '.join(columns) or 'no header line'}; name the column with train.labels.{key}"
            )
    for number, values in lines:
        yield number, dict(zip(columns, values, strict=True))


def _find_file(text: str, inputs: Sequence[str], table_folder: Path) -> str:
    """Return the path of a file that the table names: below an input, the table's or the current folder.

    The paths in the split.csv of an earlier training are relative to the current folder.
    """
    candidates = [os.path.join(folder, text) for folder in (*inputs, str(table_folder), "")]
    return next((path for path in candidates if os.path.exists(path)), candidates[0])


def _read_seconds(line: Mapping[str, str], column: str, place: str) -> float | None:
    text = line.get(column, "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise UsageError(f"{place}: {column} is {text[:40]!r}; give a time in seconds, 0 or more")
    return seconds
