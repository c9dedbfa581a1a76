"""A file that does not fit the network is refused, with all differences in one error."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.weights_files import (
    CONFIG,
    Arrays,
    assert_same_arrays,
    build_small_network,
    make_arrays,
    make_torch_state,
    read_network_arrays,
    write_npz,
)
from specfeat.errors import WeightsError

pytestmark = pytest.mark.tf


def _remove_bias(arrays: Arrays) -> None:
    del arrays["depth/bias"]


def _rename_head(arrays: Arrays) -> None:
    arrays["heed/kernel"], arrays["heed/bias"] = arrays.pop("head/kernel"), arrays.pop("head/bias")


def _transpose_row(arrays: Arrays) -> None:
    arrays["row/kernel"] = arrays["row/kernel"].T


def _add_layer(arrays: Arrays) -> None:
    arrays["tail/kernel"] = np.zeros((2, 3), np.float32)


def _change_all(arrays: Arrays) -> None:
    _rename_head(arrays)
    _transpose_row(arrays)


MISMATCHES = {
    "missing": (
        _remove_bias,
        "1 missing (depth/bias 6); if depth had no bias when trained, set use_bias: false",
    ),
    "renamed": (
        _rename_head,
        "2 missing (head/kernel 7 x 2, head/bias 2); 2 unused (heed/kernel 7 x 2, heed/bias 2); "
        "map: {head: heed} would pair them",
    ),
    "reshaped": (
        _transpose_row,
        "1 of another shape (row/kernel 7 x 200 for row/kernel 200 x 7); "
        "row/kernel has PyTorch's axes under a name of Keras; let its name end in .weight",
    ),
    "unused": (_add_layer, "1 unused (tail/kernel 2 x 3)"),
    "all at once": (
        _change_all,
        "2 missing (head/kernel 7 x 2, head/bias 2); 2 unused (heed/kernel 7 x 2, heed/bias 2); "
        "1 of another shape (row/kernel 7 x 200 for row/kernel 200 x 7); map: {head: heed} would pair them",
    ),
}


@pytest.mark.parametrize(("change", "message"), MISMATCHES.values(), ids=MISMATCHES)
def test_all_mismatches_are_in_one_error(
    tmp_path: Path, change: Callable[[Arrays], None], message: str
) -> None:
    """One error lists all arrays that are missing, unused or of another shape; nothing is loaded in part."""
    arrays = make_arrays()
    change(arrays)
    path = write_npz(tmp_path / "w.npz", arrays)

    with pytest.raises(WeightsError) as error:
        build_small_network(tmp_path, {"file": str(path)})

    assert str(error.value) == f"{path}: does not fit the network: {message}"


def test_a_kernel_of_the_same_size_in_other_axes_is_refused(tmp_path: Path) -> None:
    """PyTorch's depthwise kernel is (in x multiplier, 1, ...); a reshape would accept any other shape of that size."""
    arrays = make_torch_state(make_arrays())
    arrays["depth.weight"] = arrays["depth.weight"].reshape(1, 6, 2, 3)

    with pytest.raises(
        WeightsError, match=r"1 of another shape \(depth\.weight 1 x 6 x 2 x 3 for depth/kernel"
    ):
        build_small_network(tmp_path, {"file": str(write_npz(tmp_path / "w.npz", arrays))})


def test_norms_only_in_the_network_or_only_in_the_file_are_named(tmp_path: Path) -> None:
    """Weights with folded norms do not fit a network with batch norms, and the reverse; the error says so."""
    arrays = make_arrays()
    folded = {name: array for name, array in arrays.items() if "/bn/" not in name}
    bare = CONFIG.replace("    - BatchNormalization: {name: block/bn, epsilon: 1.0e-5}\n", "")

    with pytest.raises(WeightsError, match=r"4 missing .*the network has batch norms, and the file has none"):
        build_small_network(tmp_path, {"file": str(write_npz(tmp_path / "a.npz", folded))})
    with pytest.raises(WeightsError, match=r"4 unused .*the file has batch norms, and the network has none"):
        build_small_network(tmp_path, {"file": str(write_npz(tmp_path / "b.npz", arrays))}, bare)


IGNORED = [
    "optimizer/vars/0",
    "global_step",
    "block/conv/kernel/Adam_1",
    "beta1_power",
    "block/conv/kernel/ExponentialMovingAverage",
    "block.bn.num_batches_tracked",
]


def test_arrays_that_are_not_weights_are_ignored(tmp_path: Path) -> None:
    """Optimizer state, step counts and moving averages are known by their names; any other unused array is an error."""
    arrays = make_arrays()
    extra = {name: np.zeros(2, np.float32) for name in IGNORED}

    assert_same_arrays(
        arrays,
        read_network_arrays(
            build_small_network(tmp_path, {"file": str(write_npz(tmp_path / "w.npz", arrays | extra))})
        ),
    )
    for name in ("optimisers", "step", "block/conv/kernel/Adamant"):
        with pytest.raises(WeightsError, match="1 unused"):
            build_small_network(
                tmp_path, {"file": str(write_npz(tmp_path / "w.npz", arrays | {name: np.zeros(2)}))}
            )


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    """NaN, infinity, and numbers that are too large for float32."""
    arrays: Any = make_arrays()
    arrays["row/bias"] = np.full(7, value)

    with pytest.raises(WeightsError, match="row/bias has values that are not finite"):
        build_small_network(tmp_path, {"file": str(write_npz(tmp_path / "w.npz", arrays))})


def test_whole_numbers_are_refused(tmp_path: Path) -> None:
    """Weights of 8 bits without their scale would be wrong numbers without an error."""
    arrays: Any = make_arrays()
    arrays["row/bias"] = np.arange(7, dtype=np.int8)

    with pytest.raises(WeightsError, match=r"row/bias holds whole numbers \(int8\)"):
        build_small_network(tmp_path, {"file": str(write_npz(tmp_path / "w.npz", arrays))})
