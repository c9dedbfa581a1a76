"""Loads the config of a call of the Python interface, which accepts it in several forms."""

import os
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

from specfeat.architecture.shapes import UnknownShapeError, list_network_arrays
from specfeat.config import Config, Settings, load_config
from specfeat.config.config_tree import ConfigTree
from specfeat.errors import UsageError


def load_any_config(
    config: str | os.PathLike[str] | Config | Settings, overrides: Iterable[str] = ()
) -> Config:
    """Return the config, loaded and checked.

    Args:
        config: the name of a shipped config, the path of a YAML file, a loaded config, or settings.
        overrides: values that replace those of a shipped config or a file, each as `KEY.PATH=VALUE`.

    Raises:
        ConfigError: the config is wrong. The message names the line.
        UsageError: the config or the overrides have a wrong type, or there are overrides for a loaded config.
    """
    if isinstance(config, Config | Settings) and list(overrides):
        raise UsageError(
            "overrides apply only to a config's name or path; these settings are checked already"
        )
    if isinstance(config, Config):
        return config
    if isinstance(config, Settings):
        return Config("settings", config, ConfigTree("settings"))
    if not isinstance(config, str | os.PathLike):
        raise UsageError(f"the config is a {type(config).__name__}; wanted a name, a path or Settings")
    if isinstance(overrides, str | Mapping):
        raise UsageError("overrides are a list of KEY.PATH=VALUE, e.g. ['model.batch=8']")
    return load_config(config if isinstance(config, str) else Path(config), overrides)


def warn_of_random_weights(config: Config) -> None:
    """Warn the caller of the Python interface if the weights of the network are random."""
    seed = config.settings.model.weights.random
    if seed is not None and _has_arrays(config):
        warnings.warn(
            f"the network's weights are random (seed {seed}): its features are those of an untrained network",
            stacklevel=3,  # the line that called the function of the Python interface
        )


def _has_arrays(config: Config) -> bool:
    """Return whether the network has weights at all; true also if only Keras knows."""
    try:
        return any(True for _ in list_network_arrays(config.settings.graph))
    except UnknownShapeError:
        return True
