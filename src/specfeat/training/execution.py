"""Trains the network on clips that are on the disk, and writes the results."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from specfeat.errors import InstallError
from specfeat.native_stderr import capture_native_stderr
from specfeat.tensorflow_runtime import keras, tf
from specfeat.training.checkpoints import CheckpointFolder
from specfeat.training.clip_sources import TrainingClips
from specfeat.training.data import TrainingData
from specfeat.training.datasets import make_datasets
from specfeat.training.heads import TrainedNetwork, add_class_head, add_projection, add_teacher_heads
from specfeat.training.listener import TrainingListener
from specfeat.training.loop import TrainingLoop
from specfeat.training.model import TrainingModel
from specfeat.training.results import ResultsWriter
from specfeat.training.run_folder import TrainingFolder
from specfeat.training.summary import TrainingSummary

if TYPE_CHECKING:
    from specfeat.training.trainer import TrainingRequest

TENSORBOARD_FOLDER = "tensorboard"  # in the folder of the training


def train_network(
    request: "TrainingRequest",
    data: TrainingData,
    clips: TrainingClips,
    folder: TrainingFolder,
    listener: TrainingListener,
) -> TrainingSummary:
    """Compose the network once, train it to its last epoch, and write the results."""
    train = request.train
    datasets = make_datasets(data, clips, train)
    network = add_heads(request, data, clips)
    for note in network.notes:
        listener.on_note(note)
    with capture_native_stderr(), tf.device("/CPU:0"):
        model = TrainingModel(request.config, network)
    checkpoints = CheckpointFolder(folder.work_folder)
    callbacks = [*request.callbacks, *([_make_tensorboard(folder)] if request.has_tensorboard else [])]
    loop = TrainingLoop(model, train, datasets, checkpoints, listener, callbacks)
    progress = loop.run()
    writer = ResultsWriter(request, data, clips, folder, model, datasets)
    return writer.write(progress, checkpoints, listener)


def _make_tensorboard(folder: TrainingFolder) -> Any:
    """Return Keras' callback that writes the values of each epoch for TensorBoard.

    Raises:
        InstallError: the package is missing.
    """
    if find_spec("tensorboard") is None:
        raise InstallError("tensorboard is missing; install it with: pip install 'specfeat[tensorboard]'")
    return keras.callbacks.TensorBoard(str(folder.path / TENSORBOARD_FOLDER), write_graph=False)


def add_heads(request: "TrainingRequest", data: TrainingData, clips: TrainingClips) -> TrainedNetwork:
    """Return the config's network with the layers that its task needs."""
    if request.train.task == "classify":
        return add_class_head(request.config, len(data.classes), multi=request.train.labels.multi)
    if request.train.task == "distill":
        return add_teacher_heads(request.config, clips.teacher_widths)
    return add_projection(request.config)
