"""Checkpoints of a training: written completely or not at all, the two newest are kept."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.atomic_file import AtomicFile
from specfeat.errors import OutputError
from specfeat.file_access import sync_folder
from specfeat.files import describe_os_error, format_path

KEPT = 2  # the newest checkpoints that are not removed
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, EOFError)  # of a damaged file
_STATE = "state"  # the name of the array with the JSON text of the progress


@dataclass(slots=True)
class TrainingProgress:
    """How far a training is, without the weights.

    Attributes:
        epoch: the number of the epoch that the next step belongs to, from 0.
        step: the number of the next step in the epoch, from 0.
        best_value: the best value of the monitored metric so far; None before the first epoch ends.
        best_epoch: the epoch with the best value, from 0.
        epochs_without_gain: how many epochs have ended since the best epoch.
        was_stopped_early: whether `train.stop`, or a callback that sets `stop_training`, has ended the
            training.
        history: the values of each epoch that has ended, by name.
    """

    epoch: int = 0
    step: int = 0
    best_value: float | None = None
    best_epoch: int = 0
    epochs_without_gain: int = 0
    was_stopped_early: bool = False
    history: list[dict[str, float]] = field(default_factory=list)


class CheckpointFolder:
    """The checkpoints of one training.

    Args:
        folder: the folder, which exists and which no other training uses.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, progress: TrainingProgress, variables: Sequence[Any]) -> None:
        """Write a checkpoint, and remove all but the newest two.

        Args:
            progress: how far the training is.
            variables: Keras' variables with everything else that a step changes.

        Raises:
            OutputError: the disk cannot be written; the older checkpoints stay.
        """
        path = self._folder / f"checkpoint-{progress.epoch:07d}-{progress.step:09d}.npz"
        arrays = {_STATE: _encode(asdict(progress)), **_number_arrays(variables)}
        _write_arrays(path, arrays, "the checkpoint before it is kept")
        for old in self._list_paths()[:-KEPT]:
            old.unlink(missing_ok=True)

    def load(self, variables: Sequence[Any]) -> tuple[TrainingProgress | None, list[str]]:
        """Set the variables to the newest checkpoint that can be read.

        Returns:
            How far the training is, or None if there is no checkpoint; and a sentence for each damaged one.

        Raises:
            OutputError: there are checkpoints, but all of them are damaged.
        """
        notes = []
        for path in reversed(self._list_paths()):
            try:
                state = _read_arrays(path, variables)
            except _UNREADABLE as e:
                notes.append(
                    f"{format_path(str(path))}: the checkpoint is damaged ({e}); the one before it is used"
                )
                continue
            return TrainingProgress(**state), notes
        if notes:
            raise OutputError(
                f"{format_path(str(self._folder))}: all checkpoints are damaged; remove the folder"
            )
        return None, notes

    def save_best(self, epoch: int, variables: Sequence[Any]) -> None:
        """Write the best weights.

        Args:
            epoch: the epoch after which the network had these weights, from 0.
            variables: Keras' variables with the weights and averages of the network.

        Raises:
            OutputError: the disk cannot be written; the older file stays.
        """
        arrays = {_STATE: _encode({"epoch": epoch}), **_number_arrays(variables)}
        _write_arrays(self._best_path, arrays, "the best weights before them are kept")

    def load_best(self, variables: Sequence[Any]) -> None:
        """Set the variables to the best weights, if there are any.

        Raises:
            OutputError: the file is damaged.
        """
        if not self._best_path.exists():
            return
        try:
            _read_arrays(self._best_path, variables)
        except _UNREADABLE as e:
            raise OutputError(
                f"{format_path(str(self._best_path))}: is damaged ({e}); train again from the start"
            ) from e

    @property
    def _best_path(self) -> Path:
        return self._folder / "best.npz"

    def _list_paths(self) -> list[Path]:
        """Return the checkpoints, the oldest first; their names sort by epoch and step."""
        return sorted(self._folder.glob("checkpoint-*.npz"))


def _number_arrays(variables: Sequence[Any]) -> dict[str, NDArray[Any]]:
    return {f"{number:05d}": np.asarray(variable) for number, variable in enumerate(variables)}


def _encode(state: Mapping[str, object]) -> NDArray[Any]:
    return np.frombuffer(json.dumps(state).encode(), np.uint8)


def _write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], consequence: str) -> None:
    """Write a file completely or not at all.

    Args:
        path: the file.
        arrays: the arrays by their names in the file.
        consequence: the end of the message if the disk cannot be written: what is still there.

    Raises:
        OutputError: the disk cannot be written.
    """
    with AtomicFile(path) as file:
        try:
            # No array has the name of the parameter `allow_pickle`, which mypy cannot know.
            np.savez(file.file, **dict(arrays))  # type: ignore[arg-type]
        except OSError as e:
            raise OutputError(
                f"{format_path(str(path))}: cannot be written: {describe_os_error(e)}; {consequence}"
            ) from e
        file.sync()
        file.finish()
    sync_folder(path.parent)


def _read_arrays(path: Path, variables: Sequence[Any]) -> dict[str, Any]:
    """Read a whole file before the first variable is set, so that a damaged one changes nothing."""
    # NumPy itself does not close a file that is no archive.
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        state: dict[str, Any] = json.loads(file[_STATE].tobytes())
        values = [file[f"{number:05d}"] for number in range(len(variables))]
        if len(file.files) != len(variables) + 1:
            raise ValueError("it has another number of arrays than the network")
    for variable, value in zip(variables, values, strict=True):
        if tuple(variable.shape) != value.shape:
            raise ValueError(f"an array has the shape {value.shape}, the network {tuple(variable.shape)}")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return state
