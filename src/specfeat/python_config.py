"""The config as callers of the Python interface give it, in any of its forms."""

import os
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

from specfeat.config import Config, Settings, load_config
from specfeat.config.config_tree import ConfigTree
from specfeat.errors import UsageError


def load_any_config(
    config: str | os.PathLike[str] | Config | Settings, overrides: Iterable[str] = ()
) -> Config:
    """Return the config, loaded and checked.

    Args:
        config: a shipped name, the path of a YAML file, a loaded config, or settings.
        overrides: values that replace those of a shipped config or a file, each as `KEY.PATH=VALUE`.

    Raises:
        ConfigError: the config is wrong; names the line.
        UsageError: the config or the overrides have another type, or the config is loaded already.
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
    """Warn the program that called the Python interface if the network is not trained."""
    seed = config.settings.model.weights.random
    if seed is not None:
        warnings.warn(
            f"the network's weights are random (seed {seed}): its features are those of an untrained network",
            stacklevel=3,  # the caller of the function that calls this one
        )
