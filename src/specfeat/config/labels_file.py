"""Reads the names of the classes from a file; they become part of the config."""

import csv
import io
from pathlib import Path
from typing import Any

from specfeat.config.config_tree import ConfigTree
from specfeat.config.named_files import locate_file, make_file_error, read_small_file
from specfeat.errors import ConfigError
from specfeat.key_path import KeyPath
from specfeat.text import format_value, suggest_name

_MAX_FILE_BYTES = 10_000_000  # a hundred thousand names
_NAME_COLUMNS = ("display_name", "label", "name", "class")  # tried in this order if the config names none
_NUMBER_COLUMN = "index"
_PATH: KeyPath = ("model", "labels")
_WANTED = "wanted a list of names, a file with one name on each line, or {file: classes.csv, column: name}"


def read_labels_file(tree: ConfigTree, folder: Path) -> None:
    """Replace a file in `model.labels` by the names in the file.

    The record then has the names. A path in a config is relative to the folder of the config, and a path in
    an override is relative to the current folder.

    Args:
        tree: the config, which is changed.
        folder: the folder of the config.

    Raises:
        ConfigError: the file cannot be read, or has no such names.
    """
    model = tree.data.get("model", {})
    labels = model.get("labels")
    if isinstance(labels, str):
        labels = {"file": labels}
    if not isinstance(labels, dict):
        return
    for key in labels:
        if key not in ("file", "column"):
            hint = suggest_name(key, ("file", "column")) or "; known: file, column"
            raise tree.make_error((*_PATH, key), f"is not known here{hint}", at_key=True)
    file, column = labels.get("file"), labels.get("column")
    if not isinstance(file, str) or not (column is None or isinstance(column, str)):
        raise tree.make_error(_PATH, f"is {format_value(labels)}; {_WANTED}")
    model["labels"] = _LabelsFile(tree, locate_file(tree, (*_PATH, "file"), folder, file)).read(column)


class _LabelsFile:
    """A file with the names of the classes.

    Args:
        tree: the config, which makes the errors.
        path: the file.
    """

    def __init__(self, tree: ConfigTree, path: Path) -> None:
        self._tree = tree
        self._path = path

    def read(self, column: str | None) -> list[str]:
        """Return the names: those of a column of a CSV or TSV file, or the lines of any other file."""
        text = self._read_text()
        suffix = self._path.suffix.lower()
        if suffix not in (".csv", ".tsv"):
            if column is not None:
                raise self._make_error("has no columns; only .csv and .tsv files have them")
            return [line.strip() for line in text.splitlines() if line.strip()]
        try:
            table = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if suffix == ".tsv" else ",")
            lines: list[dict[str, Any]] = list(table)
        except csv.Error as e:
            raise self._make_error(f"is not a table: {e}") from e
        names = [str(name) for name in table.fieldnames or ()]
        chosen = self._choose_column(names, column)
        self._check_numbers(lines)
        return [str(line[chosen] or "") for line in lines]

    def _read_text(self) -> str:
        content = read_small_file(self._tree, _PATH, self._path, _MAX_FILE_BYTES, _WANTED)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as e:
            raise self._make_error(f"is not UTF-8 text (byte {e.start}); save it as UTF-8") from e

    def _choose_column(self, names: list[str], column: str | None) -> str:
        if column is not None:
            if column in names:
                return column
            hint = suggest_name(column, names) or f"; it has {', '.join(names) or 'none'}"
            raise self._make_error(f"has no column {column!r}{hint}")
        known = [name for name in _NAME_COLUMNS if name in names] or names
        if len(names) > 1 and known == names:
            raise self._make_error(f"has the columns {', '.join(names)}; choose one with column")
        if not known:
            raise self._make_error("is empty; wanted a table with a header")
        return known[0]

    def _check_numbers(self, lines: list[dict[str, Any]]) -> None:
        """Check that the numbers of the classes, if the file has them, are in order."""
        for number, line in enumerate(lines):
            if _NUMBER_COLUMN in line and line[_NUMBER_COLUMN] != str(number):
                value = format_value(line[_NUMBER_COLUMN])
                raise self._make_error(
                    f"has {value} in the column {_NUMBER_COLUMN!r} where {number} should be; "
                    "sort the lines by it, from 0 without a gap"
                )

    def _make_error(self, problem: str) -> ConfigError:
        return make_file_error(self._tree, _PATH, self._path, problem)
