"""stdin, stdout and stderr that are closed, full, or that nobody reads."""

import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from helpers.broken_audio import write_good_file
from helpers.long_tests import IS_LONG_FORM, mark_long_cases
from helpers.specfeat_command import SPECFEAT, FinishedRun, run_program, write_noise

pytestmark = pytest.mark.slow

REDIRECTIONS = [
    "",
    "2>&-",
    "2>/dev/full",
    ">&-",
    ">/dev/full",
    ">&- 2>&-",
    "<&- >&- 2>&-",
    ">/dev/full 2>/dev/full",
]
COMMAND = f"{sys.executable} {Path(__file__).parents[1] / 'helpers' / 'without_tensorflow.py'}"
COMMAND_WITH_TENSORFLOW = " ".join(SPECFEAT)


def _run_redirected(folder: Path, words: str, short_form: Sequence[str]) -> dict[str, FinishedRun]:
    """Run `specfeat WORDS` once for each redirection, some at a time; N in the words is the redirection's number.

    Args:
        folder: the folder to run in.
        words: the words of the command line.
        short_form: the redirections of the short form; the long form has all of `REDIRECTIONS`.
    """
    redirections = REDIRECTIONS if IS_LONG_FORM else short_form
    # The streams must have buffers: what is left in a buffer at the end is another way to fail.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}

    def run(redirection: str) -> FinishedRun:
        number = REDIRECTIONS.index(redirection)
        command = f"{COMMAND} {words.replace('N', str(number))} {redirection}"
        return run_program(folder, "sh", "-c", command, env=environment)

    with ThreadPoolExecutor(4) as threads:
        runs = dict(zip(redirections, threads.map(run, redirections), strict=True))
    assert [run.stderr for run in runs.values() if "Traceback" in run.stdout + run.stderr] == []
    return runs


def test_closed_and_full_streams_change_no_output(tmp_path: Path) -> None:
    """Whatever stdout and stderr are, a run with a broken file ends with 3, and its output is the same."""
    write_good_file(tmp_path / "a.wav")
    (tmp_path / "bad.wav").write_text("text")
    short_form = ["", "2>/dev/full", ">&- 2>&-", "<&- >&- 2>&-"]
    runs = _run_redirected(tmp_path, "extract a.wav bad.wav N.npy -v -c minimal", short_form)
    numbers = [REDIRECTIONS.index(redirection) for redirection in runs]

    assert {name: run.returncode for name, run in runs.items()} == dict.fromkeys(runs, 3)
    assert {run.stdout for run in runs.values()} == {""}
    assert [redirection for redirection, run in runs.items() if "bad.wav: is not audio" in run.stderr] == [
        redirection for redirection in runs if "2>" not in redirection
    ]
    for suffix in ("npy", "index.csv"):
        assert len({(tmp_path / f"{number}.{suffix}").read_bytes() for number in numbers}) == 1
    for number in numbers:
        assert json.loads((tmp_path / f"{number}.run.json").read_text())["counts"]["failed"] == 1


MISTAKES = ["extract gone.wav out.npy", "extract --no-such a.wav out.npy", "extrct"]


@pytest.mark.parametrize("words", mark_long_cases(MISTAKES, MISTAKES[:1]))
def test_a_mistake_is_2_whatever_the_streams_are(tmp_path: Path, words: str) -> None:
    """The exit code is 2, even if nobody can read why."""
    runs = _run_redirected(tmp_path, words, ["2>&-", "2>/dev/full", "<&- >&- 2>&-"])

    assert [run.returncode for run in runs.values()] == [2] * len(runs)


@pytest.mark.parametrize("words", ["--version", "--help", "extract --help", "weights fetch"])
def test_text_that_cannot_be_printed_is_an_error(tmp_path: Path, words: str) -> None:
    """A stdout on a full disk gives 1 and a sentence; a stdout that was closed before gives nothing."""
    runs = _run_redirected(tmp_path, words, [">&-", ">/dev/full"])

    for redirection, run in runs.items():
        is_full = ">/dev/full" in redirection.split()
        assert run.returncode == (1 if is_full else 0), redirection
        message = "specfeat: stdout cannot be written: No space left on device\n"
        assert run.stderr == (message if redirection == ">/dev/full" else ""), redirection


def test_a_log_on_a_full_stdout_ends_the_run(tmp_path: Path) -> None:
    """With the log on stdout: 1 and a sentence if it is full, nothing if it was closed before."""
    write_good_file(tmp_path / "a.wav")
    short_form = ["", ">&-", ">/dev/full"]
    runs = _run_redirected(tmp_path, "extract a.wav N.npy -q -c minimal --log-json -", short_form)

    for redirection, run in runs.items():
        is_full = ">/dev/full" in redirection.split()
        assert run.returncode == (1 if is_full else 0), redirection
    message = "specfeat: --log-json -: cannot be written: No space left on device\n"
    assert runs[">/dev/full"].stderr == message


@pytest.mark.parametrize(
    ("program", "tail"),
    [
        pytest.param(COMMAND_WITH_TENSORFLOW, "| head -1", marks=pytest.mark.tf),
        (COMMAND, "| head -1"),
        (COMMAND, "| true"),
        (COMMAND, ">&-"),
    ],
    ids=["TensorFlow | head", "| head", "| true", "closed"],
)
def test_a_reader_who_leaves_ends_the_run_quietly(tmp_path: Path, program: str, tail: str) -> None:
    """With the log on stdout, `| head -1` gives 141 without a traceback; a closed stdout does not matter."""
    write_good_file(tmp_path / "a.wav")
    command = f"{program} extract a.wav o.npy -c minimal -q --log-json -"
    run = run_program(tmp_path, "bash", "-c", f"{command} {tail}; exit ${{PIPESTATUS[0]}}")

    assert (run.returncode, run.stderr) == (0 if tail == ">&-" else 141, "")


@pytest.mark.tf
@pytest.mark.parametrize(
    "end",
    mark_long_cases(
        ["<&- >&- 2>&-", "2>&1 | true; exit ${PIPESTATUS[0]}", "2>/dev/full"], short_cases=["<&- >&- 2>&-"]
    ),
)
def test_rows_are_written_without_streams(tmp_path: Path, end: str) -> None:
    """With stdin, stdout and stderr closed, or a stderr that nobody reads, TensorFlow computes rows all the same."""
    write_noise(tmp_path / "a.wav", 0.5)
    (tmp_path / "bad.wav").write_text("text")
    command = f"{COMMAND_WITH_TENSORFLOW} extract a.wav bad.wav -c minimal out.npy"
    run = run_program(tmp_path, "bash", "-c", f"{command} {end}")

    assert run.returncode == 3
    assert np.load(tmp_path / "out.npy").shape == (2, 10)


def test_the_exit_of_a_library_keeps_its_message(tmp_path: Path) -> None:
    """Only a stdout without a reader is treated as a broken pipe; another SystemExit is passed on."""
    program = (
        "import sys, types; from specfeat.cli import app, main;"
        "command = types.SimpleNamespace(main=lambda *_, **__: sys.exit('out of tokens'));"
        "app.get_command = lambda _: command; sys.exit(main())"
    )
    run = run_program(tmp_path, sys.executable, "-c", program)

    assert (run.returncode, run.stderr) == (1, "out of tokens\n")
