"""Epochs and steps: training, validation, early stopping, checkpoints."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from specfeat.config.train import Train
from specfeat.errors import TrainingError
from specfeat.tensorflow_runtime import keras
from specfeat.text import suggest_name
from specfeat.training.checkpoints import CheckpointFolder, TrainingProgress
from specfeat.training.clip_dataset import ClipDataset, StepSampler
from specfeat.training.evaluation import evaluate_dataset
from specfeat.training.read_ahead import read_ahead
from specfeat.training.schedule import compute_schedule

if TYPE_CHECKING:
    from specfeat.training.listener import TrainingListener
    from specfeat.training.model import TrainingModel

CLASS_VALUES = ("val_accuracy", "val_mean_average_precision")  # of the sounds for validation, for `classify`
# A value whose name has one of these words is better when it is larger; all others, such as losses, when they
# are smaller.
_RISING_WORDS = ("accuracy", "precision", "recall", "auc", "cosine")


class TrainingLoop:
    """Trains a model to its last epoch, from the newest checkpoint if there is one.

    Args:
        model: the model.
        train: the settings of the training.
        datasets: the clips of the part "train", and of the part "validation" if there is one.
        checkpoints: the folder of the checkpoints.
        listener: the object that is told how the training proceeds.
        callbacks: Keras' callbacks of the caller.
    """

    def __init__(
        self,
        model: "TrainingModel",
        train: Train,
        datasets: Mapping[str, ClipDataset],
        checkpoints: CheckpointFolder,
        listener: "TrainingListener",
        callbacks: Sequence[Any] = (),
    ) -> None:
        self._model = model
        self._train = train
        self._sampler = StepSampler(datasets["train"], train)
        self._validation = datasets.get("validation")
        self._checkpoints = checkpoints
        self._listener = listener
        self._callbacks = keras.callbacks.CallbackList(list(callbacks), model=model.keras_model)
        self._progress = TrainingProgress()

    def run_epochs(self) -> TrainingProgress:
        """Train up to the last epoch, from the newest checkpoint if there is one.

        Raises:
            TrainingError: the loss is not finite any more (the checkpoints before it are kept); or there is
                no value of the name `train.stop.monitor`.
            OutputError: a checkpoint cannot be written.
        """
        model = self._model
        model.trace_step(next(self._sampler.read_epoch(0)))
        self._check_monitored_name()
        saved_progress, notes = self._checkpoints.load(model.state_variables)
        for note in notes:
            self._listener.on_note(note)
        if saved_progress is None:
            self._save()
        else:
            self._progress = saved_progress
        self._listener.on_start(self._progress, self._sampler.steps, self._train.epochs)
        model.keras_model.stop_training = False
        self._callbacks.on_train_begin()
        while self._progress.epoch < self._train.epochs and not self._progress.was_stopped_early:
            self._run_epoch()
        self._callbacks.on_train_end()
        return self._progress

    def _run_epoch(self) -> None:
        progress, model = self._progress, self._model
        if progress.step == 0:
            model.reset_metrics()
        self._callbacks.on_epoch_begin(progress.epoch)
        saved_at = time.monotonic()
        for batch in read_ahead(self._sampler.read_epoch(progress.epoch, progress.step)):
            model.set_learning_rate(self._compute_learning_rate())
            model.limit_momenta(progress.epoch * self._sampler.steps + progress.step)
            self._callbacks.on_train_batch_begin(progress.step)
            logs = model.train_step(batch)
            self._check_finite(logs)
            self._callbacks.on_train_batch_end(progress.step, logs)
            progress.step += 1
            self._listener.on_step(progress, logs)
            if time.monotonic() - saved_at >= self._train.checkpoint_s:
                self._save()
                saved_at = time.monotonic()
        # The metrics are not taken from the last step: a training that continues from a checkpoint after the
        # last step of an epoch does no step in this call.
        logs = {**model.read_metrics(), **self._validate()}
        self._check_finite(logs)
        self._callbacks.on_epoch_end(progress.epoch, logs)
        self._end_epoch(logs)

    def _end_epoch(self, logs: dict[str, float]) -> None:
        progress, stop = self._progress, self._train.stop
        progress.history.append({"learning_rate": self._model.learning_rate, **logs})
        if self._is_better(logs):
            progress.best_value = logs[self._monitored_name]
            progress.best_epoch = progress.epoch
            progress.epochs_without_gain = 0
            self._check_weights()
            self._checkpoints.save_best(progress.epoch, self._model.weight_variables)
        else:
            progress.epochs_without_gain += 1
        has_no_patience = stop is not None and progress.epochs_without_gain >= stop.patience
        progress.was_stopped_early = bool(has_no_patience or self._model.keras_model.stop_training)
        progress.epoch += 1
        progress.step = 0
        self._save()
        self._listener.on_epoch(progress, logs)

    def _check_monitored_name(self) -> None:
        """Check that an epoch has the monitored value; the metrics exist once a step is traced."""
        names = [*self._model.read_metrics()]
        if self._validation is not None:
            names += ["val_loss", *(CLASS_VALUES if self._train.task == "classify" else ())]
        name = self._monitored_name
        if name not in names:
            raise TrainingError(
                f"train.stop.monitor is {name!r}; wanted one of {', '.join(names)}{suggest_name(name, names)}"
            )

    @property
    def _monitored_name(self) -> str:
        """The name of the monitored value; without a part for validation, it is the loss for training."""
        name = self._train.stop.monitor if self._train.stop else "val_loss"
        return "loss" if self._validation is None and name.startswith("val_") else name

    def _is_better(self, logs: Mapping[str, float]) -> bool:
        """Return whether the monitored value of an epoch is better than that of all epochs before."""
        name, best = self._monitored_name, self._progress.best_value
        if best is None:
            return True
        min_delta = self._train.stop.min_delta if self._train.stop else 0.0
        if any(word in name for word in _RISING_WORDS):
            return logs[name] > best + min_delta
        return logs[name] < best - min_delta

    def _compute_learning_rate(self) -> float:
        train, steps = self._train, self._sampler.steps
        step = self._progress.epoch * steps + self._progress.step
        share = compute_schedule(train.schedule, step, steps * train.epochs)
        return self._model.highest_learning_rate * share

    def _check_finite(self, logs: Mapping[str, float]) -> None:
        for name, value in logs.items():
            if not math.isfinite(value):
                self._refuse_value(name)

    def _check_weights(self) -> None:
        if not self._model.has_finite_weights():
            self._refuse_value("a weight")

    def _refuse_value(self, name: str) -> None:
        progress = self._progress
        raise TrainingError(
            f"{name} is not finite any more, in epoch {progress.epoch + 1}, step {progress.step + 1}; "
            "start again with a lower train.optimizer.learning_rate, or with limited gradients "
            "(train.optimizer.global_clipnorm)"
        )

    def _save(self) -> None:
        self._check_weights()
        self._checkpoints.save(self._progress, self._model.state_variables)

    def _validate(self) -> dict[str, float]:
        if self._validation is None:
            return {}
        loss, evaluation = evaluate_dataset(self._model, self._validation, self._train)
        values = {"val_loss": loss}
        if evaluation is not None:
            by_sound = evaluation.by_sound
            values |= zip(CLASS_VALUES, (by_sound.accuracy, by_sound.mean_average_precision), strict=True)
        return values
