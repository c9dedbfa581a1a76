"""What the tests of runs share."""

from pathlib import Path

import pytest

from helpers.command_runs import write_inputs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with inputs in `in`: eight sounds of half a second to four."""
    return write_inputs(tmp_path)
