"""Runs docs/your-own-network.md: its files, its commands, and each mistake with the message that the page shows."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.forked_commands import run_forked
from helpers.specfeat_command import FinishedRun, run_in_this_process

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[1] / "docs" / "your-own-network.md"
TEXT = PAGE.read_text()
CONFIG = "sbcnn.yaml"
EXTRACT = f"specfeat extract noise.wav rows.npy -c {CONFIG}"
SHOW = f"specfeat weights show sbcnn.npz -c {CONFIG}"

# A mistake in the page: the number of the line, its wrong text, and the message in the next block.
_MISTAKE_PATTERN = re.compile(r"[Ll]ine (\d+)(?: as|,)\s+`([^`]+)`[^`]*\n\n```text\n(.*?)```", re.S)
_FILE_PATTERN = re.compile(r"```\w+ (\S+\.\w+)\n(.*?)```", re.S)
_CONSOLE_PATTERN = re.compile(r"```console\n(.*?)```", re.S)


def _find_mistakes() -> Iterator[tuple[int, str, str, str]]:
    """Yield the line number, the wrong line, the command and the message of each mistake in the page.

    In one part of the page, the command is `weights show`; elsewhere it is `extract`.
    """
    for match in _MISTAKE_PATTERN.finditer(TEXT):
        is_about_show = (
            TEXT.index("with `weights show` again") < match.end() < TEXT.index("And for `extract`")
        )
        yield int(match[1]), match[2], SHOW if is_about_show else EXTRACT, match[3]


MISTAKES = list(_find_mistakes())
# This mistake is found only when the network is built, because Keras is needed for it.
MISTAKE_WITH_KERAS = "weights: {file: sbcnn.npz}"


def _run_in_shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command],
        capture_output=True, text=True, cwd=folder, env={**os.environ, "PATH": path}, check=False,
    )  # fmt: skip


def _join_lines(text: str) -> str:
    """Return the text on one line, because the page breaks long messages."""
    return " ".join(text.split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files of the page, in which its first script has been run."""
    folder = tmp_path_factory.mktemp("reader")
    for name, text in _FILE_PATTERN.findall(TEXT):
        (folder / name).write_text(text)
    run = _run_in_shell("python make_files.py", folder)
    assert (run.returncode, run.stdout + run.stderr) == (0, "")
    return folder


def _replace_line(number: int, text: str) -> str:
    """Return the page's config with another text in one line; the indentation stays."""
    lines = dict(_FILE_PATTERN.findall(TEXT))[CONFIG].splitlines()
    old = lines[number - 1]
    lines[number - 1] = old[: len(old) - len(old.lstrip())] + text
    return "\n".join(lines) + "\n"


def _check_mistake(
    folder: Path,
    mistake: tuple[int, str, str, str],
    run_command: Callable[..., FinishedRun] = run_in_this_process,
) -> None:
    """Make a mistake in the config, run the command, and compare its message with that of the page."""
    number, text, command, message = mistake
    config = folder / CONFIG
    correct_config = config.read_text()
    config.write_text(_replace_line(number, text))
    try:
        run = run_command(folder, *shlex.split(command)[1:])
    finally:
        config.write_text(correct_config)

    assert _join_lines(run.stderr) == _join_lines(message)
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "mistake", [m for m in MISTAKES if m[1] != MISTAKE_WITH_KERAS], ids=lambda m: f"{m[0]}: {m[1]}"
)
def test_a_mistake_gives_the_message_of_the_page(folder: Path, mistake: tuple[int, str, str, str]) -> None:
    """Each mistake gives the message of the page, in one line, and exit code 2."""
    _check_mistake(folder, mistake)


def test_all_mistakes_of_the_page_are_found() -> None:
    """The pattern that finds the mistakes misses none of the page."""
    assert len(MISTAKES) == TEXT.count("```text") >= 14


def test_no_mistake_needs_tensorflow(folder: Path) -> None:
    """A mistake in the config is reported without importing TensorFlow, so that nobody waits for the message."""
    (folder / "wrong.yaml").write_text(_replace_line(20, "- Dropout: {rate: 0.5}"))
    code = (
        "import sys; from specfeat.cli import main;"
        "sys.argv = ['specfeat', 'extract', 'noise.wav', 'rows.npy', '-c', 'wrong.yaml'];"
        "print(main(), *{'tensorflow', 'keras', 'numpy', 'librosa'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=True)

    assert run.stdout == "2\n"


def test_weights_show_prints_the_table_of_the_page(folder: Path) -> None:
    """The table in the page is the output of `weights show`."""
    (block,) = [block for block in _CONSOLE_PATTERN.findall(TEXT) if "weights show" in block]
    command, _, table = block.partition("\n")
    run = _run_in_shell(command.removeprefix("$ "), folder)

    assert run.stdout == table
    assert run.stderr == ""


@pytest.mark.tf
def test_the_page_ends_with_the_authors_row(folder: Path) -> None:
    """Wrong names are reported. With `match: order`, the features equal those of a program with NumPy and librosa."""
    (mistake,) = [m for m in MISTAKES if m[1] == MISTAKE_WITH_KERAS]
    _check_mistake(folder, mistake, run_forked)
    correction = re.search(r"line (\d+) becomes `([^`]+)`", TEXT)
    assert correction
    (folder / CONFIG).write_text(_replace_line(int(correction[1]), correction[2]))

    for block in _CONSOLE_PATTERN.findall(TEXT[correction.end() :]):
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
            program, *words = shlex.split(command)
            run = run_forked(folder, *words) if program == "specfeat" else _run_in_shell(command, folder)
            assert (run.returncode, run.stdout, run.stderr) == (0, output, ""), command


@pytest.mark.tf
def test_the_check_can_fail(folder: Path) -> None:
    """If pooling exchanges the two axes, all shapes match but the features differ; the script of the page notices it."""
    config = dict(_FILE_PATTERN.findall(TEXT))[CONFIG].replace("[4, 2]", "[2, 4]")
    config = config.replace("{random: 0}", "{file: sbcnn.npz, match: order}")
    (folder / "exchanged.yaml").write_text(config)
    extract = run_forked(folder, "extract", "noise.wav", "rows.npy", "-c", "exchanged.yaml", "--force", "-q")
    check = _run_in_shell("python check.py", folder)

    assert (extract.returncode, extract.stderr) == (0, "")
    assert check.stdout == "different\n"
