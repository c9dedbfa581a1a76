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
from specfeat.network.runtime import quiet, tf
from specfeat.network.weights.arrays import Array, Contents
from specfeat.network.weights.names import natural, split, with_layouts
from specfeat.network.weights.wire import fields, message_of, text_of

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


@contextmanager
def read_checkpoint(path: Path) -> Iterator[Contents]:
    """Open a checkpoint: the one file of version 1, or the prefix of version 2."""
    try:
        with quiet():
            reader = tf.train.load_checkpoint(str(path))
            types = {name: dtype.name for name, dtype in reader.get_variable_to_dtype_map().items()}
            shapes = reader.get_variable_to_shape_map()
            named = _full_names(reader) if _GRAPH in shapes else {}
    except tf.errors.OpError as e:
        raise WeightsError(f"the weights cannot be read: {' '.join(str(e.message).split())[:200]}") from e
    arrays = []
    names = {key: named.get(key, key.removesuffix(_VALUE)) for key in shapes}
    for key in sorted(shapes, key=natural):
        name = names[key]
        layer, role, _ = split(name, len(shapes[key])) or (name, "", False)
        arrays.append(
            Array(
                name=key,
                shape=tuple(shapes[key]),
                dtype=types[key],
                layer=layer,
                role=role,
                read=partial(_read, reader, key),
            )
        )
    yield Contents(format="TensorFlow checkpoint", arrays=with_layouts(arrays, "unclear", names))


@contextmanager
def read_saved_model(path: Path) -> Iterator[Contents]:
    """Open the variables of a SavedModel, given its folder."""
    with read_checkpoint(path / "variables" / "variables") as contents:
        yield Contents(format="TensorFlow SavedModel, its variables alone", arrays=contents.arrays)


def _read(reader: Any, key: str) -> Any:
    try:
        with quiet():
            return reader.get_tensor(key)
    except tf.errors.OpError as e:
        raise WeightsError(f"{key} cannot be read: {' '.join(str(e.message).split())[:200]}") from e


def _full_names(reader: Any) -> dict[str, str]:
    """Read which variable each key stands for: layer_with_weights-0/kernel is "layer1/conv/kernel".

    From TensorFlow's trackable_object_graph.proto: nodes (1) have attributes (2), and these a full_name (2)
    and a checkpoint_key (3). Names that are given twice, or without a scope, tell nothing.
    """
    found: dict[str, str] = {}
    for number, node in fields(memoryview(reader.get_tensor(_GRAPH))):
        for inner, attribute in fields(message_of(node)) if number == 1 else ():
            if inner == 2:
                texts = dict(fields(message_of(attribute)))
                found[text_of(texts.get(3))] = text_of(texts.get(2))
    times = Counter(found.values())
    return {key: name for key, name in found.items() if "/" in name and times[name] == 1}
