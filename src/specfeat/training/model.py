"""The Keras model that is trained: the config's network with its heads, a loss and an optimizer."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.architecture.graph import to_keras_name
from specfeat.config import Config
from specfeat.config.train import OptimizerSettings, Train
from specfeat.errors import ConfigError, TrainingError
from specfeat.library_messages import summarize_keras_error
from specfeat.network.compose import compose_model
from specfeat.tensorflow_runtime import keras, tf
from specfeat.text import suggest_name
from specfeat.training.clip_dataset import Batch
from specfeat.training.heads import NetworkWithHeads
from specfeat.training.losses import choose_loss, takes_class_numbers
from specfeat.weights import load_weights

Array = NDArray[np.float32]


class TrainingModel:
    """A network that is composed, compiled and ready for training steps; made once for a training.

    Args:
        config: the config, with the section `train`.
        network: the config's network with its heads.

    Attributes:
        keras_model: the Keras model.
        network: the network with its heads.
        whole_model: the Keras model that also has the layers of the config on which no output depends.
        saved_layers: the layers whose weights are saved.
        untrained_layers: the names of the layers of the config on which no output depends.
        highest_learning_rate: the learning rate that the schedule begins to lower.

    Raises:
        ModelError: a layer does not fit.
        ConfigError: the loss does not fit the task, or no layer has a name of `freeze`.
        WeightsError: the weights file of the config does not fit the network.
    """

    def __init__(self, config: Config, network: NetworkWithHeads) -> None:
        model_settings, train = config.settings.model, config.settings.train or Train()
        optimizer = train.optimizer or OptimizerSettings(name=model_settings.compile.optimizer)
        self.network = network
        self.highest_learning_rate = optimizer.learning_rate
        self._loss = choose_loss(config, network)
        self._loss_weights = [teacher.weight for teacher in train.teachers] or [1.0]
        self._has_class_numbers = takes_class_numbers(config)
        composed = compose_model(
            network.config, network.outputs, self._make_compile_arguments(train, optimizer)
        )
        self.keras_model, self.whole_model = composed.keras_model, composed.whole_model
        discarded = network.added_names - {layer.name for layer in network.saved_layers}
        self.saved_layers = tuple(layer for layer in composed.layers if layer.name not in discarded)
        trained_names = {layer.name for layer in composed.keras_model.layers}
        self.untrained_layers = tuple(
            layer.name for layer in composed.layers if to_keras_name(layer.name) not in trained_names
        )
        if model_settings.weights.file is not None:
            layers = tuple(layer for layer in composed.layers if layer.name not in network.added_names)
            load_weights(composed.whole_model, layers, config.settings)
        _freeze_layers(config, composed.keras_model, train.freeze)
        # Averages from a weights file are right from the first step.
        self._momenta = [] if model_settings.weights.file else _replace_momenta(composed.keras_model)
        self.keras_model.optimizer.build(self.keras_model.trainable_variables)
        self._step = tf.function(
            self.keras_model.train_step, jit_compile=model_settings.compile.jit_compile or None
        )
        self._predict = tf.function(lambda clips: self.keras_model(clips, training=False))

    def _make_compile_arguments(self, train: Train, optimizer: OptimizerSettings) -> dict[str, Any]:
        """Return what training gives to Keras' `Model.compile` instead of the config's values."""
        arguments: dict[str, Any] = {"optimizer": _make_optimizer(optimizer), "loss": self._loss}
        if len(train.teachers) > 1:
            arguments["loss_weights"] = self._loss_weights
        if train.task != "classify":  # the config's metrics compare classes
            arguments["metrics"] = None
        return arguments

    def train_step(self, batch: Batch) -> dict[str, float]:
        """Change the weights by one step, and return the mean loss and metrics of the epoch so far."""
        with _wrap_keras_errors():
            logs = self._step(tf.nest.map_structure(tf.constant, self._arrange_data(batch)))
        return {name: float(value) for name, value in logs.items()}

    def read_metrics(self) -> dict[str, float]:
        """Return the mean loss and metrics of the epoch so far."""
        return {name: float(value) for name, value in self.keras_model.get_metrics_result().items()}

    def reset_metrics(self) -> None:
        """Begin the means of a new epoch."""
        for metric in self.keras_model.metrics:
            metric.reset_state()

    def has_finite_weights(self) -> bool:
        """Return whether no weight is infinite or NaN."""
        return all(np.isfinite(variable.numpy()).all() for variable in self.weight_variables)

    def predict(self, clips: Array) -> list[Array]:
        """Return the outputs for a batch, in inference mode."""
        outputs = self._predict(tf.constant(clips))
        return [output.numpy() for output in (outputs if isinstance(outputs, list | tuple) else [outputs])]

    def compute_loss(self, targets: Sequence[Array], outputs: Sequence[Array]) -> float:
        """Return the mean loss of a batch."""
        losses = self._loss if isinstance(self._loss, list) else [self._loss]
        pairs = zip(losses, self._loss_weights, targets, outputs, strict=True)
        return float(
            sum(
                weight * float(loss(self._convert_targets(target), output))
                for loss, weight, target, output in pairs
            )
        )

    def set_learning_rate(self, rate: float) -> None:
        """Set the learning rate of the next steps."""
        self.keras_model.optimizer.learning_rate = rate

    def limit_momenta(self, steps: int) -> None:
        """Lower the momenta of the batch normalisations in the first steps.

        The averages of means and variances begin at 0 and 1. With Keras' momentum of 0.99, a third of each
        average would still come from these values after 100 steps. So the momentum is at most
        (1 + n) / (10 + n) after n steps, as in `tf.train.ExponentialMovingAverage` with `num_updates`.

        Args:
            steps: the number of steps that have been done since the start of the training.
        """
        for momentum, limit in self._momenta:
            momentum.assign(min(limit, (1 + steps) / (10 + steps)))

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.keras_model.optimizer.learning_rate)

    @property
    def state_variables(self) -> list[Any]:
        """Everything that a step changes: weights, averages, seeds, optimizer and metrics."""
        model = self.keras_model
        return [*model.variables, *model.optimizer.variables, *model.metrics_variables]

    @property
    def weight_variables(self) -> list[Any]:
        """The weights and averages of the network."""
        return list(self.keras_model.weights)

    def count_saved_parameters(self) -> int:
        """Return the number of parameters of the layers that are saved."""
        layers = (self.whole_model.get_layer(to_keras_name(layer.name)) for layer in self.saved_layers)
        return int(sum(layer.count_params() for layer in layers))

    def trace_step(self, batch: Batch) -> None:
        """Trace the graph of a step without running it; this makes the variables of the metrics."""
        data = tf.nest.map_structure(tf.constant, self._arrange_data(batch))
        with _wrap_keras_errors():
            self._step.get_concrete_function(data)

    def _arrange_data(self, batch: Batch) -> tuple[Any, ...]:
        targets = [self._convert_targets(target) for target in batch.targets]
        data = (batch.clips, targets if len(targets) > 1 else targets[0])
        return data if batch.weights is None else (*data, batch.weights)

    def _convert_targets(self, target: Array) -> Array:
        return np.argmax(target, axis=-1).astype(np.float32) if self._has_class_numbers else target


def _make_optimizer(settings: OptimizerSettings) -> Any:
    try:
        return keras.optimizers.get({"class_name": settings.name, "config": dict(settings.arguments)})
    except (TypeError, ValueError) as e:
        raise ConfigError(
            f"train.optimizer: {settings.name} does not take these arguments: {summarize_keras_error(e)}"
        ) from e


@contextmanager
def _wrap_keras_errors() -> Iterator[None]:
    """Turn an error of Keras or TensorFlow in a step into one sentence."""
    try:
        yield
    except (ValueError, TypeError, tf.errors.OpError) as e:
        raise TrainingError(f"the network cannot be trained: {summarize_keras_error(e)}") from e


def _replace_momenta(model: Any) -> list[tuple[Any, float]]:
    """Replace the momentum of each batch normalisation in the model by a variable, which steps can change.

    Returns:
        For each batch normalisation, the variable and the momentum that the config gives.
    """
    momenta = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            momentum = tf.Variable(layer.momentum, trainable=False, dtype=tf.float32)
            momenta.append((momentum, float(layer.momentum)))
            layer.momentum = momentum
    return momenta


def _freeze_layers(config: Config, model: Any, patterns: Sequence[str]) -> None:
    """Keep the weights of some layers as they are.

    Raises:
        ConfigError: a pattern matches no layer, or nothing is left to train.
    """
    names = [layer.name for layer in model.layers]
    for number, pattern in enumerate(patterns):
        matches = [layer for layer in model.layers if fnmatchcase(layer.name, pattern)]
        if not matches:
            raise config.tree.make_error(
                ("train", "freeze", number),
                f"is {pattern!r}, and no layer has such a name{suggest_name(pattern, names)}",
            )
        for layer in matches:
            layer.trainable = False
    if not model.trainable_variables:
        raise config.tree.make_error(
            ("train",), "leaves nothing to train: the network has no weights that change"
        )
