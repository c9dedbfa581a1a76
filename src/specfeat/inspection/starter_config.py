"""Writes a config with comments, from which users make their own."""

import os
from pathlib import Path

from specfeat.atomic_file import write_atomically
from specfeat.errors import OutputError, UsageError, escape_control_characters

_STARTER = Path(__file__).with_name("starter.yaml")
_EXTENSIONS = (".yaml", ".yml")


def write_starter_config(name: str) -> Path:
    """Write the starter config to a new file.

    Args:
        name: the path of the file; ".yaml" is appended if it has no extension of YAML.

    Returns:
        The path of the file.

    Raises:
        UsageError: the file exists already, or cannot be written.
    """
    path = Path(name)
    if path.suffix not in _EXTENSIONS:
        path = path.with_name(f"{path.name}.yaml") if path.name else path
    shown = escape_control_characters(str(path))
    try:
        if os.path.lexists(path):
            raise UsageError(f"{shown}: exists already, and is not replaced; give another name")
        write_atomically(path, read_starter_config(path).encode())
    except ValueError as e:  # a NUL in the name
        raise UsageError(f"{shown}: cannot be written: {e}") from e
    except OutputError as e:
        raise UsageError(escape_control_characters(str(e))) from e
    return path


def read_starter_config(path: Path) -> str:
    """Return the text of the starter config, in which the commands name a file.

    Args:
        path: the file.
    """
    name = path.name if path.name.isprintable() else "FILE"
    return _STARTER.read_text(encoding="utf-8").replace("FILE", name)
