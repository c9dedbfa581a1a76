"""A config in a process of its own, as a command reads it: the answer, the modules that are loaded, the digest."""

import subprocess
import sys
from typing import NamedTuple

import pytest

from helpers.config_texts import replace_text
from specfeat.config import load_config

pytestmark = pytest.mark.slow

PROGRAM = """
import sys
from specfeat.cli import main

code = main()
loaded = {"numpy", "librosa", "keras", "tensorflow"} & set(sys.modules)
from specfeat.config import load_config

print(code, *loaded, load_config("yamnet").settings.digest, sep="\\n")
"""


class Outcome(NamedTuple):
    """What the process has done.

    Attributes:
        output: the lines on stdout: the exit code, the heavy modules that were loaded, and the digest.
        messages: the lines on stderr.
        files: the names in the current folder afterwards.
    """

    output: list[str]
    messages: list[str]
    files: list[str]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Return what a command does with a config that has a mistake; one process, since it takes a second."""
    folder = tmp_path_factory.mktemp("process")
    (folder / "bad.yaml").write_text(replace_text(("n_mels:", "n_mel:")))
    words = ["extract", "sound.wav", "out.npy", "--config", "bad.yaml"]
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=True, cwd=folder
    )
    files = [path.name for path in folder.iterdir()]
    return Outcome(process.stdout.splitlines(), process.stderr.splitlines(), files)


def test_a_mistake_is_one_line_and_exit_code_two(outcome: Outcome) -> None:
    """The command prints the message on stderr, and writes no file."""
    message = "specfeat: bad.yaml:8:5: spectrogram.mel.n_mel: is not known here (did you mean 'n_mels'?)"

    assert outcome.messages == [message]
    assert outcome.output[0] == "2"
    assert outcome.files == ["bad.yaml"]


def test_a_mistake_is_reported_before_heavy_modules_are_loaded(outcome: Outcome) -> None:
    """To read, check and refuse a config needs neither NumPy nor TensorFlow."""
    assert outcome.output[1:-1] == []


def test_a_digest_does_not_depend_on_the_process(outcome: Outcome) -> None:
    """It is the SHA-256 of a canonical text: hash seeds and the order of sets do not affect it."""
    assert outcome.output[-1] == load_config("yamnet").settings.digest
