"""What a run says, and rows before a break."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from helpers.command_runs import COMMAND, SMALL_BATCH, run_extract

pytestmark = pytest.mark.slow


def test_names_do_not_command_the_terminal(folder: Path) -> None:
    """An output with an escape in its name is shown with the escape spelt out."""
    command = [*COMMAND, "in", "o\x1b[31mut.npy", "-c", "minimal"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)

    assert r"o\x1b[31mut.npy: " in run.stderr
    assert "\x1b" not in run.stderr


def test_what_is_left_out_is_told(folder: Path) -> None:
    """Clips that do not meet, and inputs under another spelling: both look like a run that went well."""
    clips = ["-c", "minimal", "--set", "clips.frames=5", "--set", "clips.hop=100"]
    _, first = (
        subprocess.run([*COMMAND, *words, *clips], cwd=folder, capture_output=True, text=True, check=True)
        for words in (["in", "out.npy"], [str(folder / "in"), "out.npy", "--update"])
    )

    assert (
        "each clip is 0.05 s long and the next one begins 1 s later, so the audio between them is not used; see clips.hop"
        in first.stderr
    )
    assert (
        "0 of 8 files are finished already; the rows of 8 files no longer given are dropped" in first.stderr
    )


def test_keep_partial_by_command(folder: Path) -> None:
    """The rows before a break are those of a file that ends there, marked in index and record; without it, none."""
    samples = np.random.default_rng(9).normal(size=64_000).astype(np.float32) / 10
    soundfile.write(folder / "whole.wav", samples[:48_000], 16_000, subtype="FLOAT")
    samples[48_000] = np.nan
    soundfile.write(folder / "broken.wav", samples, 16_000, subtype="FLOAT")
    whole_run = run_extract(folder, "whole.wav", "whole.npy", *SMALL_BATCH)
    kept_run = run_extract(folder, "broken.wav", "kept.npy", "--keep-partial", *SMALL_BATCH)
    dropped_run = run_extract(folder, "broken.wav", "dropped.npy", *SMALL_BATCH)
    entry = json.loads((folder / "kept.run.json").read_text())["files"][0]
    lines = (folder / "kept.index.csv").read_text().splitlines()[1:]

    assert [run.returncode for run in (whole_run, kept_run, dropped_run)] == [0, 3, 4]
    np.testing.assert_array_equal(np.load(folder / "kept.npy"), np.load(folder / "whole.npy"))
    assert (entry["status"], entry["cause"], entry["at_s"]) == ("partial", "not finite", 3.0)
    assert all(line.endswith(",partial") for line in lines)
    assert not (folder / "dropped.npy").exists()
