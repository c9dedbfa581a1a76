"""SIGKILL while a run writes a format with a library of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from specfeat.output.formats import get_format

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize(("name", "every"), [("parquet", 7), ("h5", 7), ("zarr", 25)])
def test_a_killed_run_gives_the_bytes_of_an_unbroken_run(tmp_path: Path, name: str, every: int) -> None:
    """At many steps, also between two blocks of the array: `--resume` completes it, and leaves no other file."""
    if package := get_format(name).package:
        pytest.importorskip(package, reason=f"the format {name} needs {package}")
    command = [sys.executable, "-m", "helpers.kill_format_runs", str(tmp_path), name, str(every)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=TESTS)

    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) >= 4
