"""What more than one file of tests asks for."""

import os
import signal
import sys
from pathlib import Path

import pytest

from helpers.command_runs import write_inputs

# A shell that starts the tests in the background has them ignore Ctrl-C, and so the programs that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
if (
    signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
):  # so does nohup; a handler is no programs' that they start
    signal.signal(signal.SIGHUP, lambda *_: None)

HEAVY_LIBRARIES = ("keras", "tensorflow", "scipy.signal")
LOADED_BY_COLLECTION = pytest.StashKey[list[str]]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which heavy libraries the collection of the tests has loaded, for `test_code_rules`."""
    session.config.stash[LOADED_BY_COLLECTION] = [name for name in HEAVY_LIBRARIES if name in sys.modules]


@pytest.fixture(scope="session")
def loaded_by_collection(pytestconfig: pytest.Config) -> list[str]:
    """Return the heavy libraries that were loaded when the tests had been collected."""
    return pytestconfig.stash[LOADED_BY_COLLECTION]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The real audio beside the checkout, or at SPECFEAT_SHARED: no part of the project, so it may be missing."""
    folder = Path(os.environ.get("SPECFEAT_SHARED") or Path(__file__).parents[2] / "shared")
    if not (folder / "audio").is_dir():
        pytest.skip(f"no real audio at {folder}")
    return folder


@pytest.fixture
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let messages name a config without the path of a temporary folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def sound_folder(tmp_path: Path) -> Path:
    """Return a folder with eight sounds of half a second to four in `in`."""
    return write_inputs(tmp_path)
