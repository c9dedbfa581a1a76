"""State dicts, written by PyTorch itself where it is installed."""

import pickle
import sys
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.weights_files import (
    CLIPS,
    build_small_network,
    read_network_arrays,
)
from specfeat.errors import InstallError, WeightsError
from specfeat.weights.files.torch_file import find_state_dict

pytestmark = pytest.mark.tf


def _make_torch_network(torch: Any) -> Any:
    """Return the small network as a PyTorch program has it; its input is (batch, 1, frames, bins)."""
    nn = torch.nn

    # mypy knows no classes of `torch` here, because `torch` is a parameter. So the classes need `type: ignore`.
    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 3, (4, 3), bias=False)
            self.bn = nn.BatchNorm2d(3)

    class Separable(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.depthwise = nn.Conv2d(6, 6, (3, 2), groups=6, bias=False)
            self.pointwise = nn.Conv2d(6, 5, 1)

    class Net(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.block, self.sep = Block(), Separable()
            self.depth = nn.Conv2d(3, 6, (2, 3), groups=3)
            self.row, self.head = nn.Linear(200, 7), nn.Linear(7, 2)

        def forward(self, x: Any) -> Any:
            x = torch.relu(self.block.bn(self.block.conv(x)))
            x = self.sep.pointwise(self.sep.depthwise(self.depth(x)))
            return self.row(torch.flatten(x, 1))

    torch.manual_seed(0)
    net = Net()
    net.block.bn.running_mean.uniform_(-1, 1)
    net.block.bn.running_var.uniform_(0.5, 2)
    return net.eval()


@pytest.fixture
def torch() -> Any:
    """The module, if it is installed."""
    return pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'specfeat[torch]'")


@pytest.mark.parametrize("key", [None, "model", "state_dict"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_pytorch_state_dict_gives_pytorchs_features(
    tmp_path: Path, torch: Any, key: str | None, zipped: bool
) -> None:
    """The network computes what PyTorch computes, to 1e-5, from a state dict alone or in a training checkpoint."""
    net = _make_torch_network(torch)
    with torch.no_grad():
        expected = net(torch.from_numpy(CLIPS.transpose(0, 3, 1, 2).copy())).numpy()
    state = net.state_dict()
    saved = {"iteration": 3, key: state} if key else state
    torch.save(saved, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)

    rows = build_small_network(tmp_path, {"file": str(tmp_path / "w.pth")}).compute_rows(CLIPS)

    np.testing.assert_allclose(rows, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("core", ["numpy._core", "numpy.core"])
def test_arrays_of_numpy_beside_the_weights_are_accepted(tmp_path: Path, torch: Any, core: str) -> None:
    """PANNs' checkpoints contain the state of the sampler in NumPy's arrays, some written under NumPy 1."""
    state = _make_torch_network(torch).state_dict()
    sampler = {"indexes": np.arange(5), "pointer": np.int64(3), "mean": np.float64(0.5)}
    torch.save({"iteration": 3, "model": state, "sampler": sampler}, tmp_path / "new.pth")
    with zipfile.ZipFile(tmp_path / "new.pth") as new, zipfile.ZipFile(tmp_path / "w.pth", "w") as old:
        for name in new.namelist():
            old.writestr(name, new.read(name).replace(b"cnumpy._core.", f"c{core}.".encode()))

    network = build_small_network(tmp_path, {"file": str(tmp_path / "w.pth")})

    np.testing.assert_array_equal(read_network_arrays(network)["head/bias"], state["head.bias"].numpy())


def test_a_pickle_of_more_than_arrays_is_refused(tmp_path: Path, torch: Any) -> None:
    """Reading a pickled module would run code: it is refused, and nothing has run."""
    marker = tmp_path / "ran"

    class Hostile:
        def __reduce__(self) -> Any:
            return (Path.touch, (marker,))

    torch.save({"row.weight": Hostile()}, tmp_path / "w.pth")

    with pytest.raises(WeightsError, match="contains more than arrays, and reading that would run code"):
        build_small_network(tmp_path, {"file": str(tmp_path / "w.pth")})

    assert not marker.exists()


class _FakeTorch:
    """The part of PyTorch that recognises tensors; arrays of NumPy count as tensors here."""

    @staticmethod
    def is_tensor(value: object) -> bool:
        return isinstance(value, np.ndarray)


def test_a_state_dict_under_a_known_key_is_found() -> None:
    """It is preferred to tensors beside it, e.g. a counter that is a tensor as well."""
    state = {"row.weight": np.zeros(3), "row.bias": np.zeros(3)}
    for key in ("state_dict", "model_state_dict", "model", "net"):
        assert (
            find_state_dict(_FakeTorch, {"epoch": np.array(7), key: state, "optimizer": {"state": {}}})
            == state
        )
    assert find_state_dict(_FakeTorch, state) == state
    assert find_state_dict(_FakeTorch, {"model": "Cnn6", **state}) == state


def test_tensors_in_inner_mappings_are_not_lost() -> None:
    """A tensor in a mapping within the state dict has its path as name, so that it is used or reported as unused."""
    inner = {"conv": {"weight": np.zeros(3)}, "names": ["a", "b"]}

    assert list(find_state_dict(_FakeTorch, {"model": {"block": inner, "bias": np.zeros(1)}})) == [
        "block.conv.weight",
        "bias",
    ]


def test_two_state_dicts_in_a_file_are_refused() -> None:
    """Nobody can know which of them is the network's."""
    state = {"row.weight": np.zeros(3)}

    with pytest.raises(WeightsError, match="has a state dict under model and under net; wanted one"):
        find_state_dict(_FakeTorch, {"model": state, "net": state})
    with pytest.raises(WeightsError, match="has no state dict"):
        find_state_dict(_FakeTorch, {"model": {"epoch": 3}})


def test_without_pytorch_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch is an optional dependency; if it is missing, the error says how to install it."""
    import_module(
        "specfeat.tensorflow_runtime"
    )  # scipy, which Keras may load, does not expect this of `torch`
    monkeypatch.setitem(sys.modules, "torch", None)
    with zipfile.ZipFile(tmp_path / "w.pth", "w") as file:
        file.writestr("w/data.pkl", pickle.dumps({}, 2))

    with pytest.raises(InstallError, match=r"pip install 'specfeat\[torch\]'"):
        build_small_network(tmp_path, {"file": str(tmp_path / "w.pth")})


def test_mappings_that_contain_each_other_end(tmp_path: Path) -> None:
    """A mapping may contain itself, or the same mapping twice on each of thirty levels."""

    class NoTorch:
        is_tensor = staticmethod(lambda value: False)

    circle: dict[str, object] = {}
    circle["a"] = circle
    tower: dict[str, object] = {}
    for _ in range(30):
        tower = {"a": tower, "b": tower}

    for value, message in ((circle, "more than 64 parts"), (tower, "more than 10,000 arrays")):
        with pytest.raises(WeightsError, match=message):
            find_state_dict(NoTorch, value)
