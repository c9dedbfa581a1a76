"""Builds a network: composes and compiles it, sets its weights, and prepares it with an engine."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.architecture.axes import Shape
from specfeat.architecture.feature_sources import ColumnGroup
from specfeat.architecture.graph import Layer
from specfeat.architecture.shapes import UnknownShapeError, count_multiplications
from specfeat.config import Config
from specfeat.errors import ModelError
from specfeat.native_stderr import capture_native_stderr
from specfeat.network.compose import ComposedModel, compose_model
from specfeat.network.engines import Device, Engine, EngineFactory, RowFunction, Rows
from specfeat.network.engines.tensorflow import TensorFlowEngine
from specfeat.network.equal_places import count_equal_places
from specfeat.network.feature_columns import list_model_columns, make_extractor
from specfeat.network.postprocess import Postprocess, make_postprocess
from specfeat.system_limits import report_system_limits
from specfeat.text import format_shape
from specfeat.weights import load_weights

# The number of test clips with which the places of a batch are compared, for a light network. Other networks
# are tested with one clip. A network has to run once before the first clips come, so the first test batch
# takes no extra time. Two more take 40 ms with `default`; with a heavy network, they would take seconds.
TEST_CLIPS_OF_LIGHT_NETWORK = 3
# The limit of a light network, for one batch in an average layer with a kernel. `yamnet` has 0.8e8, `default`
# 1.0e8.
LIGHT_MULTIPLICATIONS = 1e8

ENGINES: dict[str, EngineFactory] = {TensorFlowEngine.name: TensorFlowEngine}


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network that is ready to compute rows; only `build_network` makes one.

    Attributes:
        model: the Keras model, compiled, its weights set.
        layers: the model's layers in order; an application of the config is replaced by that application's
            own layers.
        batch: the number of places for clips in every batch.
        places: the number of places that are filled with clips, from the first place on. The other places
            stay zero, because a clip would have a row with other bits there. Mostly the same number as
            `batch`.
        input_shape: the shape of one clip, without the batch: (frames, bins, channels).
        width: the number of features of a clip.
        columns: the columns of each layer and statistic, in order.
        engine: the engine that runs the network.
        weights: the entry `weights` of the record: {"random": seed}, or {"file": path, "sha256": ...,
            "format": ...}; for a single file, also path, size in bytes, mtime_ns, ctime_ns and inode.
        seconds: the time that building took, in seconds.
        row_function: the function that the engine has made of the model.
        postprocess: what is done with the features after the network.
    """

    model: Any
    layers: tuple[Layer, ...] = field(repr=False)
    batch: int
    places: int
    input_shape: Shape
    width: int
    columns: tuple[ColumnGroup, ...] = field(repr=False)
    engine: Engine
    weights: dict[str, object]
    seconds: float
    row_function: RowFunction = field(repr=False)
    postprocess: Postprocess = field(repr=False)

    @property
    def device(self) -> Device:
        """Where the network runs."""
        return self.engine.device

    @property
    def parallel_batches(self) -> int:
        """The number of batches to run at the same time, each in its own thread."""
        return self.engine.parallel_batches

    def compute_rows(self, clips: NDArray[np.float32]) -> Rows:
        """Return the rows of one batch; several threads may call this at the same time.

        Args:
            clips: float32, shape (batch, *input_shape); only the rows of the first `places` clips are valid.

        Returns:
            float32, shape (batch, width).
        """
        return self.postprocess.apply(self.row_function(clips))


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
        engine=chosen_engine,
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
    try:
        is_light = settings.model.batch * count_multiplications(settings.graph) < LIGHT_MULTIPLICATIONS
    except UnknownShapeError:
        is_light = False
    clips = TEST_CLIPS_OF_LIGHT_NETWORK if is_light else 1
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
