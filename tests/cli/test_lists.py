"""`specfeat list`, `specfeat init` and `specfeat schema`."""

import errno
import json
from pathlib import Path

import pytest

from helpers.specfeat_command import run_in_this_process
from specfeat.architecture.kinds import LAYER_KINDS
from specfeat.config import load_config, shipped_names
from specfeat.output.formats import list_format_names


def _read_json(folder: Path, *words: str) -> list[dict[str, object]]:
    done = run_in_this_process(folder, *words, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    items: list[dict[str, object]] = json.loads(done.stdout)[words[1]]
    return items


def test_everything_is_listed(tmp_path: Path) -> None:
    """The lists have each shipped config, each layer and each output format, in lines of 80 columns."""
    configs, layers, formats = (
        _read_json(tmp_path, "list", word) for word in ("configs", "layers", "formats")
    )

    assert [config["name"] for config in configs] == shipped_names()
    assert [layer["name"] for layer in layers] == [*LAYER_KINDS]
    outputs = {str(one["name"]) for one in formats if one["kind"] == "output"}
    assert outputs == {name for name in list_format_names() if not name.endswith("-files")}
    assert {one["weights"] for one in configs if one["name"] in ("default", "yamnet", "minimal")} == {
        "trained", "fetch", "none",
    }  # fmt: skip
    for word in ("configs", "layers", "formats"):
        lines = run_in_this_process(tmp_path, "list", word).stdout.splitlines()
        assert [line for line in lines if len(line) > 80] == []


def test_the_classes_of_a_config_are_listed(tmp_path: Path) -> None:
    """Number and name of each class; a config without names is refused with what to write."""
    words = (
        "list",
        "classes",
        "minimal",
        "--set",
        "model.layers.3.Dense.units=2",
        "--set",
        "model.labels=[owl, fox]",
    )
    assert run_in_this_process(tmp_path, *words).stdout == "0\towl\n1\tfox\n"
    done = run_in_this_process(tmp_path, "list", "classes", "minimal")
    assert (done.returncode, "model.labels" in done.stderr) == (2, True)


def test_the_starter_config_is_complete_and_replaces_nothing(tmp_path: Path) -> None:
    """It is read without an error, names itself in its commands, and an existing file stays as it is."""
    done = run_in_this_process(tmp_path, "init", "birds")
    path = tmp_path / "birds.yaml"
    settings = load_config(path).settings

    assert (done.returncode, settings.input_shape) == (0, (100, 64, 1))
    assert "specfeat extract recordings/ out.npy -c birds.yaml" in path.read_text()
    path.write_text("mine")
    done = run_in_this_process(tmp_path, "init", "birds.yaml")
    assert (done.returncode, path.read_text()) == (2, "mine")
    assert run_in_this_process(tmp_path, "init", "no/such/folder/a.yaml").returncode == 2


def test_a_starter_config_is_written_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk is full, no file is left, and the exit code is 2."""

    def refuse(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("specfeat.atomic_file.sync_open_file", refuse)
    done = run_in_this_process(tmp_path, "init", "birds")

    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "birds.yaml: cannot be written: No space left on device" in done.stderr


def test_the_schema_is_json(tmp_path: Path) -> None:
    """The command prints one object, the schema."""
    assert json.loads(run_in_this_process(tmp_path, "schema").stdout)["$defs"]["Audio"]["properties"]
