"""The file is the one that the config means: its hash, its format, and no change while it is read."""

import shutil
from pathlib import Path
from typing import Any

import h5py
import pytest

from helpers.weights_files import (
    build_small_network,
    make_arrays,
    write_keras_2,
    write_npz,
)
from specfeat.errors import WeightsError
from specfeat.weights.matching.ignored_arrays import match_config_arrays

pytestmark = pytest.mark.tf


def test_the_hash_is_checked_before_use(tmp_path: Path) -> None:
    """With `sha256` in the config, a file with another hash is refused before a reader opens it."""
    path = write_npz(tmp_path / "w.npz", make_arrays())
    digest = str(build_small_network(tmp_path, {"file": str(path)}).weights["sha256"])
    wrong = "0" * 64

    assert (
        build_small_network(tmp_path, {"file": str(path), "sha256": digest.upper()}).weights["sha256"]
        == digest
    )
    path.write_bytes(b"junk")
    with pytest.raises(WeightsError, match=rf"has the SHA-256 [0-9a-f]+, but the config says {wrong}"):
        build_small_network(tmp_path, {"file": str(path), "sha256": wrong})


def test_a_format_in_the_config_must_be_that_of_the_file(tmp_path: Path) -> None:
    """The format is recognised by the first bytes, not by the name; `format` is compared with it."""
    path = write_npz(tmp_path / "w.h5", make_arrays())

    assert build_small_network(tmp_path, {"file": str(path)}).weights["format"] == "NumPy archive (.npz)"
    with pytest.raises(WeightsError, match="has the format npz, but the config says hdf5"):
        build_small_network(tmp_path, {"file": str(path), "format": "hdf5"})


def test_keras_on_theano_is_refused(tmp_path: Path) -> None:
    """Theano's kernels are rotated by 180 degrees, in the same shape."""
    path = write_keras_2(tmp_path / "w.h5", make_arrays())
    with h5py.File(path, "r+") as file:
        file.attrs["backend"] = b"theano"

    with pytest.raises(
        WeightsError, match="was written by Keras on theano, whose kernels are rotated by 180 degrees"
    ):
        build_small_network(tmp_path, {"file": str(path)})


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the hash in the record is that of the arrays in the network."""
    path = write_npz(tmp_path / "w.npz", make_arrays())
    copy = shutil.copy(path, tmp_path / "copy.npz")
    original = match_config_arrays

    def replace_file(*arguments: Any) -> Any:
        Path(copy).replace(path)
        return original(*arguments)

    monkeypatch.setattr("specfeat.weights.load.match_config_arrays", replace_file)
    with pytest.raises(WeightsError, match="was written to while it was read"):
        build_small_network(tmp_path, {"file": str(path)})
