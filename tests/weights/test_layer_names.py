"""Layers of a file are found by names that frameworks have changed, by a map, or by their order."""

from pathlib import Path

import h5py
import pytest

from helpers.weights_files import (
    CONFIG,
    assert_same_arrays,
    build_small_network,
    load_small_config,
    make_arrays,
    make_torch_state,
    read_network_arrays,
    write_keras_2,
    write_npz,
)
from specfeat.weights.save import save_weights

pytestmark = pytest.mark.tf


def test_a_scope_around_all_layers_is_ignored(tmp_path: Path) -> None:
    """TF-Slim puts the network's name before the name of each layer, PyTorch's DataParallel puts `module`."""
    arrays = make_arrays()
    write_npz(tmp_path / "a.npz", {f"net/{name}": array for name, array in arrays.items()})
    write_npz(
        tmp_path / "b.npz", {f"module.{name}": array for name, array in make_torch_state(arrays).items()}
    )

    for name in ("a.npz", "b.npz"):
        assert_same_arrays(
            arrays, read_network_arrays(build_small_network(tmp_path, {"file": str(tmp_path / name)}))
        )


UNNAMED = CONFIG
for _name in ("block/conv", "block/bn", "depth", "sep", "row", "head"):
    UNNAMED = UNNAMED.replace(f"name: {_name}, ", "")
UNNAMED = UNNAMED.replace("features: row", "features: dense_1")


@pytest.mark.parametrize(
    ("first", "names"),
    [
        (0, ("conv2d", "batch_normalization", "depthwise_conv2d", "separable_conv2d", "dense", "dense_1")),
        (
            0,
            (
                "conv2d_1",
                "batch_normalization_1",
                "depthwise_conv2d_1",
                "separable_conv2d_1",
                "dense_1",
                "dense_2",
            ),
        ),
        (
            0,
            (
                "conv2d_12",
                "batch_normalization_7",
                "depthwise_conv2d_3",
                "separable_conv2d_9",
                "dense_9",
                "dense_10",
            ),
        ),
        (
            0,
            (
                "convolution2d_1",
                "batchnormalization_1",
                "depthwiseconv2d_1",
                "separableconvolution2d_1",
                "dense_1",
                "dense_2",
            ),
        ),
    ],
)
def test_unnamed_layers_are_paired_in_the_order_of_keras_numbers(
    tmp_path: Path, first: int, names: tuple[str, ...]
) -> None:
    """Unnamed layers are conv2d, conv2d_1, ... in Keras 3, from _1 in Keras 1 and 2, from any number in a long session."""
    arrays = make_arrays()
    layers = dict(zip(("block/conv", "block/bn", "depth", "sep", "row", "head"), names, strict=True))
    file_arrays = {f"{layers[n.rpartition('/')[0]]}/{n.rpartition('/')[2]}": a for n, a in arrays.items()}
    path = write_keras_2(tmp_path / "w.h5", file_arrays)

    network = build_small_network(tmp_path, {"file": str(path)}, UNNAMED)

    assert [a.tobytes() for a in arrays.values()] == [
        a.tobytes() for a in read_network_arrays(network).values()
    ]


def test_a_layer_made_twice_has_a_number_behind_its_name(tmp_path: Path) -> None:
    """Keras 2 writes row_1/kernel for the second layer `row` of a session, in a group with the old or the new name."""
    arrays = make_arrays()
    weight_names = {name: name.replace("row/", "row_1/") for name in arrays}
    write_keras_2(tmp_path / "scope.h5", arrays, weight_names=weight_names)
    write_keras_2(tmp_path / "text.h5", arrays, weight_names=weight_names, name_dtype=h5py.string_dtype())
    write_keras_2(tmp_path / "group.h5", {name.replace("row/", "row_1/"): a for name, a in arrays.items()})

    for name in ("scope.h5", "text.h5", "group.h5"):
        assert_same_arrays(
            arrays, read_network_arrays(build_small_network(tmp_path, {"file": str(tmp_path / name)}))
        )


def test_a_map_pairs_layers_and_arrays_with_other_names(tmp_path: Path) -> None:
    """`map` gives the file's name for a layer, or for one array; all others are paired by their own names."""
    arrays = make_arrays()
    file_arrays = {name.replace("head/", "logits/"): array for name, array in arrays.items()}
    file_arrays["odd"] = file_arrays.pop("depth/bias")
    path = write_npz(tmp_path / "w.npz", file_arrays)

    network = build_small_network(
        tmp_path, {"file": str(path), "map": {"head": "logits", "depth/bias": "odd"}}
    )

    assert_same_arrays(arrays, read_network_arrays(network))


def test_a_converted_file_needs_no_map(tmp_path: Path) -> None:
    """A converted file has the config's names, so even a map that exchanges them, as the original needed, is ignored."""
    arrays = make_arrays()
    swap = {"row/bias": "bias a", "head/bias": "bias b", "head": "row2"}
    file_arrays = {name.replace("head/", "row2/"): array for name, array in arrays.items()}
    file_arrays |= {"bias a": file_arrays.pop("row/bias"), "bias b": file_arrays.pop("row2/bias")}
    path = write_npz(tmp_path / "w.npz", file_arrays)
    network = build_small_network(tmp_path, {"file": str(path), "map": swap})
    with (tmp_path / "w.weights.h5").open("w+b") as file:
        save_weights(network.model, network.layers, load_small_config(tmp_path, {"random": 3}).settings, file)

    assert_same_arrays(
        arrays,
        read_network_arrays(
            build_small_network(tmp_path, {"file": str(tmp_path / "w.weights.h5"), "map": swap})
        ),
    )


def test_order_pairs_the_nth_of_each_family(tmp_path: Path) -> None:
    """`match: order` needs no names: convolutions, dense layers and norms are counted separately."""
    arrays = make_arrays()
    state = make_torch_state(arrays)
    renamed = {
        f"part{'_'.join(name.split('.')[:-1])}.{name.rpartition('.')[2]}": a for name, a in state.items()
    }
    norms_last = dict(sorted(renamed.items(), key=lambda item: "bn" in item[0]))
    path = write_npz(tmp_path / "w.npz", norms_last)

    assert_same_arrays(
        arrays, read_network_arrays(build_small_network(tmp_path, {"file": str(path), "match": "order"}))
    )
