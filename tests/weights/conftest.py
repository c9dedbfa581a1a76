"""A network given by a few layers."""

from functools import partial
from pathlib import Path

import pytest

from helpers.matching import LoadNetwork, load_network


@pytest.fixture
def network(tmp_path: Path) -> LoadNetwork:
    """Return the settings of a network from its layers, one line each; the config is net.yaml in `tmp_path`."""
    return partial(load_network, tmp_path)
