"""Loads the config of a finished output from its record, with the files that it names."""

import json
import os
from pathlib import Path
from typing import Any

from specfeat.config import Config
from specfeat.config.config_tree import ConfigTree
from specfeat.config.layer_errors import check_layers
from specfeat.config.weights_file import describe_unreadable_file
from specfeat.errors import Remedy, UsageError
from specfeat.files import compute_sha256, describe_os_error, format_path
from specfeat.output.finished_output import FinishedOutput
from specfeat.output.recorded_settings import parse_settings


def load_recorded_config(
    output: FinishedOutput, weights_file: str | None = None, *, remedy: Remedy = Remedy.EXTRACT_AGAIN
) -> Config:
    """Return the config with which an output was made.

    Args:
        output: the output.
        weights_file: the weights file of the run, if it is no longer where the record says.
        remedy: what helps if the record has settings of another version of specfeat.

    Raises:
        UsageError: the record has settings of another version of specfeat, or a file that they name is
            missing or has been changed.
        ModelError: the network of the record is not valid.
    """
    record = format_path(str(output.paths.record))
    identity = output.record.provenance.config
    folder = output.record.folder or ""
    settings = parse_settings(identity)
    if settings is None:
        raise UsageError(
            f"{record}: has settings that this version of specfeat does not read",
            remedy=remedy,
        )
    tree = ConfigTree(record, data=json.loads(json.dumps(identity.resolved)))
    weights = settings.model.weights
    changes: dict[str, Any] = {}
    if weights.file is not None:
        file = weights_file or _locate(weights.file, folder)
        if describe_unreadable_file(file):
            raise UsageError(
                f"{format_path(file)}: the weights file of {format_path(str(output.paths.array))} cannot be "
                "read here",
                remedy=Remedy.NAME_WEIGHTS_FILE,
            )
        changes["weights"] = weights.model_copy(update={"file": file})
    elif weights_file is not None:
        raise UsageError(f"{record}: the network has random weights, so it has no weights file")
    changes["postprocess"] = tuple(
        step if step.pca is None else step.model_copy(update={"pca": _find_pca(step.pca, folder)})
        for step in settings.model.postprocess
    )
    settings = settings.model_copy(update={"model": settings.model.model_copy(update=changes)})
    check_layers(tree, settings)
    return Config(identity.name, settings, tree)


def _locate(file: str, folder: str) -> str:
    """Return the path of a file that a record names relative to the folder in which the run was started."""
    place = os.path.join(folder, file)
    return place if os.path.exists(place) or not os.path.exists(file) else file


def _find_pca(pca: Any, folder: str) -> Any:
    """Return the settings with the path of the file, whose SHA-256 must be that of the record."""
    file = _locate(pca.file, folder)
    try:
        digest = compute_sha256(Path(file))
    except OSError as e:
        raise UsageError(f"{format_path(file)}: cannot be read: {describe_os_error(e)}") from e
    if digest != pca.sha256:
        raise UsageError(f"{format_path(file)}: has been changed since the run used it")
    return pca.model_copy(update={"file": file})
