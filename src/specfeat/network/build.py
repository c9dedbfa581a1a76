"""The only way to a network: composed, compiled, given its weights and prepared by an engine, or refused."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.architecture.axes import Shape
from specfeat.architecture.graph import Layer
from specfeat.architecture.shapes import UnknownShapeError, count_multiplications
from specfeat.config import Config
from specfeat.errors import ModelError
from specfeat.native_stderr import capture_native_stderr
from specfeat.network.batch_norm_folding import fold_batch_norms
from specfeat.network.compose import ComposedModel, compose_model
from specfeat.network.engines import Device, Engine, EngineFactory, RowFunction, Rows
from specfeat.network.engines.tensorflow import TensorFlowEngine
from specfeat.network.equal_places import count_equal_places
from specfeat.system_limits import report_system_limits
from specfeat.text import format_shape
from specfeat.weights import load_weights

# The batch of the first test clip has to run before the first clips come in any case. Two more take 40 ms
# with `default`; for a heavy network they would take seconds.
CLIPS_OF_LIGHT_NETWORK = 3
LIGHT_MULTIPLICATIONS = 1e8  # of a batch, in the heaviest layer; yamnet has as many

ENGINES: dict[str, EngineFactory] = {TensorFlowEngine.name: TensorFlowEngine}


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network that is ready to compute rows. There is no other state, and only `build_network` makes one.

    Attributes:
        model: the Keras model, compiled, its weights set.
        layers: the model's layers in order; an application of the config is replaced by that application's
            own layers.
        batch: the number of clips in every batch.
        places: how many clips of a batch are filled, from the first on; the others stay zero, because a clip
            would get other bits there. Nearly always the same number as `batch`.
        input_shape: the shape of one clip, without the batch: (frames, bins, channels).
        width: the number of features in a row.
        engine: what runs the network.
        weights: what the record says of the weights: {"random": seed}, or {"file": path, "sha256": ...,
            "format": ...} with path, size in bytes, mtime_ns, ctime_ns and inode if it is one regular file.
        seconds: how long building took.
        row_function: what the engine made of the model.
    """

    model: Any
    layers: tuple[Layer, ...] = field(repr=False)
    batch: int
    places: int
    input_shape: Shape
    width: int
    engine: Engine
    weights: dict[str, object]
    seconds: float
    row_function: RowFunction = field(repr=False)

    @property
    def device(self) -> Device:
        """Where the network runs."""
        return self.engine.device

    @property
    def parallel_batches(self) -> int:
        """The number of batches that are worth running at once, each in a thread of its own."""
        return self.engine.parallel_batches

    def compute_rows(self, clips: NDArray[np.float32]) -> Rows:
        """Return the rows of one batch; several threads may call this at once.

        Args:
            clips: float32, shape (batch, *input_shape); only the rows of the first `places` clips are valid.

        Returns:
            float32, shape (batch, width).
        """
        return self.row_function(clips)


def build_network(
    config: Config, device: str = "auto", threads: int | None = None, engine: str = TensorFlowEngine.name
) -> Network:
    """Compose, compile and prepare the network of a config, and set its weights; all of it once.

    Args:
        config: the checked config.
        device: "auto", "cpu", "gpu" or "gpu:N".
        threads: how many batches run at once on a CPU, each in one thread; None for one for each core.
        engine: a key of `ENGINES`.

    Raises:
        ModelError: a layer does not fit; the message names the YAML line, the layer and both shapes.
        WeightsError: the weights file does not fit the network.
        DeviceError: there is no such device.
        SystemLimitError: there is not enough memory, or there are no more threads.
        InstallError: TensorFlow or Keras is missing or of a wrong version; raised when this module is
            imported.
    """
    start = time.perf_counter()
    settings = config.settings
    with report_system_limits(), capture_native_stderr():
        chosen_engine = ENGINES[engine](settings, device, threads)
        with chosen_engine.place_variables():
            composed = compose_model(config)
            weights = _set_weights(config, composed)
            extractor = fold_batch_norms(composed.keras_model, composed.feature_layer)
            row_function = _make_row_function(config, chosen_engine, extractor)
        certain_places = settings.model.batch - chosen_engine.count_uncertain_places(extractor)
        places = max(1, min(certain_places, _count_places(config, row_function)))
    return Network(
        model=composed.keras_model,
        layers=composed.layers,
        batch=settings.model.batch,
        places=places,
        input_shape=settings.input_shape,
        width=extractor.output_shape[-1],
        engine=chosen_engine,
        weights=weights,
        seconds=time.perf_counter() - start,
        row_function=row_function,
    )


def _set_weights(config: Config, model: ComposedModel) -> dict[str, object]:
    """Load the weights if the config names a file, and return what the record says of them."""
    weights = config.settings.model.weights
    if weights.file is None:
        return {"random": weights.random}
    return load_weights(model.keras_model, model.layers, config.settings)


def _count_places(config: Config, row_function: RowFunction) -> int:
    settings = config.settings
    try:
        is_light = settings.model.batch * count_multiplications(settings.graph) < LIGHT_MULTIPLICATIONS
    except UnknownShapeError:
        is_light = False
    clips = CLIPS_OF_LIGHT_NETWORK if is_light else 1
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
