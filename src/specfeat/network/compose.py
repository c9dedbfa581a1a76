"""Composes a config's Keras model: makes every layer, joins the layers and compiles the model.

`build` prepares this model for extraction: it folds batch normalisations and traces a graph. A program that
trains the network uses the model as it is here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from specfeat.architecture.axes import Shape
from specfeat.architecture.check import check_feature_shape, find_mismatch
from specfeat.architecture.feature_sources import FeatureSource
from specfeat.architecture.graph import INPUT_NAME, Layer, LayerMismatchError, to_keras_name
from specfeat.architecture.kinds import get_layer_kind
from specfeat.architecture.size_limits import check_output_size
from specfeat.config import Config
from specfeat.config.layer_errors import make_layer_error
from specfeat.errors import ModelError
from specfeat.library_messages import summarize_keras_error
from specfeat.native_stderr import capture_native_stderr
from specfeat.network.application import expand_application
from specfeat.network.keras_layers import make_keras_layer
from specfeat.process_state import keep_random_state
from specfeat.tensorflow_runtime import keras, tf
from specfeat.text import format_shape
from specfeat.weights.matching.slots import Slot, list_model_slots


@dataclass(frozen=True, slots=True)
class ComposedModel:
    """A Keras model that is built and compiled; its weights are random, or zeros if a file will be loaded.

    Attributes:
        keras_model: the Keras model, from a batch of clips to the outputs of all layers that no layer reads,
            or to the outputs that were asked for. It has only the layers on which these outputs depend.
        whole_model: the Keras model with all layers, which are those of `keras_model` and perhaps more.
        layers: the model's layers in order; an application of the config is replaced by that application's
            own layers.
        feature_sources: the layers whose outputs are the columns of the row, in order.
    """

    keras_model: Any
    whole_model: Any
    layers: tuple[Layer, ...] = field(repr=False)
    feature_sources: tuple[FeatureSource, ...]


def compose_model(
    config: Config, outputs: Sequence[str] = (), compile_arguments: Mapping[str, Any] | None = None
) -> ComposedModel:
    """Make every layer of the config, join the layers and compile the model, once.

    The variables are on the device of the surrounding `tf.device` block.

    Args:
        config: the checked config.
        outputs: the names of the layers whose outputs the model has, for training; left out, of all layers
            that no layer reads.
        compile_arguments: arguments of Keras' `Model.compile` that replace those of the config.

    Raises:
        ModelError: a layer does not fit; the message names the YAML line, the layer and both shapes.
    """
    with keep_random_state():
        model = _connect_layers(config, outputs)
    options = config.settings.model.compile
    arguments = {"optimizer": options.optimizer, "loss": options.loss, "metrics": list(options.metrics)}
    model.keras_model.compile(**{**arguments, **(compile_arguments or {})}, jit_compile=options.jit_compile)
    return model


def list_network_slots(config: Config) -> list[Slot]:
    """List the arrays that a config's network needs, by building the network.

    This is for networks whose shapes cannot be computed by `architecture`, because only Keras knows them.

    Raises:
        ModelError: a layer does not fit; the message names the YAML line, the layer and both shapes.
    """
    with capture_native_stderr(), tf.device("/CPU:0"), keep_random_state():
        model = _connect_layers(config)
    return list_model_slots(model.keras_model, model.layers, config.settings.model.weights.flatten)


def _connect_layers(config: Config, output_layers: Sequence[str] = ()) -> ComposedModel:
    settings = config.settings
    tensors: dict[str, Any] = {
        INPUT_NAME: keras.Input(settings.input_shape, name=INPUT_NAME, dtype="float32")
    }
    layers: list[Layer] = []
    # For each layer of the config, the layer of the model that has its output. For an application, this is
    # one of the layers that replace it.
    output_names: dict[str, str] = {}
    for layer in settings.model.layers:
        inputs = tuple(output_names.get(name, name) for name in layer.inputs)
        parts, output_names[layer.name] = _expand_layer(config, replace(layer, inputs=inputs), tensors)
        for part in parts:
            _check_name(config, part, tensors)
            tensors[part.name] = _apply_layer(config, part, tensors)
        layers += parts
    sources = tuple(
        replace(source, layer=output_names[source.layer]) for source in settings.model.feature_sources
    )
    _check_features(config, sources, layers, tensors)
    read_names = {name for layer in layers for name in layer.inputs}
    unread_outputs = [tensor for name, tensor in tensors.items() if name not in read_names]
    whole_model = keras_model = _make_model(tensors[INPUT_NAME], unread_outputs)
    if output_layers:
        outputs = [tensors[output_names[name]] for name in output_layers]
        keras_model = _make_model(tensors[INPUT_NAME], outputs)
    return ComposedModel(keras_model, whole_model, tuple(layers), sources)


def _make_model(clips: Any, outputs: Sequence[Any]) -> Any:
    """Return the Keras model from the tensor of the clips to some tensors."""
    return keras.Model(clips, outputs if len(outputs) > 1 else outputs[0])


def _check_features(
    config: Config, sources: Sequence[FeatureSource], layers: Sequence[Layer], tensors: Mapping[str, Any]
) -> None:
    """Check that the outputs of these layers make one row."""
    by_name = {layer.name: layer for layer in layers}
    is_named = config.settings.model.features is not None
    try:
        for source in sources:
            check_feature_shape(by_name, source, _get_shape(tensors[source.layer]), is_named=is_named)
    except LayerMismatchError as e:
        raise _make_error(config, e.layer, e.reason) from e


def _expand_layer(config: Config, layer: Layer, tensors: Mapping[str, Any]) -> tuple[list[Layer], str]:
    """Return the layers that replace a layer of the config, and the name of the one with its output."""
    shapes = [_get_shape(tensors[name]) for name in layer.inputs]
    reason = find_mismatch(layer, shapes)
    if reason:
        raise _make_error(config, layer, reason)
    if not get_layer_kind(layer.kind).is_composite:
        return [layer], layer.name
    try:
        return expand_application(layer, shapes[0])
    except ValueError as e:
        raise _make_error(config, layer, summarize_keras_error(e)) from e


def _check_name(config: Config, layer: Layer, tensors: Mapping[str, Any]) -> None:
    """Refuse a name that a layer of an application shares with another layer."""
    if to_keras_name(layer.name) in map(to_keras_name, tensors):
        reason = (
            "has the same name as another layer, and an application has one of the two; wanted other names"
        )
        raise _make_error(config, layer, reason)


def _apply_layer(config: Config, layer: Layer, tensors: Mapping[str, Any]) -> Any:
    """Make the Keras layer, apply it to its inputs and return its output."""
    inputs = [tensors[name] for name in layer.inputs]
    try:
        keras_layer = make_keras_layer(layer, config.settings.model.weights.random)
        output = keras_layer(inputs if len(inputs) > 1 else inputs[0])
    except tf.errors.ResourceExhaustedError as e:
        raise MemoryError(summarize_keras_error(e)) from e
    except (ValueError, TypeError, IndexError, tf.errors.OpError) as e:
        shapes = " and ".join(format_shape(_get_shape(tensor)) for tensor in inputs)
        raise _make_error(config, layer, f"cannot take {shapes}: {summarize_keras_error(e)}") from e
    reason = check_output_size(_get_shape(output), config.settings.model.batch)
    if reason:
        raise _make_error(config, layer, reason)
    return output


def _get_shape(tensor: Any) -> Shape:
    return tuple(tensor.shape[1:])


def _make_error(config: Config, layer: Layer, reason: str) -> ModelError:
    return make_layer_error(config.tree, layer, reason)
