"""One training, from the paths that a user names to the results on the disk.

    sounds and labels -> parts -> clips on the disk (and the teachers' rows) -> network -> epochs -> results

It is the same for the command line and for Python. It prints nothing and knows no option's name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from specfeat.config import Config
from specfeat.config.train import Train
from specfeat.cpu_count import count_available_cores
from specfeat.training.array_cache import remove_caches
from specfeat.training.identity import describe_training
from specfeat.training.listener import TrainingListener
from specfeat.training.run_folder import TrainingFolder
from specfeat.training.summary import TrainingSummary, read_summary
from specfeat.training.teachers import LoadedTeacher, load_teachers
from specfeat.training.training_data import TrainingData, list_notes, read_training_data


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """What is to be trained, and how.

    Attributes:
        config: the checked config.
        inputs: paths of audio files, and of folders to search for them.
        folder: the folder for the results.
        resume: whether a training that was interrupted, or has ended with fewer epochs, is continued.
        force: whether the results and the unfinished work in the folder are replaced.
        workers: how many processes decode; None for one per core.
        threads: how many threads a step of the training uses; None for one per core.
        device: the device of the training: "auto" (the first GPU, or the CPU), "cpu", "gpu" or "gpu:N".
        callbacks: Keras' callbacks.
        has_tensorboard: whether the values of each epoch are written for TensorBoard as well.
        command: what the record says of how the training was started.
        on_libraries_loaded: called once TensorFlow is loaded.
    """

    config: Config
    inputs: tuple[str, ...]
    folder: Path
    resume: bool = False
    force: bool = False
    workers: int | None = None
    threads: int | None = None
    device: str = "auto"
    callbacks: tuple[Any, ...] = ()
    has_tensorboard: bool = False
    command: tuple[str, ...] = field(default=())
    on_libraries_loaded: Callable[[], None] = lambda: None

    @property
    def train(self) -> Train:
        """The settings of the training; the defaults if the config has none."""
        return self.config.settings.train or Train()


def run_training(request: TrainingRequest, listener: TrainingListener) -> TrainingSummary:
    """Train the network of a config, and write the results.

    If this function ends early, for any reason, the checkpoints stay in the folder, and a call with `resume`
    continues from there.

    Args:
        request: what is to be trained.
        listener: the object that is told how the training proceeds.

    Raises:
        SpecfeatError: what the caller can correct; see the modules of this package.
    """
    request = replace(request, config=add_default_train(request.config))
    _check_features(request.config)
    data = read_training_data(request.inputs, request.train)
    listener.on_data(data)
    for note in list_notes(data, request.train):
        listener.on_note(note)
    threads = request.threads or count_available_cores()
    teachers = load_teachers(request.config, data)
    with TrainingFolder(request.folder) as folder:
        identity = describe_training(request.config, data, teachers, threads, request.device)
        folder.begin(identity, resume=request.resume, force=request.force)
        record = folder.read_record(request.train.epochs)
        if record is not None:
            listener.on_note("the training is complete already; nothing is done")
            remove_caches(folder.work_folder)
            return read_summary(record, request.folder)
        folder.remove_record()
        return _execute_training(request, data, teachers, folder, threads, listener)


def add_default_train(config: Config) -> Config:
    """Return a config with a section `train`; with all defaults if the config has no such section."""
    settings = config.settings
    return replace(config, settings=settings.model_copy(update={"train": settings.train or Train()}))


def _execute_training(
    request: TrainingRequest,
    data: TrainingData,
    teachers: Sequence[LoadedTeacher],
    folder: TrainingFolder,
    threads: int,
    listener: TrainingListener,
) -> TrainingSummary:
    # The door to TensorFlow: mistakes in labels and paths are found before it.
    from specfeat.tensorflow_runtime import set_training_threads
    from specfeat.training.execution import TrainingExecution

    request.on_libraries_loaded()
    set_training_threads(threads)  # before anything is computed, because it cannot be changed later
    summary = TrainingExecution(request, data, teachers, folder, listener).run()
    remove_caches(folder.work_folder)
    listener.on_results(summary, request.folder)
    return summary


def _check_features(config: Config) -> None:
    """Check that the features are the output of one layer, after which the heads of a training are added.

    Raises:
        ConfigError: the features are those of several layers, or of a layer that is pooled.
    """
    if isinstance(config.settings.model.features, tuple):
        raise config.tree.make_error(
            ("model", "features"),
            "has several layers or a pooling; a training needs one layer, e.g. features: embedding",
        )
