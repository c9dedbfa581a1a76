"""Finds the file of a config: one that comes with specfeat, or one that a path names."""

from pathlib import Path

from specfeat.errors import CHECK_PATH_HINT, ConfigError, escape_control_characters
from specfeat.text import suggest_name

# An installed package contains the shipped configs. In a checkout they are in the folder at the top.
_SHIPPED_FOLDERS = (Path(__file__).parents[1] / "configs", Path(__file__).parents[3] / "configs")
_MAX_NAME_LENGTH = 300  # characters of a name that a message repeats; longer names exist on no file system


def shipped_names() -> list[str]:
    """Return the names of the configs that come with specfeat, in alphabetical order."""
    return sorted(path.stem for folder in _SHIPPED_FOLDERS for path in folder.glob("*.yaml"))


def find_shipped_weights() -> list[Path]:
    """Return the paths of the weights files that come with specfeat."""
    return sorted(path.resolve() for folder in _SHIPPED_FOLDERS for path in folder.glob("*.weights.h5"))


def find_config_file(source: str | Path) -> Path:
    """Return the path of a config's file.

    Args:
        source: the name of a shipped config, such as "yamnet", or the path of a YAML file. If the current
            folder has a file with the name of a shipped config, the name means the shipped config; `./NAME`
            and a `Path` always mean the file.

    Raises:
        ConfigError: there is no such config, or it is a folder.
    """
    path, text = Path(source), escape_control_characters(str(source))
    is_name = isinstance(source, str) and path.name == source and not path.suffix
    try:
        shipped_files = [folder / f"{source}.yaml" for folder in _SHIPPED_FOLDERS if is_name]
        file = next((shipped for shipped in shipped_files if shipped.is_file()), path)
        is_folder, exists = file.is_dir(), file.exists()
    except (OSError, ValueError) as e:  # the name is too long, or contains a zero byte
        reason = getattr(e, "strerror", None) or e
        raise ConfigError(f"{text[:_MAX_NAME_LENGTH]}: cannot be read: {reason}") from e
    if is_folder:
        raise ConfigError(f"{text}: is a folder; wanted a YAML file")
    if exists:
        return file
    names = shipped_names()
    if is_name:
        raise ConfigError(
            f"{text}: no such config{suggest_name(text, names)}; "
            f"shipped are {', '.join(names)}, or give a path to a YAML file"
        )
    hint = suggest_name(path.stem, names) or f"; {CHECK_PATH_HINT}"
    raise ConfigError(f"{text}: no such file{hint}")
