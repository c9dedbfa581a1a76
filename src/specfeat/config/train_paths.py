"""Resolves the paths in the section `train`: those of labels, noises and teachers."""

from pathlib import Path
from typing import Any

from specfeat.config.config_tree import ConfigTree
from specfeat.config.named_files import locate_file
from specfeat.key_path import KeyPath


def resolve_train_paths(tree: ConfigTree, folder: Path) -> None:
    """Change the paths in the section `train` so that they can be opened from the current folder.

    A path in a config is relative to the folder of the config; a path in an override is relative to the
    current folder.

    Args:
        tree: the config, which is changed.
        folder: the folder of the config.

    Raises:
        ConfigError: a path begins with the name of an unknown user (`~NAME`).
    """
    train = tree.data.get("train")
    if not isinstance(train, dict):
        return
    _resolve_path(tree, train.get("labels"), ("train", "labels", "file"), folder)
    for number, step in enumerate(_get_list(train, "augment")):
        noise = step.get("noise") if isinstance(step, dict) else None
        _resolve_path(tree, noise, ("train", "augment", number, "noise", "folder"), folder)
    for number, teacher in enumerate(_get_list(train, "teachers")):
        for key in ("weights", "output"):
            _resolve_path(tree, teacher, ("train", "teachers", number, key), folder)
        if isinstance(teacher, dict) and _is_config_path(teacher.get("config")):
            _resolve_path(tree, teacher, ("train", "teachers", number, "config"), folder)


def _get_list(section: dict[str, Any], key: str) -> list[Any]:
    values = section.get(key)
    return values if isinstance(values, list) else []


def _is_config_path(value: object) -> bool:
    """Return whether the config of a teacher is a path, and not a shipped name."""
    return isinstance(value, str) and ("/" in value or value.endswith((".yaml", ".yml")))


def _resolve_path(tree: ConfigTree, section: object, path: KeyPath, folder: Path) -> None:
    key = path[-1]
    if not isinstance(section, dict) or not isinstance(section.get(key), str) or not section[key]:
        return
    if not tree.is_from_override(path):
        section[key] = str(locate_file(tree, path, folder, section[key]))
