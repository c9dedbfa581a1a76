"""Rows of several layers and of pooled layers: NumPy's statistics of Keras' outputs, equal at every place."""

from typing import Any

import numpy as np
import pytest

from helpers.sample_data import Float
from specfeat.config import load_config

pytestmark = [pytest.mark.tf, pytest.mark.slow]

BATCH = 7
CONFIG = [
    f"model.batch={BATCH}",
    """model.layers=[
    Conv2D: {name: conv, filters: 3, kernel_size: 3}, BatchNormalization: {name: norm}, ReLU: {name: relu},
    Conv2D: {name: conv2, filters: 5, kernel_size: [2, 4], activation: sigmoid},
    Reshape: {name: frames, target_shape: [-1, 5]},
    GlobalAveragePooling1D: {name: mean}, Dense: {name: row, units: 4}]""",
]
FEATURES = """model.features=[row, {norm: mean+std}, {conv: {pool: max+min, over: frequency}},
    {conv2: {pool: last+first+std, over: time}}, {frames: std+last}, mean]"""


@pytest.fixture(scope="module")
def network() -> Any:
    from specfeat.network.build import build_network

    return build_network(load_config("minimal", [*CONFIG, FEATURES]), "cpu", 1)


@pytest.fixture(scope="module")
def clips(network: Any) -> Float:
    values = np.random.default_rng(1).normal(size=(BATCH, *network.input_shape)) * 9 + 100
    return values.astype(np.float32)


def _compute_outputs(network: Any, clips: Float) -> dict[str, Float]:
    """Return the output of each layer in float64, computed by the composed model without folding."""
    import keras

    names = ("conv", "norm", "conv2", "frames", "mean", "row")
    model = keras.Model(network.model.inputs[0], [network.model.get_layer(name).output for name in names])
    return {k: np.asarray(v, np.float64) for k, v in zip(names, model(clips, training=False), strict=True)}


def test_columns_are_those_of_numpy(network: Any, clips: Float) -> None:
    """Layers and statistics come in the order of the config, and what is not pooled in the order of Keras."""
    out = _compute_outputs(network, clips)
    norm, conv, conv2, frames = out["norm"], out["conv"], out["conv2"], out["frames"]
    parts = [out["row"], norm.mean((1, 2)), norm.std((1, 2)), conv.max(2), conv.min(2)]
    parts += [conv2[:, -1], conv2[:, 0], conv2.std(1), frames.std(1), frames[:, -1], out["mean"]]
    expected = [part.reshape(BATCH, -1) for part in parts]
    rows = network.compute_rows(clips)

    assert rows.shape == (BATCH, network.width)
    for group, values in zip(network.columns, expected, strict=True):
        got = rows[:, group.first : group.end]
        scale = np.abs(values).max()
        np.testing.assert_allclose(got, values, rtol=2e-5, atol=2e-5 * scale, err_msg=str(group))


def test_the_columns_are_named(network: Any) -> None:
    """Each group has its layer, statistic, axes and columns, one after another without a gap."""
    groups = [(group.layer, group.pool, group.over, group.count) for group in network.columns]
    frames, bins, _ = network.input_shape

    assert groups == [
        ("row", None, None, 4),
        ("norm", "mean", "both", 3),
        ("norm", "std", "both", 3),
        ("conv", "max", "frequency", 3 * (frames - 2)),
        ("conv", "min", "frequency", 3 * (frames - 2)),
        ("conv2", "last", "time", 5 * (bins - 5)),
        ("conv2", "first", "time", 5 * (bins - 5)),
        ("conv2", "std", "time", 5 * (bins - 5)),
        ("frames", "std", "both", 5),
        ("frames", "last", "both", 5),
        ("mean", None, None, 5),
    ]
    ends = [0, *(group.end for group in network.columns)]
    assert ends[:-1] == [group.first for group in network.columns]
    assert ends[-1] == network.width


def test_a_clip_has_the_same_bits_at_every_place(network: Any, clips: Float) -> None:
    """The row of a clip depends on neither its place in the batch nor the other clips."""
    alone = [network.compute_rows(np.roll(clips, shift, axis=0)) for shift in range(network.places)]

    assert network.places > 1
    for place, rows in enumerate(alone):
        assert rows[place].tobytes() == alone[0][0].tobytes()


def test_other_layers_do_not_matter(network: Any, clips: Float) -> None:
    """The columns of a layer are those that it has as the only one; only the folding of `norm` may round them otherwise."""
    from specfeat.network.build import build_network

    only = build_network(load_config("minimal", [*CONFIG, "model.features=mean"]), "cpu", 1)
    pooled = network.columns[-1]

    assert [group.count for group in only.columns] == [5]
    rows = network.compute_rows(clips)[:, pooled.first : pooled.end]
    np.testing.assert_allclose(rows, only.compute_rows(clips), rtol=1e-5)
