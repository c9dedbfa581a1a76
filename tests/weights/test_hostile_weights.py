"""Hostile files are refused with a sentence that names the trap, and in little memory.

One process, which never loads TensorFlow, reads all files of `helpers.hostile_weights`; its memory is measured.
"""

import json
import socket
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from helpers.hostile_weights import HOSTILE_FILES
from helpers.hostile_weights.containers import encode_constant, encode_field, make_good_hdf5, write_archive
from helpers.hostile_weights.hdf5 import ROW, replace_dataset
from helpers.weights_files import make_arrays, try_to_load, write_keras_2, write_safetensors
from specfeat.weights.files import hdf5, hdf5_values, zip_archive
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import locate_weights

pytestmark = pytest.mark.slow

MOST_MEMORY_MB = 300  # of the whole process; Python, NumPy, h5py and pydantic take about 100
MOST_CPU_SECONDS = 10  # for one file; docs/weights.md says 5, on a machine that does nothing else

READ_ALL = """
import json, re, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
sys.path.insert(0, sys.argv[1])
from helpers.weights_files import try_to_load
for path in sys.stdin.read().split("\\n"):
    start = time.process_time()
    message = try_to_load(path)
    seconds = time.process_time() - start
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024
    print(json.dumps([message, peak, seconds]), flush=True)
print(json.dumps(sorted({"tensorflow", "keras", "torch"} & set(sys.modules))))
"""


@pytest.fixture(scope="module")
def hostile_paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All hostile files by name, made once."""
    folder = tmp_path_factory.mktemp("hostile")
    paths = {name: folder / f"{name}.{file.ending}" for name, file in HOSTILE_FILES.items()}
    for name, path in paths.items():
        HOSTILE_FILES[name].make(path)
    return paths


@pytest.fixture(scope="module")
def outcomes(hostile_paths: dict[str, Path]) -> dict[str, tuple[str, int, float]]:
    """What a new process says about each hostile file, its highest memory until then in MB, and its CPU seconds."""
    paths = list(hostile_paths.values())
    result = subprocess.run(
        [sys.executable, "-c", READ_ALL, str(Path(__file__).parents[1])],
        input="\n".join(map(str, paths)),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(lines) == len(paths) + 1, f"it ended at {paths[len(lines)]}: {result.stderr[-2000:]}"
    assert lines[-1] == []  # none of the libraries that it must not load
    return dict(zip(HOSTILE_FILES, map(tuple, lines), strict=False))


@pytest.mark.parametrize("name", HOSTILE_FILES)
def test_a_hostile_file_is_refused_by_name(outcomes: dict[str, tuple[str, int, float]], name: str) -> None:
    """The error is one sentence that says what the trap is; no exception of a library, and no hang."""
    message, _, _ = outcomes[name]

    assert HOSTILE_FILES[name].message in message
    assert "\n" not in message
    assert len(message) < 600


def test_no_hostile_file_takes_much_memory(outcomes: dict[str, tuple[str, int, float]]) -> None:
    """All of them together stay under 300 MB, with Python and the libraries."""
    worst = max(outcomes, key=lambda name: outcomes[name][1])

    assert outcomes[worst][1] < MOST_MEMORY_MB, worst


def test_no_hostile_file_takes_much_time(outcomes: dict[str, tuple[str, int, float]]) -> None:
    """Each is read or refused in seconds, however many arrays, nodes or lists it claims to have."""
    worst = max(outcomes, key=lambda name: outcomes[name][2])

    assert outcomes[worst][2] < MOST_CPU_SECONDS, worst


def test_good_files_of_the_same_formats_load(tmp_path: Path) -> None:
    """The trap is refused and not the format: good files load, compressed or not."""
    arrays = make_arrays()
    write_keras_2(tmp_path / "plain.h5", arrays)
    write_keras_2(tmp_path / "packed.h5", arrays)
    with h5py.File(tmp_path / "packed.h5", "r+") as file:
        replace_dataset(
            file,
            ROW,
            data=arrays["row/kernel"],
            chunks=(100, 3),
            compression="gzip",
            shuffle=True,
            fletcher32=True,
        )
    write_archive(
        tmp_path / "good.keras", {"model.weights.h5": make_good_hdf5(tmp_path), "config.json": b"{"}
    )
    with (tmp_path / "good.npz").open("wb") as npz:
        np.savez_compressed(npz, **arrays)  # type: ignore[arg-type]  # mypy takes an array for allow_pickle
    write_safetensors(tmp_path / "good.safetensors", arrays)
    constants = [
        encode_constant(name, list(array.shape), encode_field(4, array.tobytes()))
        for name, array in arrays.items()
    ]
    (tmp_path / "good.pb").write_bytes(b"".join(constants))

    names = ("plain.h5", "packed.h5", "good.keras", "good.npz", "good.safetensors", "good.pb")
    assert {name: try_to_load(str(tmp_path / name)) for name in names} == dict.fromkeys(names, "loaded")


def test_too_many_objects_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups, members, nodes and the inputs of nodes are counted before they are read."""
    monkeypatch.setattr(hdf5, "MAX_OBJECTS", 10)
    monkeypatch.setattr(hdf5_values, "MAX_CHUNKS", 2)
    monkeypatch.setattr(zip_archive, "MAX_MEMBERS", 3)
    monkeypatch.setattr("specfeat.weights.files.graph_nodes.MAX_NODES", 5)
    write_keras_2(tmp_path / "a.h5", make_arrays())
    write_archive(tmp_path / "a.keras", {f"{i}": b"" for i in range(4)})
    (tmp_path / "a.pb").write_bytes(encode_constant("a", [2], b"") * 6)

    for chunks in ((100, 7), (99, 7)):
        write_keras_2(tmp_path / f"{chunks[0]}.h5", make_arrays())
        with h5py.File(tmp_path / f"{chunks[0]}.h5", "r+") as file:
            replace_dataset(file, ROW, data=make_arrays()["row/kernel"], chunks=chunks)

    assert "has more than 10 objects" in try_to_load(str(tmp_path / "a.h5"))
    monkeypatch.setattr(hdf5, "MAX_OBJECTS", 100)
    assert try_to_load(str(tmp_path / "100.h5")) == "loaded"
    assert "has 3 chunks; wanted 2 or fewer" in try_to_load(str(tmp_path / "99.h5"))
    assert "has 4 members; wanted 3 or fewer" in try_to_load(str(tmp_path / "a.keras"))
    assert "has more than 5 nodes" in try_to_load(str(tmp_path / "a.pb"))
    (tmp_path / "b.pb").write_bytes(encode_field(1, encode_field(3, b"node" * 3) * 5))
    monkeypatch.setattr("specfeat.weights.files.graph_nodes.MAX_INPUT_BYTES", 50)
    assert "has more than 50 bytes of names in the inputs" in try_to_load(str(tmp_path / "b.pb"))


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not opened, since that would fail or wait."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")

        assert try_to_load("s") == "is not a regular file; wanted a weights file"


def test_a_refusal_leaves_no_file_open(tmp_path: Path, hostile_paths: dict[str, Path]) -> None:
    """The process has as many open files as before."""
    write_keras_2(tmp_path / "a.h5", make_arrays())
    count_before = len(list(Path("/proc/self/fd").iterdir()))
    with open_weights_file(locate_weights(str(tmp_path / "a.h5"))):
        pass
    for name, path in hostile_paths.items():
        if path.suffix in (".h5", ".npz", ".safetensors", ".keras") and "bomb" not in name:
            try_to_load(str(path))

    assert len(list(Path("/proc/self/fd").iterdir())) == count_before
