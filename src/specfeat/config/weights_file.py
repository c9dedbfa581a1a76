"""Resolves the path of the weights file, and checks that the file exists, without opening it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from specfeat.config.config_tree import ConfigTree
from specfeat.config.named_files import locate_file

if TYPE_CHECKING:
    from specfeat.config.load import Config
    from specfeat.key_path import KeyPath

_MAX_ADDRESS_LENGTH = 60  # characters of a web address that a message repeats


def resolve_weights_path(tree: ConfigTree, folder: Path) -> None:
    """Change the path of the weights file so that it can be opened from the current folder.

    A path in a config is relative to the folder of the config, so that both files can be moved together. A
    path in an override is relative to the current folder, like other paths on a command line.

    Args:
        tree: the config, which is changed.
        folder: the folder of the config.

    Raises:
        ConfigError: the path is a web address, or begins with the name of an unknown user (`~NAME`).
    """
    model = tree.data.get("model", {})
    weights = model.get("weights")
    path: KeyPath = ("model", "weights", "file")
    # `weights: PATH` is short for `weights: {file: PATH}`. `weights: random` gets a message of its own later.
    if isinstance(weights, str) and weights != "random":
        tree.value_positions[path] = tree.value_positions.get(path[:2], (1, 1))
        path = path[:2]  # the place of the path in messages
        weights = model["weights"] = {"file": weights}
    if not isinstance(weights, dict) or not isinstance(weights.get("file"), str) or not weights["file"]:
        return
    file: str = weights["file"]
    if "://" in file:
        raise tree.make_error(
            path,
            f"is an address, {file[:_MAX_ADDRESS_LENGTH]!r}, and nothing is downloaded; fetch the file first "
            "(specfeat weights fetch, or a browser) and give its path",
        )
    weights["file"] = str(locate_file(tree, path, folder, file))


def check_weights_file(config: "Config") -> None:
    """Check that the weights file of a config exists and may be read, if the config names one.

    Raises:
        ConfigError: there is no such file or checkpoint, or it may not be read. The message names the line.
    """
    file = config.settings.model.weights.file
    problem = describe_unreadable_file(file) if file is not None else None
    if problem:
        raise config.tree.make_error(("model", "weights", "file"), problem)


def describe_unreadable_file(file: str) -> str | None:
    """Return why a weights file or checkpoint cannot be read; None if it exists and may be read.

    Args:
        file: the path of the file; for a checkpoint, the path without `.index`.
    """
    for name in (file, f"{file}.index"):
        if os.path.exists(name):  # pathlib raises on names that are too long
            return None if os.access(name, os.R_OK) else f"{name}: may not be read: permission denied"
    return f"{file}: no such file; `specfeat weights fetch` prints the path of published weights"
