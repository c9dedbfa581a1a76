"""The rows of a teacher that an earlier run has extracted, for the sounds of a training."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from specfeat.config import Settings
from specfeat.errors import UsageError
from specfeat.files import format_path, from_record_name, wrap_os_errors
from specfeat.output.formats.npy import read_rows_between
from specfeat.output.paths import OutputPaths, make_output_paths
from specfeat.output.previous_run import FinishedSound, PreviousOutput, read_previous_output, verify_output
from specfeat.sound import Sound, SoundPart
from specfeat.training.array_cache import ArrayStreams
from specfeat.training.training_data import TrainingData

# A file and the start and end of the part, in seconds. A record and a training can write the path of one file
# in different ways, so this has the absolute path.
_Place = tuple[str, float | None, float | None]


@dataclass(frozen=True, slots=True)
class OutputTeacher:
    """A teacher whose rows are in an output.

    Attributes:
        paths: the files of the output.
        width: the number of values in a row.
        array_sha256: the SHA-256 of the array.
    """

    paths: OutputPaths
    width: int
    array_sha256: str
    _sounds: Mapping[_Place, FinishedSound]

    def describe(self) -> dict[str, Any]:
        """Return the hash of the array."""
        return {"array": self.array_sha256}

    def stream_rows(self, sounds: Sequence[Sound]) -> ArrayStreams:
        """Yield the rows of sounds of the training, in order."""
        for sound in sounds:
            yield sound, self._read_rows(self._sounds[_get_place(sound.path, sound.part)])

    def _read_rows(self, finished: FinishedSound) -> Iterator[NDArray[np.float32]]:
        with wrap_os_errors(finished.rows_path, "read"):
            for rows in read_rows_between(finished.rows_path, finished.first_row, finished.entry.rows):
                yield rows.astype(np.float32, copy=False)


def load_output_teacher(output: str, settings: Settings, data: TrainingData) -> OutputTeacher:
    """Read which rows an output has, and check that they belong to the clips of a training.

    Args:
        output: the path of the array.
        settings: the settings of the config that is trained.
        data: the sounds of the training.

    Raises:
        UsageError: the output is not complete or was changed, its clips begin at other times, a sound has no
            rows in it, or a sound has changed since.
        OutputError: the output cannot be read.
    """
    paths = make_output_paths(output)
    try:
        previous = read_previous_output(paths)
        verify_output(previous, paths)
    except UsageError as e:
        raise UsageError(f"{e}; extract the features of this teacher again") from None
    name = format_path(output)
    if previous.stored_array is not None:  # other formats can only be read from the start
        raise UsageError(f"{name}: the features of a teacher must be a .npy file; write them in this format")
    _check_clips(name, _read_settings(name, previous), settings)
    sounds = _find_sounds(previous)
    for labeled in data.sounds:
        _check_sound(name, labeled.sound, sounds.get(_get_place(labeled.sound.path, labeled.sound.part)))
    return OutputTeacher(paths, previous.provenance.width, previous.record.array.sha256, sounds)


def _read_settings(name: str, previous: PreviousOutput) -> Settings:
    """Return the settings with which the rows were extracted."""
    try:
        return Settings.model_validate(previous.provenance.config.resolved, strict=False)
    except ValidationError:
        raise UsageError(
            f"{name}: its record has settings that this version of specfeat does not know; "
            "extract the features of this teacher again"
        ) from None


def _check_clips(name: str, settings: Settings, trained: Settings) -> None:
    """Check that row k of a sound belongs to the clip that begins where clip k of the training begins.

    The clips of the teacher may be longer or shorter, as those of a teacher whose rows are computed.
    """
    # The hop is compared as a fraction, because seconds are rounded.
    hop, wanted_hop = (Fraction(s.clip_grid.hop_samples, s.audio.sample_rate) for s in (settings, trained))
    for key, value, wanted in (
        ("a hop of", hop, wanted_hop),
        ("edges:", settings.clips.edges, "cut"),
        ("tail:", settings.clips.tail, trained.clips.tail),
        ("short:", settings.clips.short, trained.clips.short),
        ("a row per", settings.rows.per, "clip"),
    ):
        if value != wanted:
            raise UsageError(
                f"{name}: its clips have {key} {_format_value(value)}, and the config that is trained needs "
                f"{key} {_format_value(wanted)}; extract the features of this teacher with such clips"
            )


def _format_value(value: Fraction | str) -> str:
    return f"{float(value):g} s" if isinstance(value, Fraction) else value


def _find_sounds(previous: PreviousOutput) -> dict[_Place, FinishedSound]:
    folder = previous.record.folder or ""
    return {
        _get_place(
            os.path.join(folder, from_record_name(finished.entry.path)), finished.entry.key.part
        ): finished
        for finished in previous.list_finished_sounds()
        if finished.entry.channel is None
    }


def _get_place(path: str, part: SoundPart) -> _Place:
    return os.path.abspath(path), part.start_s, part.end_s


def _check_sound(name: str, sound: Sound, finished: FinishedSound | None) -> None:
    path = format_path(sound.path)
    if finished is None:
        raise UsageError(
            f"{name}: has no rows for {path}; extract the features of all sounds of the training"
        )
    if finished.entry.file != sound.file:
        raise UsageError(f"{name}: {path} has changed since its rows were extracted; extract them again")
