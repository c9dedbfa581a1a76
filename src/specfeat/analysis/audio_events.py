"""Events: pieces of audio files with a label, as annotation programs show them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioEvent:
    """A piece of an audio file with a label.

    Attributes:
        name: the name of the file, as the index has it.
        start_s: where the event begins, in seconds from the start of the file.
        end_s: where it ends, in seconds from the start of the file.
        label: its label; it may be empty.
        channel: the channel, counted from 0; None if the event belongs to no single channel.
        values: its values in the additional columns of the table, see `EventTable.columns`.
    """

    name: str
    start_s: float
    end_s: float
    label: str = ""
    channel: int | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFile:
    """An audio file to which events can belong.

    Attributes:
        name: the name of the file, as the index has it.
        path: the absolute path of the file, in the form of `files.to_record_name`.
        length_s: the length of the file in seconds; not a number (NaN) if it is not known.
    """

    name: str
    path: str
    length_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTable:
    """Events, and what a table of them needs to know.

    Attributes:
        events: the events, in the order of the table.
        files: all audio files that were searched for events, in order; also those without an event.
        columns: the names of the additional columns.
        number_columns: those of these names whose values are numbers, or empty.
        high_hz: the highest frequency that an event can have, in Hz; tables with frequencies need it.
    """

    events: Sequence[AudioEvent]
    files: Sequence[EventFile]
    columns: tuple[str, ...] = ()
    number_columns: frozenset[str] = frozenset()
    high_hz: float

    def select_file(self, file: EventFile) -> "EventTable":
        """Return the table of the events of one file."""
        events = [event for event in self.events if event.name == file.name]
        return replace(self, events=events, files=[file])
