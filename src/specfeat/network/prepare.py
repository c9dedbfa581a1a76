"""Prepares the network of a config for a run: builds it, or takes one that an earlier run has converted.

Importing this module does not load TensorFlow.
"""

import importlib.metadata
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specfeat import __version__
from specfeat.architecture.feature_sources import ColumnGroup
from specfeat.config import Config
from specfeat.cpu_count import count_available_cores
from specfeat.network.engine_names import TENSORFLOW, describe_engine
from specfeat.network.equal_places import choose_test_clips, count_equal_places
from specfeat.network.network_cache import (
    CachedNetwork,
    NetworkKey,
    find_network_folder,
    read_network,
    write_network,
)
from specfeat.network.postprocess import make_postprocess
from specfeat.network.ready_network import ReadyNetwork

if TYPE_CHECKING:
    from specfeat.network.build import Network

_CONVERTERS = ("tensorflow", "keras", "numpy", "tf2onnx", "onnx")


def prepare_network(
    config: Config,
    device: str = "auto",
    threads: int | None = None,
    engine: str = TENSORFLOW,
    folder: Path | None = None,
) -> ReadyNetwork:
    """Return the network of a config, ready to compute rows.

    Args:
        config: the checked config.
        device: "auto", "cpu", "gpu" or "gpu:N".
        threads: the number of batches that run at the same time on a CPU, each in one thread; None for the
            number of cores.
        engine: the name of the engine, see `engine_names`.
        folder: the folder of the cache for converted networks; by default that of the user.

    Raises:
        SpecfeatError: see `build.build_network`.
    """
    if engine == TENSORFLOW:
        return _build_network(config, device, threads, engine)
    from specfeat.network.engines.onnxruntime import check_device  # not needed with TensorFlow

    check_device(device)
    start = time.perf_counter()
    folder = folder or find_network_folder()
    weights = _identify_weights(config)
    key = NetworkKey(
        config=config.settings.digest,
        weights=str(weights.get("sha256", "")),
        engine=describe_engine(engine),
        versions=_collect_versions(),
    )
    cached = read_network(folder, key)
    network = None if cached is None else _open_network(config, cached, weights, threads, start)
    if network is not None:
        return network
    built_network = _build_network(config, device, threads, engine)
    # If the weights file was replaced while the network was built, it does not belong to the key.
    if str(built_network.weights.get("sha256", "")) == key.weights:
        converted: Any = built_network.row_function
        write_network(folder, key, _make_header(config, built_network), converted.content)
    return built_network


def _build_network(config: Config, device: str, threads: int | None, engine: str) -> "Network":
    from specfeat.network.build import build_network  # it loads TensorFlow

    return build_network(config, device, threads, engine)


def _identify_weights(config: Config) -> dict[str, object]:
    """Return the entry `weights` of the record, without the format of the file."""
    weights = config.settings.model.weights
    if weights.file is None:
        return {"random": weights.random}
    # Imported here, because random weights need no reader.
    from specfeat.weights.files.source import check_unchanged, locate_weights, prefix_errors_with

    with prefix_errors_with(weights.file):
        source = locate_weights(weights.file)
        with check_unchanged(source):
            return {"file": weights.file, "sha256": source.compute_sha256(), **source.identify_file()}


def _collect_versions() -> Mapping[str, str]:
    versions = {"specfeat": __version__}
    for package in _CONVERTERS:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # the conversion will say that it is missing
            versions[package] = ""
    return versions


def _make_header(config: Config, network: "Network") -> dict[str, object]:
    """Return what the cache notes beside a network, so that it can be used without its Keras model."""
    return {
        "config": config.name,
        "features": network.model_width,
        "columns": [asdict(group) for group in network.model_columns],
        "parameters": network.parameters,
        "weights_format": network.weights.get("format", ""),
    }


def _open_network(
    config: Config, cached: CachedNetwork, weights: dict[str, object], threads: int | None, start: float
) -> ReadyNetwork | None:
    """Return a cached network, ready to compute rows; None if the engine cannot load it.

    Args:
        config: the config.
        cached: the network from the cache, whose key fits the config.
        weights: the entry `weights` of the record, without the format.
        threads: the number of batches that run at the same time.
        start: when the preparation has started, by `time.perf_counter`.
    """
    from specfeat.network.engines.onnxruntime import CPU, OnnxRowFunction  # it is an extra

    settings, header = config.settings, cached.header
    try:
        row_function = OnnxRowFunction(cached.content)
        columns = tuple(ColumnGroup(**group) for group in header["columns"])
        features, parameters = int(header["features"]), int(header["parameters"])
        weights_format = str(header["weights_format"])
        places = count_equal_places(
            row_function, settings.model.batch, settings.input_shape, choose_test_clips(settings)
        )
    except (KeyError, TypeError, ValueError):
        return None
    postprocess = make_postprocess(config, features)
    return ReadyNetwork(
        batch=settings.model.batch,
        places=places,
        input_shape=settings.input_shape,
        width=postprocess.width,
        columns=postprocess.list_columns(columns),
        parameters=parameters,
        device=CPU,
        parallel_batches=threads or count_available_cores(),
        weights=_add_format(weights, weights_format),
        seconds=time.perf_counter() - start,
        row_function=row_function,
        postprocess=postprocess,
    )


def _add_format(weights: dict[str, object], weights_format: str) -> dict[str, object]:
    """Return the entry `weights` in the order of keys that `load_weights` has."""
    if "random" in weights:
        return weights
    names = ("file", "sha256")
    first = {name: weights[name] for name in names}
    return {**first, "format": weights_format, **{k: v for k, v in weights.items() if k not in names}}
