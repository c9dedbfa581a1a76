"""Reads TensorFlow's checkpoints, also inside a SavedModel, with TensorFlow's own reader.

This is the only module for weights files that loads TensorFlow. It does so only when such a file is opened.
The graph of a SavedModel is not read.
"""

import importlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from specfeat.errors import WeightsError
from specfeat.native_stderr import capture_native_stderr
from specfeat.weights.files.array_names import assign_layouts, natural_sort_key, split_layer_and_role
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.files.file_format import FileFormat
from specfeat.weights.files.protobuf import FieldCounter, get_message, get_text, iterate_fields
from specfeat.weights.files.tensorflow_table import TABLE_MAGIC, check_table

_VALUE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


@contextmanager
def read_checkpoint(path: Path) -> Iterator[FileContents]:
    """Open a checkpoint.

    Args:
        path: the only file of a checkpoint of version 1, or the .index file of a checkpoint of version 2.
    """
    check_table(path)
    with _wrap_tensorflow_errors("the weights cannot be read"):
        # Not load_checkpoint: it would read a path that ends in a slash as a folder with several checkpoints.
        reader = _import_runtime().tf.compat.v1.train.NewCheckpointReader(str(path).removesuffix(".index"))
        dtypes = {key: dtype.name for key, dtype in reader.get_variable_to_dtype_map().items()}
        shapes = reader.get_variable_to_shape_map()
        all_names = _read_full_names(reader) if _OBJECT_GRAPH in shapes else {}
    copies = _find_exported_copies(shapes, all_names)
    # A name without a scope, or a name of several variables, does not identify a layer.
    counts = Counter(name for key, name in all_names.items() if key not in copies.values())
    full_names = {key: name for key, name in all_names.items() if "/" in name and counts[name] == 1}
    names = {key: full_names.get(key, key.removesuffix(_VALUE_SUFFIX)) for key in shapes}
    exported = {key for key in full_names if copies and key.startswith("variables/")}
    arrays = []
    for key in sorted(shapes.keys() - copies.values(), key=natural_sort_key):
        layer, role = split_layer_and_role(names[key], len(shapes[key]))
        arrays.append(
            FileArray(
                name=names[key] if key in exported else key,
                shape=tuple(shapes[key]),
                dtype=dtypes[key],
                layer=layer,
                role=role,
                unordered_in="" if key in exported else "a TensorFlow checkpoint",
                read=partial(_read_values, reader, key, copies.get(key)),
            )
        )
    # The order of axes is unclear for some arrays, because a TensorFlow program can use PyTorch's word
    # "weight" for an array in Keras' order.
    yield FileContents(
        format="TensorFlow checkpoint",
        arrays=assign_layouts(
            arrays, "unclear", {names[key] if key in exported else key: names[key] for key in shapes}
        ),
    )


def _find_exported_copies(
    shapes: Mapping[str, Sequence[int]], full_names: Mapping[str, str]
) -> dict[str, str]:
    """Return the key of the copy of each array, in a SavedModel that Keras 3's `export` has written.

    `export` stores each array twice: under `variables`, in the order of the layers, and under
    `_all_variables`. Two arrays are copies only if each of these folders has exactly one array with their
    name and shape.
    """
    by_folder: list[dict[tuple[object, ...], list[str]]] = [{}, {}]
    for key in shapes.keys() & full_names.keys():
        for folder, keys in zip(("variables/", "_all_variables/"), by_folder, strict=True):
            if key.startswith(folder):
                keys.setdefault((full_names[key], *shapes[key]), []).append(key)
    first, second = by_folder
    return {
        keys[0]: second[variable][0]
        for variable, keys in first.items()
        if len(keys) == len(second.get(variable, ())) == 1
    }


@contextmanager
def read_saved_model(path: Path) -> Iterator[FileContents]:
    """Open the variables of a SavedModel.

    Args:
        path: the folder of the SavedModel.
    """
    with read_checkpoint(path / "variables" / "variables.index") as contents:
        yield FileContents(format="TensorFlow SavedModel, its variables alone", arrays=contents.arrays)


def _import_runtime() -> Any:
    """Import the module that loads TensorFlow, which takes seconds."""
    return importlib.import_module("specfeat.tensorflow_runtime")


@contextmanager
def _wrap_tensorflow_errors(action: str) -> Iterator[None]:
    """Convert TensorFlow's errors in the block to a `WeightsError`, and hide its messages on stderr."""
    runtime = _import_runtime()
    try:
        with capture_native_stderr():
            yield
    except runtime.tf.errors.OpError as e:
        raise WeightsError(f"{action}: {' '.join(str(e.message).split())[:200]}") from e


def _read_values(reader: Any, key: str, copy_key: str | None) -> Any:
    with _wrap_tensorflow_errors(f"{key} cannot be read"):
        values = reader.get_tensor(key)
        if copy_key is not None and not np.array_equal(values, reader.get_tensor(copy_key)):
            raise WeightsError(f"has other values in {copy_key} than in {key}; wanted two equal copies")
        return values


def _read_full_names(reader: Any) -> dict[str, str]:
    """Return the full name of the variable for each key of the checkpoint.

    For example, the key "layer_with_weights-0/kernel" can have the full name "layer1/conv/kernel". The names
    are in a message of trackable_object_graph.proto: it has nodes (field 1), these have attributes (field 2),
    and these have a full_name (field 2) and a checkpoint_key (field 3).
    """
    full_names: dict[str, str] = {}
    counter = FieldCounter()
    for field, node in iterate_fields(memoryview(reader.get_tensor(_OBJECT_GRAPH)), counter):
        for node_field, attribute in iterate_fields(get_message(node), counter) if field == 1 else ():
            if node_field == 2:
                texts = dict(iterate_fields(get_message(attribute), counter))
                full_names[get_text(texts.get(3))] = get_text(texts.get(2))
    return full_names


CHECKPOINT = FileFormat(
    name="checkpoint",
    family="TensorFlow",
    read=read_checkpoint,
    # A checkpoint of version 1 is one file. Version 2 has several files, which `source.locate_weights`
    # recognises by their names.
    matches_bytes=lambda head, tail: tail == TABLE_MAGIC,
)
SAVED_MODEL = FileFormat(name="savedmodel", family="TensorFlow", read=read_saved_model)
