"""Loads a config: reads its file, applies overrides, and checks all settings."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from specfeat.config.config_files import find_config_file, shipped_names
from specfeat.config.config_tree import ConfigTree
from specfeat.config.constants_file import read_constants_files
from specfeat.config.label_rules import check_labels
from specfeat.config.labels_file import read_labels_file
from specfeat.config.layer_errors import check_layers
from specfeat.config.overrides import apply_override
from specfeat.config.postprocess_files import resolve_postprocess_files
from specfeat.config.seconds import convert_seconds
from specfeat.config.settings import Settings
from specfeat.config.train_paths import resolve_train_paths
from specfeat.config.training_sound import (
    find_first_difference,
    flatten_sound_settings,
    format_sound_setting,
)
from specfeat.config.validation_errors import make_validation_error
from specfeat.config.weights_file import resolve_weights_path
from specfeat.config.yaml_tree import read_tree
from specfeat.text import format_value, suggest_name


@dataclass(frozen=True)
class Config:
    """Checked settings, and the places where they are written.

    Attributes:
        name: the name of the shipped config or the path, as the caller gave it.
        settings: the checked settings.
        tree: the values of the file with their places. Errors that are found later, when the network is
            built, get their places from it.

    Raises:
        ConfigError: `model.weights.trained_with` names a config whose sound is not the sound of these
            settings.
    """

    name: str
    settings: Settings
    tree: ConfigTree

    def __post_init__(self) -> None:
        """Check what must be true for settings from a file and also for settings made in Python."""
        _check_training_sound(self)


def load_config(
    source: str | Path = "default", overrides: Iterable[str] = (), override_prefix: str = "override "
) -> Config:
    """Read a config, apply the overrides, and check everything that can be checked without TensorFlow.

    Args:
        source: a shipped name, such as "yamnet", or the path of a YAML file.
        overrides: values that replace those of the file, each as `KEY.PATH=VALUE`, where VALUE is YAML.
        override_prefix: the words that messages put before an override, e.g. the option of a command.

    Raises:
        ConfigError: the config is wrong. The message is one line, `FILE:LINE:COLUMN: key.path: what is wrong;
            what is wanted`. It is a ModelError if a layer does not match the layers before it.
    """
    path = find_config_file(source)
    tree = read_tree(path, override_prefix)
    for override in overrides:
        apply_override(tree, override)
    # The order matters: the next steps read keys inside the sections, and validation needs lengths in
    # samples, paths relative to the current folder, and numbers in place of files of numbers.
    _check_sections(tree)
    convert_seconds(tree)
    resolve_weights_path(tree, path.parent)
    resolve_train_paths(tree, path.parent)
    read_constants_files(tree, path.parent)
    read_labels_file(tree, path.parent)
    resolve_postprocess_files(tree, path.parent)
    settings = _validate_settings(tree)
    check_layers(tree, settings)
    check_labels(tree, settings)
    return Config(str(source), settings, tree)


def compare_training_sound(settings: Settings) -> tuple[str, str] | None:
    """Compare the sound of settings with the sound that their weights were trained on.

    Args:
        settings: the settings. Their key `model.weights.trained_with` names the config with which the weights
            were trained.

    Returns:
        The key path of the first setting that differs, and what is wrong with it; None if there is no
        difference, or if the key is left out.
    """
    name = settings.model.weights.trained_with
    if name is None:
        return None
    training_settings = load_config(name).settings
    sound = flatten_sound_settings(settings.audio.sample_rate, settings.spectrogram)
    training_sound = flatten_sound_settings(
        training_settings.audio.sample_rate, training_settings.spectrogram
    )
    key = find_first_difference(sound, training_sound)
    if key is None:
        return None
    value, training_value = (format_sound_setting(values.get(key)) for values in (sound, training_sound))
    return key, (
        f"is {value}, but the weights were trained with {training_value}, the value in {name}; "
        "the features would be wrong"
    )


def _check_training_sound(config: Config) -> None:
    weights, names = config.settings.model.weights, shipped_names()
    if weights.trained_with is not None and weights.trained_with not in names:
        hint = suggest_name(weights.trained_with, names) or f"; shipped are {', '.join(names)}"
        raise config.tree.make_error(
            ("model", "weights", "trained_with"),
            f"is {format_value(weights.trained_with)}, not the name of a shipped config{hint}",
        )
    if weights.file is None:  # random weights were not trained
        return
    difference = compare_training_sound(config.settings)
    if difference:
        key, text = difference
        raise config.tree.make_error(tuple(key.split(".")), f"{text} (model.weights.trained_with)")


def _check_sections(tree: ConfigTree) -> None:
    """Check that each section that the config has is a mapping."""
    for name in Settings.model_fields:
        if name in tree.data and not isinstance(tree.data[name], dict):
            raise tree.make_error(
                (name,),
                f"is {format_value(tree.data[name])}; wanted a mapping, its keys indented below",
            )


def _validate_settings(tree: ConfigTree) -> Settings:
    """Validate the values of a tree with pydantic, and return the settings.

    Raises:
        ConfigError: a value is wrong. The message names the first wrong value in the file.
    """
    _fill_empty_compression(tree.data)
    try:
        # As JSON text, because then pydantic converts lists to tuples, but never texts to numbers.
        return Settings.model_validate_json(json.dumps(tree.data))
    except ValidationError as e:
        raise make_validation_error(tree, e) from e


def _fill_empty_compression(data: dict[str, Any]) -> None:
    """Change `compress: {db: }` to `{db: {}}`, so that a kind without settings has its defaults.

    If another kind has settings, a kind that is null counts as left out.
    """
    compress = data.get("spectrogram", {}).get("compress")
    for step in compress if isinstance(compress, list) else [compress]:
        if isinstance(step, dict) and all(value is None for value in step.values()):
            step.update({key: {} for key in step})
