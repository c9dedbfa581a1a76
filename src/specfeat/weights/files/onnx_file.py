"""Reads ONNX files: the constants that their layers use, dequantised if they are quantised.

The graph is not run. A file that keeps constants in another file is refused: the path to it comes from
whoever wrote the file.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from specfeat.errors import WeightsError
from specfeat.weights.files.array_names import split_array_name
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.files.file_format import FileFormat
from specfeat.weights.files.limits import count_arrays
from specfeat.weights.files.memory_map import map_file
from specfeat.weights.files.onnx_constant import OnnxConstant
from specfeat.weights.files.onnx_graph import OnnxGraph, read_graph
from specfeat.weights.files.onnx_joined_axes import JoinedAxesFinder
from specfeat.weights.files.onnx_layers import OnnxLayer, iterate_layers

_MAX_NEUTRAL_SIZE = 2**20  # up to which an array is read to see whether it has an effect
_MAX_NEUTRAL_SIZES = 2**23  # of all arrays that are read; several layers may share one
# The number that has no effect in arrays that exporters add.
_NEUTRAL_NUMBERS = {"bias": 0, "beta": 0, "gamma": 1}


@contextmanager
def read_onnx(path: Path) -> Iterator[FileContents]:
    """Open an ONNX file."""
    graph = read_graph(map_file(path))
    arrays = tuple(_mark_neutral_arrays(count_arrays(_iterate_arrays(graph))))
    if not arrays:
        raise WeightsError("has no arrays of floats; wanted a model with its weights")
    is_quantised = any(array.note for array in arrays)
    yield FileContents(format="ONNX, dequantised" if is_quantised else "ONNX", arrays=arrays)


def _iterate_arrays(graph: OnnxGraph) -> Iterator[FileArray]:
    """Yield the weights of the layers in the order in which these run, then all other constants of floats."""
    finder = JoinedAxesFinder(graph)
    used: set[str] = set()  # the names of constants
    names: set[str] = set()
    roles: set[tuple[str, str]] = set()
    for layer in iterate_layers(graph):
        joined_axes = finder.find_order(layer.node.get_input(0))
        for role, constant in layer.weights.items():
            used.add(constant.tensor.name)
            if constant.scales is not None:
                used |= {part.name for part in (constant.scales.scale, constant.scales.zero_point) if part}
            # Exporters store equal constants once, so several layers may read one.
            name = constant.name if constant.name not in names else f"{layer.name}/{role}"
            names.add(name)
            roles.add((layer.name, role))
            yield replace(_describe_weight(layer, role, constant, name), joined_axes=joined_axes)
    for name, tensor in graph.constants.items():
        is_size = tensor.is_integer or tensor.size <= 1
        if name not in used and not is_size:
            yield _describe_other(OnnxConstant(name, tensor), roles)


def _describe_weight(layer: OnnxLayer, role: str, constant: OnnxConstant, name: str) -> FileArray:
    if not constant.tensor.is_float and (constant.scales is None or not constant.tensor.dtype):
        constant.tensor.check_type()
    return FileArray(
        name=name,
        shape=constant.shape,
        dtype=constant.tensor.dtype,
        layer=layer.name,
        role=role,
        layout=layer.find_layout(role),
        note=constant.note,
        read=constant.read_values,
    )


def _describe_other(constant: OnnxConstant, roles: set[tuple[str, str]]) -> FileArray:
    """Describe a constant that no layer reads, of which only the name may tell what it is."""
    constant.tensor.check_type()
    parts = split_array_name(constant.name, len(constant.shape))
    layer, role = (parts.layer, parts.role) if parts else (constant.name, "")
    if (layer, role) in roles:
        layer, role = constant.name, ""
    return FileArray(
        name=constant.name,
        shape=constant.shape,
        dtype=constant.tensor.dtype,
        layer=layer,
        role=role,
        layout="unclear",
        joined_axes="unknown",
        unordered_in="the list of the other constants in an ONNX file",
        read=constant.read_values,
    )


def _mark_neutral_arrays(arrays: Iterable[FileArray]) -> Iterator[FileArray]:
    """Mark the biases of zeros and scales of ones that exporters give to layers without them."""
    remaining = _MAX_NEUTRAL_SIZES
    for array in arrays:
        number = _NEUTRAL_NUMBERS.get(array.role)
        if number is None or array.size > min(_MAX_NEUTRAL_SIZE, remaining):
            yield array
            continue
        remaining -= array.size
        yield replace(array, is_neutral=bool((array.read() == number).all()))


ONNX = FileFormat(
    name="onnx",
    family="ONNX",
    read=read_onnx,
    # An ONNX file begins with the number of its version: too common to be a signature.
    matches_name=lambda path, head: path.suffix == ".onnx",
)
