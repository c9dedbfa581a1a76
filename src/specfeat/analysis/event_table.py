"""Makes tables of the events, and of the scores, of an output."""

import math
import os
from collections.abc import Iterable, Iterator, Sequence

from specfeat.analysis.audio_events import AudioEvent, EventFile, EventTable
from specfeat.analysis.event_formats import encode_lines, format_csv_lines, format_seconds
from specfeat.analysis.event_parquet import Value, format_parquet_lines
from specfeat.analysis.score_summary import ClassScore
from specfeat.analysis.sound_events import SoundEvents
from specfeat.config.settings import Settings
from specfeat.files import to_record_name
from specfeat.output.finished_output import FinishedOutput
from specfeat.output.records import SoundEntry

_TIME_DIGITS = 9  # of a time in seconds; more digits are only rounding errors
_SUMMARY_COLUMNS = (
    *(("path", "string"), ("channel", "int64"), ("start", "float64"), ("end", "float64")),
    *(("label", "string"), ("mean", "float64"), ("max", "float64")),
    *(("max_start", "float64"), ("max_end", "float64")),
)


def make_event_table(output: FinishedOutput, settings: Settings, sounds: Iterable[SoundEvents]) -> EventTable:
    """Return a table with a line for each event, and the mean and the largest of its scores.

    Args:
        output: the output.
        settings: the settings with which it was made.
        sounds: the sounds and their events.
    """
    has_ids = any(entry.id is not None for entry in output.record.files)
    events = [
        AudioEvent(
            name=sound.entry.path,
            start_s=round(event.start_s, _TIME_DIGITS),
            end_s=round(event.end_s, _TIME_DIGITS),
            label=event.label,
            channel=sound.entry.channel,
            values=(
                *([sound.entry.id or ""] if has_ids else []),
                _format_score(event.mean),
                _format_score(event.largest),
            ),
        )
        for sound in sounds
        for event in sound.events
    ]
    return EventTable(
        events=events,
        files=list_event_files(output, settings.audio.sample_rate),
        columns=(*(["id"] if has_ids else []), "mean", "max"),
        number_columns=frozenset({"mean", "max"}),
        high_hz=settings.audio.sample_rate / 2,
    )


def list_event_files(output: FinishedOutput, sample_rate: int) -> list[EventFile]:
    """Return the audio files of an output, in order.

    The length of a file is known if the run has read the whole file.

    Args:
        output: the output.
        sample_rate: the sample rate of its config, in Hz.
    """
    lengths: dict[str, float] = {}
    entry_of_path: dict[str, SoundEntry] = {}
    for entry in output.record.files:
        is_whole = not (entry.is_failure or entry.start_s is not None or entry.end_s is not None)
        length_s = entry.samples / sample_rate if is_whole else math.nan
        entry_of_path.setdefault(entry.path, entry)
        if math.isnan(lengths.get(entry.path, math.nan)):
            lengths[entry.path] = length_s
    return [
        EventFile(
            name=path,
            path=to_record_name(os.path.abspath(output.find_file(entry))),
            length_s=lengths[path],
        )
        for path, entry in entry_of_path.items()
    ]


def _format_score(score: float | None) -> str:
    return "" if score is None else f"{score:.6g}"


def format_summary_csv(summaries: Iterable[tuple[SoundEntry, Sequence[ClassScore]]]) -> Iterator[bytes]:
    """Yield a CSV table with a line for each sound and class.

    Args:
        summaries: the sounds, and the scores of their classes.
    """

    def iterate_lines() -> Iterator[Sequence[str]]:
        yield [name for name, _ in _SUMMARY_COLUMNS]
        for line in _iterate_summary_lines(summaries):
            yield [format_value(value) for value in line]

    return encode_lines(format_csv_lines(iterate_lines()))


def format_value(value: Value) -> str:
    """Return a value as CSV has it: "" for no value, and a number with the digits that give it again."""
    if value is None:
        return ""
    return format_seconds(value) if isinstance(value, float) and math.isfinite(value) else str(value)


def format_summary_parquet(summaries: Iterable[tuple[SoundEntry, Sequence[ClassScore]]]) -> Iterator[bytes]:
    """Yield a Parquet file with a line for each sound and class.

    Args:
        summaries: the sounds, and the scores of their classes.

    Raises:
        InstallError: pyarrow is missing.
    """
    return format_parquet_lines(_SUMMARY_COLUMNS, _iterate_summary_lines(summaries))


def _iterate_summary_lines(
    summaries: Iterable[tuple[SoundEntry, Sequence[ClassScore]]],
) -> Iterator[Sequence[Value]]:
    for entry, scores in summaries:
        for score in scores:
            values = (round(score.mean, _TIME_DIGITS), round(score.largest, _TIME_DIGITS))
            times = (round(score.start_s, _TIME_DIGITS), round(score.end_s, _TIME_DIGITS))
            yield (
                *(entry.path, entry.channel, entry.start_s, entry.end_s, score.label),
                *values,
                *times,
            )
