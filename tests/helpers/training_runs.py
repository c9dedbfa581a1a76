"""Runs trainings in the process of a test, and reads their results."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specfeat.training.listener import SilentTrainingListener

# One thread, as for extraction, because TensorFlow allows one choice for a process.
OPTIONS: Any = {"config": "my.yaml", "threads": 1, "workers": 1, "epochs": 2}


class NotingListener(SilentTrainingListener):
    """Keeps what a listener hears."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.losses: list[float] = []
        self.clips: dict[str, bytes] = {}

    def on_note(self, text: str) -> None:
        """Keep the sentence."""
        self.notes.append(text)

    def on_start(self, progress: Any, steps: int, epochs: int) -> None:
        """Keep the clips, which are removed when the training ends."""
        self.clips = {path.name: path.read_bytes() for path in Path("run/work").glob("clips-*.bin")}

    def on_epoch(self, progress: Any, logs: Mapping[str, float]) -> None:
        """Keep the loss."""
        self.losses.append(logs["loss"])


def read_history(folder: str = "run") -> list[dict[str, str]]:
    """Return the lines of the history of a training."""
    return list(csv.DictReader(Path(folder, "history.csv").read_text().splitlines()))


def read_weights(folder: str) -> dict[str, Any]:
    """Return the arrays of the best weights by their paths in the file."""
    import h5py

    found: dict[str, Any] = {}
    with h5py.File(f"{folder}/best.weights.h5") as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if hasattr(item, "dtype") else None)
    return found
