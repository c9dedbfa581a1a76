"""Weights files with random damage are loaded or refused in one sentence; there is no other exception and no crash."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.hostile_weights.containers import encode_constant, encode_field, make_good_hdf5, write_archive
from helpers.weights_files import make_arrays, write_keras_2, write_npz, write_safetensors

pytestmark = pytest.mark.slow

DAMAGE_AND_LOAD = """
import pathlib, random, sys
sys.path.insert(0, sys.argv[1])
from helpers.weights_files import try_to_load
path, generator, messages = pathlib.Path(sys.argv[2]), random.Random(int(sys.argv[3])), set()
original = path.read_bytes()
for _ in range(int(sys.argv[4])):
    data = bytearray(original)
    for _ in range(generator.choice([1, 1, 4, 30])):
        at = generator.randrange(len(data))
        kind = generator.randrange(4)
        if kind == 0: data[at] ^= 1 << generator.randrange(8)
        elif kind == 1: data[at:at + 4] = generator.choice([b"\\xff" * 4, b"\\0" * 4, b"\\x7f\\xff\\xff\\xff"])
        elif kind == 2: del data[at:at + generator.randrange(1, 64)]
        else: data[at:at] = data[generator.randrange(len(data)):][:generator.randrange(1, 64)]
        if not data: data = bytearray(b"x")
    path.write_bytes(data)
    messages.add(try_to_load(str(path))[:40])
print(len(messages))
"""


def _write_frozen_graph(path: Path) -> None:
    constants = [
        encode_constant(name, list(array.shape), encode_field(4, array.tobytes()))
        for name, array in make_arrays().items()
    ]
    path.write_bytes(b"".join(constants))


WRITERS: dict[str, Callable[[Path], object]] = {
    "h5": lambda path: write_keras_2(path, make_arrays()),
    "keras": lambda path: write_archive(path, {"model.weights.h5": make_good_hdf5(path.parent)}),
    "npz": lambda path: write_npz(path, make_arrays()),
    "safetensors": lambda path: write_safetensors(path, make_arrays()),
    "pb": _write_frozen_graph,
}


@pytest.mark.parametrize("ending", WRITERS)
def test_damage_of_any_kind_is_one_sentence(tmp_path: Path, ending: str) -> None:
    """Flipped bits, and pieces that are missing or doubled."""
    path = tmp_path / f"w.{ending}"
    WRITERS[ending](path)
    command = [sys.executable, "-c", DAMAGE_AND_LOAD, str(Path(__file__).parents[1]), str(path), "1", "150"]

    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert (result.returncode, result.stderr) == (0, "")
    assert int(result.stdout) >= 3
