"""Runs `specfeat` with a fake network, without TensorFlow. A whole command takes half a second.

    python tests/helpers/without_tensorflow.py extract INPUTS... OUTPUT [OPTIONS]

A row has sums of a clip's bands over time. It depends only on its clip, so the rows of a file depend only on the
file. Environment variables:
    FAKE_NETWORK_PAUSE_S: the time in seconds that each batch takes.
    FAKE_NETWORK_GATE: the path of a file. The first FAKE_NETWORK_FREE_BATCHES batches are computed at once, and all
        other batches wait until the file exists. So a run cannot end before the test opens the gate.
    FAKE_NETWORK_SYNC_INTERVAL_S: the time in seconds between two writes of the journal.
    FAKE_NETWORK_WORKERS: "threads" to run the workers in threads, which start sooner than processes.
    SIGN_OF_WAITING: the path of a file that is created when the run waits for the lock.
"""

import itertools
import operator
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.architecture.feature_sources import ColumnGroup
from specfeat.config import Config
from specfeat.weights.files.source import locate_weights

WIDTH = 4
GATE_DEADLINE_S = 300  # so that a run ends even if its test has failed


class FakeNetwork:
    """A network that sums bands. It has all attributes of a network that a run uses."""

    seconds = 0.0
    columns = (ColumnGroup(layer="layer", first=0, count=WIDTH),)
    device = SimpleNamespace(description="cpu")
    parameters = 0

    def __init__(self, config: Config) -> None:
        self._numbers = itertools.count()
        # With two threads, a later batch could get an earlier number, and an earlier batch would wait at the gate.
        self.parallel_batches = 1 if "FAKE_NETWORK_GATE" in os.environ else 2
        self.places = config.settings.model.batch
        self.batch, self.width = config.settings.model.batch, WIDTH
        self.input_shape = config.settings.input_shape
        weights = config.settings.model.weights
        self.weights: dict[str, object] = {"random": weights.random}
        if weights.file:
            source = locate_weights(weights.file)
            self.weights = {"file": weights.file, "sha256": source.compute_sha256(), **source.identify_file()}

    def compute_rows(self, clips: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return rows whose features are the sums of a quarter of the bands each."""
        time.sleep(float(os.environ.get("FAKE_NETWORK_PAUSE_S", "0")))
        if next(self._numbers) >= int(os.environ.get("FAKE_NETWORK_FREE_BATCHES", "0")):
            wait_for_gate()
        bands = clips.reshape(len(clips), clips.shape[1], -1).astype(np.float64).sum(1)
        parts = np.array_split(bands, WIDTH, axis=1)
        return np.stack([part.sum(1) for part in parts], axis=1).astype(np.float32)


def wait_for_gate() -> None:
    """Wait until the file FAKE_NETWORK_GATE exists, if the variable is set."""
    gate = os.environ.get("FAKE_NETWORK_GATE")
    deadline = time.monotonic() + GATE_DEADLINE_S
    while gate and not Path(gate).exists() and time.monotonic() < deadline:
        time.sleep(0.005)


def make_sign_of_waiting(path: Path) -> None:
    """Create a file as soon as this process waits for a lock, so that a test can wait for this."""
    from specfeat.output import lock

    def sleep(seconds: float) -> None:
        path.touch()
        time.sleep(seconds)

    vars(lock)["time"] = SimpleNamespace(monotonic=time.monotonic, sleep=sleep)


def install_fake_network(set_item: Callable[[Any, str, Any], None] = operator.setitem) -> None:
    """Replace the module that builds networks with TensorFlow by one that makes fake networks.

    Args:
        set_item: a function that sets an item of a mapping. With pytest's `monkeypatch.setitem`, the module is
            restored after the test.
    """
    module: Any = ModuleType("specfeat.network.build")
    module.build_network = lambda config, *_: FakeNetwork(config)
    set_item(sys.modules, "specfeat.network.build", module)


if __name__ == "__main__":
    install_fake_network()
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from helpers.thread_workers import install_thread_workers
    from specfeat.cli import main
    from specfeat.output import work_folder

    work_folder.SYNC_INTERVAL_S = float(
        os.environ.get("FAKE_NETWORK_SYNC_INTERVAL_S", work_folder.SYNC_INTERVAL_S)
    )
    if os.environ.get("FAKE_NETWORK_WORKERS") == "threads":
        install_thread_workers()
    if "SIGN_OF_WAITING" in os.environ:
        make_sign_of_waiting(Path(os.environ["SIGN_OF_WAITING"]))
    sys.exit(main())
