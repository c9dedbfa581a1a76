"""`specfeat extract` as a user runs it: processes, files, exit codes and words."""

import json
import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

import specfeat
from specfeat.config import load_config

SAMPLE = Path(__file__).parents[2] / "data" / "sample"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command in an empty folder."""

    def call(*arguments: object, **options: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "specfeat", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            **options,
        )

    return call


def _sound(path: Path, seconds: float, rate: int = 16_000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(zlib.crc32(os.fsencode(path.name))).normal(size=round(seconds * rate)) / 10
    soundfile.write(path, noise, rate)


def test_version_and_help(run: Run) -> None:
    """Both go to stdout and leave with 0; the help names the command, its options and exit codes."""
    version, text = run("--version"), run("extract", "-h")

    assert (version.returncode, version.stdout) == (0, f"specfeat {specfeat.__version__}\n")
    assert text.returncode == 0
    for word in ("[INPUTS]... [OUTPUT]", "--config", "--set", "--device", "--force", "--quiet", "--verbose"):
        assert word in text.stdout
    assert "Exit code:" in text.stdout


@pytest.mark.tf
def test_the_sample(run: Run, tmp_path: Path) -> None:
    """Every row has a line in the index, read back by NumPy and pandas; the record says how it was made."""
    done = run("extract", SAMPLE, "features.npy")
    rows = np.load(tmp_path / "features.npy")
    index = pd.read_csv(tmp_path / "features.index.csv")
    record = json.loads((tmp_path / "features.run.json").read_text())
    said = done.stderr.splitlines()

    assert (done.returncode, done.stdout) == (0, "")
    assert rows.shape == (len(index), 128)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    assert list(index.columns) == ["row", "path", "channel", "start_s", "end_s", "padded", "status"]
    assert list(index["row"]) == list(range(len(rows)))
    assert list(dict.fromkeys(index["path"])) == [file["path"] for file in record["files"]]
    assert index.groupby("path", sort=False).size().tolist() == [file["rows"] for file in record["files"]]
    assert all(Path(path).is_file() for path in index["path"])
    assert ((index["padded"] >= 0) & (index["padded"] < 1)).all()

    assert len(said) == 2
    assert said[0] == (
        "specfeat: the network's weights are random (seed 0): its features are those of an untrained network; "
        "use --set model.weights.file=PATH for trained weights"
    )
    assert said[1].startswith(f"specfeat: features.npy: {len(rows)} rows x 128 features from ")

    assert record["rows"] == len(rows)
    assert record["weights"] == {"random": 0}
    assert record["device"] == "cpu" or record["device"].startswith("gpu:")
    assert record["config"]["sha256"] == load_config().settings.digest
    assert record["config"]["resolved"]["audio"]["res_type"] == "soxr_hq"
    assert {"specfeat", "tensorflow", "keras", "libsndfile", "soxr"} <= set(record["versions"])
    assert record["command"][1] == "extract"
    assert {file["status"] for file in record["files"]} == {"ok"}


@pytest.mark.tf
def test_twice_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    """Array and index are byte for byte the same; an output that exists wants --force."""
    for path in (tmp_path / "b", tmp_path / "a"):
        _sound(path / "x.wav", 2.5, 22_050)
        _sound(path / "y.flac", 0.2)
    first = run("extract", "b", "a", "out", "-q", "-c", "minimal")
    one = (tmp_path / "out").read_bytes(), (tmp_path / "out.index.csv").read_bytes()
    refused = run("extract", "b", "a", "out", "-q", "-c", "minimal")
    again = run("extract", "b", "a", "out", "-q", "-c", "minimal", "--force")
    two = (tmp_path / "out").read_bytes(), (tmp_path / "out.index.csv").read_bytes()

    assert [done.returncode for done in (first, refused, again)] == [0, 2, 0]
    assert refused.stderr == (
        "specfeat: out: exists already; give another name, --update to bring it up to date, "
        "or --force to replace it\n"
    )
    assert (first.stdout, first.stderr) == (again.stdout, again.stderr) == ("", "")
    assert one == two
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a",
        "b",
        "out",
        "out.index.csv",
        "out.run.json",
    ]


@pytest.mark.tf
def test_a_bad_file_costs_that_file(run: Run, tmp_path: Path) -> None:
    """Exit 3, one line for it on stderr, an entry in the record; the others' rows as without it."""
    for k in range(3):
        _sound(tmp_path / "in" / f"{k}.wav", 1.5 + k)
    whole = run("extract", "in", "whole.npy", "-c", "minimal", "-q")
    (tmp_path / "in" / "1b.wav").write_text("this is text")
    (tmp_path / "in" / "1c.wav").write_bytes(b"")
    broken = run("extract", "in", "broken.npy", "-c", "minimal", "-q")
    files = json.loads((tmp_path / "broken.run.json").read_text())["files"]
    index = (tmp_path / "broken.index.csv").read_text()

    assert (whole.returncode, broken.returncode) == (0, 3)
    assert broken.stderr.splitlines() == [
        "specfeat: in/1b.wav: is not audio that libsndfile reads: Format not recognised",
        "specfeat: in/1c.wav: is empty, 0 bytes",
    ]
    assert (tmp_path / "whole.npy").read_bytes() == (tmp_path / "broken.npy").read_bytes()
    assert (tmp_path / "whole.index.csv").read_text() == index
    assert [file["status"] for file in files] == ["ok", "ok", "failed", "failed", "ok"]
    assert files[3] == {
        "path": "in/1c.wav",
        "size": 0,
        "mtime_ns": (tmp_path / "in" / "1c.wav").stat().st_mtime_ns,
        "status": "failed",
        "rows": 0,
        "samples": 0,
        "seconds": files[3]["seconds"],
        "stage": "open",
        "cause": "0 bytes",
        "error": "is empty, 0 bytes",
    }


HANG = """
import os, sys, time
if "specfeat.audio.worker" in " ".join(sys.orig_argv):
    import soundfile
    read = soundfile.SoundFile.read
    def hanging(self, *arguments, **options):
        if os.fsdecode(self.name).endswith("1.wav"):
            time.sleep(600)
        return read(self, *arguments, **options)
    soundfile.SoundFile.read = hanging
"""


@pytest.mark.tf
def test_a_file_that_hangs_costs_that_file(run: Run, tmp_path: Path) -> None:
    """After --timeout-per-file its process is ended; the others' rows are as without it."""
    for k in range(3):
        _sound(tmp_path / "in" / f"{k}.wav", 1.5 + k)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(HANG)
    whole = run("extract", "in/0.wav", "in/2.wav", "whole.npy", "-c", "minimal", "-q")
    hung = run(
        *("extract", "in", "hung.npy", "-c", "minimal", "-q", "--timeout-per-file", 2),
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
    )

    assert (whole.returncode, hung.returncode) == (0, 3)
    assert hung.stderr == "specfeat: in/1.wav: is not decoded within 2 s; see --timeout-per-file\n"
    assert (tmp_path / "whole.npy").read_bytes() == (tmp_path / "hung.npy").read_bytes()
    assert [file.get("cause") for file in json.loads((tmp_path / "hung.run.json").read_text())["files"]] == [
        None,
        "timeout",
        None,
    ]


@pytest.mark.tf
def test_nothing_usable_is_4(run: Run, tmp_path: Path) -> None:
    """No audio found, or every file failed: exit 4, a sentence, and no output."""
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "notes.txt").write_text("")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.wav").write_text("text")
    none, bad = run("extract", "none", "out.npy"), run("extract", "bad", "out.npy", "-q")

    assert (none.returncode, bad.returncode) == (4, 4)
    assert none.stderr.startswith("specfeat: no audio in none: looked for .")
    assert none.stderr.endswith("skipped 1 other file\n")
    assert bad.stderr.splitlines()[-1] == "specfeat: the file failed, so nothing is written"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad", "none"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere", "o.npy"], "nowhere: no such file or folder; check its name, and "),
        ([".", "no/o.npy"], "no: no such folder for the output; make it first: mkdir -p no"),
        ([".", "o.CSV"], "o.CSV: the output is an array of NumPy; name it o.npy"),
        ([".", "o.npy", "-c", "yament"], "yament: no such config (did you mean 'yamnet'?); shipped are "),
        (
            [".", "o.npy", "-c", "my.yaml"],
            "my.yaml: no such file; check its name, and the folder that you are in",
        ),
        ([".", "o.npy", "--set", "model.batch=0"], "--set model.batch=0: model.batch: is 0; wanted "),
        (
            [".", "o.npy", "--set", "model.bach=8"],
            "--set model.bach=8: model.bach: is not known here (did you mean ",
        ),
        ([".", "o.npy", "--sett", "a=1"], "no such option: --sett"),
        (["o.npy"], "wanted INPUTS... and then OUTPUT, e.g. specfeat extract recordings/ out.npy"),
        (
            [".", "o.npy", "--set", "model.weights.file=w.h5"],
            "--set model.weights.file=w.h5: model.weights.file: w.h5: no ",
        ),
        (
            ["a.wav", "b.WAV"],
            "b.WAV: is named like sound, and the output is an array of NumPy; wanted INPUTS",
        ),
        ([".", "o.npy", "--threads", "0"], "invalid value for '--threads': wanted at least 1; see "),
        ([".", "o.npy", "--workers", "x"], "invalid value for '--workers': wanted a whole number; see "),
        ([".", "o.npy", "--device", "tpu"], "device tpu: is not known; wanted auto, cpu, gpu or gpu:N"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line_and_2(run: Run, arguments: list[str], sentence: str) -> None:
    """A typo in a path, an option or a config: one line on stderr, exit 2."""
    done = run("extract", *arguments)

    assert done.returncode == 2
    assert done.stderr.startswith(f"specfeat: {sentence}")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


GARBAGE = """
import gc, sys
import specfeat.config as config, specfeat.run.runner as runner
from specfeat.cli import main

def told(name, function):
    def call(*arguments, **options):
        print(name, gc.isenabled(), gc.get_freeze_count() > 100_000)
        return function(*arguments, **options)
    return call

config.load_config = told("config", config.load_config)
runner.execute_plan = told("run", runner.execute_plan)
if sys.argv.pop(1) == "off":
    gc.disable()
code = main()
print(code, gc.isenabled())
"""


@pytest.mark.tf
def test_garbage_is_collected_in_the_run_and_not_in_the_start(tmp_path: Path) -> None:
    """Nothing is looked through while modules load; during a run, what came before is left out."""
    assert _collecting(tmp_path, "on", "-c", "minimal") == ["config False False", "run True True", "0 True"]
    off = _collecting(tmp_path, "off", "-c", "minimal", "--force")
    assert off == ["config False False", "run True True", "0 False"]


@pytest.mark.parametrize(("before", "after"), [("on", True), ("off", False)])
def test_a_run_that_does_not_begin_leaves_the_collector_as_it_was(
    tmp_path: Path, before: str, after: bool
) -> None:
    """Whoever calls `main` finds it as before."""
    assert _collecting(tmp_path, before, "-c", "minimall") == ["config False False", f"2 {after}"]


def _collecting(folder: Path, *arguments: str) -> list[str]:
    before, *options = arguments
    words = [sys.executable, "-c", GARBAGE, before, "extract", str(SAMPLE / "chirp.wav"), "out.npy", *options]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


UNHEARD = """
import os, signal, sys
import importlib._bootstrap, specfeat.config.settings
from specfeat.cli import main

where = sys.argv.pop(1)
sent = []

def seen(frame, event, _):
    if event != "call" or sent:
        return
    name = frame.f_code.co_qualname
    if name == "_dump_layers" if where == "pydantic" else name.endswith("<locals>.cb") and "tensorflow" in sys.modules:
        sent.append(name)
        os.kill(os.getpid(), signal.SIGTERM)

sys.setprofile(seen)
code = main()
print(code, len(sent))
"""


@pytest.mark.tf
@pytest.mark.parametrize("where", ["pydantic", "callback"])
def test_a_signal_that_a_library_takes_for_its_own_stops_the_run(tmp_path: Path, where: str) -> None:
    """Pydantic makes its own error of it, a callback of a weak reference none: the run stops all the same."""
    _sound(tmp_path / "a.wav", 0.5)
    words = [sys.executable, "-c", UNHEARD, where, "extract", "a.wav", "o.npy", "-c", "minimal", "-q"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["143", "1"]
    assert done.stderr == "specfeat: stopped by SIGTERM; nothing is written\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.tf
def test_names_of_every_kind(run: Run, tmp_path: Path) -> None:
    """Newlines, a leading dash, commas, odd bytes: each file keeps its name in index and record."""
    names = [b"new\nline.wav", b"-q.wav", b"a,b.wav", b"odd\xff.wav", "grüße.wav".encode()]
    (tmp_path / "in").mkdir()
    for name in names:
        _sound(tmp_path / "plain.wav", 0.5)
        (tmp_path / "plain.wav").rename(tmp_path / "in" / os.fsdecode(name))
    done = run("extract", "in", "out.npy", "-c", "minimal", "-v")
    record = json.loads((tmp_path / "out.run.json").read_text())
    index = (tmp_path / "out.index.csv").read_bytes()

    assert done.returncode == 0
    assert [os.fsencode(file["path"]) for file in record["files"]] == [
        b"in/" + name for name in sorted(names)
    ]
    assert all(name in index for name in names)
    assert r"in/new\nline.wav: 2 rows" in done.stderr
    assert r"in/odd\xff.wav: 2 rows" in done.stderr


@pytest.mark.tf
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_nothing(tmp_path: Path, number: int, code: int) -> None:
    """Ctrl-C and SIGTERM end the run within seconds, without a traceback and without a file."""
    _sound(tmp_path / "long.wav", 3000)
    (tmp_path / "out").mkdir()
    command = [sys.executable, "-m", "specfeat", "extract", "long.wav", "out/o.npy", "-c", "yamnet", "-q"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while not list((tmp_path / "out").iterdir()):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=20)

    assert process.returncode == code
    assert said.count("\n") == 1
    assert "nothing is written" in said
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.tf
def test_no_terminal_no_home(run: Run, tmp_path: Path) -> None:
    """As cron runs it: no environment, no stdin, a home that is not there; quiet, and no bar in a file."""
    _sound(tmp_path / "a.wav", 1)
    done = run("extract", "a.wav", "out.npy", "-q", env={"HOME": "/nonexistent"}, stdin=subprocess.DEVNULL)
    loud = run(
        "extract", "a.wav", "out.npy", "--force", env={"HOME": "/nonexistent"}, stdin=subprocess.DEVNULL
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "\r" not in loud.stderr


@pytest.mark.parametrize("name", ["in.wav", "sub/../in.wav"])
def test_an_input_is_never_written_over(run: Run, tmp_path: Path, name: str) -> None:
    """An output that is also an input, or that is no array, is refused even with --force."""
    _sound(tmp_path / "in.wav", 0.1)
    (tmp_path / "sub").mkdir()
    before = (tmp_path / "in.wav").read_bytes()
    same = run("extract", "in.wav", name, "--force")

    assert same.returncode == 2
    assert same.stderr == f"specfeat: {name}: would be written over the input 'in.wav'; give another name\n"
    (tmp_path / "b.wav").write_bytes(before)
    other = run("extract", "in.wav", "b.wav", "--force")
    assert other.returncode == 2
    assert other.stderr == (
        "specfeat: b.wav: is no array, so it is not replaced; wanted INPUTS... and then OUTPUT, e.g. out.npy\n"
    )
    np.save(tmp_path / "a.npy", np.zeros(3))
    again = run("extract", "in.wav", "a.npy", "a.npy", "--force")
    assert again.returncode == 2
    assert again.stderr == "specfeat: a.npy: would be written over the input 'a.npy'; give another name\n"
    assert (tmp_path / "in.wav").read_bytes() == before


@pytest.mark.parametrize("name", ["d.npy", "loop.npy"])
def test_a_link_to_nowhere_is_no_output(run: Run, tmp_path: Path, name: str) -> None:
    """A link is refused in a sentence, also one that leads nowhere or to itself."""
    _sound(tmp_path / "in.wav", 0.1)
    (tmp_path / "d.npy").symlink_to("nowhere")
    (tmp_path / "loop.npy").symlink_to("loop.npy")
    done = run("extract", "in.wav", name)

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{name}: is a link to " in done.stderr


@pytest.mark.tf
def test_closed_streams_and_dead_readers_do_not_matter(tmp_path: Path) -> None:
    """With stdin, stdout and stderr closed, or a stderr that nobody reads, the rows are written all the same."""
    _sound(tmp_path / "a.wav", 0.5)
    (tmp_path / "bad.wav").write_text("text")
    call = f"{sys.executable} -m specfeat extract a.wav bad.wav -c minimal"
    closed = subprocess.run(
        ["sh", "-c", f"{call} closed.npy <&- >&- 2>&-"], cwd=tmp_path, timeout=120, check=False
    )
    unread = subprocess.run(
        ["bash", "-c", f"{call} unread.npy 2>&1 | true; exit ${{PIPESTATUS[0]}}"],
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    full = subprocess.run(
        ["sh", "-c", f"{call} full.npy 2>/dev/full"], cwd=tmp_path, timeout=120, check=False
    )

    assert [done.returncode for done in (closed, unread, full)] == [3, 3, 3]
    assert np.load(tmp_path / "closed.npy").shape == np.load(tmp_path / "full.npy").shape == (2, 10)


@pytest.mark.tf
def test_nothing_of_the_folder_is_run(run: Run, tmp_path: Path) -> None:
    """Python files beside the recordings, with the names of libraries, are not imported by a worker."""
    _sound(tmp_path / "a.wav", 0.5)
    for name in ("soxr", "soundfile", "numpy", "queue"):
        (tmp_path / f"{name}.py").write_text("open('ran', 'w')")
    program = Path(sys.executable).with_name("specfeat")
    done = subprocess.run([program, "extract", "a.wav", "o.npy", "-q"], cwd=tmp_path, check=False)

    assert done.returncode == 0
    assert not (tmp_path / "ran").exists()


@pytest.mark.tf
def test_a_full_disk_is_one_sentence(run: Run, tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: exit 1, one line, nothing left, the old output kept."""
    _sound(tmp_path / "a.wav", 0.5)
    (tmp_path / "out").mkdir()
    np.save(tmp_path / "out" / "o.npy", np.arange(3))
    before = (tmp_path / "out" / "o.npy").read_bytes()
    call = (
        f"trap '' XFSZ; ulimit -f 1; exec {sys.executable} -B -m specfeat extract a.wav out/o.npy --force -q"
    )
    done = subprocess.run(["bash", "-c", call], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("specfeat: out/o")
    assert "cannot be written: File too large" in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["o.npy"]
    assert (tmp_path / "out" / "o.npy").read_bytes() == before


@pytest.mark.tf
@pytest.mark.parametrize("config", [["yamnet", "--set", "model.batch=4"], ["vggish"]], ids="".join)
def test_workers_and_threads_do_not_show(run: Run, tmp_path: Path, config: list[str]) -> None:
    """Any number of workers, and of threads for the network, light or heavy, gives the same bytes."""
    for k in range(9):
        _sound(tmp_path / f"in/{k}.wav", 0.3 + 1.1 * k)
    results = set()
    for workers, threads in ((1, 1), (3, 2), (2, 5)):
        flags = ("--workers", workers, "--threads", threads)
        done = run("extract", "in", "o.npy", "-q", "--force", *flags, "-c", *config)
        assert done.returncode == 0
        results.add((tmp_path / "o.npy").read_bytes() + (tmp_path / "o.index.csv").read_bytes())

    assert len(results) == 1


def test_a_library_that_leaves_is_heard() -> None:
    """Only a reader of stdout that has gone away is a broken pipe; another's exit keeps its word."""
    program = "import sys, types; from specfeat.cli import app, main; app.get_command = lambda _: types.SimpleNamespace(main=lambda *_, **__: sys.exit('out of tokens')); sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (1, "out of tokens\n")
