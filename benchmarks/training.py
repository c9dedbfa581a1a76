"""Compares the steps of `specfeat train` with those of Keras' own `fit` on arrays in memory.

    python -m benchmarks.training [CONFIG] [--rounds N] [--batch N] [--quick]

The network, its head, optimizer, loss and batch are the same. The sounds are noise; only time is measured.
Each training runs in a process of its own. In each round, they follow one another:

- keras: `fit` on the clips as arrays in memory;
- specfeat: `specfeat train` with clips on the disk;
- changed: the same with four random forms of each clip, float16 on the disk, and `shift`, `mask` and `mixup`
  in each step: the most work for the input pipeline.

The first epoch is left out, because it traces the graph. A time is the mean over the steps of the later
epochs, from the end of the first step of an epoch to the end of its last. The share is the time of `fit`
divided by that of specfeat; its median over the rounds counts. The CPU time of all threads is measured as
well: on a machine that does other work, only the CPU times can be compared.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from benchmarks.conditions import describe_machine
from specfeat import load_config, train
from specfeat.cpu_count import count_available_cores
from specfeat.training.listener import SilentTrainingListener

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASSES = 10
EPOCHS = 4  # the first one is left out
KINDS = ("keras", "specfeat", "changed")
CHANGES = (
    "train.variants=4",
    "train.cache.dtype=float16",
    "train.augment=[{gain: [-6, 6]}, {shift: 10}, {mask: {time: 15, bins: 8}}, {mixup: 0.2}]",
)


class StepTimer(SilentTrainingListener):
    """Measures the steps of all epochs after the first.

    Attributes:
        steps: the number of these steps, without the first of each epoch.
        seconds: their time, and the CPU time of all threads.
    """

    def __init__(self) -> None:
        self.steps = 0
        self.seconds = np.zeros(2)
        self._last: tuple[int, NDArray[np.float64]] | None = None

    def end_step(self, epoch: int) -> None:
        """Count a step that has just ended, in an epoch counted from 0."""
        now = np.array([time.perf_counter(), time.process_time()])
        if epoch and self._last is not None and self._last[0] == epoch:
            self.seconds += now - self._last[1]
            self.steps += 1
        self._last = epoch, now

    def compute_mean(self) -> list[float]:
        """Return time and CPU time of one step, in seconds."""
        mean: list[float] = (self.seconds / self.steps).tolist()
        return mean

    def on_step(self, progress: Any, logs: Mapping[str, float]) -> None:
        """Count a step of specfeat."""
        self.end_step(progress.epoch)


def write_sounds(folder: Path, count: int, seconds: float) -> None:
    """Write sounds of noise, in a folder for each class."""
    random = np.random.default_rng(0)
    for number in range(count):
        path = folder / f"class{number % CLASSES}" / f"{number:05}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, random.normal(0, 0.1, round(16_000 * seconds)), 16_000)


def list_overrides(batch: int, kind: str) -> list[str]:
    """Return the values that replace those of the config."""
    overrides = [f"train.batch={batch}", f"train.epochs={EPOCHS}", "train.stop=null", "train.task=classify"]
    overrides += ["train.split.validation=0.05", "train.optimizer=adam"]
    return [*overrides, *(CHANGES if kind == "changed" else ())]


def measure_specfeat(folder: Path, config: str, batch: int, kind: str) -> list[float]:
    """Return time and CPU time of one step of `specfeat.train`, in seconds."""
    timer = StepTimer()
    train(
        folder / "in",
        folder / "run",
        config,
        overrides=list_overrides(batch, kind),
        force=True,
        listener=timer,
    )
    return timer.compute_mean()


def measure_keras(config_name: str, batch: int, clips: int) -> list[float]:
    """Return time and CPU time of one step of Keras' `fit`, in seconds."""
    from specfeat.tensorflow_runtime import keras, set_training_threads
    from specfeat.training.heads import add_class_head
    from specfeat.training.model import TrainingModel

    set_training_threads(count_available_cores())
    config = load_config(config_name, list_overrides(batch, "keras"))
    model = TrainingModel(config, add_class_head(config, CLASSES, multi=False)).keras_model
    random = np.random.default_rng(0)
    values = random.normal(0, 1, (clips, *config.settings.input_shape)).astype(np.float32)
    targets = np.eye(CLASSES, dtype=np.float32)[np.arange(clips) % CLASSES]
    timer, epochs = StepTimer(), [0]
    callback = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append(epoch))
    callback.on_train_batch_end = lambda step, logs=None: timer.end_step(epochs[-1])
    model.fit(values, targets, batch_size=batch, epochs=EPOCHS, verbose=0, callbacks=[callback])
    return timer.compute_mean()


def run_part(kind: str, folder: Path, options: argparse.Namespace) -> list[float]:
    """Measure one training in a process of its own, and return time and CPU time of a step, in seconds."""
    words = [
        "--kind",
        kind,
        "--folder",
        str(folder),
        "--batch",
        str(options.batch),
        "--sounds",
        str(options.sounds),
    ]
    command = [sys.executable, "-m", "benchmarks.training", options.config, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    times: list[float] = json.loads(done.stdout.splitlines()[-1])
    return times


def print_results(seconds: Mapping[str, Sequence[Sequence[float]]], config: str, batch: int) -> None:
    """Print a line for each kind of training, for the time and for the CPU time."""
    print(f"{config}, batch of {batch}, on {describe_machine()}")
    for column, unit in enumerate(("ms", "ms of CPU")):
        for kind, rounds in seconds.items():
            times = [times[column] for times in rounds]
            shares = [100 * keras[column] / own for keras, own in zip(seconds["keras"], times, strict=True)]
            print(
                f"{kind:8}  {1000 * statistics.median(times):7.1f} {unit} a step   "
                f"{statistics.median(shares):4.0f} % of fit ({min(shares):.0f} to {max(shares):.0f})"
            )


def main() -> None:
    """Read the command line, measure, and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("config", nargs="?", default="default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--sounds", type=int, default=1500)
    parser.add_argument("--quick", action="store_true", help="one round with few sounds: only a check")
    parser.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)  # what one process measures
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.sounds = 1, 200
    if options.kind == "keras":
        print(json.dumps(measure_keras(options.config, options.batch, options.sounds)))
    elif options.kind:
        print(json.dumps(measure_specfeat(options.folder, options.config, options.batch, options.kind)))
    else:
        settings = load_config(options.config).settings
        clip_s = settings.clip_grid.clip_samples / settings.audio.sample_rate
        seconds: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
        with tempfile.TemporaryDirectory() as scratch:
            write_sounds(Path(scratch) / "in", options.sounds, clip_s)
            for _ in range(options.rounds):
                for kind, times in seconds.items():
                    times.append(run_part(kind, Path(scratch), options))
        print_results(seconds, options.config, options.batch)


if __name__ == "__main__":
    main()
