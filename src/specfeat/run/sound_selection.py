"""Selects the sounds of a run: whole files, the same part of each file, or the segments of tables."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from specfeat.audio.audio_extensions import list_audio_extensions
from specfeat.audio.discovery import FoundSounds, find_sounds
from specfeat.audio.folder_search import check_inputs_exist
from specfeat.audio.inputs.base import STANDARD_INPUT
from specfeat.audio.inputs.copied_sound import CopiedSound
from specfeat.audio.inputs.listing import list_sounds_by_input
from specfeat.audio.path_filter import EVERY_PATH, PathFilter
from specfeat.audio.recording_time import find_recording_time
from specfeat.errors import UsageError
from specfeat.files import to_record_name
from specfeat.output.index import COLUMNS, ID_COLUMN, TIME_COLUMNS
from specfeat.run.selection_options import SoundSelection
from specfeat.segments import read_segments
from specfeat.sound import WHOLE_FILE, RawFormat
from specfeat.text import format_count

LABEL_COLUMN = "label"
RECORDED_AT_COLUMN = "recorded_at"


def select_sounds(
    selection: SoundSelection,
    inputs: Sequence[str],
    listed_inputs: Sequence[str],
    path_filter: PathFilter = EVERY_PATH,
) -> FoundSounds:
    """Find the sounds of a run.

    Args:
        selection: which sounds.
        inputs: files and folders, which must exist.
        listed_inputs: files and folders from a list.
        path_filter: chooses the files in folders; not for segments, because their tables name the files.

    Raises:
        UsageError: an input or a table is wrong.
        NoUsableAudioError: there are no sounds.
    """
    if selection.raw_format and STANDARD_INPUT not in inputs:
        raise UsageError(
            "a raw format is given, and no sound that it is about; give standard input (-) as an input"
        )
    if selection.segments:
        if path_filter != EVERY_PATH:
            raise UsageError(
                "files can be included and excluded only if they are found in folders, and a table of "
                "segments names its files; leave the patterns out"
            )
        check_inputs_exist(inputs)
        all_inputs = (*inputs, *listed_inputs)
        segments = read_segments(
            selection.segments,
            all_inputs,
            list_audio_extensions(),
            (*COLUMNS, *TIME_COLUMNS, ID_COLUMN),
            list_sounds_by_input(inputs, listed_inputs),
        )
        found = FoundSounds(segments.sounds, (), columns=segments.columns, notes=segments.notes)
    else:
        found = find_sounds(inputs, listed_inputs, path_filter)
    time_range = selection.time_range
    if time_range != WHOLE_FILE:
        parts = tuple(replace(sound, part=time_range) for sound in found.sounds)
        found = replace(found, sounds=parts, time_range=time_range)
    if selection.raw_format:
        found = _set_raw_format(found, selection.raw_format)
    if selection.label_from:
        found = _add_labels(found)
    return _add_recording_times(found) if selection.recorded_at else found


def _set_raw_format(found: FoundSounds, raw_format: RawFormat) -> FoundSounds:
    sounds = tuple(
        replace(sound, source=replace(sound.source, raw_format=raw_format))
        if isinstance(sound.source, CopiedSound) and sound.path == STANDARD_INPUT
        else sound
        for sound in found.sounds
    )
    return replace(found, sounds=sounds)


def _add_recording_times(found: FoundSounds) -> FoundSounds:
    """Return the sounds with the times at which their files were recorded, and a note about those without."""
    if RECORDED_AT_COLUMN in found.columns:
        raise UsageError(
            f"the table of segments has a column {RECORDED_AT_COLUMN!r} already, so the times of the files "
            "cannot be in it; rename the column"
        )
    files = {sound.path: sound for sound in found.sounds}
    times = {path: find_recording_time(sound) for path, sound in files.items()}
    sounds = tuple(replace(sound, columns=(*sound.columns, times[sound.path])) for sound in found.sounds)
    missing = sum(not time for time in times.values())
    note = f"{missing} of {format_count(len(times), 'file', 'files')} do not say when they were recorded"
    return replace(
        found,
        sounds=sounds,
        columns=(*found.columns, RECORDED_AT_COLUMN),
        notes=(*found.notes, *((note,) if missing else ())),
    )


def _add_labels(found: FoundSounds) -> FoundSounds:
    if LABEL_COLUMN in found.columns:
        raise UsageError(
            f"the table of segments has a column {LABEL_COLUMN!r} already, so the names of the folders "
            "cannot be the labels; rename the column"
        )
    sounds = tuple(
        replace(sound, columns=(*sound.columns, _get_folder_name(sound.path))) for sound in found.sounds
    )
    return replace(found, sounds=sounds, columns=(*found.columns, LABEL_COLUMN))


def _get_folder_name(path: str) -> str:
    # `Path.resolve` would follow links, and the file behind a link may be in a folder with another name.
    return to_record_name(Path(os.path.abspath(path)).parent.name)  # noqa: PTH100  pathlib follows links
