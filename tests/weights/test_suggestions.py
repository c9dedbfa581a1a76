"""What the error of weights that do not fit guesses to be the cure, and that the cure is one."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from helpers.weights_files import CONFIG, Arrays, arrays, slots, torch_state
from specfeat.errors import WeightsError
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import locate_weights
from specfeat.weights.matching.match import match_arrays
from specfeat.weights.matching.match_result import MatchResult


def _plan(
    folder: Path, made: Arrays, given: dict[str, str] | None = None, match: str = "name"
) -> MatchResult:
    """Match these arrays, in a file of NumPy's, with the test's network."""
    np.savez(folder / "w.npz", **made)  # type: ignore[arg-type]
    with open_weights_file(locate_weights(str(folder / "w.npz"))) as contents:
        return match_arrays(slots(), contents, match, given or {})  # type: ignore[arg-type]


def _cure(folder: Path, made: Arrays) -> str:
    """What the error says after its lists."""
    with pytest.raises(WeightsError) as error:
        _plan(folder, made).check()
    return str(error.value).rpartition("); ")[2]


def _renamed(made: Arrays, **names: str) -> Arrays:
    """The same in the same order, layers under other names."""
    return {
        f"{names.get(name.rpartition('/')[0].replace('/', '_'), name.rpartition('/')[0])}/{name.rpartition('/')[2]}": a
        for name, a in made.items()
    }


def _bare(made: Arrays, *roles: str) -> Arrays:
    return {name: a for name, a in made.items() if name.rpartition("/")[2] not in roles}


CURES: dict[str, tuple[Callable[[Arrays], Arrays], str]] = {
    "one layer of another name": (
        lambda made: _renamed(made, head="logits"),
        "map: {head: logits} would pair them",
    ),
    "two layers of other names": (
        lambda made: _renamed(made, head="logits", depth="dw"),
        "map: {depth: dw, head: logits} would pair them",
    ),
    "a bias that was not trained": (
        lambda made: {n: a for n, a in made.items() if n != "depth/bias"},
        "if depth had no bias when trained, set use_bias: false",
    ),
    "averages that were not saved": (
        lambda made: _bare(made, "moving_mean", "moving_variance"),
        "the file has gamma and beta of its batch norms without their averages, as if only the trainable weights had "
        "been saved; save all of them",
    ),
    "norms that were folded": (
        lambda made: _bare(made, "moving_mean", "moving_variance", "gamma", "beta"),
        "the network has batch norms, and the file has none (folded into its biases?)",
    ),
    "PyTorch's axes under Keras' names": (
        lambda made: {**made, "block/conv/kernel": made["block/conv/kernel"].transpose(3, 2, 0, 1)},
        "block/conv/kernel has PyTorch's axes under a name of Keras; let its name end in .weight",
    ),
    "Keras' axes under PyTorch's names": (
        lambda made: {**torch_state(made), "head.weight": made["head/kernel"]},
        "head.weight has Keras' axes under a name of PyTorch; let its name end in /kernel",
    ),
    "bins before frames": (
        lambda made: {**made, "block/conv/kernel": made["block/conv/kernel"].transpose(1, 0, 2, 3)},
        "the two sides of block/conv's kernel are exchanged: the file's network reads bins x frames; put Permute: "
        "{dims: [2, 1, 3]} first, and give sizes of kernels and pools in its order",
    ),
    "other classes": (
        lambda made: {**made, "head/kernel": np.zeros((7, 527), "f4"), "head/bias": np.zeros(527, "f4")},
        "head has 2 units here and 527 in the file (other classes?)",
    ),
    "other classes in PyTorch": (
        lambda made: {
            **torch_state(made), "head.weight": np.zeros((527, 7), "f4"), "head.bias": np.zeros(527, "f4")
        },
        "head has 2 units here and 527 in the file (other classes?)",
    ),
    "other filters": (
        lambda made: {**torch_state(made), "block.conv.weight": np.zeros((8, 1, 4, 3), "f4")},
        "block/conv has 3 filters here and 8 in the file",
    ),
    "other bands": (
        lambda made: {**made, "row/kernel": np.zeros((400, 7), "f4")},
        "row reads 200 values here and 400 in the file: the layers before it give other sizes (before a Flatten "
        "through frames, bands, padding and pooling as well)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "cure"), CURES.values(), ids=CURES)
def test_a_cure_is_guessed(tmp_path: Path, change: Callable[[Arrays], Arrays], cure: str) -> None:
    """One guess ends the sentence: what most likely made the difference."""
    assert _cure(tmp_path, change(arrays())) == cure


def test_names_that_are_all_others_are_cured_by_order(tmp_path: Path) -> None:
    """The guess is one that was tried: with `match: order` all arrays find their places."""
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in torch_state(arrays())))
    others = {
        f"l{layers.index(name.rpartition('.')[0])}.{name.rpartition('.')[2]}": a
        for name, a in torch_state(arrays()).items()
    }

    assert _cure(tmp_path, others) == "its layers have other names, and match: order fits them"
    assert _plan(tmp_path, others, match="order").is_complete


def test_the_map_that_is_guessed_is_a_cure(tmp_path: Path) -> None:
    assert _plan(
        tmp_path, _renamed(arrays(), head="logits", depth="dw"), {"head": "logits", "depth": "dw"}
    ).is_complete


def test_two_layers_that_could_be_either_are_not_guessed(tmp_path: Path) -> None:
    """A guess that may be wrong is not made: both of the file's layers have the shapes."""
    made = _renamed(arrays(), head="logits")
    made |= {"more/kernel": made["logits/kernel"], "more/bias": made["logits/bias"]}

    assert "map" not in _cure(tmp_path, made)


def test_show_puts_the_network_beside_the_file(tmp_path: Path) -> None:
    """With -c each array of the network stands beside the file's for it, and what differs, lacks or is left says so."""
    made = arrays()
    made["row/kernel"] = np.zeros((100, 7), np.float32)
    del made["head/bias"]
    np.savez(tmp_path / "w.npz", **made, **{"extra/kernel": np.zeros((2, 3), np.float32)})  # type: ignore[arg-type]
    (tmp_path / "net.yaml").write_text(CONFIG)

    done = subprocess.run(
        [sys.executable, "-m", "specfeat", "weights", "show", "w.npz", "-c", "net.yaml"],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    rows = [" ".join(line.split()) for line in done.stdout.partition("\n\n")[2].splitlines()]
    assert rows[0] == "network file"
    assert rows[1] == "block/conv/kernel 4 x 3 x 1 x 3 block/conv/kernel 4 x 3 x 1 x 3 float32"
    assert "row/kernel 200 x 7 row/kernel 100 x 7 float32 differs" in rows
    assert "head/bias 2 - missing" in rows
    assert rows[-1] == "- extra/kernel 2 x 3 float32 unused"
    assert len(rows) == 1 + 14 + 1
