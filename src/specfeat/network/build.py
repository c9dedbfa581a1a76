"""The one place where a network comes to be: built, compiled, given its weights and traced, or refused."""

import contextlib
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.config import Config
from specfeat.config.graph import INPUT, Layer
from specfeat.config.settings import times
from specfeat.config.tree import dotted
from specfeat.errors import ModelError
from specfeat.network.device import Device, choose, share_out
from specfeat.network.fold import folded
from specfeat.network.layers import Shape, make_layer, misfit, plain
from specfeat.network.runtime import keras, quiet, tf
from specfeat.network.weights import load_weights, sha256

Rows = NDArray[np.float32]

MAX_OUTPUT_BYTES = 2**34  # of one layer for one batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network that is ready: it cannot be made in any other state, and only `build` makes one.

    Attributes:
        model: the Keras model, compiled, its weights set.
        batch: clips that go through it at once, always the same number.
        input_shape: of one clip, without the batch.
        width: features in a row.
        device: where it runs.
        parallel: how many batches are worth running at once, each in a thread.
        weights: for the record: {"random": seed}, or {"file": path, "sha256": ...}.
        traces: how often the graph was traced; it stays 1.
        seconds: that building took.
    """

    model: Any
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


def build(config: Config, device: str = "auto", threads: int | None = None) -> Network:
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
    """
    begun = time.perf_counter()
    settings = config.settings
    with quiet():
        place = choose(device)
        parallel = share_out(place, threads)
        with tf.device(place.name):
            with _own_chance():
                model, features = _connect(config)
            options = settings.model.compile
            model.compile(
                optimizer=options.optimizer,
                loss=options.loss,
                metrics=list(options.metrics),
                jit_compile=options.jit_compile,
            )
            weights = _weigh(config, model)
            run, traces = _trace(config, model)
    return Network(
        model=model,
        batch=settings.model.batch,
        input_shape=settings.input_shape,
        width=features.shape[-1],
        device=place,
        parallel=parallel,
        weights=weights,
        seconds=time.perf_counter() - begun,
        traces=traces,
        _run=run,
    )


@contextlib.contextmanager
def _own_chance() -> Iterator[None]:
    """Keras draws seeds that it is not given from Python's `random`; the caller's draws stay as they were."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


def _connect(config: Config) -> tuple[Any, Any]:
    """Make every layer and join them; return the model and the tensor of features."""
    settings = config.settings
    tensors: dict[str, Any] = {INPUT: keras.Input(settings.input_shape, name=INPUT, dtype="float32")}
    for layer in settings.model.layers:
        tensors[layer.name] = _apply(config, layer, tensors)
    features = tensors[settings.model.feature_layer]
    _check_row(config, tensors)
    used = {name for layer in settings.model.layers for name in layer.inputs}
    ends = [tensor for name, tensor in tensors.items() if name not in used]
    return keras.Model(tensors[INPUT], ends if len(ends) > 1 else ends[0]), features


def _apply(config: Config, layer: Layer, tensors: dict[str, Any]) -> Any:
    inputs = [tensors[name] for name in layer.inputs]
    shapes = [_shape(tensor) for tensor in inputs]
    reason = misfit(layer, shapes)
    if reason:
        raise _error(config, layer, reason)
    try:
        made = make_layer(layer, config.settings.model.weights.random)
        output = made(inputs if len(inputs) > 1 else inputs[0])
    except (ValueError, TypeError, IndexError, tf.errors.OpError) as e:
        raise _error(config, layer, f"cannot take {' and '.join(map(times, shapes))}: {plain(e)}") from e
    size = 4 * config.settings.model.batch * math.prod(_shape(output))
    if size > MAX_OUTPUT_BYTES:
        raise _error(
            config,
            layer,
            f"would give {times(_shape(output))}, {size / 2**30:.0f} GiB for a batch; wanted less",
        )
    return output


def _shape(tensor: Any) -> Shape:
    return tuple(tensor.shape[1:])


def _error(config: Config, layer: Layer, reason: str) -> ModelError:
    path = ("model", "layers", *layer.path)
    where = config.tree.where(path, at_key=True)
    shown = dotted(path[:-1] if path[-1] == layer.kind else path)
    return ModelError(f"{where}: {shown}: {layer.kind} {layer.name!r} {reason}")


def _check_row(config: Config, tensors: dict[str, Any]) -> None:
    """The features of a clip are one row; several axes mean that a Flatten or a pooling is missing."""
    layers = {layer.name: layer for layer in config.settings.model.layers}
    layer = layers[config.settings.model.feature_layer]
    shape = _shape(tensors[layer.name])
    if len(shape) == 1:
        return
    dense = layer if layer.kind == "Dense" else None
    before = layer
    while before.kind not in _SPATIAL and before.inputs[0] in layers:
        before = layers[before.inputs[0]]
        if before.kind == "Dense":
            dense = before
    gives = f"gives {times(shape)} for a clip, not one row"
    if dense is None or before.kind not in _SPATIAL:
        raise _error(config, layer, f"{gives}; put Flatten or GlobalAveragePooling2D after it")
    raise _error(
        config,
        dense,
        f"follows {before.kind} {before.name!r} with no Flatten or pooling between, so the network {gives}; "
        "put Flatten or GlobalAveragePooling2D between the two",
    )


_SPATIAL = frozenset(
    kind for kind in dir(keras.layers) if ("Conv" in kind or "Pooling" in kind) and kind[-2:] in ("1D", "2D")
)


def _weigh(config: Config, model: Any) -> dict[str, object]:
    weights = config.settings.model.weights
    if weights.file is None:
        return {"random": weights.random}
    load_weights(model, config.settings.model.layers, weights.file)
    return {"file": weights.file, "sha256": sha256(weights.file)}


def _trace(config: Config, model: Any) -> tuple[Callable[[Any], Any], list[int]]:
    """Trace the graph for the one shape that it will ever see, and run it once."""
    settings = config.settings
    extractor = folded(settings.model.layers, model, settings.model.feature_layer)
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
            f"{where}: model.layers: the network does not run on {times(shape)}: {plain(e)}"
        ) from e
    return run, traces
