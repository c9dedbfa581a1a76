"""Finds the files of `model.postprocess`, and puts their SHA-256 into the config."""

from pathlib import Path

from specfeat.config.config_tree import ConfigTree
from specfeat.config.named_files import locate_file, make_file_error
from specfeat.config.postprocess import expand_short_step
from specfeat.files import compute_sha256, describe_os_error
from specfeat.key_path import KeyPath

# Twice the size of the vectors of 4,096 components of 4,096 features in float64.
_MAX_FILE_BYTES = 2**28


def resolve_postprocess_files(tree: ConfigTree, folder: Path) -> None:
    """Change the paths of PCA files so that they can be opened from the current folder, and hash the files.

    A path in a config is relative to the folder of the config, and a path in an override is relative to the
    current folder.

    Args:
        tree: the config, which is changed.
        folder: the folder of the config.

    Raises:
        ConfigError: a file cannot be read, or has another SHA-256 than the config gives.
    """
    steps = tree.data.get("model", {}).get("postprocess")
    if not isinstance(steps, list):
        return
    for number, step in enumerate(steps):
        step = steps[number] = expand_short_step(step)
        pca = step.get("pca") if isinstance(step, dict) else None
        if isinstance(pca, dict) and isinstance(pca.get("file"), str) and pca["file"]:
            path: KeyPath = ("model", "postprocess", number, "pca", "file")
            file = locate_file(tree, path, folder, pca["file"])
            digest = _compute_hash(tree, path, file)
            given = pca.get("sha256")
            if given is not None and str(given).lower() != digest:
                raise make_file_error(tree, path, file, f"its SHA-256 is not {given}")
            steps[number] = {**step, "pca": {**pca, "file": str(file), "sha256": digest}}


def _compute_hash(tree: ConfigTree, path: KeyPath, file: Path) -> str:
    try:
        if not file.is_file():  # opening a FIFO would wait for ever
            raise make_file_error(tree, path, file, "no such file; wanted an .npz file, e.g. that of VGGish")
        if file.stat().st_size > _MAX_FILE_BYTES:
            raise make_file_error(tree, path, file, f"is larger than {_MAX_FILE_BYTES:,} bytes")
        return compute_sha256(file)
    except OSError as e:
        raise make_file_error(tree, path, file, f"cannot be read: {describe_os_error(e)}") from e
