"""The interface of objects that are told how a training proceeds: a terminal, a log, a program."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from specfeat.sound import Sound
    from specfeat.training.checkpoints import TrainingProgress
    from specfeat.training.summary import TrainingSummary
    from specfeat.training.training_data import TrainingData


class TrainingListener(Protocol):
    """Hears how a training proceeds.

    An exception that a method raises ends the training; the checkpoints are kept.
    """

    def on_data(self, data: "TrainingData") -> None:
        """Hear which sounds and classes there are. All cheap checks have passed."""

    def on_note(self, text: str) -> None:
        """Hear one sentence that the user should know."""

    def on_stage(self, name: str, total: int) -> None:
        """Hear that a stage before the steps begins, "clips" or "teacher", and how many sounds it has.

        A sound counts once for each of its variants.
        """

    def on_sound(self, sound: "Sound") -> None:
        """Hear that a stage is done with one more sound."""

    def on_start(self, progress: "TrainingProgress", steps: int, epochs: int) -> None:
        """Hear that the steps begin: how many an epoch has, and how many epochs there are."""

    def on_step(self, progress: "TrainingProgress", logs: Mapping[str, float]) -> None:
        """Hear that a step is done; the logs are the means of the epoch so far."""

    def on_epoch(self, progress: "TrainingProgress", logs: Mapping[str, float]) -> None:
        """Hear that an epoch is done and saved."""

    def on_results(self, summary: "TrainingSummary", folder: "Path") -> None:
        """Hear that the results are written."""


class SilentTrainingListener:
    """A listener that does nothing; subclass it to hear only some of the events."""

    def on_data(self, data: "TrainingData") -> None:
        """Do nothing."""

    def on_note(self, text: str) -> None:
        """Do nothing."""

    def on_stage(self, name: str, total: int) -> None:
        """Do nothing."""

    def on_sound(self, sound: "Sound") -> None:
        """Do nothing."""

    def on_start(self, progress: "TrainingProgress", steps: int, epochs: int) -> None:
        """Do nothing."""

    def on_step(self, progress: "TrainingProgress", logs: Mapping[str, float]) -> None:
        """Do nothing."""

    def on_epoch(self, progress: "TrainingProgress", logs: Mapping[str, float]) -> None:
        """Do nothing."""

    def on_results(self, summary: "TrainingSummary", folder: "Path") -> None:
        """Do nothing."""
