"""What more than one file of tests asks for."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The real audio beside the checkout, or at SPECFEAT_SHARED: no part of the project, so it may be missing."""
    folder = Path(os.environ.get("SPECFEAT_SHARED") or Path(__file__).parents[2] / "shared")
    if not (folder / "audio").is_dir():
        pytest.skip(f"no real audio at {folder}")
    return folder
