"""The Python interface that trains a network: what `specfeat train` does, without the command line."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from specfeat.audio.folder_search import check_inputs_exist
from specfeat.config import Config, Settings
from specfeat.config.overrides import list_train_overrides
from specfeat.config.train import Train
from specfeat.config.weights_file import check_weights_file
from specfeat.errors import Remedy, SpecfeatError, UsageError, append_suggestion
from specfeat.python_config import load_any_config
from specfeat.training.listener import SilentTrainingListener, TrainingListener
from specfeat.training.summary import TrainingSummary
from specfeat.training.trainer import TrainingRequest, run_training

PathLike = str | os.PathLike[str]

SUGGESTIONS = {
    Remedy.EXTEND_OR_REPLACE: (
        "pass resume=True and more epochs to continue it, or force=True to start again"
    ),
    Remedy.RESUME_OR_REPLACE: "pass resume=True to continue it, or force=True to start again",
    Remedy.SAME_SETTINGS_OR_REPLACE: "use the same settings to continue it, or force=True to start again",
    Remedy.START_FEWER_WORKERS: "start fewer with workers=N",
    Remedy.CHOOSE_OTHER_DEVICE: "choose another one with device=...",
    Remedy.CHOOSE_FITTING_CONFIG: (
        "pass it as config, and the file as overrides=['model.weights.file=FILE']"
    ),
}


def train(
    inputs: PathLike | Iterable[PathLike],
    folder: PathLike,
    config: PathLike | Config | Settings = "default",
    *,
    overrides: Iterable[str] = (),
    labels: PathLike | None = None,
    epochs: int | None = None,
    resume: bool = False,
    force: bool = False,
    workers: int | None = None,
    threads: int | None = None,
    device: str = "auto",
    callbacks: Iterable[Any] = (),
    listener: TrainingListener | None = None,
) -> TrainingSummary:
    """Train the network of a config on sounds, as `specfeat train` does.

    The weights have the same bytes as the command's with the same settings, sounds, machine and number of
    threads. A training that ends early, by an error, by KeyboardInterrupt or by SIGKILL, leaves its
    checkpoints in the folder; call again with `resume=True` to continue it.

    This function prints nothing, installs no signal handler and does not exit. It starts worker processes,
    which end with it. It loads TensorFlow and sets how many threads TensorFlow uses for one operation, which
    TensorFlow allows only before it computes anything. So train before the process builds an `Extractor`, or
    in a process of its own.

    Args:
        inputs: folders with a folder for each label; with a table of labels, folders and files of any kind.
        folder: the folder for the results; it is made.
        config: a shipped name ("yamnet"), the path of a YAML file, a loaded `Config`, or `Settings`.
        overrides: values that replace those of the config, each as `KEY.PATH=VALUE`, e.g. "train.batch=32".
        labels: a CSV or TSV file with the columns path and label; replaces `train.labels.file`.
        epochs: how often the sounds are used; replaces `train.epochs`.
        resume: continue a training that ended early, or that has ended with fewer epochs.
        force: replace the training that is in the folder; with resume, only if it cannot be continued.
        workers: processes that decode; by default one per core.
        threads: the threads of a training step; by default one per core.
        device: "auto" (the first GPU, or the CPU), "cpu", "gpu" or "gpu:N".
        callbacks: callbacks of Keras. What they keep is not in the checkpoints.
        listener: the object that is told how the training proceeds; see `TrainingListener`. An error in one
            of its methods ends the training.

    Returns:
        How good the best weights are, and which sounds could not be read.

    Raises:
        UsageError: an argument, an input or a label is wrong; or `folder` is a file, or contains files that
            no training has written.
        ConfigError: the config or its network is wrong; names the line.
        TrainingError: there is too little to train with, or the loss is not finite.
        SpecfeatError: anything else that the caller can repair; the errors above are of this kind, too.
    """
    try:
        loaded_config = _load_config(config, overrides, labels, epochs)
        if loaded_config.settings.model.weights.file is not None:
            check_weights_file(loaded_config)
        input_paths = _list_inputs(inputs)
        check_inputs_exist(input_paths)
        request = TrainingRequest(
            config=loaded_config,
            inputs=input_paths,
            folder=Path(folder),
            resume=resume,
            force=force,
            workers=workers,
            threads=threads,
            device=device,
            callbacks=tuple(callbacks),
            command=("specfeat.train",),
        )
        return run_training(request, listener or SilentTrainingListener())
    except SpecfeatError as e:
        append_suggestion(e, SUGGESTIONS)
        raise


def _load_config(
    config: PathLike | Config | Settings,
    overrides: Iterable[str],
    labels: PathLike | None,
    epochs: int | None,
) -> Config:
    """Return the config with the table of labels and the number of epochs that the caller gives."""
    # A str or a mapping cannot be joined with a list of overrides: `load_any_config` refuses both below.
    if not isinstance(config, Config | Settings) and not isinstance(overrides, str | Mapping):
        short_overrides = list_train_overrides(None if labels is None else os.fspath(labels), epochs)
        return load_any_config(config, [*overrides, *short_overrides])
    if epochs is not None and epochs < 1:
        raise UsageError(f"epochs is {epochs}; give 1 or more")
    loaded_config = load_any_config(config, overrides)
    train_settings = loaded_config.settings.train or Train()
    if labels is not None:
        table = train_settings.labels.model_copy(update={"file": os.fspath(labels)})
        train_settings = train_settings.model_copy(update={"labels": table})
    if epochs is not None:
        train_settings = train_settings.model_copy(update={"epochs": epochs})
    settings = loaded_config.settings.model_copy(update={"train": train_settings})
    return replace(loaded_config, settings=settings)


def _list_inputs(inputs: PathLike | Iterable[PathLike]) -> tuple[str, ...]:
    if isinstance(inputs, str | os.PathLike):
        inputs = [inputs]
    return tuple(os.fspath(path) for path in inputs)
