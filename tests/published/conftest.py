"""A running server, and the table entry of the file that it serves."""

from collections.abc import Iterator

import pytest

from helpers.weights_server import WeightsServer, run_server
from specfeat.published.table import PublishedWeights


@pytest.fixture
def server() -> Iterator[WeightsServer]:
    with run_server() as running:
        yield running


@pytest.fixture
def entry(server: WeightsServer) -> PublishedWeights:
    return server.make_entry()
