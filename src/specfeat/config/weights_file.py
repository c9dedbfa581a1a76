"""The file of weights as the file system knows it; nothing is opened."""

import os
import stat
from pathlib import Path

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


def identify_weights_file(name: str) -> dict[str, object]:
    """Return by what a file is known again without reading it; nothing for what is not one regular file.

    Size and time alone would be the same for two networks of one architecture whose files a program has
    dated alike, so the path, the inode and the time of the inode's last change belong to it.
    """
    try:
        status = Path(name).stat()
        path = os.path.abspath(name)  # noqa: PTH100  resolve would follow links, absolute would keep ".."
    except (OSError, ValueError):
        return {}
    if not stat.S_ISREG(status.st_mode):
        return {}
    return {
        "path": path,
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "ctime_ns": status.st_ctime_ns,
        "inode": status.st_ino,
    }
