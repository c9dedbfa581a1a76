"""The command `specfeat plot` for sounds."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from helpers import without_tensorflow
from helpers.handmade_outputs import write_output
from helpers.specfeat_command import run_in_this_process, write_noise

SMALL = ("-c", "minimal", "--width", "400", "-q")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a sound of half a second."""
    write_noise(tmp_path / "a.wav", 0.5)
    return tmp_path


# Runs commands in a process of its own, and prints which of some libraries are loaded then.
LIST_LOADED = """
import json, sys
from specfeat.cli import run_command_line

codes = [run_command_line(words) for words in json.loads(sys.argv[1])]
names = ("tensorflow", "keras", "matplotlib", "matplotlib.pyplot")
print(json.dumps([codes, [name for name in names if name in sys.modules]]))
"""


@pytest.mark.slow
def test_a_picture_needs_no_tensorflow(folder: Path) -> None:
    """The picture is a PNG of the wanted width; neither TensorFlow nor pyplot is loaded for it."""
    image = pytest.importorskip("PIL.Image")
    commands = [["plot", "a.wav", "a.png", *SMALL], ["plot", "a.wav", "b.png", *SMALL]]
    words = [sys.executable, "-c", LIST_LOADED, json.dumps(commands)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=folder)

    assert json.loads(done.stdout) == [[0, 0], ["matplotlib"]]
    assert done.stderr == ""
    picture = image.open(folder / "a.png")
    assert (picture.format, picture.width) == ("PNG", 400)
    assert picture.text["Title"] == "a.wav"
    assert picture.text["Config"] == "minimal"
    assert picture.text["Seconds"].startswith("0 to 0.")
    assert (folder / "a.png").read_bytes() == (folder / "b.png").read_bytes()


def test_the_extension_chooses_the_format(folder: Path) -> None:
    """SVG and PDF are written, too, with odd names in them; another extension is refused."""
    (folder / "a.wav").rename(folder / "$x^ \u97f3\x01.wav")
    for name, start in (("a.svg", b"<?xml"), ("a.PDF", b"%PDF-")):
        done = run_in_this_process(folder, "plot", "$x^ \u97f3\x01.wav", name, *SMALL)
        assert (done.returncode, done.stderr) == (0, "")
        assert (folder / name).read_bytes().startswith(start)

    done = run_in_this_process(folder, "plot", "$x^ \u97f3\x01.wav", "a.gif", *SMALL)
    assert (done.returncode, done.stderr) == (
        2,
        "specfeat: a.gif: is not a picture; give a name that ends in .png, .svg or .pdf\n",
    )


def test_an_existing_file_is_replaced_only_if_asked(folder: Path) -> None:
    """Without --force, the file stays as it is; no half-written file remains."""
    (folder / "a.svg").write_text("mine")
    done = run_in_this_process(folder, "plot", "a.wav", "a.svg", *SMALL)
    assert done.returncode == 2
    assert "a.svg: exists already; give the output another name, or use --force to replace it" in done.stderr
    assert (folder / "a.svg").read_text() == "mine"

    assert run_in_this_process(folder, "plot", "a.wav", "a.svg", *SMALL, "--force").returncode == 0
    assert (folder / "a.svg").read_text().startswith("<?xml")
    assert sorted(path.name for path in folder.iterdir()) == ["a.svg", "a.wav"]


def test_characters_need_no_matplotlib(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without matplotlib, --terminal draws; a picture is refused, and the message names the extra."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = run_in_this_process(folder, "plot", "a.wav", "--terminal", "-c", "minimal")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == ["a.wav", "2 clips of 0.28 s, each 28 x 28 x 1 (frames x bins x channels), 16000 Hz"]
    assert lines[-1].split() == ["0", "s", "0.28", "s", "0.56", "s"]

    done = run_in_this_process(folder, "plot", "a.wav", "a.png", "-c", "minimal")
    assert done.returncode == 1
    assert "pip install 'specfeat[plot]'; or use --terminal to draw with characters" in done.stderr


class FakeTerminal(io.StringIO):
    """A stdout that is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Return true."""
        return True


@pytest.mark.parametrize(
    ("term", "start"), [("xterm-kitty", "\x1b_Ga=T"), ("wezterm", "\x1b]1337;File="), ("foot", "\x1bP0;1q")]
)
def test_a_terminal_shows_the_picture(
    term: str, start: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without PICTURE, a terminal that shows pictures gets one by its protocol."""
    from specfeat.cli import run_command_line

    monkeypatch.chdir(folder)
    for name in ("TMUX", "KITTY_WINDOW_ID", "TERM_PROGRAM", "LC_TERMINAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", term)
    terminal = FakeTerminal()
    monkeypatch.setattr(sys, "stdout", terminal)

    assert run_command_line(["plot", "a.wav", *SMALL]) == 0
    assert terminal.getvalue().startswith(start)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "stdout is not a terminal; give a file for the picture, e.g. out.png, or draw with characters by --terminal"),
        (["a.png", "--terminal"], "both a.png and --terminal are given; leave one of them out"),
        (["no/a.png"], "no/a.png: there is no folder no; create it first"),
        (["a.png", "--layer", "conv", "--features"], "--layer and --features are different plots; leave one of them out"),
        (["a.png", "--layer", "convv1"], "the network of minimal has no layer 'convv1' (did you mean 'conv2d_1'?)"),
        (["a.png", "--start", "7"], "a.wav: has 0.5 s, so nothing is there at 7 s; give an earlier start"),
        (["a.png", "--start", "1", "--end", "0.5"], "the end (0.5 s) is not after the start (1 s); give a later end"),
    ],
)  # fmt: skip
def test_mistakes_are_explained(words: list[str], message: str, folder: Path) -> None:
    """A wrong command line is answered with one sentence, and nothing is written."""
    done = run_in_this_process(folder, "plot", "a.wav", *words, *SMALL)

    assert (done.returncode, done.stderr) == (2, f"specfeat: {message}\n")
    assert [path.name for path in folder.iterdir()] == ["a.wav"]


def test_a_broken_file_is_drawn_up_to_the_break(folder: Path) -> None:
    """The exit code is 3, and the message says where the file breaks."""
    samples = np.append(np.zeros(20_000, np.float32), np.float32("nan"))
    soundfile.write(folder / "b.wav", samples, 16_000, subtype="FLOAT")
    done = run_in_this_process(folder, "plot", "b.wav", "--terminal", "-c", "minimal")

    assert done.returncode == 3
    assert done.stderr == "specfeat: b.wav: sample 20000 of channel 0 is nan; the plot ends there\n"
    assert "b.wav" in done.stdout


def test_the_features_are_drawn_over_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --features, there is an image of the rows below the spectrogram."""
    without_tensorflow.install_fake_network(monkeypatch.setitem)
    done = run_in_this_process(folder, "plot", "a.wav", "--terminal", "-c", "minimal", "--features")

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    first = lines.index("features: feature")
    assert len(lines[first + 2 : -1]) == without_tensorflow.WIDTH


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--color-by", "start_s"),
        ("--similarity", "1.wav"),
        ("--scores", "1.wav", "--class", "b"),
    ],
    ids=["categories", "numbers", "similarity", "scores"],
)
def test_an_output_is_drawn(words: tuple[str, ...], tmp_path: Path) -> None:
    """Each plot of an output is a picture, and the same lines of characters can be printed."""
    image = pytest.importorskip("PIL.Image")
    write_output(
        tmp_path / "out.npy", {"x/1.wav": np.eye(3), "y/2.wav": np.eye(3)[:2]}, labels=["a", "b", "c"]
    )
    done = run_in_this_process(tmp_path, "plot", "out.npy", "map.png", *words, "--width", "400", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    picture = image.open(tmp_path / "map.png")
    assert picture.width == 400
    assert picture.text["Title"] == ("x/1.wav" if len(words) > 0 and words[0] != "--color-by" else "out.npy")

    done = run_in_this_process(tmp_path, "plot", "out.npy", "--terminal", *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["out.npy", "-c", "yamnet"], "--config is for a sound, and out.npy is an output; leave it out"),
        (["x/1.wav", "--map", "pca"], "--map is for an output, and x/1.wav is none; leave it out"),
        (["out.npy", "--similarity", "1.wav", "--map", "pca"], "--map is for the map of all rows, and this plot is for one file; leave it out"),
        (["out.npy", "--channel", "1"], "--channel is for one file; give it with --similarity or --scores"),
        (["out.npy", "--class", "a"], "--class is for the scores of a file; give the file with --scores"),
        (["out.npy", "--scores", "1.wav", "--similarity", "1.wav"], "--similarity and --scores are different plots; leave one of them out"),
    ],
)  # fmt: skip
def test_options_without_effect_are_refused(words: list[str], message: str, tmp_path: Path) -> None:
    """An option of another kind of plot is never ignored."""
    write_output(tmp_path / "out.npy", {"x/1.wav": np.eye(3)})
    done = run_in_this_process(tmp_path, "plot", *words, "--terminal")

    assert (done.returncode, done.stderr) == (2, f"specfeat: {message}\n")
