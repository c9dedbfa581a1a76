"""Reads TensorFlow's checkpoints, alone or in a SavedModel, with TensorFlow's own reader.

This is the only reader that loads TensorFlow, and only when such a file is opened. The graph of a SavedModel
is not read.
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
    """Open a checkpoint, given its single file (version 1) or its .index file (version 2)."""
    check_table(path)
    with _wrap_tensorflow_errors("the weights cannot be read"):
        # load_checkpoint would take a prefix that ends in a slash for a folder with several checkpoints.
        reader = _import_runtime().tf.compat.v1.train.NewCheckpointReader(str(path).removesuffix(".index"))
        dtypes = {key: dtype.name for key, dtype in reader.get_variable_to_dtype_map().items()}
        shapes = reader.get_variable_to_shape_map()
        all_names = _read_full_names(reader) if _OBJECT_GRAPH in shapes else {}
    copies = _find_exported_copies(shapes, all_names)
    # A name that several variables have, or that has no scope, does not tell the layer.
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
    # A program of TensorFlow may call an array in Keras' order by PyTorch's word "weight".
    yield FileContents(
        format="TensorFlow checkpoint",
        arrays=assign_layouts(
            arrays, "unclear", {names[key] if key in exported else key: names[key] for key in shapes}
        ),
    )


def _find_exported_copies(
    shapes: Mapping[str, Sequence[int]], full_names: Mapping[str, str]
) -> dict[str, str]:
    """Return for each array in a SavedModel of Keras 3's `export` the key of its copy.

    `export` stores each array twice: in `variables`, in the order of the layers, and in `_all_variables`.
    Arrays are copies only if one name of a variable, with one shape, stands once in each of the two.
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
    """Open the variables of a SavedModel, given its folder."""
    with read_checkpoint(path / "variables" / "variables.index") as contents:
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


def _read_values(reader: Any, key: str, copy_key: str | None) -> Any:
    with _wrap_tensorflow_errors(f"{key} cannot be read"):
        values = reader.get_tensor(key)
        if copy_key is not None and not np.array_equal(values, reader.get_tensor(copy_key)):
            raise WeightsError(f"has other values in {copy_key} than in {key}; wanted two equal copies")
        return values


def _read_full_names(reader: Any) -> dict[str, str]:
    """Return the program's name for each key, e.g. "layer1/conv/kernel" for "layer_with_weights-0/kernel".

    From TensorFlow's trackable_object_graph.proto: nodes (1) have attributes (2), and these have a full_name
    (2) and a checkpoint_key (3).
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
    # Version 1 is a single file. Version 2 is several, which `source.locate_weights` recognises by their
    # names.
    matches_bytes=lambda head, tail: tail == TABLE_MAGIC,
)
SAVED_MODEL = FileFormat(name="savedmodel", family="TensorFlow", read=read_saved_model)
