"""The file of weights as the file system knows it; nothing is opened."""

import os

from specfeat.config.load import Config


def check_weights_file(config: Config) -> None:
    """Tell of a file that is not there, or may not be read, with the line that names it.

    Raises:
        ConfigError: there is no such file and no such checkpoint, or it may not be read.
    """
    file = config.settings.model.weights.file
    wrong = describe_unreadable_file(file) if file is not None else None
    if wrong:
        raise config.tree.error(("model", "weights", "file"), wrong)


def describe_unreadable_file(file: str) -> str | None:
    """Return what is wrong with a file of weights, or a checkpoint, as the file system sees it."""
    names = (file, f"{file}.index")
    found = next((name for name in names if os.path.exists(name)), None)  # noqa: PTH110  pathlib raises on long names
    if found is None:
        return f"{file}: no such file; of published weights, specfeat weights fetch prints the path"
    if not os.access(found, os.R_OK):
        return f"{found}: may not be read: permission denied"
    return None
