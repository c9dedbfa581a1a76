"""Constants of `spectrogram.normalize` in a file: they are read with the config and become part of it."""

import re
from pathlib import Path

from specfeat.config.config_tree import ConfigTree
from specfeat.errors import ConfigError
from specfeat.key_path import KeyPath
from specfeat.text import format_value

_MAX_FILE_BYTES = 1_000_000  # constants of 4,096 bands and three channels have less than a third of it
_WANTED = "a number, a list of numbers, or the path of a text file of numbers"


def read_constants_files(tree: ConfigTree, folder: Path) -> None:
    """Replace the path of a file in `normalize.mean` and `normalize.std` by the numbers in the file.

    So the digest and the record have the numbers. A path in a config is relative to the folder of the config,
    and a path in an override to the current folder.

    Args:
        tree: the config, which is changed.
        folder: the folder of the config.

    Raises:
        ConfigError: the file cannot be read, or holds something else than numbers.
    """
    normalize = tree.data.get("spectrogram", {}).get("normalize")
    for key in ("mean", "std"):
        if isinstance(normalize, dict) and isinstance(normalize.get(key), str):
            path: KeyPath = ("spectrogram", "normalize", key)
            is_from_override = any(path[:length] in tree.overrides for length in range(1, 4))
            file = Path(normalize[key])
            text = _read_text(tree, path, file if is_from_override else folder / file)
            normalize[key] = _parse_numbers(tree, path, text)


def _read_text(tree: ConfigTree, path: KeyPath, file: Path) -> str:
    try:
        if not file.is_file():  # a FIFO would wait for ever
            raise _make_error(tree, path, file, f"no such file; wanted {_WANTED}")
        with file.open("rb") as stream:
            data = stream.read(_MAX_FILE_BYTES + 1)
        if len(data) > _MAX_FILE_BYTES:
            raise _make_error(tree, path, file, f"is larger than {_MAX_FILE_BYTES:,} bytes")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        text = "is not a text file; write the numbers as text, e.g. with numpy.savetxt"
        raise _make_error(tree, path, file, text) from e
    except (OSError, ValueError) as e:
        reason = getattr(e, "strerror", None) or e
        raise _make_error(tree, path, file, f"cannot be read: {reason}; wanted {_WANTED}") from e


def _parse_numbers(tree: ConfigTree, path: KeyPath, text: str) -> list[float] | list[list[float]]:
    """Return one list, or a list for each line if several lines have several numbers.

    The numbers of a line are separated by spaces or commas, and `#` begins a comment, as in the files of
    numpy.savetxt.
    """
    lines: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = re.split(r"[\s,;]+", line.partition("#")[0].strip(" \t,;"))
        try:
            values = [float(word) for word in words if word]
        except ValueError as e:
            raise tree.make_error(path, f"{e} in line {number} of the file; wanted numbers") from e
        if values:
            lines.append(values)
    if not lines:
        raise tree.make_error(path, "the file holds no numbers")
    if len(lines) == 1:
        return lines[0]
    return [line[0] for line in lines] if all(len(line) == 1 for line in lines) else lines


def _make_error(tree: ConfigTree, path: KeyPath, file: Path, problem: str) -> ConfigError:
    return tree.make_error(path, f"is {format_value(str(file))}: {problem}")
