"""Writes a commented config to begin with."""

from pathlib import Path

from specfeat.errors import UsageError, escape_control_characters
from specfeat.files import describe_os_error

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
        with path.open("x", encoding="utf-8") as file:
            file.write(read_starter_config(path))
    except FileExistsError as e:
        raise UsageError(f"{shown}: exists already, and is not replaced; give another name") from e
    except (OSError, ValueError) as e:
        raise UsageError(f"{shown}: cannot be written: {describe_os_error(e)}") from e
    return path


def read_starter_config(path: Path) -> str:
    """Return the text of the starter config, in which the commands name a file.

    Args:
        path: the file.
    """
    name = path.name if path.name.isprintable() else "FILE"
    return _STARTER.read_text(encoding="utf-8").replace("FILE", name)
