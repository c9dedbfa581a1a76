"""Fixtures that several test modules use."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from helpers.command_runs import write_inputs

# If a shell starts the tests in the background, the tests and the programs that they start ignore Ctrl-C, and with
# nohup they ignore SIGHUP. Tests of signals need programs that do not ignore them. Programs inherit that a signal
# is ignored, but they do not inherit a handler.
signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)

HEAVY_LIBRARIES = ("keras", "tensorflow", "scipy.signal", "librosa.filters", "pandas")
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
    """Return the folder with real audio; skip the test if it does not exist, because it is not part of the project."""
    folder = Path(os.environ.get("SPECFEAT_SHARED") or Path(__file__).parents[2] / "shared")
    if not (folder / "audio").is_dir():
        pytest.skip(f"no real audio at {folder}")
    return folder


@pytest.fixture
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to an empty folder, so that messages name a config without the path of a temporary folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def _without_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make PyAV look as if it was not installed, in this process."""
    monkeypatch.setitem(sys.modules, "av", None)


@pytest.fixture
def count_opens(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return a function that says how often libsndfile has opened a file since the start of the test."""
    opened: list[object] = []
    initialize = soundfile.SoundFile.__init__

    def count(self: Any, *arguments: Any, **options: Any) -> None:
        opened.append(arguments)
        initialize(self, *arguments, **options)

    monkeypatch.setattr(soundfile.SoundFile, "__init__", count)
    return lambda: len(opened)


@pytest.fixture
def sound_folder(tmp_path: Path) -> Path:
    """Return a folder whose folder `in` has eight sounds of 0.5 to 4 seconds."""
    return write_inputs(tmp_path)
