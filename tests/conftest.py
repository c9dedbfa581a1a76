"""Fixtures that several test modules use."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from helpers.command_runs import write_inputs
from helpers.forked_commands import SERVER
from helpers.thread_workers import install_thread_workers
from specfeat.sound import Sound, make_file_sound

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
def _training_folder(_in_an_empty_folder: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write sounds and a config for a training; spare the time of worker processes and of pictures."""
    # Here, because this module loads what the clips need, and the other two load TensorFlow.
    from helpers.training_data import CONFIG, LocalPool, write_tones
    from specfeat.training import clip_sources, results

    monkeypatch.setattr(clip_sources, "WorkerPool", LocalPool)
    monkeypatch.setattr(results, "draw_pictures", lambda *_: {})
    write_tones(Path("in"))
    Path("my.yaml").write_text(CONFIG)


@pytest.fixture
def sounds(tmp_path: Path) -> list[Sound]:
    """Forty files of many lengths: most short, one long enough for many messages, some broken."""
    rng = np.random.default_rng(0)
    sounds = []
    for k in range(40):
        path = tmp_path / f"{k:02}.wav"
        if k % 9 == 4:
            path.write_text("no sound")
        else:
            soundfile.write(path, rng.normal(size=400_000 if k == 7 else 997 * k) / 10, 16_000)
        sounds.append(make_file_sound(str(path)))
    return sounds


@pytest.fixture
def run_in_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have the workers (not this process) run some code at their start, so that they behave like a broken decoder."""

    def write_code(code: str) -> None:
        (tmp_path / "site").mkdir()
        (tmp_path / "site" / "sitecustomize.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))

    return write_code


@pytest.fixture
def _thread_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pools start threads instead of processes."""
    install_thread_workers(monkeypatch.setattr)


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


def pytest_sessionfinish() -> None:
    """End the process that `forked_commands` may have started."""
    SERVER.stop()
