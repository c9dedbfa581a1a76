"""Builds a network: composes and compiles it, sets its weights, and prepares it with an engine."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from specfeat.architecture.feature_sources import ColumnGroup
from specfeat.architecture.graph import Layer
from specfeat.config import Config
from specfeat.errors import ModelError
from specfeat.native_stderr import capture_native_stderr
from specfeat.network.compose import ComposedModel, compose_model
from specfeat.network.engines import Engine, EngineFactory, RowFunction
from specfeat.network.engines.onnxruntime import OnnxRuntimeEngine
from specfeat.network.engines.tensorflow import TensorFlowEngine
from specfeat.network.equal_places import choose_test_clips, count_equal_places
from specfeat.network.feature_columns import list_model_columns, make_extractor
from specfeat.network.postprocess import make_postprocess
from specfeat.network.ready_network import ReadyNetwork
from specfeat.system_limits import report_system_limits
from specfeat.text import format_shape
from specfeat.weights import load_weights

ENGINES: dict[str, EngineFactory] = {
    TensorFlowEngine.name: TensorFlowEngine,
    OnnxRuntimeEngine.name: OnnxRuntimeEngine,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Network(ReadyNetwork):
    """A network that is ready to compute rows, with its Keras model; only `build_network` makes one.

    Attributes:
        model: the Keras model, compiled, its weights set.
        layers: the model's layers in order; an application of the config is replaced by that application's
            own layers.
        engine: the engine that runs the network.
        model_columns: the columns of each layer and statistic before the post-processing.
        model_width: the number of features before the post-processing.
    """

    model: Any
    layers: tuple[Layer, ...] = field(repr=False)
    engine: Engine
    model_columns: tuple[ColumnGroup, ...] = field(repr=False)
    model_width: int


def build_network(
    config: Config, device: str = "auto", threads: int | None = None, engine: str = TensorFlowEngine.name
) -> Network:
    """Compose and compile the network of a config, set its weights, and prepare it with an engine.

    Args:
        config: the checked config.
        device: "auto", "cpu", "gpu" or "gpu:N".
        threads: the number of batches that run at the same time on a CPU, each in one thread; None for the
            number of cores.
        engine: a key of `ENGINES`.

    Raises:
        ModelError: a layer does not fit; the message names the YAML line, the layer and both shapes.
        WeightsError: the weights file does not fit the network.
        DeviceError: the machine does not have the device.
        SystemLimitError: there is not enough memory, or there are no more threads.
        InstallError: TensorFlow or Keras is missing or has a wrong version. This is raised when this module
            is imported.
    """
    start = time.perf_counter()
    settings = config.settings
    with report_system_limits(), capture_native_stderr():
        chosen_engine = ENGINES[engine](settings, device, threads)
        with chosen_engine.place_variables():
            composed = compose_model(config)
            weights = _set_weights(config, composed)
            extractor = make_extractor(composed.keras_model, composed.feature_sources)
            row_function = _make_row_function(config, chosen_engine, extractor)
        columns = list_model_columns(config, composed)
        postprocess = make_postprocess(config, extractor.output_shape[-1])
        certain_places = settings.model.batch - chosen_engine.count_uncertain_places(extractor)
        places = max(1, min(certain_places, _count_places(config, row_function)))
    return Network(
        model=composed.keras_model,
        layers=composed.layers,
        batch=settings.model.batch,
        places=places,
        input_shape=settings.input_shape,
        width=postprocess.width,
        columns=postprocess.list_columns(columns),
        parameters=composed.keras_model.count_params(),
        device=chosen_engine.device,
        parallel_batches=chosen_engine.parallel_batches,
        engine=chosen_engine,
        model_columns=columns,
        model_width=extractor.output_shape[-1],
        weights=weights,
        seconds=time.perf_counter() - start,
        row_function=row_function,
        postprocess=postprocess,
    )


def _set_weights(config: Config, model: ComposedModel) -> dict[str, object]:
    """Load the weights if the config names a file, and return the entry `weights` of the record."""
    weights = config.settings.model.weights
    if weights.file is None:
        return {"random": weights.random}
    return load_weights(model.keras_model, model.layers, config.settings)


def _count_places(config: Config, row_function: RowFunction) -> int:
    """Test the network, and return the number of places of a batch at which a clip has the same row."""
    settings = config.settings
    clips = choose_test_clips(settings)
    with _name_config_line(config):
        return count_equal_places(row_function, settings.model.batch, settings.input_shape, clips)


def _make_row_function(config: Config, engine: Engine, extractor: Any) -> RowFunction:
    settings = config.settings
    shape = (settings.model.batch, *settings.input_shape)
    with _name_config_line(config):
        return engine.make_row_function(extractor, shape, jit_compile=settings.model.compile.jit_compile)


@contextmanager
def _name_config_line(config: Config) -> Iterator[None]:
    """Turn an engine's refusal of the network into an error that names the line of the config."""
    settings = config.settings
    shape = (settings.model.batch, *settings.input_shape)
    try:
        yield
    except ValueError as e:
        where = config.tree.format_place(("model", "layers"), at_key=True)
        raise ModelError(
            f"{where}: model.layers: the network does not run on {format_shape(shape)}: {e}"
        ) from e
