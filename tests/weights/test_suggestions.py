"""What the error of weights that do not fit suggests, and that following the suggestion helps."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from helpers.specfeat_command import run_in_this_process
from helpers.weights_files import CONFIG, Arrays, make_arrays, make_slots, make_torch_state, write_npz
from specfeat.errors import WeightsError
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import locate_weights
from specfeat.weights.matching.match import MatchRule, match_arrays
from specfeat.weights.matching.match_result import MatchResult


def _match(
    folder: Path, arrays: Arrays, user_map: dict[str, str] | None = None, match_rule: MatchRule = "name"
) -> MatchResult:
    """Match the arrays, written to an .npz archive, with the small network."""
    write_npz(folder / "w.npz", arrays)
    with open_weights_file(locate_weights(str(folder / "w.npz"))) as contents:
        return match_arrays(make_slots(), contents, match_rule, user_map or {})


def _read_suggestion(folder: Path, arrays: Arrays) -> str:
    """Return what the error says after its lists of arrays."""
    with pytest.raises(WeightsError) as error:
        _match(folder, arrays).raise_if_incomplete()
    return str(error.value).rpartition("); ")[2]


def _rename_layers(arrays: Arrays, **names: str) -> Arrays:
    """Return the same arrays in the same order, with other names for some layers."""
    return {
        f"{names.get(name.rpartition('/')[0].replace('/', '_'), name.rpartition('/')[0])}/{name.rpartition('/')[2]}": a
        for name, a in arrays.items()
    }


def _remove_roles(arrays: Arrays, *roles: str) -> Arrays:
    return {name: a for name, a in arrays.items() if name.rpartition("/")[2] not in roles}


SUGGESTIONS: dict[str, tuple[Callable[[Arrays], Arrays], str]] = {
    "one layer of another name": (
        lambda arrays: _rename_layers(arrays, head="logits"),
        "map: {head: logits} would pair them",
    ),
    "two layers of other names": (
        lambda arrays: _rename_layers(arrays, head="logits", depth="dw"),
        "map: {depth: dw, head: logits} would pair them",
    ),
    "a bias that was not trained": (
        lambda arrays: {n: a for n, a in arrays.items() if n != "depth/bias"},
        "if depth had no bias when trained, set use_bias: false",
    ),
    "averages that were not saved": (
        lambda arrays: _remove_roles(arrays, "moving_mean", "moving_variance"),
        "the file has gamma and beta of its batch norms without their averages, as if only the trainable weights had "
        "been saved; save all of them",
    ),
    "norms that were folded": (
        lambda arrays: _remove_roles(arrays, "moving_mean", "moving_variance", "gamma", "beta"),
        "the network has batch norms, and the file has none (folded into its biases?)",
    ),
    "one norm more": (
        lambda arrays: arrays | {name.replace("block/bn", "last"): a for name, a in arrays.items() if "/bn/" in name},
        "the file has 1 more batch norms than the network (1)",
    ),
    "Keras 1 on Theano": (
        lambda arrays: {
            **{n: a for n, a in arrays.items() if n != "block/conv/kernel"},
            "block/conv/W": arrays["block/conv/kernel"].transpose(3, 2, 0, 1),
        },
        "block/conv/W has the axes of Keras 1 on Theano, which rotates its kernels by 180 degrees; "
        "load the model there and save it on TensorFlow",
    ),
    "PyTorch's axes under Keras' names": (
        lambda arrays: {**arrays, "block/conv/kernel": arrays["block/conv/kernel"].transpose(3, 2, 0, 1)},
        "block/conv/kernel has PyTorch's axes under a name of Keras; let its name end in .weight",
    ),
    "Keras' axes under PyTorch's names": (
        lambda arrays: {**make_torch_state(arrays), "head.weight": arrays["head/kernel"]},
        "head.weight has Keras' axes under a name of PyTorch; let its name end in /kernel",
    ),
    "bins before frames": (
        lambda arrays: {**arrays, "block/conv/kernel": arrays["block/conv/kernel"].transpose(1, 0, 2, 3)},
        "the two sides of block/conv's kernel are exchanged: the file's network reads bins x frames; put Permute: "
        "{dims: [2, 1, 3]} first, and give sizes of kernels and pools in its order",
    ),
    "other classes": (
        lambda arrays: {**arrays, "head/kernel": np.zeros((7, 527), "f4"), "head/bias": np.zeros(527, "f4")},
        "head has 2 units here and 527 in the file (other classes?)",
    ),
    "other classes in PyTorch": (
        lambda arrays: {
            **make_torch_state(arrays), "head.weight": np.zeros((527, 7), "f4"), "head.bias": np.zeros(527, "f4")
        },
        "head has 2 units here and 527 in the file (other classes?)",
    ),
    "other filters": (
        lambda arrays: {**make_torch_state(arrays), "block.conv.weight": np.zeros((8, 1, 4, 3), "f4")},
        "block/conv has 3 filters here and 8 in the file",
    ),
    "other bands": (
        lambda arrays: {**arrays, "row/kernel": np.zeros((400, 7), "f4")},
        "row reads 200 values here and 400 in the file: the layers before it give other sizes (before a Flatten "
        "through frames, bands, padding and pooling as well)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "suggestion"), SUGGESTIONS.values(), ids=SUGGESTIONS)
def test_the_error_ends_with_a_suggestion(
    tmp_path: Path, change: Callable[[Arrays], Arrays], suggestion: str
) -> None:
    """It is what most likely makes the difference."""
    assert _read_suggestion(tmp_path, change(make_arrays())) == suggestion


def test_order_is_suggested_if_no_name_agrees(tmp_path: Path) -> None:
    """It has been tried before it is suggested: with `match: order` every slot gets its array."""
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in make_torch_state(make_arrays())))
    other_names = {
        f"l{layers.index(name.rpartition('.')[0])}.{name.rpartition('.')[2]}": a
        for name, a in make_torch_state(make_arrays()).items()
    }

    assert (
        _read_suggestion(tmp_path, other_names) == "its layers have other names, and match: order fits them"
    )
    assert _match(tmp_path, other_names, match_rule="order").is_complete


def test_averages_of_another_layer_are_not_missed(tmp_path: Path) -> None:
    """A norm without gamma and beta beside the mean and variance of a Normalization layer: nothing is suggested."""
    arrays = {name: a for name, a in make_arrays().items() if "/bn/" not in name}
    arrays |= {f"normalization/{word}": np.ones(3, "f4") for word in ("mean", "variance")}
    write_npz(tmp_path / "w.npz", arrays)
    slots = [slot for slot in make_slots() if slot.name not in ("block/bn/gamma", "block/bn/beta")]
    with (
        open_weights_file(locate_weights(str(tmp_path / "w.npz"))) as contents,
        pytest.raises(WeightsError) as error,
    ):
        match_arrays(slots, contents, "name", {}).raise_if_incomplete()

    assert str(error.value).endswith(")")


def test_the_suggested_map_works(tmp_path: Path) -> None:
    """With the map of the suggestion the file fits."""
    assert _match(
        tmp_path, _rename_layers(make_arrays(), head="logits", depth="dw"), {"head": "logits", "depth": "dw"}
    ).is_complete


def test_no_map_is_suggested_if_two_layers_are_possible(tmp_path: Path) -> None:
    """Both layers of the file have the shapes of the missing layer, so a suggestion could be wrong."""
    arrays = _rename_layers(make_arrays(), head="logits")
    arrays |= {"more/kernel": arrays["logits/kernel"], "more/bias": arrays["logits/bias"]}

    assert "map" not in _read_suggestion(tmp_path, arrays)


def test_show_prints_the_network_beside_the_file(tmp_path: Path) -> None:
    """With -c each slot stands beside its array, and arrays that differ, are missing or unused are marked."""
    arrays = make_arrays()
    arrays["row/kernel"] = np.zeros((100, 7), np.float32)
    del arrays["head/bias"]
    write_npz(tmp_path / "w.npz", arrays | {"extra/kernel": np.zeros((2, 3), np.float32)})
    (tmp_path / "net.yaml").write_text(CONFIG)

    result = run_in_this_process(tmp_path, "weights", "show", "w.npz", "-c", "net.yaml")

    assert result.returncode == 2
    rows = [" ".join(line.split()) for line in result.stdout.partition("\n\n")[2].splitlines()]
    assert rows[0] == "network file"
    assert rows[1] == "block/conv/kernel 4 x 3 x 1 x 3 block/conv/kernel 4 x 3 x 1 x 3 float32"
    assert "row/kernel 200 x 7 row/kernel 100 x 7 float32 differs" in rows
    assert "head/bias 2 - missing" in rows
    assert rows[-1] == "- extra/kernel 2 x 3 float32 unused"
    assert len(rows) == 1 + 14 + 1
