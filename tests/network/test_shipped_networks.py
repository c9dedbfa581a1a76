"""Keras builds each shipped config as its authors describe it."""

import numpy as np
import pytest

from helpers.long_tests import mark_long_cases
from helpers.published_networks import PARAMETERS
from specfeat.config import load_config, shipped_names

pytestmark = pytest.mark.tf

# The others take gigabytes or many seconds; `architecture/test_shapes.py` computes their parameters without Keras.
SMALL_NETWORKS = [name for name in shipped_names() if PARAMETERS[name][0] < 4_000_000]


@pytest.mark.parametrize("name", mark_long_cases(shipped_names(), SMALL_NETWORKS))
def test_shipped_configs_build(name: str) -> None:
    """Every shipped config builds, with its authors' number of parameters and shapes.

    The batches are small, because the number of clips in a batch is not in question here.
    """
    parameters, shape, width = PARAMETERS[name]
    from specfeat.network.build import build_network

    network = build_network(load_config(name, ["model.batch=2"]), "cpu")
    rows = network.compute_rows(
        np.random.default_rng(0).normal(size=(network.batch, *shape)).astype(np.float32)
    )

    assert sum(int(np.prod(v.shape)) for v in network.model.trainable_weights) == parameters
    assert network.model.input_shape[1:] == shape == load_config(name).settings.input_shape
    assert rows.shape == (network.batch, width)
    assert np.isfinite(rows).all()
