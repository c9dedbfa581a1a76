"""Loads TensorFlow and prepares the network of a config, for a command.

Keras works without the packages that are hidden here until the end of the process, so only the command line
uses this module. Importing it does not load TensorFlow.
"""

from typing import TYPE_CHECKING

from specfeat.cpu_count import count_available_cores
from specfeat.process_state import hide_optional_packages, resume_garbage_collection

if TYPE_CHECKING:
    from specfeat.config import Config
    from specfeat.network.build import Network
    from specfeat.network.ready_network import ReadyNetwork


def load_network(config: "Config", device: str, threads: int | None, engine: str) -> "ReadyNetwork":
    """Prepare the network of a config with an engine, and start the garbage collector again.

    Args:
        config: the checked config.
        device: "auto", "cpu", "gpu" or "gpu:N".
        threads: how many batches a CPU computes at the same time; None for one for each core.
        engine: the name of the engine, see `network.engine_names`.

    Raises:
        SpecfeatError: see `network.build.build_network`.
    """
    from specfeat.network.engine_names import TENSORFLOW

    if engine == TENSORFLOW:
        return load_tensorflow_network(config, device, threads)
    from specfeat.network.prepare import prepare_network

    _check_weights_format(config)
    network = prepare_network(config, device, threads or count_available_cores(), engine)
    resume_garbage_collection()
    return network


def load_tensorflow_network(config: "Config", device: str, threads: int | None = None) -> "Network":
    """Build the network of a config, which TensorFlow runs, and start the garbage collector again.

    Args:
        config: the checked config.
        device: "auto", "cpu", "gpu" or "gpu:N".
        threads: how many batches a CPU computes at the same time; None for one for each core.

    Raises:
        SpecfeatError: see `network.build.build_network`.
    """
    _check_weights_format(config)
    with hide_optional_packages():
        from specfeat.network.build import build_network  # it loads TensorFlow

    network = build_network(config, device, threads or count_available_cores())
    resume_garbage_collection()
    return network


def _check_weights_format(config: "Config") -> None:
    """Report a wrong weights file before TensorFlow is loaded, which takes seconds."""
    with hide_optional_packages():
        from specfeat.weights.files.formats import check_weights_format

        check_weights_format(config.settings.model.weights)
