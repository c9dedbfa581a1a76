"""Reads files with the constants of `spectrogram.normalize`, which become part of the config."""

import re
from pathlib import Path

from specfeat.config.config_tree import ConfigTree
from specfeat.config.named_files import locate_file, make_file_error, read_small_file
from specfeat.key_path import KeyPath

_MAX_FILE_BYTES = 1_000_000  # more than three times what 4,096 bands and three channels need
_WANTED = "a number, a list of numbers, or the path of a text file of numbers"


def read_constants_files(tree: ConfigTree, folder: Path) -> None:
    """Replace the paths of files in `normalize.mean` and `normalize.std` by the numbers in the files.

    The digest and the record then have the numbers, so that a change of the file is noticed. A path in a
    config is relative to the folder of the config, and a path in an override is relative to the current
    folder.

    Args:
        tree: the config, which is changed.
        folder: the folder of the config.

    Raises:
        ConfigError: a file cannot be read, or contains something else than numbers.
    """
    normalize = tree.data.get("spectrogram", {}).get("normalize")
    for key in ("mean", "std"):
        if isinstance(normalize, dict) and isinstance(normalize.get(key), str):
            path: KeyPath = ("spectrogram", "normalize", key)
            text = _read_text(tree, path, locate_file(tree, path, folder, normalize[key]))
            normalize[key] = _parse_numbers(tree, path, text)


def _read_text(tree: ConfigTree, path: KeyPath, file: Path) -> str:
    content = read_small_file(tree, path, file, _MAX_FILE_BYTES, f"wanted {_WANTED}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        text = "is not a text file; write the numbers as text, e.g. with numpy.savetxt"
        raise make_file_error(tree, path, file, text) from e


def _parse_numbers(tree: ConfigTree, path: KeyPath, text: str) -> list[float] | list[list[float]]:
    """Return one list of numbers, or one list for each line if there are several lines of several numbers.

    The format is that of numpy.savetxt: spaces or commas separate the numbers of a line, and `#` begins a
    comment.
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
        raise tree.make_error(path, "the file contains no numbers")
    if len(lines) == 1:
        return lines[0]
    return [line[0] for line in lines] if all(len(line) == 1 for line in lines) else lines
