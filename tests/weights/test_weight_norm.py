"""The two arrays of PyTorch's weight normalisation are read as the weight that they stand for."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from helpers.matching import LoadNetwork, load_network, match_and_arrange
from helpers.weights_files import write_npz, write_safetensors
from specfeat.errors import WeightsError
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import locate_weights

CONV = "Conv2D: {name: conv, filters: 3, kernel_size: [2, 4]}"
NAMES = {
    "old": ("conv.weight_g", "conv.weight_v"),
    "new": ("conv.parametrizations.weight.original0", "conv.parametrizations.weight.original1"),
}


@pytest.fixture
def network(tmp_path: Path) -> LoadNetwork:
    """Load the settings of a network from its layers, one line each; the config is net.yaml in `tmp_path`."""
    return partial(load_network, tmp_path)


def _make_arrays(names: tuple[str, str], length_shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    direction = generator.normal(size=(3, 1, 2, 4)).astype(np.float32)
    length = generator.uniform(1, 2, length_shape).astype(np.float32)
    return {names[0]: length, names[1]: direction, "conv.bias": np.zeros(3, np.float32)}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("kind", ["npz", "safetensors"])
def test_each_filter_has_the_length_that_the_file_gives(
    network: LoadNetwork, tmp_path: Path, names: tuple[str, str], kind: str
) -> None:
    """The weight is g * v / |v|; so each filter has the direction of v and the norm g."""
    arrays = _make_arrays(names, (3, 1, 1, 1))
    path = tmp_path / f"w.{kind}"
    if kind == "npz":
        write_npz(path, arrays)
    else:
        write_safetensors(path, arrays)

    with open_weights_file(locate_weights(str(path))) as contents:
        kernel = match_and_arrange(network(CONV), contents)["conv/kernel"]

    length, direction = arrays[names[0]], arrays[names[1]]
    np.testing.assert_allclose(np.sqrt((kernel.astype(float) ** 2).sum((0, 1, 2))), length.ravel(), rtol=1e-6)
    ratio = kernel / direction.transpose(2, 3, 1, 0)
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:1, :1], ratio.shape), rtol=1e-5)


def test_one_length_for_the_whole_weight(network: LoadNetwork, tmp_path: Path) -> None:
    """With `dim=None`, PyTorch stores a single number, the norm of the whole weight."""
    arrays = _make_arrays(NAMES["old"], ())
    write_npz(tmp_path / "w.npz", arrays)

    with open_weights_file(locate_weights(str(tmp_path / "w.npz"))) as contents:
        kernel = match_and_arrange(network(CONV), contents)["conv/kernel"]

    np.testing.assert_allclose(np.linalg.norm(kernel), arrays["conv.weight_g"], rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "extra"), [((3, 1, 2, 1), {}), ((2, 1, 1, 1), {}), ((3, 1, 1, 1), {"conv.weight": np.zeros(2)})]
)
def test_arrays_that_do_not_belong_together_stay(
    network: LoadNetwork, tmp_path: Path, shape: tuple[int, ...], extra: dict[str, np.ndarray]
) -> None:
    """With other shapes, or beside the weight itself, the two arrays are unused, which is an error."""
    write_npz(tmp_path / "w.npz", _make_arrays(NAMES["old"], shape) | extra)

    with (
        open_weights_file(locate_weights(str(tmp_path / "w.npz"))) as contents,
        pytest.raises(WeightsError, match=r"[23] unused \(conv\.weight_g"),
    ):
        match_and_arrange(network(CONV), contents)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # the older function is deprecated
def test_pytorch_computes_the_same_weight(network: LoadNetwork, tmp_path: Path) -> None:
    """Both of PyTorch's functions for weight normalisation, where PyTorch is installed."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'specfeat[torch]'")
    for normalise in (torch.nn.utils.weight_norm, torch.nn.utils.parametrizations.weight_norm):
        module = torch.nn.Module()
        module.conv = normalise(torch.nn.Conv2d(1, 3, (2, 4)))
        state = {name: tensor.detach().numpy() for name, tensor in module.state_dict().items()}
        first = next(name for name in state if name.endswith(("weight_g", "original0")))
        state[first] = state[first] * 3
        with torch.no_grad():
            dict(module.named_parameters())[first].mul_(3)
            module.conv(torch.zeros(1, 1, 4, 4))
        np.savez(tmp_path / "w.npz", **state)

        with open_weights_file(locate_weights(str(tmp_path / "w.npz"))) as contents:
            kernel = match_and_arrange(network(CONV), contents)["conv/kernel"]

        expected = module.conv.weight.detach().numpy().transpose(2, 3, 1, 0)
        np.testing.assert_allclose(kernel, expected, rtol=1e-5)
