"""docs/your-own-network.md is run: its files, its commands, and each mistake with the message that the page shows."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[1] / "docs" / "your-own-network.md"
TEXT = PAGE.read_text()
CONFIG = "sbcnn.yaml"
EXTRACT = f"specfeat extract noise.wav rows.npy -c {CONFIG}"
SHOW = f"specfeat weights show sbcnn.npz -c {CONFIG}"

# A mistake: the line, what stands there instead, and the message in the block that follows.
_MISTAKE = re.compile(r"[Ll]ine (\d+)(?: as|,)\s+`([^`]+)`[^`]*\n\n```text\n(.*?)```", re.S)
_FILE = re.compile(r"```\w+ (\S+\.\w+)\n(.*?)```", re.S)
_CONSOLE = re.compile(r"```console\n(.*?)```", re.S)


def _mistakes() -> Iterator[tuple[int, str, str, str]]:
    """Yield line, replacement, command and message; those in the section on weights are `weights show`'s."""
    for found in _MISTAKE.finditer(TEXT):
        shows = TEXT.index("with `weights show` again") < found.end() < TEXT.index("And for `extract`")
        yield int(found[1]), found[2], SHOW if shows else EXTRACT, found[3]


MISTAKES = list(_mistakes())
NEEDS_KERAS = "weights: {file: sbcnn.npz}"  # its arrays are compared when the network is built


def _shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command],
        capture_output=True, text=True, cwd=folder, env={**os.environ, "PATH": path}, check=False,
    )  # fmt: skip


def _words(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with the page's files, its first script run."""
    folder = tmp_path_factory.mktemp("stranger")
    for name, text in _FILE.findall(TEXT):
        (folder / name).write_text(text)
    done = _shell("python make_files.py", folder)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return folder


def _replaced(folder: Path, number: int, text: str) -> str:
    """The page's config with one line replaced, indented as it was."""
    lines = dict(_FILE.findall(TEXT))[CONFIG].splitlines()
    old = lines[number - 1]
    lines[number - 1] = old[: len(old) - len(old.lstrip())] + text
    return "\n".join(lines) + "\n"


def _check(folder: Path, number: int, text: str, command: str, message: str) -> None:
    config = folder / CONFIG
    whole = config.read_text()
    config.write_text(_replaced(folder, number, text))
    try:
        done = _shell(command, folder)
    finally:
        config.write_text(whole)

    assert _words(done.stderr) == _words(message)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "mistake", [m for m in MISTAKES if m[1] != NEEDS_KERAS], ids=lambda m: f"{m[0]}: {m[1]}"
)
def test_a_mistake_reads_as_the_page_shows_it(folder: Path, mistake: tuple[int, str, str, str]) -> None:
    """One line, the page's, and exit code 2."""
    _check(folder, *mistake)


def test_the_page_shows_mistakes_of_each_kind() -> None:
    """Nothing of the page is passed over by the pattern that finds the mistakes."""
    assert len(MISTAKES) == TEXT.count("```text") >= 14


def test_no_mistake_needs_tensorflow(folder: Path) -> None:
    """A stranger waits for no message: those of the config are said without TensorFlow."""
    (folder / "wrong.yaml").write_text(_replaced(folder, 20, "- Dropout: {rate: 0.5}"))
    code = (
        "import sys; from specfeat.cli import main;"
        "sys.argv = ['specfeat', 'extract', 'noise.wav', 'rows.npy', '-c', 'wrong.yaml'];"
        "print(main(), *{'tensorflow', 'keras', 'numpy', 'librosa'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=True
    )

    assert done.stdout == "2\n"


def test_the_file_stands_beside_the_network(folder: Path) -> None:
    """The table that the page shows is `weights show`'s."""
    (shown,) = [block for block in _CONSOLE.findall(TEXT) if "weights show" in block]
    command, _, table = shown.partition("\n")
    done = _shell(command.removeprefix("$ "), folder)

    assert done.stdout == table
    assert done.stderr == ""


@pytest.mark.tf
def test_the_page_ends_with_the_authors_row(folder: Path) -> None:
    """Names that do not fit are told; with `match: order` the features are those of a second program, of NumPy and librosa."""
    (names,) = [m for m in MISTAKES if m[1] == NEEDS_KERAS]
    _check(folder, *names)
    became = re.search(r"line (\d+) becomes `([^`]+)`", TEXT)
    assert became
    (folder / CONFIG).write_text(_replaced(folder, int(became[1]), became[2]))

    for block in _CONSOLE.findall(TEXT[became.end() :]):
        for command, said in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
            done = _shell(command, folder)
            assert (done.returncode, done.stdout, done.stderr) == (0, said, ""), command


@pytest.mark.tf
def test_the_check_can_fail(folder: Path) -> None:
    """Pools over the other axis fit every shape and give other features, as the page says; its script tells."""
    turned = dict(_FILE.findall(TEXT))[CONFIG].replace("[4, 2]", "[2, 4]")
    turned = turned.replace("{random: 0}", "{file: sbcnn.npz, match: order}")
    (folder / "turned.yaml").write_text(turned)
    extract = _shell("specfeat extract noise.wav rows.npy -c turned.yaml --force -q", folder)
    check = _shell("python check.py", folder)

    assert (extract.returncode, extract.stderr) == (0, "")
    assert check.stdout == "different\n"
