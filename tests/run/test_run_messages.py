"""What a run says, and rows before a break."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from helpers.command_runs import COMMAND, SMALL_BATCH, run_extract

pytestmark = pytest.mark.slow


def test_names_cannot_control_the_terminal(sound_folder: Path) -> None:
    """A control character in the name of an output is written as an escape sequence."""
    command = [*COMMAND, "in", "o\x1b[31mut.npy", "-c", "minimal"]
    run = subprocess.run(command, cwd=sound_folder, capture_output=True, text=True, check=True)

    assert r"o\x1b[31mut.npy: " in run.stderr
    assert "\x1b" not in run.stderr


def test_the_user_hears_what_is_left_out(sound_folder: Path) -> None:
    """Gaps between clips, and rows that are dropped because the same files have other paths, look like success."""
    clips = ["-c", "minimal", "--set", "clips.frames=5", "--set", "clips.hop=100"]
    _, first = (
        subprocess.run(
            [*COMMAND, *words, *clips], cwd=sound_folder, capture_output=True, text=True, check=True
        )
        for words in (["in", "out.npy"], [str(sound_folder / "in"), "out.npy", "--update"])
    )

    assert (
        "each clip is 0.05 s long and the next one begins 1 s later, so the audio between them is not used; see clips.hop"
        in first.stderr
    )
    assert (
        "0 of 8 files are finished already; the rows of 8 files no longer given are dropped" in first.stderr
    )


def test_keep_partial(sound_folder: Path) -> None:
    """The rows before a break are those of a file that ends there, and are marked; without the option there are none."""
    samples = np.random.default_rng(9).normal(size=64_000).astype(np.float32) / 10
    soundfile.write(sound_folder / "whole.wav", samples[:48_000], 16_000, subtype="FLOAT")
    samples[48_000] = np.nan
    soundfile.write(sound_folder / "broken.wav", samples, 16_000, subtype="FLOAT")
    whole_run = run_extract(sound_folder, "whole.wav", "whole.npy", *SMALL_BATCH)
    kept_run = run_extract(sound_folder, "broken.wav", "kept.npy", "--keep-partial", *SMALL_BATCH)
    dropped_run = run_extract(sound_folder, "broken.wav", "dropped.npy", *SMALL_BATCH)
    entry = json.loads((sound_folder / "kept.run.json").read_text())["files"][0]
    lines = (sound_folder / "kept.index.csv").read_text().splitlines()[1:]

    assert [run.returncode for run in (whole_run, kept_run, dropped_run)] == [0, 3, 4]
    np.testing.assert_array_equal(np.load(sound_folder / "kept.npy"), np.load(sound_folder / "whole.npy"))
    assert (entry["status"], entry["cause"], entry["at_s"]) == ("partial", "not finite", 3.0)
    assert all(line.endswith(",partial") for line in lines)
    assert not (sound_folder / "dropped.npy").exists()
