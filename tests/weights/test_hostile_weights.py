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
from helpers.long_tests import IS_LONG_FORM, mark_long_cases
from helpers.weights_files import make_arrays, try_to_load, write_keras_2, write_safetensors
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import locate_weights

pytestmark = pytest.mark.slow

MOST_MEMORY_MB = 300  # of the whole process; Python, NumPy, h5py and pydantic take about 100
MOST_CPU_SECONDS = 10  # for one file; docs/weights.md says 5, on a machine that does nothing else

# Each of these takes seconds, because it has just more objects than a limit allows. In the short form,
# `test_count_limits.py` shows the same limits with lower numbers.
LONG_FILES = {
    *(
        "a_node_of_a_million_inputs",
        "an_onnx_node_of_a_million_inputs",
        "tensors_with_one_name_of_a_thousand_letters",
    ),
    *("a_constant_of_a_million_numbers_one_by_one", "an_array_of_a_million_numbers_one_by_one"),
    *("pickle_of_a_million_operations", "pickle_of_objects_without_end"),
    *("datasets_without_end", "groups_side_by_side_without_end", "npz_without_end", "constants_without_end"),
}
SHORT_NAMES = [name for name in HOSTILE_FILES if name not in LONG_FILES]
NAMES = [*HOSTILE_FILES] if IS_LONG_FORM else SHORT_NAMES

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
    """The hostile files by name, made once."""
    folder = tmp_path_factory.mktemp("hostile")
    paths = {name: folder / f"{name}.{HOSTILE_FILES[name].ending}" for name in NAMES}
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
    return dict(zip(hostile_paths, map(tuple, lines), strict=False))


@pytest.mark.parametrize("name", mark_long_cases(HOSTILE_FILES, SHORT_NAMES))
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
        is_small = path.lstat().st_size < 100_000 or IS_LONG_FORM
        if is_small and path.suffix in (".h5", ".npz", ".safetensors", ".keras") and "bomb" not in name:
            try_to_load(str(path))

    assert len(list(Path("/proc/self/fd").iterdir())) == count_before
