"""No reader runs, unpickles or downloads what is in a file or a config."""

import ast
import json
from pathlib import Path

import h5py
import pytest

from helpers.hostile_weights.containers import make_good_hdf5, write_archive
from helpers.weights_files import CONFIG, make_arrays, try_to_load, write_keras_2
from specfeat.config import load_config
from specfeat.errors import ConfigError, WeightsError
from specfeat.weights.files.source import locate_weights

SOURCE = Path(__file__).parents[2] / "src" / "specfeat"


def test_the_config_of_a_keras_model_is_not_built(tmp_path: Path) -> None:
    """CVE-2024-3660, CVE-2025-1550, -8747, -9905, -9906: it could run code; only the arrays are read."""
    marker = tmp_path / "ran"
    code = compile(f"open({str(marker)!r}, 'w')", "x", "exec")
    function = {"class_name": "__lambda__", "config": {"code": repr(code)}}
    lambda_layer = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": function}}
    call = {"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "function"}
    model = {"class_name": "Sequential", "config": {"layers": [lambda_layer, call]}}
    write_archive(
        tmp_path / "bad.keras",
        {
            "metadata.json": json.dumps({"keras_version": "3.0.0"}).encode(),
            "config.json": json.dumps(model).encode(),
            "model.weights.h5": make_good_hdf5(tmp_path),
        },
    )
    write_keras_2(tmp_path / "bad.h5", make_arrays(), "model_weights")
    with h5py.File(tmp_path / "bad.h5", "r+") as file:
        file.attrs["model_config"] = json.dumps(model)

    assert try_to_load(str(tmp_path / "bad.keras")) == "loaded"
    assert try_to_load(str(tmp_path / "bad.h5")) == "loaded"
    assert not marker.exists()


FORBIDDEN = {
    "load_model", "model_from_json", "from_config_file", "deserialize", "deserialize_keras_object", "load_weights_from",
    "Interpreter", "import_graph_def", "allow_pickle", "eval", "exec", "extractall", "extract_all", "Unpickler", "loads",
}  # fmt: skip
# Where one of these words is harmless: `loads` is that of json, and `allow_pickle` is False.
HARMLESS = {
    ("safetensors.py", "loads"),
    ("keras_files.py", "loads"),
    ("sound_check.py", "loads"),
    ("npz.py", "allow_pickle"),
}


def test_no_reader_calls_what_could_run_code() -> None:
    """`load_model` is nowhere in the source; pickles are refused, and archives are not unpacked."""
    words = set()
    for path in SOURCE.rglob("*.py"):
        forbidden = FORBIDDEN if path.is_relative_to(SOURCE / "weights") else {"load_model"}
        text = path.read_text()
        if not any(word in text for word in forbidden):  # parsing all of the source takes seconds
            continue
        for node in ast.walk(ast.parse(text)):
            name = getattr(node, "attr", None) or getattr(node, "id", None) or getattr(node, "arg", None)
            if name in forbidden:
                words.add((path.name, name))

    assert words == HARMLESS
    assert "allow_pickle=False" in (SOURCE / "weights" / "files" / "npz.py").read_text()
    assert "weights_only=True" in (SOURCE / "weights" / "files" / "torch_file.py").read_text()


@pytest.mark.parametrize(
    "address", ["https://example.org/w.h5", "http://h/w.h5", "ftp://h/w.npz", "file:///w.h5"]
)
def test_an_address_is_refused(tmp_path: Path, address: str) -> None:
    """Nothing is downloaded because a config says so."""
    (tmp_path / "c.yaml").write_text(CONFIG.replace("{random: 3}", f"{{file: '{address}'}}"))

    with pytest.raises(ConfigError, match=r"model\.weights\.file: is an address, '.*', and nothing is downl"):
        load_config(tmp_path / "c.yaml")
    with pytest.raises(WeightsError, match="is an address, but nothing is downloaded here"):
        locate_weights(address)
