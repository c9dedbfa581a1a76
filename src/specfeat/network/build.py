"""The one place where a network comes to be: built, compiled, given its weights and traced, or refused."""

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.architecture.check import (
    check_feature_shape,
    check_output_size,
    find_mismatch,
)
from specfeat.architecture.graph import INPUT_NAME, Layer, LayerFitError, to_keras_name
from specfeat.config import Config
from specfeat.config.layer_errors import make_layer_error
from specfeat.errors import ModelError
from specfeat.library_messages import summarize_keras_error
from specfeat.network.application import expand_application
from specfeat.network.batch_norm_folding import fold_batch_norms
from specfeat.network.device import Device, assign_threads, select_device
from specfeat.network.keras_layers import Shape, make_keras_layer
from specfeat.tensorflow_runtime import capture_native_stderr, keras, tf
from specfeat.text import format_shape
from specfeat.weights import load_weights
from specfeat.weights.matching.slots import Slot, list_model_slots

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network that is ready: it cannot be made in any other state, and only `build` makes one.

    Attributes:
        model: the Keras model, compiled, its weights set.
        layers: what it is made of, in order; for an application of the config, that one's own layers.
        batch: clips that go through it at once, always the same number.
        input_shape: of one clip, without the batch.
        width: features in a row.
        device: where it runs.
        parallel: how many batches are worth running at once, each in a thread.
        weights: for the record: {"random": seed}, or {"file": path, "sha256": ..., "format": ...} and, of one
            regular file, its path, size (bytes), mtime_ns, ctime_ns and inode.
        traces: how often the graph was traced; it stays 1.
        seconds: that building took.
    """

    model: Any
    layers: tuple[Layer, ...] = field(repr=False)
    batch: int
    input_shape: Shape
    width: int
    device: Device
    parallel: int
    weights: dict[str, object]
    seconds: float
    traces: list[int] = field(repr=False)
    _run: Callable[[Any], Any] = field(repr=False)

    def rows(self, clips: NDArray[np.float32]) -> Rows:
        """Return the features of one batch.

        Args:
            clips: float32, shape (batch, *input_shape).

        Returns:
            float32, shape (batch, width).
        """
        with tf.device(self.device.name):
            rows: Rows = self._run(tf.constant(clips)).numpy()
        return rows


def build_network(config: Config, device: str = "auto", threads: int | None = None) -> Network:
    """Build, compile, weigh and trace the network of a config, once.

    Args:
        config: the checked config.
        device: "auto", "cpu", "gpu" or "gpu:N".
        threads: that the network may use on a CPU; without it TensorFlow's own choice stands, for that is
            the whole process's.

    Raises:
        ModelError: a layer does not fit; names the YAML line, the layer and both shapes.
        WeightsError: the weights file does not fit the network.
        DeviceError: there is no such device.
        InstallError: TensorFlow or Keras is missing or unfit; on importing this module.
    """
    begun = time.perf_counter()
    settings = config.settings
    with capture_native_stderr():
        place = select_device(device)
        parallel = assign_threads(place, settings, threads)
        with tf.device(place.name):
            with _own_chance():
                model, layers, feature = _connect(config)
            options = settings.model.compile
            model.compile(
                optimizer=options.optimizer,
                loss=options.loss,
                metrics=list(options.metrics),
                jit_compile=options.jit_compile,
            )
            weights = _weigh(config, model, layers)
            extractor = fold_batch_norms(layers, model, feature)
            run, traces = _trace(config, extractor)
    return Network(
        model=model,
        layers=layers,
        batch=settings.model.batch,
        input_shape=settings.input_shape,
        width=extractor.output_shape[-1],
        device=place,
        parallel=parallel,
        weights=weights,
        seconds=time.perf_counter() - begun,
        traces=traces,
        _run=run,
    )


def list_network_slots(config: Config) -> list[Slot]:
    """List the arrays of a config's network, which is built for it; for what cannot be found by arithmetic.

    Raises:
        ModelError: a layer does not fit; names the YAML line, the layer and both shapes.
    """
    with capture_native_stderr(), tf.device("/CPU:0"), _own_chance():
        model, layers, _ = _connect(config)
    return list_model_slots(model, layers, config.settings.model.weights.flatten)


@contextlib.contextmanager
def _own_chance() -> Iterator[None]:
    """Keras draws seeds that it is not given from Python's `random`; the caller's draws stay as they were."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


def _connect(config: Config) -> tuple[Any, tuple[Layer, ...], str]:
    """Make every layer and join them.

    Returns:
        The model, its layers (those of an application in its place), and the name of that whose output is
        the row.
    """
    settings = config.settings
    tensors: dict[str, Any] = {
        INPUT_NAME: keras.Input(settings.input_shape, name=INPUT_NAME, dtype="float32")
    }
    layers: list[Layer] = []
    outputs: dict[str, str] = {}  # of an application: the layer of its own that gives it
    for layer in settings.model.layers:
        reading = replace(layer, inputs=tuple(outputs.get(name, name) for name in layer.inputs))
        parts, outputs[layer.name] = _parts(config, reading, tensors)
        for part in parts:
            _check_name(config, part, tensors)
            tensors[part.name] = _apply(config, part, tensors)
        layers += parts
    feature = outputs[settings.model.feature_layer]
    named = settings.model.features
    try:
        check_feature_shape(
            {layer.name: layer for layer in layers}, feature, _shape(tensors[feature]), named=named
        )
    except LayerFitError as e:
        raise _error(config, e.layer, e.reason) from e
    used = {name for layer in layers for name in layer.inputs}
    ends = [tensor for name, tensor in tensors.items() if name not in used]
    return keras.Model(tensors[INPUT_NAME], ends if len(ends) > 1 else ends[0]), tuple(layers), feature


def _parts(config: Config, layer: Layer, tensors: dict[str, Any]) -> tuple[list[Layer], str]:
    """Return the layers that a layer of the config stands for, and the name of the one with its output."""
    shapes = [_shape(tensors[name]) for name in layer.inputs]
    reason = find_mismatch(layer, shapes)
    if reason:
        raise _error(config, layer, reason)
    if layer.kind != "Application":
        return [layer], layer.name
    try:
        return expand_application(layer, shapes[0])
    except ValueError as e:
        raise _error(config, layer, summarize_keras_error(e)) from e


def _check_name(config: Config, layer: Layer, tensors: dict[str, Any]) -> None:
    """Only an application's layers can have a name twice: the config's own have been looked at on reading."""
    if to_keras_name(layer.name) in map(to_keras_name, tensors):
        raise _error(config, layer, "has the name of another layer, of an application; wanted different ones")


def _apply(config: Config, layer: Layer, tensors: dict[str, Any]) -> Any:
    inputs = [tensors[name] for name in layer.inputs]
    shapes = [_shape(tensor) for tensor in inputs]
    try:
        made = make_keras_layer(layer, config.settings.model.weights.random)
        output = made(inputs if len(inputs) > 1 else inputs[0])
    except (ValueError, TypeError, IndexError, tf.errors.OpError) as e:
        raise _error(
            config,
            layer,
            f"cannot take {' and '.join(map(format_shape, shapes))}: {summarize_keras_error(e)}",
        ) from e
    reason = check_output_size(_shape(output), config.settings.model.batch)
    if reason:
        raise _error(config, layer, reason)
    return output


def _shape(tensor: Any) -> Shape:
    return tuple(tensor.shape[1:])


def _error(config: Config, layer: Layer, reason: str) -> ModelError:
    return make_layer_error(config.tree, layer, reason)


def _weigh(config: Config, model: Any, layers: tuple[Layer, ...]) -> dict[str, object]:
    weights = config.settings.model.weights
    if weights.file is None:
        return {"random": weights.random}
    return load_weights(model, layers, config.settings)


def _trace(config: Config, extractor: Any) -> tuple[Callable[[Any], Any], list[int]]:
    """Trace the graph for the one shape that it will ever see, and run it once."""
    settings = config.settings
    shape = (settings.model.batch, *settings.input_shape)
    traces: list[int] = []

    def network(clips: Any) -> Any:
        traces.append(len(traces) + 1)
        return extractor(clips, training=False)

    function = tf.function(
        network,
        input_signature=[tf.TensorSpec(shape, tf.float32)],
        autograph=False,
        jit_compile=settings.model.compile.jit_compile or None,
    )
    try:
        run: Callable[[Any], Any] = function.get_concrete_function()
        run(tf.zeros(shape))
    except (ValueError, TypeError, tf.errors.OpError) as e:
        where = config.tree.where(("model", "layers"), at_key=True)
        raise ModelError(
            f"{where}: model.layers: the network does not run on {format_shape(shape)}: {summarize_keras_error(e)}"
        ) from e
    return run, traces
