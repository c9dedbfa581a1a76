"""ONNX files: constants that are elsewhere or not there, and lists without end."""

import struct
from collections.abc import Sequence
from pathlib import Path

from helpers.hostile_weights.containers import encode_field, encode_varint
from helpers.hostile_weights.registry import hostile
from helpers.weights_files import make_arrays, make_torch_state

FLOAT = 1


def encode_tensor(name: str, shape: Sequence[int], content: bytes = b"", kind: int = FLOAT) -> bytes:
    """Return a TensorProto with its values as raw data; without the field if there are none."""
    dims = b"".join(encode_field(1, size) for size in shape)
    raw = encode_field(9, content) if content else b""
    return dims + encode_field(2, kind) + encode_field(8, name.encode()) + raw


def encode_node(operation: str, inputs: Sequence[str], output: str, attributes: bytes = b"") -> bytes:
    """Return a node as a field of the graph."""
    names = b"".join(encode_field(1, name.encode()) for name in inputs)
    operation_field = encode_field(4, operation.encode())
    return encode_field(1, names + encode_field(2, output.encode()) + operation_field + attributes)


def write_onnx(path: Path, graph: bytes) -> None:
    """Write an ONNX file, given the fields of its graph."""
    path.write_bytes(encode_field(1, 10) + encode_field(7, graph))


def _encode_initializer(name: str, shape: Sequence[int], content: bytes = b"", kind: int = FLOAT) -> bytes:
    return encode_field(5, encode_tensor(name, shape, content, kind))


@hostile("onnx", "has no graph; wanted a model in ONNX's format")
def no_graph(path: Path) -> None:
    path.write_bytes(encode_field(1, 10))


@hostile("onnx", "the weights cannot be read: the file is damaged")
def a_graph_longer_than_the_file(path: Path) -> None:
    path.write_bytes(encode_varint(7 << 3 | 2) + encode_varint(2**40) + b"short")


@hostile("onnx", "has more than 50,000 constants; wanted fewer")
def a_million_initialisers(path: Path) -> None:
    tensors = (encode_field(5, encode_field(8, f"{i}".encode())) for i in range(300_000))
    write_onnx(path, b"".join(tensors))


@hostile("onnx", "has more than 10,000 arrays; wanted fewer")
def ten_thousand_arrays_and_one(path: Path) -> None:
    write_onnx(path, b"".join(_encode_initializer(f"w{i}", [2], bytes(8)) for i in range(10_001)))


@hostile("onnx", "has more than 50,000 nodes; wanted fewer")
def onnx_nodes_without_end(path: Path) -> None:
    write_onnx(path, encode_field(1, b"") * 50_001)


@hostile("onnx", "has more than 1,000,000 fields beside its arrays; wanted fewer")
def an_onnx_node_of_a_million_inputs(path: Path) -> None:
    write_onnx(path, encode_field(1, encode_field(1, b"") * 1_000_001))


@hostile("onnx", "1 unused (row.weight 1099511627776)")
def a_terabyte_without_data(path: Path) -> None:
    write_onnx(path, _encode_initializer("row.weight", [2**40]))


@hostile("onnx", "has 0 values of row.weight for 1,400 numbers")
def an_array_without_data(path: Path) -> None:
    _write_network(path, {"row.weight": b""})


@hostile("onnx", "has 4 bytes of row.weight; its shape needs 5,600")
def too_few_bytes(path: Path) -> None:
    write_onnx(path, _encode_initializer("row.weight", [7, 200], b"1234"))


@hostile("onnx", "has 8,000 bytes of row.weight; its shape needs 5,600")
def too_many_bytes(path: Path) -> None:
    write_onnx(path, _encode_initializer("row.weight", [7, 200], bytes(8000)))


@hostile("onnx", "has row.weight without a valid shape")
def an_axis_of_minus_one(path: Path) -> None:
    write_onnx(path, _encode_initializer("row.weight", [2**64 - 1, 200], bytes(5600)))


@hostile("onnx", "has row.weight with more than 8 axes; wanted 8 or fewer")
def a_hundred_thousand_axes(path: Path) -> None:
    write_onnx(path, _encode_initializer("row.weight", [1] * 100_000, bytes(4)))


@hostile("onnx", "has more than 1,000,000 fields beside its arrays; wanted fewer")
def an_array_of_a_million_numbers_one_by_one(path: Path) -> None:
    number = encode_varint(4 << 3 | 5) + struct.pack("<f", 1.0)
    write_onnx(path, encode_field(5, encode_tensor("row.weight", [2**20]) + number * 1_000_001))


@hostile("onnx", "has row.weight in another file, which is not read; in Python, onnx.save(onnx.load(FILE)")
def an_array_in_another_file(path: Path) -> None:
    location = encode_field(1, b"location") + encode_field(2, b"../../../etc/passwd")
    outside = encode_field(13, location) + encode_field(14, 1)
    write_onnx(path, encode_field(5, encode_tensor("row.weight", [7, 200]) + outside))


@hostile("onnx", "has row.weight in pieces; wanted it in one piece")
def an_array_in_pieces(path: Path) -> None:
    write_onnx(path, encode_field(5, encode_tensor("row.weight", [7, 200]) + encode_field(3, b"\x08\x00")))


@hostile("onnx", "has sparse arrays, which are not read")
def a_sparse_initialiser(path: Path) -> None:
    write_onnx(path, encode_field(15, encode_field(1, encode_tensor("row.weight", [3], bytes(12)))))


@hostile("onnx", "has two constants of the name 'row.weight'; wanted one")
def one_name_twice(path: Path) -> None:
    write_onnx(path, _encode_initializer("row.weight", [1], bytes(4)) * 2)


@hostile("onnx", "has no arrays of floats; wanted a model with its weights")
def graphs_within_graphs(path: Path) -> None:
    graph = b""
    for _ in range(2000):
        attribute = encode_field(1, b"then_branch") + encode_field(6, graph)
        graph = encode_node("If", ["x"], "y", encode_field(5, attribute))
    write_onnx(path, graph)


@hostile("onnx", "has a node that reads 'y' before it is computed; wanted it after")
def a_circle_of_nodes(path: Path) -> None:
    write_onnx(path, encode_node("Relu", ["y"], "x") + encode_node("Relu", ["x"], "y"))


@hostile("onnx", "7992 unused (k 2 x 2, ")
def thousands_of_layers_on_a_long_chain(path: Path) -> None:
    """The way back from each layer is long, and its bias of a million zeros is one for all."""
    kernel, zeros = (
        _encode_initializer("k", [2, 2], bytes(16)),
        _encode_initializer("b", [2**20], bytes(2**22)),
    )
    nodes = [
        encode_node("Add", [f"x{i}", f"x{i}"], f"x{i + 1}")
        + encode_node("Gemm", [f"x{i + 1}", "k", "b"], f"y{i}")
        for i in range(4000)
    ]
    write_onnx(path, kernel + zeros + b"".join(nodes))


@hostile("onnx", "has a name of 5,000,000 bytes; wanted 1,000 or fewer")
def an_initialiser_of_a_long_name(path: Path) -> None:
    write_onnx(path, _encode_initializer("x" * 5_000_000, [1], bytes(4)))


def _write_network(path: Path, contents: dict[str, bytes]) -> None:
    """Write the arrays of the small network under PyTorch's names, some of them with other contents."""
    state = {name: array for name, array in make_torch_state(make_arrays()).items() if array.ndim}
    tensors = [
        _encode_initializer(name, array.shape, contents.get(name, array.tobytes()))
        for name, array in state.items()
    ]
    write_onnx(path, b"".join(tensors))
