"""A training that is killed and continued ends with the same bytes as one that is not."""

import os
import sys
from pathlib import Path

import pytest

from helpers.long_tests import IS_LONG_FORM
from helpers.specfeat_command import run_program
from helpers.training_data import CONFIG, write_tones
from specfeat.training.run_folder import WORK_FOLDER_NAME

pytestmark = [pytest.mark.tf, pytest.mark.slow]

TESTS = Path(__file__).parents[1]
# While clips are made; in an epoch; while checkpoints, the best weights and each kind of result are written. In
# between, the disk is full for clips, and then for a checkpoint.
POINTS = [
    *(
        "full:3000",
        "sound:7",
        "sync:2",
        "step:1",
        "sync:2",
        "step:2",
        "full:10000",
        "name:best.npz",
        "step:3",
    ),
    *("name:best.weights.h5", "name:train.json"),
]
if not IS_LONG_FORM:
    POINTS = ["full:3000", "sound:7", "step:1", "full:10000", "name:best.npz", "name:train.json"]
RESULTS = ("best.weights.h5", "last.weights.h5", "history.csv", "metrics.json", "split.csv", "config.yaml")


def test_a_training_that_is_interrupted_ends_with_the_same_bytes(tmp_path: Path) -> None:
    """SIGKILL and a full disk at several points, with dropout and random changes in each step: the results are the same."""
    write_tones(tmp_path / "in")
    (tmp_path / "my.yaml").write_text(CONFIG)
    words = (sys.executable, "-m", "helpers.killed_trainings", tmp_path, *POINTS)
    done = run_program(tmp_path, *words, env={**os.environ, "PYTHONPATH": str(TESTS)})
    assert done.returncode == 0, done.stderr
    ends = dict(line.split(": ", 1) for line in done.stdout.splitlines())

    full = [ends.pop(point) for point in POINTS if point.startswith("full:")]
    assert full[0].endswith(f"/{WORK_FOLDER_NAME}/clips-train-0-00000.bin: cannot be written: File too large")
    assert f"/{WORK_FOLDER_NAME}/checkpoint-" in full[1]
    assert full[1].endswith(": cannot be written: File too large; the checkpoint before it is kept")
    assert ends.pop("whole") == ends.pop("end") == "done"
    assert set(ends.values()) == {"killed"}

    for name in RESULTS:
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    leftovers = [path.name for path in (tmp_path / "killed").rglob("*") if "partial" in path.name]
    clips = list((tmp_path / "killed" / "work").glob("clips-*"))
    assert (leftovers, clips) == ([], [])
