"""The records of the layer kinds: the only home of what is known of a kind, and one new file for a new kind."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.layer_table import DOCUMENT, insert_table
from specfeat.architecture import kinds
from specfeat.architecture.kinds import LAYER_KINDS, collect_layer_kinds
from specfeat.architecture.shapes import compute_network_shapes, list_network_arrays
from specfeat.config import load_config
from specfeat.errors import ConfigError, ModelError

SOURCE = Path(kinds.__file__).parents[2]

# --- one home ------------------------------------------------------------------------------------

# Modules beside architecture/kinds that may have the name of a layer kind, or a part of it, in a literal.
ALLOWED_LITERALS = {
    # The layers that it adds to a config.
    "analysis/head_config.py": {
        *("AveragePooling2D", "Concatenate", "Dense", "Flatten", "MaxPooling2D", "Reshape"),
        "StandardDeviationPooling2D",
    },
    "inspection/config_schema.py": {"Layer"},  # the name of a definition in the JSON Schema
    "plots/layer_plot.py": {"Layer"},  # the name of a text in the file of a picture
    "weights/files/frozen_graph.py": {"Conv2D", "Reshape"},  # operations of TensorFlow, not layers
    # Operations of ONNX, not layers.
    "weights/files/onnx_constant.py": {"Flatten", "Reshape", "Transpose"},
    "weights/files/onnx_joined_axes.py": {
        *("Add", "BatchNormalization", "Conv", "Dropout", "Flatten", "LayerNormalization", "Max", "Reshape"),
        *("Softmax", "Transpose"),
    },
    "weights/files/onnx_layers.py": {"Add", "BatchNormalization", "Conv", "LayerNormalization", "Reshape"},
}


def _find_literals(path: Path) -> Iterator[str]:
    """Yield the texts in a module's code; not those in docstrings, messages and annotations of types."""
    tree = ast.parse(path.read_text())
    in_messages = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in in_messages:
            yield node.value


def test_no_other_module_compares_a_kind_with_a_name() -> None:
    """What depends on the kind of a layer stands in its record: no code elsewhere has a name, or searches in it."""
    words = set(LAYER_KINDS) | {
        word for name in LAYER_KINDS for word in re.findall(r"[A-Z][a-z]+|[0-9]D|[A-Z]{2,}", name)
    }
    # To parse all modules takes a second, so only those are parsed that have such a word in quotation marks.
    literal = re.compile(rf"""["'](?:{"|".join(sorted(words))})["']""")
    for path in SOURCE.rglob("*.py"):
        if path.is_relative_to(SOURCE / "architecture" / "kinds"):
            continue
        allowed = ALLOWED_LITERALS.get(str(path.relative_to(SOURCE)), set())
        found = set(_find_literals(path)) if literal.search(path.read_text()) else set()
        assert words & found == allowed, path


def test_the_architecture_loads_neither_numpy_nor_keras() -> None:
    """A config is checked before anything heavy is loaded, and without the library that reads it."""
    modules = [
        ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in (SOURCE / "architecture").rglob("*.py")
    ]
    # A new Python may have modules of its environment loaded before it runs the first line (.pth files).
    code = (
        f"import sys; before = set(sys.modules); import {', '.join(modules)}; "
        "print(*{module.split('.')[0] for module in set(sys.modules) - before})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert set(done.stdout.split()) - set(sys.stdlib_module_names) == {"specfeat"}


def test_the_list_of_layers_in_the_documentation_is_that_of_the_records() -> None:
    """Where it is not, `python tests/helpers/layer_table.py` writes it."""
    text = DOCUMENT.read_text(encoding="utf-8")

    assert text == insert_table(text)


# --- a new kind is one new file ------------------------------------------------------------------

NEW_MODULE = '''
"""A layer of Keras that is not known yet."""

from specfeat.architecture.kinds.arguments import Flag, Sizes, WholeNumber
from specfeat.architecture.kinds.base import ArrayKind, AxisChange, Family, LayerKind

def compute_output_shape(options, shapes):
    size, step = options["kernel_size"], options.get("strides", 1)
    return ((shapes[0][1] - size) // step + 1, options["filters"])

def compute_kernel_shape(options, shape):
    return (options["kernel_size"], shape[-1], 4 * options["filters"])

def compute_recurrent_shape(options, shape):
    return (options["kernel_size"], options["filters"], 4 * options["filters"])

KINDS = (
    LayerKind(
        name="ConvLSTM1D",
        family=Family.RESAMPLING,
        required={"filters": WholeNumber(), "kernel_size": WholeNumber()},
        optional={"strides": WholeNumber(), "use_bias": Flag()},
        input_axes=2,
        compute_output_shape=compute_output_shape,
        arrays=(
            ArrayKind("kernel", compute_kernel_shape),
            ArrayKind("recurrent_kernel", compute_recurrent_shape),
            ArrayKind("bias", lambda options, _: (4 * options["filters"],), enabling_argument="use_bias"),
        ),
        axis_change=AxisChange.REPLACE_ALL,
        other_names={"conv_lstm": ""},
    ),
)
'''
CONFIG = """\
audio: {sample_rate: 8000}
spectrogram: {n_fft: 128, hop_length: 64, mel: {n_mels: 10}}
clips: {frames: 14}
model:
  weights: {random: 3}
  batch: 2
  layers:
    - ConvLSTM1D: {name: up, filters: 3, kernel_size: 4, strides: 3}
    - Flatten
"""


@pytest.fixture
def _new_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put one new module beside those of the package, and collect the kinds as an import does."""
    (tmp_path / "toy_layer.py").write_text(NEW_MODULE)
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    monkeypatch.setitem(LAYER_KINDS, "ConvLSTM1D", collect_layer_kinds()["ConvLSTM1D"])
    yield
    del sys.modules["specfeat.architecture.kinds.toy_layer"]


def _load(folder: Path, *changes: tuple[str, str]) -> Any:
    text = CONFIG
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "toy.yaml").write_text(text)
    return load_config(folder / "toy.yaml")


@pytest.mark.usefixtures("_new_kind")
def test_a_new_kind_is_one_new_file(tmp_path: Path) -> None:
    """It is read from a config; its shapes and arrays are computed and checked; other names lead to it."""
    graph = _load(tmp_path).settings.graph

    assert compute_network_shapes(graph) == {
        "spectrogram": (14, 10, 1),
        "up": (3, 3),
        "flatten_1": (9,),
    }
    assert [(array.role, array.shape) for array in list_network_arrays(graph)] == [
        ("kernel", (4, 1, 12)),
        ("recurrent_kernel", (4, 3, 12)),
        ("bias", (12,)),
    ]
    with pytest.raises(ConfigError, match=r"ConvLSTM1D\.filters: is 0; wanted a whole number, 1 or more$"):
        _load(tmp_path, ("filters: 3", "filters: 0"))
    with pytest.raises(ConfigError, match=r"has no filters; ConvLSTM1D needs it$"):
        _load(tmp_path, ("filters: 3, ", ""))
    with pytest.raises(ConfigError, match=r"not a layer that specfeat knows \(it is ConvLSTM1D here\)$"):
        _load(tmp_path, ("ConvLSTM1D", "conv_lstm"))
    with pytest.raises(ModelError, match="ConvLSTM1D 'up' gets 140 values in one axis; wanted 3 axes"):
        _load(tmp_path, ("layers:\n", "layers:\n    - Flatten\n"))


@pytest.mark.tf
@pytest.mark.usefixtures("_new_kind")
def test_a_new_kind_is_built_as_keras_has_it(tmp_path: Path) -> None:
    """The network has the shape and the arrays that the record says."""
    from specfeat.network.build import build_network

    config = _load(tmp_path)
    network = build_network(config, "cpu")

    assert network.width == 9
    made = network.model.get_layer("up")
    assert [(v.name, tuple(v.shape)) for v in made.weights] == [
        (array.role, array.shape) for array in list_network_arrays(config.settings.graph)
    ]


def test_a_kind_without_a_record_is_refused(tmp_path: Path) -> None:
    """The same class of Keras without the file."""
    with pytest.raises(ConfigError, match="'ConvLSTM1D' is not a layer that specfeat knows"):
        _load(tmp_path)


def test_two_records_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in a new file is noticed when the kinds are collected."""
    (tmp_path / "twice.py").write_text("from specfeat.architecture.kinds.dense import KINDS\n")
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])

    with pytest.raises(ValueError, match="'Dense', 'Dense'"):
        collect_layer_kinds()
    del sys.modules["specfeat.architecture.kinds.twice"]
