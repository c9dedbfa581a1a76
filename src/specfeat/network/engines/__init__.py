"""Engines: each turns a built Keras model into a function from a batch of clips to rows.

Keras always composes and compiles the network and holds its weights (`network.compose`). An engine decides on
which device and with how many threads the network runs. A new engine is one module, with a class that has the
attributes and methods of `Engine`, and one line in `build.ENGINES`.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from specfeat.config.settings import Settings

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Device:
    """The processor that runs the network.

    Attributes:
        name: the engine's name of the device, e.g. "/CPU:0".
        description: the name of the device in the record, e.g. "cpu" or "gpu:0 NVIDIA H200".
    """

    name: str
    description: str


class RowFunction(Protocol):
    """Computes the rows of one batch; several threads may call it at once."""

    def __call__(self, clips: NDArray[np.float32]) -> Rows:
        """Return the rows, float32, shape (batch, width), of clips, float32, shape (batch, *input_shape)."""


class Engine(Protocol):
    """Runs a network on one device.

    Attributes:
        name: the key in `ENGINES`.
        device: the device on which the network runs.
        parallel_batches: the number of batches to run at the same time, each in its own thread.
    """

    name: str
    device: Device
    parallel_batches: int

    def count_uncertain_places(self, model: Any) -> int:
        """Return how many places at the end of each batch must stay empty, even if no test clip shows it.

        Args:
            model: the Keras model from clips to rows.
        """

    def place_variables(self) -> AbstractContextManager[object]:
        """Return the context in which layers are made and weights are set."""

    def make_row_function(
        self, model: Any, clips_shape: tuple[int, ...], *, jit_compile: bool
    ) -> RowFunction:
        """Prepare the model for batches of one shape, and return the function that computes their rows.

        Args:
            model: a Keras model from clips to rows, its weights set.
            clips_shape: (batch, frames, bins, channels).
            jit_compile: whether to compile with XLA, as the config's `compile` says.

        Raises:
            ValueError: the model cannot be prepared for clips of that shape; the message says why.
            MemoryError: the device has not enough memory.
        """


EngineFactory = Callable[[Settings, str, int | None], Engine]
