"""Runs docs/tutorial.md: its files and its commands, with a few sounds of its own instead of the recordings."""

import csv
import itertools
import os
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from helpers.forked_commands import run_forked
from helpers.specfeat_command import FinishedRun, run_program

pytestmark = [pytest.mark.tf, pytest.mark.slow]

PAGE = Path(__file__).parents[1] / "docs" / "tutorial.md"
_FILE_PATTERN = re.compile(r"```\w+ (\S+\.\w+)\n(.*?)```", re.S)
_CONSOLE_PATTERN = re.compile(r"```console\n(.*?)```", re.S)


# Options that make the training of this test short.
_TRAIN_OPTIONS = ("--epochs", "2", "--threads", "1", "--workers", "1")


def test_the_tutorial_runs(tmp_path: Path) -> None:
    """The tutorial's commands print what it shows, apart from the numbers, also with few sounds and epochs."""
    pytest.importorskip("sklearn")
    text = PAGE.read_text()
    for name, content in _FILE_PATTERN.findall(text):
        (tmp_path / name).write_text(content)
    _write_takes(tmp_path / "recordings")
    commands = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(_CONSOLE_PATTERN.findall(text)), re.M)
    for command, shown in commands:
        done = _run_command(tmp_path, command)
        output = done.stdout + done.stderr
        assert done.returncode == 0, (command, output)
        pattern = re.escape(_normalize_output(shown)).replace(re.escape("..."), ".*")
        assert re.fullmatch(pattern, _normalize_output(output)), (command, output)

    assert len(commands) >= 12
    with (tmp_path / "predictions.csv").open(newline="") as file:
        predictions = list(csv.DictReader(file))
    assert len(predictions) == len(list((tmp_path / "new").iterdir()))
    assert {line["label"] for line in predictions} <= set("0123456789")


def _run_command(folder: Path, command: str) -> FinishedRun:
    """Run a command in a folder; `specfeat` in a child of a process that has loaded TensorFlow."""
    program, *words = shlex.split(command)
    if program == "specfeat":
        return run_forked(folder, *words, *(_TRAIN_OPTIONS if words[0] == "train" else ()))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return run_program(folder, "bash", "-c", command, env={**os.environ, "PATH": path})


def _write_takes(folder: Path) -> None:
    """Write tones with the names of the Free Spoken Digit Dataset, DIGIT_SPEAKER_TAKE.wav: some for each part."""
    for digit, speaker, take in itertools.product("0123456789", ("george", "jackson"), (0, 1, 2, 5, 10, 11)):
        time = np.arange(2000 + 100 * take) / 8000
        tone = np.sin(2 * np.pi * (300 + 250 * int(digit)) * time)
        folder.mkdir(exist_ok=True)
        soundfile.write(folder / f"{digit}_{speaker}_{take}.wav", 0.3 * tone, 8000)


def _normalize_output(text: str) -> str:
    """Return what a command prints as one line, with 0 for each number, and without the marks of the best epoch."""
    text = re.sub(r"\d[\d.,]*(?: [kMG]B)?", "0", " ".join(text.split()))
    return text.replace(" (best)", "")
