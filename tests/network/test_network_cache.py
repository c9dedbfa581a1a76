"""Converted networks are kept in the user's cache."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from specfeat.cli import run_command_line
from specfeat.network import network_cache
from specfeat.network.network_cache import (
    NetworkKey,
    clear_networks,
    list_networks,
    read_network,
    write_network,
)

KEY = NetworkKey(config="c" * 64, weights="w" * 64, engine="onnxruntime 1.0", versions={"keras": "3.15"})
CONTENT = bytes(range(256)) * 4


def _write(folder: Path, key: NetworkKey = KEY, name: str = "my.yaml") -> Path:
    assert write_network(folder, key, {"config": name}, CONTENT)
    return folder / f"{key.digest}.network"


def test_a_network_comes_back(tmp_path: Path) -> None:
    """Content and header are the same; only the user may read the file."""
    path = _write(tmp_path / "cache")
    network = read_network(tmp_path / "cache", KEY)

    assert network is not None
    assert (network.content, network.header["config"]) == (CONTENT, "my.yaml")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [path.name]


@pytest.mark.parametrize(
    "change",
    [{"config": "d"}, {"weights": ""}, {"engine": "onnxruntime 1.1"}, {"versions": {"keras": "3.16"}}],
)
def test_another_network_has_another_key(change: dict[str, Any], tmp_path: Path) -> None:
    """Config, weights, engine and versions decide; a file under the wrong name is not used."""
    path, other = _write(tmp_path), replace(KEY, **change)
    assert read_network(tmp_path, other) is None
    path.rename(tmp_path / f"{other.digest}.network")
    assert read_network(tmp_path, other) is None


def test_a_damaged_network_is_not_used(tmp_path: Path) -> None:
    """A changed byte anywhere, a missing end and an added byte are noticed."""
    path = _write(tmp_path)
    data = path.read_bytes()
    for position in range(0, len(data), 7):
        path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        assert read_network(tmp_path, KEY) is None, position
        path.write_bytes(data[:position])
        assert read_network(tmp_path, KEY) is None, position
    path.write_bytes(data + b"\0")
    assert read_network(tmp_path, KEY) is None
    path.write_bytes(data)
    assert read_network(tmp_path, KEY) is not None


def test_a_file_of_others_is_not_used(tmp_path: Path) -> None:
    """If other users may write to a file, or if it is a link, it is not used."""
    path = _write(tmp_path)
    path.chmod(0o620)
    assert read_network(tmp_path, KEY) is None
    path.chmod(0o600)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert read_network(tmp_path, KEY) is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """The network is not kept, and nothing is left."""
    (tmp_path / "file").touch()
    assert not write_network(tmp_path / "file", KEY, {"config": "my.yaml"}, CONTENT)


def test_the_oldest_networks_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a network counts as a use; the new network stays even if it alone is too large."""
    keys = [replace(KEY, config=str(number)) for number in range(4)]
    size = _write(tmp_path, keys[0]).stat().st_size
    monkeypatch.setattr(network_cache, "MAX_CACHE_BYTES", 2 * size)
    _write(tmp_path, keys[1])
    assert read_network(tmp_path, keys[0]) is not None
    _write(tmp_path, keys[2])
    assert [read_network(tmp_path, key) is not None for key in keys] == [True, False, True, False]
    monkeypatch.setattr(network_cache, "MAX_CACHE_BYTES", 1)
    _write(tmp_path, keys[3])
    assert [entry.path.name for entry in list_networks(tmp_path)] == [f"{keys[3].digest}.network"]


def test_list_and_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commands show what is there, a damaged file too, and remove it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "specfeat" / "networks"
    _write(folder)
    (folder / "x.network").write_bytes(b"x")
    (folder / ".y.network.123.partial").write_bytes(b"of a run that was killed")
    assert run_command_line(["cache", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[-1] for line in lines] == ["damaged", "my.yaml, onnxruntime 1.0"]
    assert run_command_line(["cache", "clear"]) == 0
    assert capsys.readouterr().err == "specfeat: removed 2 networks, 0.0 MB\n"
    assert list(folder.iterdir()) == []
    assert clear_networks(tmp_path / "nowhere") == (0, 0)
