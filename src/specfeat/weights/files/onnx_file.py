"""Reads ONNX files: the constants that their layers use, dequantised if they are quantised.

The graph is not run. A file that keeps constants in another file is refused: the path to it comes from
whoever wrote the file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from specfeat.errors import WeightsError
from specfeat.weights.files.array_names import split_array_name
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.files.file_format import FileFormat
from specfeat.weights.files.limits import count_arrays
from specfeat.weights.files.memory_map import map_file
from specfeat.weights.files.neutral_arrays import mark_neutral_arrays
from specfeat.weights.files.onnx_constant import OnnxConstant
from specfeat.weights.files.onnx_graph import OnnxGraph, read_graph
from specfeat.weights.files.onnx_joined_axes import JoinedAxesFinder
from specfeat.weights.files.onnx_layers import OnnxLayer, iterate_layers

# The number that has no effect in arrays that exporters give to layers without them.
_NEUTRAL_NUMBERS = {"bias": 0, "beta": 0, "gamma": 1}


@contextmanager
def read_onnx(path: Path) -> Iterator[FileContents]:
    """Open an ONNX file."""
    graph = read_graph(map_file(path))
    arrays = tuple(mark_neutral_arrays(count_arrays(_iterate_arrays(graph)), _NEUTRAL_NUMBERS))
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
            _check_weight(constant)
            used.add(constant.tensor.name)
            if constant.scales is not None:
                used |= {part.name for part in (constant.scales.scale, constant.scales.zero_point) if part}
            # Exporters store equal constants once, so several layers may read one.
            name = constant.name if constant.name not in names else f"{layer.name}/{role}"
            names.add(name)
            roles.add((layer.name, role))
            yield replace(_describe_weight(layer, role, constant, name), joined_axes=joined_axes)
    for name, tensor in graph.constants.items():
        if name not in used and not tensor.is_no_weight and tensor.size > 1:
            tensor.check_type()
            yield _describe_other(OnnxConstant(name, tensor), roles)


def _check_weight(constant: OnnxConstant) -> None:
    """Check that a weight has floats, or whole numbers with a scale.

    Raises:
        WeightsError: it has not.
    """
    is_quantised = constant.scales is not None and constant.tensor.dtype != ""
    if not is_quantised:
        constant.tensor.check_type()


def _describe_weight(layer: OnnxLayer, role: str, constant: OnnxConstant, name: str) -> FileArray:
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


ONNX = FileFormat(
    name="onnx",
    family="ONNX",
    read=read_onnx,
    # An ONNX file begins with the number of its version: too common to be a signature.
    matches_name=lambda path, head: path.suffix == ".onnx",
)
