"""The part of a training that needs TensorFlow: the model, the clips, the steps, the results."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from specfeat.errors import InstallError
from specfeat.native_stderr import capture_native_stderr
from specfeat.network.engines.tensorflow import select_device
from specfeat.tensorflow_runtime import keras, tf
from specfeat.text import join_names
from specfeat.training.checkpoints import CheckpointFolder
from specfeat.training.clip_sources import make_training_clips
from specfeat.training.heads import NetworkWithHeads, add_class_head, add_projection, add_teacher_heads
from specfeat.training.listener import TrainingListener
from specfeat.training.loop import TrainingLoop
from specfeat.training.losses import choose_loss
from specfeat.training.model import TrainingModel
from specfeat.training.part_datasets import make_datasets
from specfeat.training.results import ResultsWriter
from specfeat.training.run_folder import TrainingFolder
from specfeat.training.summary import TrainingSummary
from specfeat.training.teachers import LoadedTeacher
from specfeat.training.training_data import TrainingData

if TYPE_CHECKING:
    from specfeat.training.trainer import TrainingRequest

TENSORBOARD_FOLDER = "tensorboard"  # in the folder of the training


class TrainingExecution:
    """One training with TensorFlow: makes the model, the clips, the steps and the results.

    The network is checked as far as possible before clips are made, because that can take hours.

    Args:
        request: what is to be trained.
        data: the sounds and labels.
        teachers: the teachers that the config names.
        folder: the folder of the training.
        listener: the object that is told how the training proceeds.

    Raises:
        DeviceError: the machine does not have the device.
        InstallError: a package is missing.
        ConfigError: the network cannot be built, or its loss or its last layer does not fit the task.
        WeightsError: the weights file of the config does not fit the network.
    """

    def __init__(
        self,
        request: "TrainingRequest",
        data: TrainingData,
        teachers: Sequence[LoadedTeacher],
        folder: TrainingFolder,
        listener: TrainingListener,
    ) -> None:
        self._request = request
        self._data = data
        self._folder = folder
        self._listener = listener
        self._device = select_device(request.device)
        self._callbacks = list(request.callbacks)
        if request.has_tensorboard:
            self._callbacks.append(_make_tensorboard(folder))
        self._teachers = teachers
        self._model: TrainingModel | None = None
        if request.train.task == "distill":
            # The loss does not depend on the width of a teacher's rows, known once its network is built.
            choose_loss(request.config, add_teacher_heads(request.config, [1] * len(self._teachers)))
        else:
            self._model = self._make_model(())

    def run(self) -> TrainingSummary:
        """Make the clips, train the network to its last epoch, and write the results."""
        request, data, folder, listener = self._request, self._data, self._folder, self._listener
        clips = make_training_clips(request, self._teachers, data, folder.work_folder, listener)
        datasets = make_datasets(data, clips, request.train)
        model = self._model or self._make_model(clips.teacher_widths)
        checkpoints = CheckpointFolder(folder.work_folder)
        # Without this, TensorFlow takes the first GPU, whatever device the user has chosen.
        with tf.device(self._device.name):
            loop = TrainingLoop(model, request.train, datasets, checkpoints, listener, self._callbacks)
            progress = loop.run_epochs()
            writer = ResultsWriter(request, data, clips, folder, model, datasets)
            return writer.write(progress, checkpoints, listener)

    def _make_model(self, teacher_widths: Sequence[int]) -> TrainingModel:
        """Make the model that is trained: the network with the heads that its task needs."""
        network = self._add_heads(teacher_widths)
        for note in network.notes:
            self._listener.on_note(note)
        with capture_native_stderr(), tf.device(self._device.name):
            model = TrainingModel(self._request.config, network)
        if model.untrained_layers:
            names = join_names([repr(name) for name in model.untrained_layers])
            layers, their = ("layer", "its") if len(model.untrained_layers) == 1 else ("layers", "their")
            self._listener.on_note(
                f"no output that is trained depends on the {layers} {names}, so {their} weights do not change"
            )
        return model

    def _add_heads(self, teacher_widths: Sequence[int]) -> NetworkWithHeads:
        config, train = self._request.config, self._request.train
        if train.task == "classify":
            return add_class_head(config, len(self._data.classes), multi=train.labels.multi)
        if train.task == "distill":
            return add_teacher_heads(config, teacher_widths)
        return add_projection(config)


def _make_tensorboard(folder: TrainingFolder) -> Any:
    """Return Keras' callback that writes the values of each epoch for TensorBoard.

    Raises:
        InstallError: the package is missing.
    """
    if find_spec("tensorboard") is None:
        raise InstallError("tensorboard is missing; install it with: pip install 'specfeat[tensorboard]'")
    return keras.callbacks.TensorBoard(str(folder.path / TENSORBOARD_FOLDER), write_graph=False)
