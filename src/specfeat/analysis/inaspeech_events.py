"""Finds events with the decoding of inaSpeechSegmenter in a whole output."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.analysis.event_detection import ScoreEvent, make_event
from specfeat.analysis.frame_energy import read_log_energies
from specfeat.analysis.inaspeech import (
    ACTIVITY_DECODERS,
    GENDER_DECODER,
    NO_ENERGY,
    NON_FINITE_SCORE,
    ClassDecoder,
    LabelledRows,
    find_active_frames,
    find_silent_rows,
    split_by_energy,
    split_by_scores,
)
from specfeat.analysis.output_settings import read_output_settings
from specfeat.analysis.row_times import RowTimes, iterate_row_times
from specfeat.analysis.sound_events import SoundEvents
from specfeat.config.settings import Settings
from specfeat.errors import UsageError
from specfeat.files import format_path
from specfeat.output.feature_columns import list_labels
from specfeat.output.finished_output import FinishedOutput
from specfeat.output.records import SoundEntry
from specfeat.text import join_names


@dataclass(frozen=True, slots=True)
class _ScoreSource:
    """The scores of one network.

    Attributes:
        rows: all rows of the network's output.
        columns: the columns of its classes.
        decoder: its classes.
        label: the label of the segments that are divided into these classes.
        first_rows: for each sound, the first of its rows.
    """

    rows: NDArray[Any]
    columns: list[int]
    decoder: ClassDecoder
    label: str
    first_rows: list[int]


def iterate_inaspeech_events(
    output: FinishedOutput,
    names: tuple[str, ...],
    gender_output: FinishedOutput | None,
    labels: tuple[str, ...] = (),
) -> Iterator[SoundEvents]:
    """Yield the segments of each sound that has rows, in the order of the output.

    The segments of a sound follow each other without gaps: "noEnergy", and the classes of the network. If the
    rows of the network for the gender are given, "speech" is divided into "female" and "male".

    Args:
        output: the scores of speech and music, or of speech, music and noise. Columns without names are taken
            in this order.
        names: a name for each column of this output, which replaces the names in its record; empty to use
            those.
        gender_output: the scores of female and male of the same sounds; None to leave speech undivided.
        labels: the labels whose segments are kept, e.g. "music" or "noEnergy"; empty for all.

    Raises:
        UsageError: the outputs do not have such scores or such rows, or an audio file is missing or has
            changed.
        OutputError: an output cannot be read.
    """
    columns, decoder = _find_decoder(output, names, ACTIVITY_DECODERS)
    settings = _read_settings(output)
    first_rows = _find_rows(output, output)
    sources = [_ScoreSource(output.load_rows(), columns, decoder, "energy", first_rows)]
    if gender_output is not None:
        columns, gender_decoder = _find_decoder(gender_output, (), (GENDER_DECODER,))
        first_rows = _find_rows(output, gender_output)
        sources.append(_ScoreSource(gender_output.load_rows(), columns, gender_decoder, "speech", first_rows))
    known_labels = (*(label for source in sources for label in source.decoder.labels), NO_ENERGY)
    for label in labels:
        if label not in known_labels:
            raise UsageError(f"there is no class {label!r}; the classes are {join_names(known_labels)}")
    sounds = _iterate_sounds(settings, output, sources)
    return _keep_labels(sounds, {*(labels or known_labels)})


def _keep_labels(sounds: Iterator[SoundEvents], labels: set[str]) -> Iterator[SoundEvents]:
    for sound in sounds:
        yield SoundEvents(sound.entry, tuple(event for event in sound.events if event.label in labels))


def _find_decoder(
    output: FinishedOutput, names: tuple[str, ...], decoders: tuple[ClassDecoder, ...]
) -> tuple[list[int], ClassDecoder]:
    """Return the decoder whose classes the columns of an output have, and their columns in its order.

    Raises:
        UsageError: there is no such decoder.
    """
    labels = names or list_labels(output.record.provenance)
    for decoder in decoders:
        if output.width == len(decoder.labels) == len(labels or decoder.labels):
            if not labels:  # the shipped config has no names of classes
                return [*range(output.width)], decoder
            if {*labels} == {*decoder.labels}:
                return [labels.index(label) for label in decoder.labels], decoder
    wanted = join_names([join_names(decoder.labels) for decoder in decoders], "or of")
    raise UsageError(
        f"{format_path(str(output.paths.array))}: has no scores of {wanted}; extract them with the config "
        "inaspeech and the weights of its authors"
    )


def _read_settings(output: FinishedOutput) -> Settings:
    settings = read_output_settings(output)
    if settings.clips.edges != "repeat" or settings.rows.per != "clip":
        raise UsageError(
            f"{format_path(str(output.paths.array))}: does not have a row for each hop of the audio; the "
            "decoding of inaSpeechSegmenter needs the clips of the config inaspeech (edges: repeat)"
        )
    return settings


def _find_rows(output: FinishedOutput, other: FinishedOutput) -> list[int]:
    """Return for each sound of an output that has rows the first of its rows in another output.

    Raises:
        UsageError: the other output does not have such a sound, or has other rows of it.
    """
    counts = [entry.rows for entry in other.record.files]
    places = {
        entry.key: (entry, first)
        for entry, first in zip(other.record.files, accumulate(counts, initial=0), strict=False)
    }
    name, other_name = (format_path(str(each.paths.array)) for each in (output, other))
    hop, other_hop = (_read_settings(each).clip_grid.hop_samples for each in (output, other))
    firsts = []
    for entry in output.record.files:
        found, first = places.get(entry.key, (None, 0))
        if entry.rows and (
            found is None
            or (found.rows, found.samples, found.size) != (entry.rows, entry.samples, entry.size)
            or hop != other_hop
        ):
            raise UsageError(
                f"{other_name}: does not have the rows of {format_path(entry.path)} that {name} has; extract "
                "both from the same files, with clips of the same length and hop"
            )
        if entry.rows:
            firsts.append(first)
    return firsts


def _iterate_sounds(
    settings: Settings, output: FinishedOutput, sources: list[_ScoreSource]
) -> Iterator[SoundEvents]:
    for number, (entry, times) in enumerate(iterate_row_times(output, settings)):
        log_energies = read_log_energies(output, settings, entry)
        if settings.clip_grid.drops_end_frame:  # the clips do not have the frames that begin no whole hop
            log_energies = log_energies[: entry.samples // settings.spectrogram.hop_length]
        groups = split_by_energy(_get_active_rows(output, settings, entry, log_energies))
        is_silent = _find_silent_rows(settings, entry, times, log_energies)
        scores_of_label: dict[str, NDArray[np.float32]] = {}
        for source in sources:
            first = source.first_rows[number]
            scores = _read_scores(source.rows[first : first + entry.rows], source.columns, is_silent)
            groups = split_by_scores(groups, source.label, scores, source.decoder)
            scores_of_label |= {name: scores[:, k] for k, name in enumerate(source.decoder.labels)}
        yield SoundEvents(entry, tuple(_make_event(group, times, scores_of_label) for group in groups))


def _get_active_rows(
    output: FinishedOutput, settings: Settings, entry: SoundEntry, log_energies: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Return whether the first frame of each row's hop has energy, shape (rows,)."""
    is_active = find_active_frames(log_energies)[:: settings.clip_grid.hop_frames]
    if not len(is_active):  # a sound that is shorter than a frame has one row
        is_active = np.zeros(1, bool)
    if len(is_active) != entry.rows:
        path = format_path(str(output.find_file(entry)))
        raise UsageError(f"{path}: has changed since its rows were extracted; extract them again")
    return is_active


def _find_silent_rows(
    settings: Settings, entry: SoundEntry, times: RowTimes, log_energies: NDArray[np.float32]
) -> NDArray[np.bool_]:
    starts_s = times.clip_starts - (entry.start_s or 0.0)
    hop_s = settings.spectrogram.hop_length / settings.audio.sample_rate
    clip_frames = np.rint(starts_s / hop_s).astype(np.int64)
    return find_silent_rows(log_energies, clip_frames, settings.clip_grid.frames)


def _read_scores(rows: NDArray[Any], columns: list[int], is_silent: NDArray[np.bool_]) -> NDArray[np.float32]:
    scores: NDArray[np.float32] = np.array(rows[:, columns], np.float32)  # a copy, which can be changed
    scores[is_silent] = NON_FINITE_SCORE
    return scores


def _make_event(
    group: LabelledRows, times: RowTimes, scores_of_label: dict[str, NDArray[np.float32]]
) -> ScoreEvent:
    start_s, end_s = float(times.starts[group.first]), float(times.ends[group.end - 1])
    if group.label not in scores_of_label:
        return ScoreEvent(group.label, start_s, end_s, None, None)
    return make_event(group.label, start_s, end_s, scores_of_label[group.label][group.first : group.end])
