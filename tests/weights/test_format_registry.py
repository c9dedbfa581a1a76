"""The registry of formats: a format is recognised by its contents and opened by its own reader."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from helpers.hostile_weights.containers import encode_constant, encode_field
from specfeat.config.model import WeightsFormat
from specfeat.weights.files import formats
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.files.file_format import FileFormat
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import locate_weights


def test_the_config_knows_the_formats_of_the_registry() -> None:
    """The config comes before the readers and cannot ask them, so it lists the names once more."""
    names = [file_format.name for file_format in formats.FORMATS]

    assert sorted(["auto", *names]) == sorted(get_args(WeightsFormat))


@contextmanager
def _read_text_file(path: Path) -> Iterator[FileContents]:
    lines = path.read_text().splitlines()[1:]
    values = np.array(lines, np.float32)
    array = FileArray(name="a/kernel", shape=values.shape, dtype="float32", read=lambda: values)
    yield FileContents(format="numbers, a line each", arrays=(array,))


def test_a_new_format_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader and the bytes that its files begin with are all that a format needs."""
    name: Any = "text"
    text_format = FileFormat(
        name=name,
        family="this test",
        read=_read_text_file,
        matches_bytes=lambda head, tail: head.startswith(b"numbers\n"),
    )
    monkeypatch.setattr(formats, "FORMATS", (*formats.FORMATS, text_format))
    (tmp_path / "w.txt").write_text("numbers\n3\n4\n")

    with open_weights_file(locate_weights(str(tmp_path / "w.txt"))) as contents:
        (array,) = contents.arrays
        assert contents.format == "numbers, a line each"
        np.testing.assert_array_equal(array.read(), [3, 4])


def test_weight_is_ambiguous_in_a_frozen_graph(tmp_path: Path) -> None:
    """A constant called `weight` that no operation reads may be in either framework's order of axes."""
    (tmp_path / "w.pb").write_bytes(encode_constant("a/weight", [2, 2], encode_field(4, bytes(16))))

    with open_weights_file(locate_weights(str(tmp_path / "w.pb"))) as contents:
        parts = [(array.layer, array.role, array.layout) for array in contents.arrays]

    assert parts == [("a", "kernel", "unclear")]
