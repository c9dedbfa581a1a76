"""What a run prints about its result."""

from pathlib import Path

import pytest

from specfeat.cli.progress import ProgressReporter
from specfeat.output.summary import RunSummary


def test_the_seconds_are_those_that_were_read(capsys: pytest.CaptureFixture[str]) -> None:
    """After an update, the rows are those of the whole output; the line says that the seconds are those read now."""
    summary = RunSummary(
        files=8, failed=0, partial=0, silent=0, without_rows=0, rows=25, width=4, read_seconds=2.0, seconds=0.5,
        skipped_files=0,
    )  # fmt: skip
    ProgressReporter(quiet=False, verbose=False).on_output(summary, Path("out.npy"), is_new=True)

    line = capsys.readouterr().err
    assert line.startswith("specfeat: out.npy: 25 rows x 4 features from 8 files, 2.0 s of audio read in ")
