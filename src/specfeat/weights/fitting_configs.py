"""Finds the configs whose networks a weights file fits, without Keras."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from specfeat.architecture.shapes import UnknownShapeError
from specfeat.config import Config, load_config, shipped_names
from specfeat.config.settings import Settings
from specfeat.errors import Remedy, WeightsError
from specfeat.text import join_names
from specfeat.weights.files.arrays import FileContents
from specfeat.weights.inspection import compare_with_config
from specfeat.weights.matching.slots import derive_slots


@dataclass(frozen=True, slots=True)
class ConfigComparison:
    """The result of the comparison of a weights file with configs.

    Attributes:
        fitting_configs: the names of the configs whose networks the file fits. If the file fits only with
            another matching rule than that of the config, the rule follows the name.
        unknown_configs: the names of the configs that were not compared, because the arrays that their
            networks need are known only when Keras builds the network.
    """

    fitting_configs: list[str]
    unknown_configs: list[str]


def compare_with_configs(configs: Sequence[Config], contents: FileContents) -> ConfigComparison:
    """Compare a weights file with the networks of several configs."""
    fitting, unknown = [], []
    for config in configs:
        try:
            slots = derive_slots(config.settings)
        except UnknownShapeError:
            unknown.append(config.name)
            continue
        match, problem = compare_with_config(config.settings, contents, slots)
        if match and not problem:
            fitting.append(format_config_and_rule(config, match))
    return ConfigComparison(fitting, unknown)


@cache
def load_shipped_configs() -> tuple[Config, ...]:
    """Return all shipped configs, in the order of their names."""
    return tuple(load_config(name) for name in shipped_names())


def compare_with_shipped_configs(settings: Settings, contents: FileContents) -> ConfigComparison:
    """Compare a weights file with all shipped configs of which network or sound differ from some settings.

    Args:
        settings: the settings with which the file has been compared already.
        contents: the contents of the file.
    """
    network = _describe_network(settings)
    return compare_with_configs(
        [config for config in load_shipped_configs() if _describe_network(config.settings) != network],
        contents,
    )


def describe_fitting_configs(comparison: ConfigComparison) -> str:
    """Return the end of a message about a file that does not fit; "" if it fits no config."""
    fitting = comparison.fitting_configs
    return f"; the file fits the config {join_names(fitting, 'or')}" if fitting else ""


def add_fitting_configs(error: WeightsError, settings: Settings, contents: FileContents) -> WeightsError:
    """Return the error about a file that does not fit; its message ends with the shipped configs that fit.

    Args:
        error: the error, without the path of the file.
        settings: the settings that the file does not fit.
        contents: the contents of the file.
    """
    description = describe_fitting_configs(compare_with_shipped_configs(settings, contents))
    return (
        WeightsError(f"{error}{description}", remedy=Remedy.CHOOSE_FITTING_CONFIG) if description else error
    )


def format_config_and_rule(config: Config, match: str) -> str:
    """Return the name of a config; with the match rule after it, if this is not the rule of the config."""
    is_configured_rule = match == config.settings.model.weights.match
    return config.name + ("" if is_configured_rule else f" (with model.weights.match={match})")


def _describe_network(settings: Settings) -> tuple[object, ...]:
    return settings.model.layers, settings.audio.sample_rate, settings.spectrogram
