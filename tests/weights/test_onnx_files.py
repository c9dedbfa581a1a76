"""ONNX files: the `onnx` package writes them, and says what their arrays and their networks' outputs are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.matching import count_up, list_dense_layers, load_network, make_dense_kernels, match_and_arrange
from specfeat.errors import WeightsError
from specfeat.weights.files import onnx_graph, onnx_tensor
from specfeat.weights.files.arrays import FileArray
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import locate_weights

onnx: Any = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'specfeat[test]'")
TensorProto, helper, numpy_helper = onnx.TensorProto, onnx.helper, onnx.numpy_helper

CONV = "Conv2D: {name: conv, filters: 4, kernel_size: 3, use_bias: false}"  # 12 x 8 x 4
DENSE = "Dense: {name: row, units: 5, use_bias: false}"


def save_model(
    path: Path, nodes: Sequence[Any], arrays: dict[str, Any], inputs: Sequence[str] = ("x",)
) -> Path:
    """Write a model; the arrays are NumPy's, or tensors that the `onnx` package has made."""
    tensors = [
        numpy_helper.from_array(array, name) if isinstance(array, np.ndarray) else array
        for name, array in arrays.items()
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in inputs]
    outputs = [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)] if nodes else []
    graph = helper.make_graph(list(nodes), "graph", values, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    path.write_bytes(model.SerializeToString())
    return path


def read_arrays(path: Path) -> list[tuple[FileArray, Any]]:
    """Return the arrays of a file with their values."""
    with open_weights_file(locate_weights(str(path))) as contents:
        return [(array, array.read()) for array in contents.arrays]


def match_file(settings: Any, path: Path, match_rule: Any = "order") -> dict[str, Any]:
    """Return what would be set in a network, by the slots' names."""
    with open_weights_file(locate_weights(str(path))) as contents:
        return match_and_arrange(settings, contents, match_rule)


@pytest.mark.parametrize("is_raw", [True, False])
@pytest.mark.parametrize("kind", ["FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16"])
def test_values_are_those_that_onnx_reads(tmp_path: Path, kind: str, is_raw: bool) -> None:
    """Of each type of floats, as bytes and one by one."""
    numbers = np.array([0.0, -1.5, 3.25, 1e-3, 65504, -0.0], np.float32)
    number = getattr(TensorProto, kind)
    tensor = helper.make_tensor("conv.weight", number, [6, 1, 1, 1], numbers)
    if is_raw:
        tensor = numpy_helper.from_array(numpy_helper.to_array(tensor), "conv.weight")
    assert tensor.HasField("raw_data") == is_raw
    path = save_model(
        tmp_path / "w.onnx", [helper.make_node("Conv", ["x", "conv.weight"], ["y"])], {"": tensor}
    )

    ((array, values),) = read_arrays(path)

    assert array.dtype == {"FLOAT": "float32", "DOUBLE": "float64"}.get(kind, kind.lower())
    np.testing.assert_array_equal(values.astype(np.float64), numpy_helper.to_array(tensor).astype(np.float64))


def test_many_values_that_are_coded_one_by_one_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decoding them takes a microsecond each; exporters write halves as bytes."""
    monkeypatch.setattr(onnx_tensor, "_MAX_CODED", 5)
    tensor = helper.make_tensor("w", TensorProto.FLOAT16, [6, 1], np.ones(6))
    path = save_model(tmp_path / "w.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"])], {"": tensor})

    with pytest.raises(WeightsError, match="has 6 values of w as coded integers; wanted raw data"):
        read_arrays(path)


@pytest.mark.parametrize("is_per_channel", [True, False])
def test_quantised_weights_are_those_that_onnx_computes(tmp_path: Path, is_per_channel: bool) -> None:
    """`DequantizeLinear` in ONNX's reference implementation gives the same floats."""
    from onnx.reference import ReferenceEvaluator

    generator = np.random.default_rng(0)
    stored = generator.integers(-128, 128, (4, 3, 2, 5)).astype(np.int8)
    shape = (4,) if is_per_channel else ()
    scale = generator.uniform(0.01, 0.1, shape).astype(np.float32)
    zero_point = generator.integers(-10, 10, shape).astype(np.int8)
    arrays = {"q": stored, "s": np.asarray(scale), "z": np.asarray(zero_point)}
    dequantise = helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=0)
    save_model(tmp_path / "d.onnx", [dequantise], arrays)
    expected = ReferenceEvaluator(str(tmp_path / "d.onnx")).run(None, {"x": stored})[0]
    path = save_model(tmp_path / "w.onnx", [dequantise, helper.make_node("Conv", ["x", "w"], ["y"])], arrays)

    ((array, values),) = read_arrays(path)

    np.testing.assert_allclose(values, expected, rtol=1e-6)
    assert array.dtype == "int8"
    assert array.note == f"dequantised per {'channel' if is_per_channel else 'tensor'}"


def _make_network(join: Sequence[Any], product: str, rows: np.ndarray) -> tuple[list[Any], dict[str, Any]]:
    """Return a convolution, what joins its axes, and a dense layer, as a Gemm or a MatMul."""
    nodes = [helper.make_node("Conv", ["x", "conv.weight"], ["c"]), helper.make_node("Relu", ["c"], ["j0"])]
    nodes += [
        helper.make_node(*node[:1], [f"j{i}", *node[2]], [f"j{i + 1}"], **node[1])
        for i, node in enumerate(join)
    ]
    name = f"j{len(join)}"
    if product == "Gemm":
        nodes.append(helper.make_node("Gemm", [name, "row.weight"], ["y"], transB=1))
    else:
        nodes.append(helper.make_node("MatMul", [name, "row.weight"], ["y"]))
    arrays = {
        "conv.weight": count_up(4, 1, 3, 3),
        "row.weight": rows.T if product == "Gemm" else rows,
        "shape": np.array([0, 12, -1]),
    }
    return nodes, arrays


FLATTEN: tuple[Any, ...] = ("Flatten", {}, [])
RESHAPE: tuple[Any, ...] = ("Reshape", {}, ["shape"])
TO_LAST: tuple[Any, ...] = ("Transpose", {"perm": [0, 2, 3, 1]}, [])
FRAMES_FIRST: tuple[Any, ...] = ("Transpose", {"perm": [0, 2, 1, 3]}, [])


@pytest.mark.parametrize("product", ["Gemm", "MatMul"])
@pytest.mark.parametrize(
    ("join", "layers", "order"),
    [
        ([FLATTEN], ["Flatten"], (1, 2, 0)),
        ([TO_LAST, FLATTEN], ["Flatten"], (0, 1, 2)),
        ([("Relu", {}, []), TO_LAST, ("Tanh", {}, []), FLATTEN, ("Relu", {}, [])], ["Flatten"], (0, 1, 2)),
        (
            [("Transpose", {"perm": [0, 3, 1, 2]}, []), ("Transpose", {"perm": [0, 2, 3, 1]}, []), FLATTEN],
            ["Flatten"],
            (1, 2, 0),
        ),
        ([FLATTEN], ["Permute: {dims: [3, 1, 2]}", "Flatten"], (0, 1, 2)),
        (
            [FRAMES_FIRST, RESHAPE],
            ["Permute: {dims: [1, 3, 2]}", "Reshape: {target_shape: [12, 32]}"],
            (0, 1),
        ),
        ([TO_LAST, RESHAPE], ["Reshape: {target_shape: [12, 32]}"], (0, 1)),
    ],
)
def test_rows_have_the_order_in_which_the_graph_joins_axes(
    tmp_path: Path, product: str, join: Any, layers: list[str], order: tuple[int, ...]
) -> None:
    """A `Transpose` before the join says where the channels are; without it they are first.

    `order` is where frames, bins and channels of the config stand among the axes that the graph joins.
    """
    sizes = (12, 8, 4) if len(order) == 3 else (8, 4)
    rows = count_up(int(np.prod(sizes)), 5)
    nodes, arrays = _make_network(join, product, rows)

    result = match_file(
        load_network(tmp_path, CONV, *layers, DENSE), save_model(tmp_path / "w.onnx", nodes, arrays)
    )

    joined = [sizes[order.index(i)] for i in range(len(sizes))]
    expected = rows.reshape(*joined, 5).transpose(*order, len(order)).reshape(rows.shape)
    np.testing.assert_array_equal(result["row/kernel"], expected)
    np.testing.assert_array_equal(result["conv/kernel"], count_up(4, 1, 3, 3).transpose(2, 3, 1, 0))


@pytest.mark.parametrize(
    ("join", "layers"),
    [
        ([TO_LAST, FLATTEN], ["Permute: {dims: [3, 1, 2]}", "Flatten"]),
        ([FRAMES_FIRST, RESHAPE], ["Reshape: {target_shape: [12, 32]}"]),
        ([TO_LAST, RESHAPE], ["Permute: {dims: [1, 3, 2]}", "Reshape: {target_shape: [12, 32]}"]),
        ([("Transpose", {"perm": [0, 3, 2, 1]}, []), FLATTEN], ["Flatten"]),
        ([("Foo", {}, []), FLATTEN], ["Flatten"]),
    ],
)
def test_another_order_of_joined_axes_is_refused(tmp_path: Path, join: Any, layers: list[str]) -> None:
    """If the config joins axes otherwise than the graph, or the graph cannot be followed, nothing is guessed."""
    nodes, arrays = _make_network(join, "Gemm", count_up(384 if FLATTEN in join else 32, 5))
    path = save_model(tmp_path / "w.onnx", nodes, arrays)

    with pytest.raises(WeightsError, match="row/kernel reads axes that the config joins, and the graph"):
        match_file(load_network(tmp_path, CONV, *layers, DENSE), path)


def test_the_order_is_that_of_the_nodes(tmp_path: Path) -> None:
    """Neither the alphabet nor the list of initialisers counts, and names without meaning do not matter."""
    kernels = list(make_dense_kernels("a", "b", "c").values())
    arrays = {"onnx::MatMul_9": kernels[2], "onnx::MatMul_10": kernels[1], "onnx::MatMul_30": kernels[0]}
    names = ["x", "onnx::MatMul_30", "onnx::MatMul_10", "onnx::MatMul_9"]
    nodes = [
        helper.make_node("MatMul", [names[0] if i == 0 else f"y{i}", names[i + 1]], [f"y{i + 1}"])
        for i in range(3)
    ]
    path = save_model(tmp_path / "w.onnx", nodes, arrays)

    result = match_file(load_network(tmp_path, *list_dense_layers("k", "l", "m")), path)

    assert [int(values[0, 0]) for values in result.values()] == [0, 1, 2]
    with pytest.raises(WeightsError, match="its layers have other names, and match: order fits them"):
        match_file(load_network(tmp_path, *list_dense_layers("k", "l", "m")), path, "name")


def test_layers_have_the_names_of_their_arrays_or_of_their_scope(tmp_path: Path) -> None:
    """PyTorch keeps the names of arrays that it does not change, and names operations by the module."""
    nodes = [
        helper.make_node("MatMul", ["x", "onnx::MatMul_1"], ["a"], name="/encoder/fc/MatMul"),
        helper.make_node("Add", ["fc.bias", "a"], ["b"], name="/encoder/fc/Add"),
        helper.make_node("Gemm", ["b", "onnx::Gemm_2"], ["c"], name="/encoder/out/Gemm"),
        helper.make_node("Gemm", ["c", "onnx::Gemm_3"], ["d"], name="/encoder/out/Gemm_1"),
        helper.make_node("Gemm", ["d", "onnx::Gemm_4"], ["e"]),
    ]
    kernels = {
        name: count_up(3, 3) for name in ("onnx::MatMul_1", "onnx::Gemm_2", "onnx::Gemm_3", "onnx::Gemm_4")
    }
    path = save_model(tmp_path / "w.onnx", nodes, {**kernels, "fc.bias": count_up(3)})

    layers = [(array.layer, array.role) for array, _ in read_arrays(path)]

    assert layers == [
        ("fc", "kernel"),
        ("fc", "bias"),
        ("encoder/out", "kernel"),
        ("encoder/out/Gemm_1", "kernel"),
        ("gemm_4", "kernel"),
    ]


def test_equal_arrays_that_are_stored_once_serve_several_layers(tmp_path: Path) -> None:
    """Exporters store equal constants once; PyTorch's names the second one by an `Identity`."""
    nodes = [
        helper.make_node("Gemm", ["x", "a.weight"], ["y1"], transB=1),
        helper.make_node("Identity", ["a.weight"], ["b.weight"]),
        helper.make_node("Gemm", ["y1", "b.weight"], ["y2"], transB=1),
        helper.make_node("Gemm", ["y2", "a.weight"], ["y3"], name="/c/Gemm", transB=1),
    ]
    path = save_model(tmp_path / "w.onnx", nodes, {"a.weight": count_up(10, 10)})

    assert [(array.name, array.layer) for array, _ in read_arrays(path)] == [
        ("a.weight", "a"), ("b.weight", "b"), ("c/kernel", "c"),
    ]  # fmt: skip
    result = match_file(load_network(tmp_path, *list_dense_layers("a", "b", "c")), path, "name")
    assert all((values == count_up(10, 10).T).all() for values in result.values())


def test_constants_of_nodes_are_read(tmp_path: Path) -> None:
    """As `value` and as `value_floats`; sizes, and a bias of one zero for all outputs, are no arrays of the file."""
    kernel = numpy_helper.from_array(count_up(2, 3, 1, 1))
    nodes = [
        helper.make_node("Constant", [], ["k"], value=kernel),
        helper.make_node("Constant", [], ["b"], value_floats=[1.0, 2.0]),
        helper.make_node("Conv", ["x", "k", "b"], ["y"]),
        helper.make_node("Constant", [], ["zero"], value=numpy_helper.from_array(np.array(0, np.float32))),
        helper.make_node("Constant", [], ["two"], value_ints=[2]),
        helper.make_node("Expand", ["zero", "two"], ["zeros"]),
        helper.make_node("Conv", ["y", "l", "zeros"], ["z"]),
    ]
    path = save_model(tmp_path / "w.onnx", nodes, {"l": count_up(2, 2, 1, 1), "sizes": np.arange(4)})

    arrays = {array.name: values for array, values in read_arrays(path)}

    assert list(arrays) == ["k", "b", "l"]
    np.testing.assert_array_equal(arrays["k"], count_up(2, 3, 1, 1))
    np.testing.assert_array_equal(arrays["b"], [1, 2])


def test_a_constant_that_no_layer_reads_must_be_used(tmp_path: Path) -> None:
    """A scale that a product applies to each channel is a part of the network that the config does not have."""
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["y1"]),
        helper.make_node("Mul", ["y1", "scale"], ["y2"]),
    ]
    path = save_model(tmp_path / "w.onnx", nodes, {"a": count_up(10, 10), "scale": count_up(10)})

    with pytest.raises(WeightsError, match=r"1 unused \(scale 10\)"):
        match_file(load_network(tmp_path, *list_dense_layers("k")), path)


def _make_gemm(**attributes: Any) -> Any:
    return helper.make_node("Gemm", ["x", "w", "b"], ["y"], name="/fc/Gemm", **attributes)


def _make_block_quantised() -> list[Any]:
    dequantise = helper.make_node("DequantizeLinear", ["q", "s"], ["v"], axis=0, block_size=2)
    return [dequantise, helper.make_node("MatMul", ["x", "v"], ["y"])]


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([_make_gemm(alpha=0.5)], "has /fc/Gemm with alpha 0.5; wanted a product with the factor 1"),
        ([helper.make_node("QLinearConv", ["x"], ["y"])], r"multiplies whole numbers \(QLinearConv\)"),
        (
            [helper.make_node("Abs", ["b"], ["c"]), helper.make_node("Gemm", ["x", "w", "c"], ["y"])],
            "computes the bias of y; wanted a constant",
        ),
        (_make_block_quantised(), "has q quantised in blocks"),
        ([helper.make_node("Conv", ["x", "f8"], ["y"])], "has f8 in number 17 of ONNX's types"),
    ],
)
def test_what_would_give_other_rows_is_refused(tmp_path: Path, nodes: list[Any], message: str) -> None:
    """Factors, whole numbers, computed biases, scales of blocks and floats of 8 bits: each in one sentence."""
    arrays = {
        "w": count_up(4, 4), "b": count_up(4), "q": np.ones((4, 4), np.int8), "s": np.ones((2, 4), np.float32),
        "f8": helper.make_tensor("f8", TensorProto.FLOAT8E4M3FN, [2, 1, 1, 1], [1.0, 2.0]),
    }  # fmt: skip
    path = save_model(tmp_path / "w.onnx", nodes, arrays)

    with pytest.raises(WeightsError, match=message):
        read_arrays(path)


def test_arrays_in_another_file_are_refused_with_what_to_do(tmp_path: Path) -> None:
    """The path comes from a stranger; and the advice, followed, gives a file that is read."""
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    model = onnx.load(save_model(tmp_path / "w.onnx", [node], {"w": count_up(40, 40)}))
    onnx.save(model, tmp_path / "x.onnx", save_as_external_data=True, location="x.bin")

    with pytest.raises(
        WeightsError, match=r"has w in another file, which is not read; in Python, onnx\.save"
    ):
        read_arrays(tmp_path / "x.onnx")
    onnx.save(onnx.load(tmp_path / "x.onnx"), tmp_path / "y.onnx")
    np.testing.assert_array_equal(read_arrays(tmp_path / "y.onnx")[0][1], count_up(40, 40))


def test_a_sum_is_no_bias_if_another_node_reads_the_result_too(tmp_path: Path) -> None:
    """Also if that node is a Concat which reads the result as its last input of many."""
    others = [f"x{index}" for index in range(7)]
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["c"]),
        helper.make_node("Add", ["c", "number"], ["y"]),
        helper.make_node("Concat", [*others, "c"], ["z"], axis=1),
    ]
    arrays = {"kernel": count_up(4, 1, 3, 3), "number": count_up(1, 4, 1, 1)}
    path = save_model(tmp_path / "w.onnx", nodes, arrays, ("x", *others))

    layers = [(array.name, array.layout) for array, _ in read_arrays(path)]

    assert layers == [("kernel", "onnx"), ("number", "unclear")]


def test_a_graph_with_too_many_inputs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each input of a node takes memory; a file of a few megabytes can have a million."""
    monkeypatch.setattr(onnx_graph, "MAX_INPUTS", 5)
    nodes = [helper.make_node("Sum", ["x"] * 3, [name]) for name in ("y", "z")]
    path = save_model(tmp_path / "w.onnx", nodes, {"w": count_up(4, 4)})

    with pytest.raises(WeightsError, match="has more than 5 inputs of nodes; wanted fewer"):
        read_arrays(path)


def test_a_product_of_more_than_two_axes_as_tensorflow_exports_it(tmp_path: Path) -> None:
    """It is reshaped to two axes and back, before its bias; the order of the joined axes is still that of the graph."""
    nodes, arrays = _make_network([FRAMES_FIRST, RESHAPE], "MatMul", count_up(32, 5))
    nodes.pop()
    nodes += [
        helper.make_node("Reshape", ["j2", "two"], ["flat"]),
        helper.make_node("MatMul", ["flat", "row.weight"], ["y"]),
        helper.make_node("Reshape", ["y", "three"], ["z"]),
        helper.make_node("Add", ["z", "b"], ["out"]),
    ]
    shapes = {"shape": [-1, 12, 32], "two": [-1, 32], "three": [-1, 12, 5]}
    arrays |= {name: np.array(shape) for name, shape in shapes.items()} | {"b": count_up(5)}
    layers = [CONV, "Permute: {dims: [1, 3, 2]}", "Reshape: {target_shape: [12, 32]}", DENSE]
    layers[-1] = layers[-1].replace(", use_bias: false", "")

    result = match_file(load_network(tmp_path, *layers), save_model(tmp_path / "w.onnx", nodes, arrays))

    np.testing.assert_array_equal(result["row/kernel"], count_up(32, 5))
    np.testing.assert_array_equal(result["row/bias"], count_up(5))


def test_a_convolution_along_one_axis_as_tensorflow_exports_it(tmp_path: Path) -> None:
    """It runs along two axes, the first of size 1, which is removed before the bias."""
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["y"]),
        helper.make_node("Squeeze", ["y", "axes"], ["z"]),
        helper.make_node("Add", ["z", "b"], ["out"]),
    ]
    arrays = {"k": count_up(6, 10, 1, 3), "axes": np.array([2]), "b": count_up(1, 6, 1)}
    layers = ("Reshape: {target_shape: [14, 10]}", "Conv1D: {name: conv, filters: 6, kernel_size: 3}")

    result = match_file(load_network(tmp_path, *layers), save_model(tmp_path / "w.onnx", nodes, arrays))

    np.testing.assert_array_equal(result["conv/kernel"], count_up(6, 10, 1, 3)[:, :, 0].transpose(2, 1, 0))
    np.testing.assert_array_equal(result["conv/bias"], count_up(6))
