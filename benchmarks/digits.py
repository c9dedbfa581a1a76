"""Trains the network of docs/tutorial.md with specfeat and with Keras' own `fit`: test accuracy and time.

    python -m benchmarks.digits FOLDER [--set KEY=VALUE ...]

FOLDER has the recordings of the Free Spoken Digit Dataset, named DIGIT_SPEAKER_TAKE.wav. Takes 0 to 4 are the
test part (the official one). The table of labels and the config are those of the tutorial. Each training runs
in a process of its own, one after the other:

- `specfeat train`: the command, as in the tutorial.
- `Keras fit`: `Model.fit` with the clips in memory. The network, the optimizer and the learning rates are the
  same. The best epoch counts.

The time is that of the whole process, from its start to its end; it includes all imports and the reading of
the recordings. The CPU time includes the worker processes.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.conditions import describe_machine

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "docs" / "tutorial.md"
TABLE_SCRIPT, CONFIG = "make_labels.py", "digits.yaml"


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """How good and how fast a training was.

    Attributes:
        accuracy: the share of the files of the test part whose class was found.
        seconds: the time of the process.
        cpu_seconds: the CPU time of the process and its workers.
    """

    accuracy: float
    seconds: float
    cpu_seconds: float


def prepare_folder(folder: Path, recordings: str) -> None:
    """Write the config of the tutorial and the table of labels, as its reader does."""
    (folder / "recordings").symlink_to(Path(recordings).resolve())
    for name, content in re.findall(r"```\w+ (\S+\.\w+)\n(.*?)```", TUTORIAL.read_text(), re.S):
        (folder / name).write_text(content)
    subprocess.run([sys.executable, TABLE_SCRIPT], cwd=folder, check=True)


def measure_specfeat(folder: Path, overrides: Sequence[str]) -> TrainingResult:
    """Measure `specfeat train`."""
    seconds, cpu_seconds = _measure_command(
        "specfeat", "train", str(folder / "recordings"), str(folder / "trained"), "-c", str(folder / CONFIG),
        *(word for override in overrides for word in ("--set", override)),
    )  # fmt: skip
    metrics = json.loads((folder / "trained" / "metrics.json").read_bytes())
    return TrainingResult(metrics["test"]["sounds"]["accuracy"], seconds, cpu_seconds)


def measure_keras(folder: Path, overrides: Sequence[str]) -> TrainingResult:
    """Measure Keras' `fit`."""
    output = folder / "keras.json"
    seconds, cpu_seconds = _measure_command(
        "benchmarks.keras_fit", str(folder / "recordings"), str(folder / CONFIG), str(output), *overrides
    )
    return TrainingResult(json.loads(output.read_bytes())["accuracy"], seconds, cpu_seconds)


def _measure_command(*words: str) -> tuple[float, float]:
    """Run a module, and return its time and its CPU time in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started_at = time.perf_counter()
    subprocess.run([sys.executable, "-m", *words], cwd=ROOT, check=True, stdout=sys.stderr)
    seconds = time.perf_counter() - started_at
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Read the command line, measure, and print one line for each training."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.digits", description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="the folder with the spoken digits")
    parser.add_argument("--set", action="append", default=[], help="a value of the config, KEY=VALUE")
    options = parser.parse_args()
    results: dict[str, TrainingResult] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare_folder(folder, options.folder)
        overrides = [f"train.labels.file={folder / 'labels.csv'}", *options.set]
        results["specfeat train"] = measure_specfeat(folder, overrides)
        results["Keras fit"] = measure_keras(folder, overrides)
    print(describe_machine())
    for title, result in results.items():
        print(
            f"{title:24} test accuracy {result.accuracy:6.2%}, {result.seconds:4.0f} s, "
            f"{result.cpu_seconds:4.0f} s of CPU time"
        )


if __name__ == "__main__":
    main()
