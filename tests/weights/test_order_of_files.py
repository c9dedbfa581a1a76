"""`match: order` uses an order only where the file tells it: by its place in a list, or by numbers in names."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest

from helpers.hostile_weights.containers import encode_constant, encode_field
from helpers.matching import (
    Arrays,
    LoadNetwork,
    list_dense_layers,
    load_network,
    make_dense_kernels,
    match_and_arrange,
)
from helpers.weights_files import write_npz
from specfeat.config import Settings
from specfeat.errors import WeightsError
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import locate_weights
from specfeat.weights.matching.match import MatchRule


@pytest.fixture
def network(tmp_path: Path) -> LoadNetwork:
    """Load the settings of a network from its layers, one line each; the config is net.yaml in `tmp_path`."""
    return partial(load_network, tmp_path)


def _write_groups(
    path: Path, groups: Mapping[str, Sequence[str]], arrays: Arrays, *, is_variable: bool = True
) -> Path:
    """Write the layout of `model.save("x.h5")`: groups of arrays, and the lists of both.

    Args:
        path: the file.
        groups: the names of the layers in each group, in Keras' order.
        arrays: the arrays, called LAYER/kernel.
        is_variable: whether the lists are texts of variable length, as Keras 3 writes them.
    """
    with h5py.File(path, "w") as file:
        top = file.create_group("model_weights")
        kind = h5py.string_dtype() if is_variable else "S40"
        top.attrs["layer_names"] = np.array(list(groups), dtype=kind)
        for group, layers in groups.items():
            names = [f"{layer}/kernel" for layer in layers]
            layer_group = top.create_group(group)
            layer_group.attrs["weight_names"] = np.array(names, dtype=kind)
            for name in names:
                layer_group[name] = arrays[name]
    return path


def _read_layers(settings: Settings, path: Path, match_rule: MatchRule = "order") -> list[int]:
    """Return for each layer the number of its kernel in `make_dense_kernels`."""
    with open_weights_file(locate_weights(str(path))) as contents:
        rows = match_and_arrange(settings, contents, match_rule)
    return [int(row[0, 0]) for row in rows.values()]


@pytest.mark.parametrize("is_variable", [True, False])
def test_keras_list_of_layers_is_the_order(network: LoadNetwork, tmp_path: Path, is_variable: bool) -> None:
    """A whole model of Keras 2 or 3 lists its layers; the alphabet has no part in it."""
    names = ("entry", "middle", "last", "final")
    path = _write_groups(
        tmp_path / "w.h5",
        {name: [name] for name in names},
        make_dense_kernels(*names),
        is_variable=is_variable,
    )

    assert _read_layers(network(*list_dense_layers("a", "b", "c", "d")), path) == [0, 1, 2, 3]


def test_a_list_of_names_that_declares_a_gigabyte_is_not_read(network: LoadNetwork, tmp_path: Path) -> None:
    """Each entry declares the length of its text, which HDF5 would take memory for; then the order is unknown."""
    names = ("entry", "middle", "last", "final")
    path = _write_groups(tmp_path / "w.h5", {n: [n] for n in names}, make_dense_kernels(*names))
    data = bytearray(path.read_bytes())
    heap = data.index(b"GCOL")
    entries = data.index(heap.to_bytes(8, "little"), data.index(b"layer_names")) - 4
    data[entries : entries + 4] = (2**30).to_bytes(4, "little")
    path.write_bytes(data)

    with pytest.raises(WeightsError, match="does not tell the order of its layers"):
        _read_layers(network(*list_dense_layers("a", "b", "c", "d")), path)


def test_a_network_within_the_network_tells_no_order(network: LoadNetwork, tmp_path: Path) -> None:
    """Keras lists its trained arrays before its frozen ones, so `exit` may be its last layer or its first."""
    path = _write_groups(
        tmp_path / "w.h5",
        {"inner": ["exit", "entry"], "top": ["top"]},
        make_dense_kernels("exit", "entry", "top"),
    )
    with pytest.raises(WeightsError, match="the network 'inner' in the file does not tell the order"):
        _read_layers(network(*list_dense_layers("a", "b", "c")), path)

    # The numbers of VGG's names tell the order, although the frozen block is listed last.
    names = ("block2_conv1", "block10_conv1", "block1_conv1")
    path = _write_groups(tmp_path / "v.h5", {"vgg": names, "top": ["top"]}, make_dense_kernels(*names, "top"))
    assert _read_layers(network(*list_dense_layers("a", "b", "c", "d")), path) == [2, 0, 1, 3]


@pytest.mark.parametrize("scope", ["", "encoder/"])
@pytest.mark.parametrize("is_variable", [True, False])
def test_layers_called_query_key_and_value_are_layers_of_a_network(
    network: LoadNetwork, tmp_path: Path, scope: str, is_variable: bool
) -> None:
    """They are no attention layer without its fourth part; Keras may have listed the frozen one of them last."""
    names = [f"{scope}{name}" for name in ("key", "value", "query")]
    path = _write_groups(
        tmp_path / "w.h5", {"inner": names}, make_dense_kernels(*names), is_variable=is_variable
    )

    with pytest.raises(WeightsError, match="the network 'inner' in the file does not tell the order"):
        _read_layers(network(*list_dense_layers("a", "b", "c")), path)
    assert _read_layers(network(*list_dense_layers("query", "key", "value")), path, "name") == [2, 0, 1]


def _write_safetensors(path: Path, arrays: Arrays) -> Path:
    import json

    header, data = {}, b""
    for name, array in arrays.items():
        offsets = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": offsets}
        data += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


@pytest.mark.parametrize("write", [_write_safetensors, write_npz])
def test_names_without_numbers_tell_no_order(
    network: LoadNetwork, tmp_path: Path, write: Callable[[Path, Arrays], Path]
) -> None:
    """In a file sorted by name, `exit` stands after `entry` for its letters alone, and so is not paired."""
    settings = network(*list_dense_layers("a", "b", "c"))
    path = write(tmp_path / "w.npz", make_dense_kernels("entry", "exit", "trunk"))

    with pytest.raises(WeightsError, match=r"could have entry/kernel or exit/kernel for a/kernel"):
        _read_layers(settings, path)
    with pytest.raises(WeightsError, match=r"its layers have other names, and match: order could have entry"):
        _read_layers(settings, path, "name")


def test_numbers_and_shapes_tell_the_order(network: LoadNetwork, tmp_path: Path) -> None:
    """conv2 is before conv10; and layers that fit in one place only need no order."""
    path = _write_safetensors(tmp_path / "w.safetensors", make_dense_kernels("fc10", "fc2", "fc1"))
    assert _read_layers(network(*list_dense_layers("a", "b", "c")), path) == [2, 1, 0]

    settings = network(
        "Reshape: {target_shape: [14, 10]}",
        "Dense: {name: a, units: 10, use_bias: false}",
        "Dense: {name: b, units: 5, use_bias: false}",
    )
    arrays = make_dense_kernels("entry", "trunk") | {"trunk/kernel": np.ones((10, 5), np.float32)}
    assert _read_layers(settings, _write_safetensors(tmp_path / "x.safetensors", arrays)) == [0, 1]


def test_an_archive_in_the_programs_order_keeps_it(network: LoadNetwork, tmp_path: Path) -> None:
    """NumPy writes an .npz archive in the order in which the program names its arrays."""
    path = write_npz(tmp_path / "w.npz", make_dense_kernels("entry", "trunk", "exit"))

    assert _read_layers(network(*list_dense_layers("a", "b", "c")), path) == [0, 1, 2]


AUTOMATIC = "Dense: {units: 10, use_bias: false}"
NAMED = "Dense: {name: head, units: 10, use_bias: false}"


def test_a_number_of_specfeat_is_no_evidence(network: LoadNetwork, tmp_path: Path) -> None:
    """The unnamed layer is called dense_1 here; the file's dense_1 is its second layer, and no map is suggested."""
    settings = network("Reshape: {target_shape: [14, 10]}", AUTOMATIC, NAMED)
    path = _write_groups(
        tmp_path / "w.h5", {n: [n] for n in ("dense", "dense_1")}, make_dense_kernels("dense", "dense_1")
    )

    with pytest.raises(WeightsError) as error:
        _read_layers(settings, path, "name")

    assert str(error.value).endswith("its layers have other names, and match: order fits them")
    assert _read_layers(settings, path) == [0, 1]


def test_a_layer_that_a_number_has_taken_may_be_another(network: LoadNetwork, tmp_path: Path) -> None:
    """The only dense_7 goes to the only unnamed layer, but `head` may be it as well; so no map is suggested."""
    settings = network("Reshape: {target_shape: [14, 10]}", AUTOMATIC, NAMED)
    path = _write_safetensors(tmp_path / "w.safetensors", make_dense_kernels("dense_7", "logits"))

    with pytest.raises(WeightsError) as error:
        _read_layers(settings, path, "name")

    assert "would pair" not in str(error.value)
    assert "order fits" not in str(error.value)


@pytest.mark.parametrize("named", [0, 1])
def test_one_name_does_not_end_the_places_of_keras_3(
    network: LoadNetwork, tmp_path: Path, named: int
) -> None:
    """With one layer named in the config, an auto-named Keras 3 file is still matched by the places of its layers."""
    lines = [AUTOMATIC, AUTOMATIC]
    lines[named] = NAMED
    arrays = make_dense_kernels("dense", "dense_1")
    with h5py.File(tmp_path / "w.weights.h5", "w") as file:
        for name in ("dense", "dense_1"):
            group = file.create_group(f"layers/{name}/vars")
            group["0"] = arrays[f"{name}/kernel"]
            group.attrs["name"] = name

    settings = network("Reshape: {target_shape: [14, 10]}", *lines)
    assert _read_layers(settings, tmp_path / "w.weights.h5", "name") == [0, 1]


@pytest.mark.parametrize(
    ("names", "suggestion"),
    [
        (("entry", "b", "exit"), "some of its layers have other names, and match: order fits them all"),
        (
            ("entry", "exit", "b"),
            "match: order fits all layers, but gives b/kernel the array exit/exit/kernel: right only if "
            "b/b/kernel has its name by chance",
        ),
    ],
)
def test_order_is_suggested_although_some_names_agree(
    network: LoadNetwork, tmp_path: Path, names: tuple[str, ...], suggestion: str
) -> None:
    """A name that agrees with the order is no obstacle; one that contradicts it is named, for the user to judge."""
    path = _write_groups(tmp_path / "w.h5", {name: [name] for name in names}, make_dense_kernels(*names))

    with pytest.raises(WeightsError) as error:
        _read_layers(network(*list_dense_layers("a", "b", "c")), path, "name")

    assert str(error.value).endswith(f"; {suggestion}")


def test_a_graph_has_the_order_in_which_its_operations_run(network: LoadNetwork, tmp_path: Path) -> None:
    """The file may list its constants, and its operations, in any order."""

    def write_field(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2, len(content) & 127 | 128, len(content) >> 7]) + content

    def write_node(name: str, operation: str, *inputs: str, attributes: bytes = b"") -> bytes:
        texts = [(1, name), (2, operation), *((3, text) for text in inputs)]
        return write_field(1, b"".join(write_field(n, text.encode()) for n, text in texts) + attributes)

    def write_constant(name: str, array: np.ndarray) -> bytes:
        sizes = b"".join(write_field(2, bytes([8, size])) for size in array.shape)
        tensor = bytes([8, 1]) + write_field(2, sizes) + write_field(4, array.tobytes())
        attribute = write_field(5, write_field(1, b"value") + write_field(2, write_field(8, tensor)))
        return write_node(name, "Const", attributes=attribute)

    arrays = make_dense_kernels("entry", "trunk", "exit")
    constants = [write_constant(name, arrays[f"{name}/kernel"]) for name in ("exit", "trunk", "entry")]
    products = [
        write_node("c/MatMul", "MatMul", "b/MatMul", "exit"),
        write_node("a/MatMul", "MatMul", "input", "entry"),
        write_node("b/MatMul", "MatMul", "a/MatMul", "trunk"),
    ]
    (tmp_path / "w.pb").write_bytes(b"".join(constants + products))

    assert _read_layers(network(*list_dense_layers("k", "l", "m")), tmp_path / "w.pb") == [0, 1, 2]


def test_all_branches_of_a_frozen_graph_come_before_their_union(tmp_path: Path) -> None:
    """Also where the file lists the union and what follows first; TensorFlow allows any order of nodes."""
    branches = [f"branch{number}" for number in range(9)]

    def encode_node(name: str, operation: str, inputs: Sequence[str]) -> bytes:
        parts = [encode_field(1, name.encode()), encode_field(2, operation.encode())]
        return encode_field(1, b"".join([*parts, *(encode_field(3, text.encode()) for text in inputs)]))

    def encode_kernel(layer: str) -> bytes:
        return encode_constant(f"{layer}/weights", [3, 3, 1, 2], encode_field(4, bytes(72)))

    layers = [
        encode_kernel(layer) + encode_node(f"{layer}/Conv2D", "Conv2D", [source, f"{layer}/weights"])
        for layer, source in [("last", "concat"), *((branch, "sound") for branch in branches)]
    ]
    union = encode_node("concat", "ConcatV2", [f"{branch}/Conv2D" for branch in branches])
    (tmp_path / "w.pb").write_bytes(b"".join([union, *layers]))

    with open_weights_file(locate_weights(str(tmp_path / "w.pb"))) as contents:
        assert [array.layer for array in contents.arrays] == [*branches, "last"]
