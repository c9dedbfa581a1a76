"""TensorFlow's checkpoints, versions 1 and 2, also in a SavedModel, through `tf.train.load_checkpoint`.

A SavedModel's graph is not looked at.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from specfeat.errors import WeightsError
from specfeat.process_state import capture_native_stderr
from specfeat.tensorflow_runtime import tf
from specfeat.weights.files.array_names import assign_layouts, natural_sort_key, split_array_name
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.files.protobuf import get_message, get_text, iterate_fields

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


@contextmanager
def read_checkpoint(path: Path) -> Iterator[FileContents]:
    """Open a checkpoint: the one file of version 1, or the prefix of version 2."""
    try:
        with capture_native_stderr():
            reader = tf.train.load_checkpoint(str(path))
            types = {name: dtype.name for name, dtype in reader.get_variable_to_dtype_map().items()}
            shapes = reader.get_variable_to_shape_map()
            named = _full_names(reader) if _GRAPH in shapes else {}
    except tf.errors.OpError as e:
        raise WeightsError(f"the weights cannot be read: {' '.join(str(e.message).split())[:200]}") from e
    arrays = []
    names = {key: named.get(key, key.removesuffix(_VALUE)) for key in shapes}
    for key in sorted(shapes, key=natural_sort_key):
        name = names[key]
        layer, role, _ = split_array_name(name, len(shapes[key])) or (name, "", False)
        arrays.append(
            FileArray(
                name=key,
                shape=tuple(shapes[key]),
                dtype=types[key],
                layer=layer,
                role=role,
                read=partial(_read, reader, key),
            )
        )
    yield FileContents(format="TensorFlow checkpoint", arrays=assign_layouts(arrays, "unclear", names))


@contextmanager
def read_saved_model(path: Path) -> Iterator[FileContents]:
    """Open the variables of a SavedModel, given its folder."""
    with read_checkpoint(path / "variables" / "variables") as contents:
        yield FileContents(format="TensorFlow SavedModel, its variables alone", arrays=contents.arrays)


def _read(reader: Any, key: str) -> Any:
    try:
        with capture_native_stderr():
            return reader.get_tensor(key)
    except tf.errors.OpError as e:
        raise WeightsError(f"{key} cannot be read: {' '.join(str(e.message).split())[:200]}") from e


def _full_names(reader: Any) -> dict[str, str]:
    """Read which variable each key stands for: layer_with_weights-0/kernel is "layer1/conv/kernel".

    From TensorFlow's trackable_object_graph.proto: nodes (1) have attributes (2), and these a full_name (2)
    and a checkpoint_key (3). Names that are given twice, or without a scope, tell nothing.
    """
    found: dict[str, str] = {}
    for number, node in iterate_fields(memoryview(reader.get_tensor(_GRAPH))):
        for inner, attribute in iterate_fields(get_message(node)) if number == 1 else ():
            if inner == 2:
                texts = dict(iterate_fields(get_message(attribute)))
                found[get_text(texts.get(3))] = get_text(texts.get(2))
    times = Counter(found.values())
    return {key: name for key, name in found.items() if "/" in name and times[name] == 1}
