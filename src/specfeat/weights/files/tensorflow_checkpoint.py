"""Reads TensorFlow's checkpoints, alone or in a SavedModel, with `tf.train.load_checkpoint`.

This is the only reader that loads TensorFlow, and only when such a file is opened. The graph of a SavedModel
is not read.
"""

import importlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from specfeat.errors import WeightsError
from specfeat.process_state import capture_native_stderr
from specfeat.weights.files.array_names import assign_layouts, natural_sort_key, split_layer_and_role
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.files.file_format import FileFormat
from specfeat.weights.files.protobuf import FieldCounter, get_message, get_text, iterate_fields

_VALUE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_TABLE_MAGIC = bytes.fromhex("57fb808b247547db")  # at the end of leveldb's tables, which checkpoints are


@contextmanager
def read_checkpoint(path: Path) -> Iterator[FileContents]:
    """Open a checkpoint: the single file of version 1, or the prefix of the files of version 2."""
    with _wrap_tensorflow_errors("the weights cannot be read"):
        reader = _import_runtime().tf.train.load_checkpoint(str(path))
        dtypes = {key: dtype.name for key, dtype in reader.get_variable_to_dtype_map().items()}
        shapes = reader.get_variable_to_shape_map()
        full_names = _read_full_names(reader) if _OBJECT_GRAPH in shapes else {}
    names = {key: full_names.get(key, key.removesuffix(_VALUE_SUFFIX)) for key in shapes}
    arrays = []
    for key in sorted(shapes, key=natural_sort_key):
        layer, role = split_layer_and_role(names[key], len(shapes[key]))
        arrays.append(
            FileArray(
                name=key,
                shape=tuple(shapes[key]),
                dtype=dtypes[key],
                layer=layer,
                role=role,
                unordered_in="a TensorFlow checkpoint",
                read=partial(_read_values, reader, key),
            )
        )
    # A program of TensorFlow may call an array in Keras' order by PyTorch's word "weight".
    yield FileContents(format="TensorFlow checkpoint", arrays=assign_layouts(arrays, "unclear", names))


@contextmanager
def read_saved_model(path: Path) -> Iterator[FileContents]:
    """Open the variables of a SavedModel, given its folder."""
    with read_checkpoint(path / "variables" / "variables") as contents:
        yield FileContents(format="TensorFlow SavedModel, its variables alone", arrays=contents.arrays)


def _import_runtime() -> Any:
    """Import the module that loads TensorFlow, which takes seconds."""
    return importlib.import_module("specfeat.tensorflow_runtime")


@contextmanager
def _wrap_tensorflow_errors(action: str) -> Iterator[None]:
    """Turn TensorFlow's errors in the block into a `WeightsError`, and hide what it writes to stderr."""
    runtime = _import_runtime()
    try:
        with capture_native_stderr():
            yield
    except runtime.tf.errors.OpError as e:
        raise WeightsError(f"{action}: {' '.join(str(e.message).split())[:200]}") from e


def _read_values(reader: Any, key: str) -> Any:
    with _wrap_tensorflow_errors(f"{key} cannot be read"):
        return reader.get_tensor(key)


def _read_full_names(reader: Any) -> dict[str, str]:
    """Return the program's name for each key, e.g. "layer1/conv/kernel" for "layer_with_weights-0/kernel".

    From TensorFlow's trackable_object_graph.proto: nodes (1) have attributes (2), and these have a full_name
    (2) and a checkpoint_key (3). A name that several variables have, or that has no scope, does not tell the
    layer.
    """
    full_names: dict[str, str] = {}
    counter = FieldCounter()
    for field, node in iterate_fields(memoryview(reader.get_tensor(_OBJECT_GRAPH)), counter):
        for node_field, attribute in iterate_fields(get_message(node), counter) if field == 1 else ():
            if node_field == 2:
                texts = dict(iterate_fields(get_message(attribute), counter))
                full_names[get_text(texts.get(3))] = get_text(texts.get(2))
    counts = Counter(full_names.values())
    return {key: name for key, name in full_names.items() if "/" in name and counts[name] == 1}


CHECKPOINT = FileFormat(
    name="checkpoint",
    family="TensorFlow",
    read=read_checkpoint,
    # Version 1 is a single file. Version 2 is several, which `source.locate_weights` recognises by their
    # names.
    matches_bytes=lambda head, tail: tail == _TABLE_MAGIC,
)
SAVED_MODEL = FileFormat(name="savedmodel", family="TensorFlow", read=read_saved_model)
