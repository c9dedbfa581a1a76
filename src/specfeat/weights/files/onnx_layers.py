"""Finds the layers of an ONNX graph: the nodes that read constants as weights, in the order they run.

The roles are Keras' names of weights; ONNX's list of operators tells which input has which role. A matrix
product has its bias in a sum behind it, and so have some convolutions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from specfeat.errors import WeightsError
from specfeat.weights.files.array_names import split_array_name
from specfeat.weights.files.arrays import AxisLayout
from specfeat.weights.files.onnx_constant import OnnxConstant, find_constant
from specfeat.weights.files.onnx_graph import OnnxGraph, OnnxNode

# For each operation, the indices of the inputs that are weights, and their roles.
_ROLES: dict[str, dict[int, str]] = {
    "Conv": {1: "kernel", 2: "bias"},
    "ConvTranspose": {1: "kernel", 2: "bias"},
    "Gemm": {1: "kernel", 2: "bias"},
    "MatMul": {1: "kernel"},
    "BatchNormalization": {1: "gamma", 2: "beta", 3: "moving_mean", 4: "moving_variance"},
    "InstanceNormalization": {1: "gamma", 2: "beta"},
    "LayerNormalization": {1: "gamma", 2: "beta"},
    "PRelu": {1: "alpha"},
}
_ADDED_BIASES = ("Conv", "MatMul")  # operations after which exporters may add the bias by a node of its own
_INTEGER_OPERATIONS = {
    *("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"),
    *("com.microsoft.QGemm", "com.microsoft.DynamicQuantizeMatMul", "com.microsoft.MatMulNBits"),
}


@dataclass(frozen=True, slots=True)
class OnnxLayer:
    """One node with weights.

    Attributes:
        name: the name of the layer, which no other layer has.
        node: the node.
        weights: the constants by role.
    """

    name: str
    node: OnnxNode
    weights: Mapping[str, OnnxConstant]

    def find_layout(self, role: str) -> AxisLayout:
        """Return the order of the axes of one of the weights."""
        if role != "kernel" or self.node.operation not in ("MatMul", "Gemm"):
            return "onnx"
        is_transposed = self.weights["kernel"].is_transposed != bool(self.node.get_integer("transB", 0))
        return "onnx" if is_transposed else "matmul"


def iterate_layers(graph: OnnxGraph) -> Iterator[OnnxLayer]:
    """Yield the nodes that have weights, in the order in which they run.

    Raises:
        WeightsError: a node multiplies whole numbers, gets computed values as weights, or has factors.
    """
    names: set[str] = set()
    for node in graph.nodes:
        if node.operation in _INTEGER_OPERATIONS:
            raise WeightsError(
                f"multiplies whole numbers ({node.operation}), which is not read; wanted the file before it "
                "was quantised, or one with DequantizeLinear"
            )
        weights = _find_weights(graph, node) if node.operation in _ROLES else {}
        if weights:
            _check_factors(node)
            bias = _find_bias(graph, node, weights)
            weights = {role: constant for role, constant in weights.items() if role != "bias"}
            weights |= {"bias": bias} if bias is not None else {}
            name = next(name for name in _list_names(node, weights, len(names)) if name not in names)
            names.add(name)
            yield OnnxLayer(name, node, weights)


def _find_weights(graph: OnnxGraph, node: OnnxNode) -> dict[str, OnnxConstant]:
    """Return the constants that a node reads as weights, by role; none if it has no weights.

    Raises:
        WeightsError: some of the weights are constants, and others are computed.
    """
    names = {role: node.get_input(index) for index, role in _ROLES[node.operation].items()}
    found = {role: _find_weight(graph, role, name) for role, name in names.items() if name}
    weights = {role: constant for role, constant in found.items() if constant is not None}
    if not weights or (node.operation == "MatMul" and len(weights["kernel"].shape) != 2):
        return {}
    if len(weights) < len(found):
        role = next(role for role, constant in found.items() if constant is None)
        raise WeightsError(f"computes the {role} of {node.name or node.output}; wanted a constant")
    return weights


def _find_weight(graph: OnnxGraph, role: str, name: str) -> OnnxConstant | None:
    """Return the constant at an input; None if it is computed, or a kernel in another shape."""
    constant = find_constant(graph, name)
    if constant is None or not constant.is_reshaped:
        return constant
    is_vector = constant.tensor.size == max(constant.shape, default=1)
    return constant if is_vector and role != "kernel" else None


def _is_one_zero(constant: OnnxConstant) -> bool:
    """Return whether a bias is one zero for all outputs: PyTorch's exporter writes it for no bias."""
    return constant.is_reshaped and constant.tensor.size == 1 and not constant.read_values().any()


def _check_factors(node: OnnxNode) -> None:
    """Check that a `Gemm` multiplies neither its product nor its bias by a number.

    Raises:
        WeightsError: it does.
    """
    for factor in ("alpha", "beta") if node.operation == "Gemm" else ():
        value = node.attributes.get(factor, 1.0)
        if value != 1.0:
            raise WeightsError(
                f"has {node.name or node.output} with {factor} {value}; wanted a product with the factor 1"
            )


def _find_bias(graph: OnnxGraph, node: OnnxNode, weights: Mapping[str, OnnxConstant]) -> OnnxConstant | None:
    """Return the bias of a node: one of its inputs, or a constant that is added to its result; or None."""
    bias = weights.get("bias")
    if bias is None and node.operation in _ADDED_BIASES:
        return _find_added_bias(graph, node, weights["kernel"])
    return None if bias is None or _is_one_zero(bias) else bias


def _find_added_bias(graph: OnnxGraph, node: OnnxNode, kernel: OnnxConstant) -> OnnxConstant | None:
    """Return the constant that is added to the result of a node, if it has one number for each output."""
    is_product = node.operation == "MatMul"
    name, reader = node.output, _find_only_reader(graph, node.output)
    spatial_axes = 0 if is_product else len(kernel.shape) - 2
    # Between the node and the sum, TensorFlow's exporter restores the axes. A product gets all axes but the
    # last as one, and a convolution along one axis is computed along two.
    if reader is not None and reader.operation == ("Reshape" if is_product else "Squeeze"):
        spatial_axes -= 0 if is_product else 1
        name, reader = reader.output, _find_only_reader(graph, reader.output)
    if reader is None or reader.operation != "Add" or len(reader.inputs) != 2:
        return None
    constant = _find_weight(graph, "bias", next((other for other in reader.inputs if other != name), ""))
    if constant is None or constant.tensor.size != max(constant.shape, default=0):
        return None
    # The outputs are the last axis of a matrix product, and axis 1 of a convolution (1 x C x 1 x 1).
    axis = len(constant.shape) - 1 - spatial_axes
    is_along_outputs = axis >= 0 and constant.shape[axis] == constant.tensor.size
    outputs = kernel.shape[1 if is_product and not kernel.is_transposed else 0]
    return constant if is_along_outputs and constant.tensor.size == outputs else None


def _find_only_reader(graph: OnnxGraph, name: str) -> OnnxNode | None:
    """Return the node that reads a value; None if there are several, or none."""
    readers = graph.readers.get(name, [])
    return readers[0] if len(readers) == 1 else None


def _list_names(node: OnnxNode, weights: Mapping[str, OnnxConstant], count: int) -> Iterator[str]:
    """Yield names for a layer, the best one first.

    They are: what the name of a weight says; the scope of the node, which exporters make from the name
    of the layer; the scope of a weight; the name of the node; and the operation with a number.
    """
    for constant in weights.values():
        parts = split_array_name(constant.name, len(constant.shape))
        if parts is not None and parts.layer:
            yield parts.layer
    for name in (node.name, *(constant.name for constant in weights.values())):
        scope = name.strip("/").rpartition("/")[0]
        if scope:
            yield scope
    if node.name:
        yield node.name.strip("/")
    yield f"{node.operation.lower()}_{count + 1}"
    yield f"{node.operation.lower()}_{count + 1}_{node.output}"
