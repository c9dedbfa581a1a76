"""Makes the sounds of a run from tables of segments."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

from specfeat.errors import NoUsableAudioError, Remedy, UsageError
from specfeat.files import format_path, identify_file
from specfeat.segments.base import SegmentTable, format_place
from specfeat.segments.file_search import FileSearch
from specfeat.segments.formats import find_segment_format
from specfeat.sound import Sound, SoundPart
from specfeat.text import format_count, suggest_free_name

RENAMED_PREFIX = "table_"  # before the name of a column that the index has itself


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOptions:
    """Where the segments of a run are.

    Attributes:
        tables: the paths of the tables.
        format: the name of their format; None to recognise it.
        columns: for some of the fields of a segment (`segments.base.FIELDS`), the name of the column.
    """

    tables: tuple[str, ...]
    format: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSounds:
    """The sounds of tables of segments.

    Attributes:
        sounds: the sounds, in the order of the lines.
        columns: the names of the columns of which each sound has a value.
        notes: what the user should know, each a whole sentence.
    """

    sounds: tuple[Sound, ...]
    columns: tuple[str, ...]
    notes: tuple[str, ...]


def read_segments(
    options: SegmentOptions,
    inputs: Sequence[str],
    extensions: Collection[str],
    used_names: Sequence[str],
    sounds_by_input: Mapping[str, Sequence[Sound]] = MappingProxyType({}),
) -> SegmentSounds:
    """Read tables of segments.

    Whether a file exists, and whether it has the part, shows when it is read: then this segment fails, and no
    other.

    Args:
        options: where the segments are.
        inputs: files, and folders, in which the files of the tables are searched.
        extensions: the extensions of audio files, in lower case and without the dot.
        used_names: the names of the columns that the index has itself.
        sounds_by_input: the sounds of those inputs that are archives. They are searched as folders are.

    Raises:
        UsageError: a table cannot be read, or names a segment twice, or none of its files exists.
        NoUsableAudioError: the tables have no segments.
    """
    members = {sound.path: sound for sounds in sounds_by_input.values() for sound in sounds}
    reader = _SegmentReader(used_names, members)
    for name in options.tables:
        path = Path(name)
        table = find_segment_format(path, options.format).read_table(path, options.columns)
        reader.read_table(path, table, FileSearch(inputs, path, extensions, sounds_by_input))
    names = ", ".join(map(format_path, options.tables))
    if not reader.sounds:
        raise NoUsableAudioError(f"{names}: has no segments; give one line for each segment")
    paths = {sound.path for sound in reader.sounds}
    if not any(path in members or os.path.lexists(path) for path in paths if "\0" not in path):
        first = reader.sounds[0].path
        raise UsageError(
            f"{names}: none of the files exists, e.g. {format_path(first)}; names are relative to the "
            "inputs, to the folder of the table or to the current folder"
        )
    return SegmentSounds(
        sounds=reader.fill_columns(), columns=tuple(reader.columns.values()), notes=tuple(reader.notes)
    )


class _SegmentReader:
    """Collects the sounds of tables.

    Args:
        used_names: the names of the columns that the index has itself.
        members: the sounds in archives, by their paths.

    Attributes:
        sounds: the sounds. Sounds of the first tables may lack values of columns that only later tables have.
        columns: for each column of the tables, its name in the index.
        notes: see `SegmentSounds`.
    """

    def __init__(self, used_names: Sequence[str], members: Mapping[str, Sound]) -> None:
        self.sounds: list[Sound] = []
        self.columns: dict[str, str] = {}
        self.notes: list[str] = []
        self._members = members
        self._used_names = {name.lower() for name in used_names}
        self._identify_file = cache(identify_file)
        self._make_absolute = cache(os.path.abspath)
        self._places: dict[tuple[str, SoundPart], tuple[Path, int]] = {}  # the line of each sound

    def read_table(self, path: Path, table: SegmentTable, search: FileSearch) -> None:
        """Add the sounds of a table."""
        numbers = [self._find_column(name) for name in table.columns]
        is_same_order = numbers == list(range(len(numbers)))
        own_file: str | None = None
        first_sound = len(self.sounds)
        for line in table.lines:
            if line.paths:
                file = search.find_file(line.paths)
            else:
                file = own_file = own_file or search.find_own_file()
            self._check_is_new(file, line.part, path, line.number)
            values = line.values
            if not is_same_order:
                values_by_column = dict(zip(numbers, values, strict=True))
                values = tuple(values_by_column.get(number, "") for number in range(len(self.columns)))
            self.sounds.append(self._make_sound(file, line.part, values))
        if not table.has_times and len(self.sounds) > first_sound:
            count = format_count(len(self.sounds) - first_sound, "line", "lines")
            self.notes.append(
                f"{format_path(str(path))}: no column says where a segment begins or ends, so each of its "
                f"{count} is a whole file"
            )

    def _make_sound(self, file: str, part: SoundPart, values: tuple[str, ...]) -> Sound:
        if member := self._members.get(file):
            return replace(member, part=part, columns=values)
        return Sound(file, part, self._identify_file(file), values)

    def fill_columns(self) -> tuple[Sound, ...]:
        """Return the sounds, each with a value for each column."""
        count = len(self.columns)
        return tuple(
            sound
            if len(sound.columns) == count
            else replace(sound, columns=sound.columns + ("",) * (count - len(sound.columns)))
            for sound in self.sounds
        )

    def _find_column(self, name: str) -> int:
        """Return the number of a column in the index, after those that the index has itself."""
        if name not in self.columns:
            is_used = name.lower() in self._used_names
            new_name = f"{RENAMED_PREFIX}{name}" if is_used else name
            self.columns[name] = suggest_free_name(new_name, self.columns.values())
        return list(self.columns).index(name)

    def _check_is_new(self, file: str, part: SoundPart, table: Path, number: int) -> None:
        """Check that no line before this one has the same segment.

        Raises:
            UsageError: a line before this one has it.
        """
        key = (self._make_absolute(file), part)
        if key in self._places:
            other_table, other_number = self._places[key]
            is_same_table = other_table == table
            other_line = f"line {other_number}" if is_same_table else format_place(other_table, other_number)
            raise UsageError(
                f"{format_place(table, number)}: has the same file, times, channel and id as {other_line}; "
                "keep one of the lines",
                remedy=Remedy.NAME_ID_COLUMN,
            )
        self._places[key] = (table, number)
