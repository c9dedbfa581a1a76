"""Files that a config names: where they are, the content of small ones, and the errors about them."""

from pathlib import Path

from specfeat.config.config_tree import ConfigTree
from specfeat.errors import ConfigError
from specfeat.key_path import KeyPath
from specfeat.text import format_value


def locate_file(tree: ConfigTree, path: KeyPath, folder: Path, name: str) -> Path:
    """Return the path with which a file that a config names can be opened from the current folder.

    A path in a config is relative to the folder of the config, so that both can be moved together. A path in
    an override is relative to the current folder, like other paths on a command line. `~` is the home folder.

    Args:
        tree: the config.
        path: the key path of the name.
        folder: the folder of the config.
        name: the name of the file or folder, as the config has it.

    Raises:
        ConfigError: the name begins with that of an unknown user (`~NAME`).
    """
    try:
        file = Path(name).expanduser()
    except RuntimeError as e:
        raise tree.make_error(path, f"is {format_value(name)}: there is no such user's folder") from e
    return file if tree.is_from_override(path) else folder / file


def read_small_file(tree: ConfigTree, path: KeyPath, file: Path, max_bytes: int, hint: str) -> bytes:
    """Return the content of a file.

    Args:
        tree: the config, which makes the errors.
        path: the key path of the name of the file.
        file: the file.
        max_bytes: the largest size that the file may have.
        hint: what is wanted, for the message if there is no such file.

    Raises:
        ConfigError: the file is no regular file, is too large, or cannot be read.
    """
    try:
        if not file.is_file():  # opening a FIFO would wait for ever
            raise make_file_error(tree, path, file, f"no such file; {hint}")
        with file.open("rb") as stream:
            content = stream.read(max_bytes + 1)
    except (OSError, ValueError) as e:
        reason = getattr(e, "strerror", None) or e
        raise make_file_error(tree, path, file, f"cannot be read: {reason}; {hint}") from e
    if len(content) > max_bytes:
        raise make_file_error(tree, path, file, f"is larger than {max_bytes:,} bytes")
    return content


def make_file_error(tree: ConfigTree, path: KeyPath, file: Path, problem: str) -> ConfigError:
    """Return the error about a file that a config names.

    Args:
        tree: the config.
        path: the key path of the name of the file.
        file: the file.
        problem: what is wrong and what is wanted; it follows the name of the file in the message.
    """
    return tree.make_error(path, f"is {format_value(str(file))}: {problem}")
