"""The command among other programs: names from a list, a log for machines, pipes, exit codes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

from helpers.broken_audio import write_good_file
from specfeat.audio.discovery import find_sounds
from specfeat.cli.input_list import read_input_list
from specfeat.cli.json_log import JsonLog
from specfeat.cli.messages import describe_error
from specfeat.cli.signals import (
    StoppedBySignal,
    handle_stop_signal,
    keep_signal_handlers,
    restore_signal_error,
    set_run_state_describer,
    stop_on_signals,
)
from specfeat.errors import AudioError, InstallError, NoUsableAudioError, OutputError, UsageError
from specfeat.events import SoundEndEvent
from specfeat.sound import Sound

pytestmark = pytest.mark.slow

NAMES = [
    b"a/same.wav",
    b"b/same.wav",
    b"a/same.flac",
    b"new\nline.wav",
    b"-dash.wav",
    b"--files-from.wav",
    b"# no comment.wav",
    b" spaces .wav ",
    b"odd\xff\xfe.wav",
    "caf\u00e9.wav".encode(),
    "cafe\u0301.wav".encode(),
    b"quote\"'.wav",
    b"return\r.wav",
    "\u2028\u202e.wav".encode(),
]


def _run(folder: Path, *words: object, **options: Any) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "specfeat", "extract", *map(str, words)]
    return subprocess.run(command, cwd=folder, check=False, timeout=300, capture_output=True, **options)


@pytest.mark.parametrize("null", [True, False])
def test_names_are_read_as_bytes(tmp_path: Path, null: bool) -> None:
    """Each name comes back to the byte: dashes, hashes, spaces and what is not UTF-8 mean nothing."""
    names = [name for name in NAMES if null or b"\n" not in name]
    end = b"\0" if null else b"\n"
    (tmp_path / "list").write_bytes(end.join(names) + end)

    assert [os.fsencode(name) for name in read_input_list(str(tmp_path / "list"), null=null)] == names
    (tmp_path / "list").write_bytes(end.join(names))
    assert len(read_input_list(str(tmp_path / "list"), null=null)) == len(names)


def test_a_list_that_is_none_is_told(tmp_path: Path) -> None:
    """Empty, not there, a folder, or with NULs that nobody announced: a sentence each."""
    (tmp_path / "empty").write_bytes(b"\n\n")
    (tmp_path / "nulls").write_bytes(b"a.wav\0b.wav\0")

    with pytest.raises(NoUsableAudioError, match="names no file"):
        read_input_list(str(tmp_path / "empty"), null=False)
    with pytest.raises(UsageError, match="add -0 if names end in them"):
        read_input_list(str(tmp_path / "nulls"), null=False)
    for name in ("nowhere", "."):
        with pytest.raises(UsageError, match="cannot be read"):
            read_input_list(str(tmp_path / name), null=True)


def test_what_a_list_names_may_be_gone(tmp_path: Path) -> None:
    """A name from a list that leads nowhere is a file that will fail; one on the command line is a mistake."""
    write_good_file(tmp_path / "a.wav")
    there, gone = str(tmp_path / "a.wav"), str(tmp_path / "gone.wav")

    assert [sound.path for sound in find_sounds([], [there, gone]).sounds] == [there, gone]
    with pytest.raises(UsageError, match="no such file or folder"):
        find_sounds([there, gone])
    with pytest.raises(UsageError, match="is named twice"):
        find_sounds([there], [f"{tmp_path}/./a.wav"])


def _events(text: bytes) -> list[dict[str, Any]]:
    """The log's lines, each strict JSON: one object, no lone surrogate."""
    lines = [json.loads(line) for line in text.decode("ascii").splitlines()]
    for line in lines:
        json.dumps(line, ensure_ascii=False).encode("utf-8")
    return lines


@pytest.mark.tf
def test_each_file_keeps_its_identity(tmp_path: Path) -> None:
    """Through the list, the index, the record and the log: twins, odd bytes and files of one name stay apart."""
    loop = tmp_path / "a"
    loop.mkdir()
    (tmp_path / "b").mkdir()
    (loop / "loop").symlink_to("..")
    for k, name in enumerate(NAMES):
        write_good_file(tmp_path / "one.wav", 0.3 + k / 10, seed=k)
        if name.endswith(b"flac"):
            soundfile.write(tmp_path / "one.wav", *soundfile.read(tmp_path / "one.wav"), format="FLAC")
        (tmp_path / "one.wav").rename(tmp_path / os.fsdecode(name))
    listed = b"\0".join([*NAMES, b"gone.wav"]) + b"\0"
    words = ("--files-from", "-", "-0", "o.npy", "-c", "minimal", "-q", "--log-json", "log")
    done = _run(tmp_path, *words, input=listed)
    index = pd.read_csv(tmp_path / "o.index.csv", encoding_errors="surrogateescape")
    record = json.loads((tmp_path / "o.run.json").read_text())
    events = _events((tmp_path / "log").read_bytes())
    logged = [
        bytes.fromhex(line["path_hex"]) if "path_hex" in line else line["path"].encode()
        for line in events
        if line["event"] == "file"
    ]

    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr == b"specfeat: gone.wav: cannot be opened: No such file or directory\n"
    assert [os.fsencode(path) for path in dict.fromkeys(index["path"])] == NAMES
    assert [os.fsencode(file["path"]) for file in record["files"]] == [*NAMES, b"gone.wav"]
    assert logged == [*NAMES, b"gone.wav"]
    assert [line["event"] for line in events[:3]] == ["begin", "built", "warning"]
    assert events[-1].items() >= {"event": "end", "exit_code": 3, "files": 15, "failed": 1}.items()
    rows = {name: np.load(tmp_path / "o.npy")[index["path"] == os.fsdecode(name)] for name in NAMES}
    assert len({some.tobytes() for some in rows.values()}) == len(NAMES)


def _exit_code(folder: Path, words: Sequence[object]) -> tuple[int, dict[str, Any]]:
    """What the command leaves with, and the last line of its log."""
    (folder / "log").unlink(missing_ok=True)
    done = _run(folder, *words, "-c", "minimal", "-q", "--log-json", "log")
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""
    return done.returncode, _events((folder / "log").read_bytes())[-1]


@pytest.mark.tf
def test_each_exit_code(tmp_path: Path) -> None:
    """0, 1, 2, 3 and 4, as the log, the record and the shell have them."""
    write_good_file(tmp_path / "a.wav")
    (tmp_path / "bad.wav").write_text("text")
    cases: list[tuple[int, list[object]]] = [
        (0, ["a.wav", "o.npy"]),
        (0, ["a.wav", "o.npy", "--update"]),
        (3, ["a.wav", "bad.wav", "o3.npy"]),
        (3, ["a.wav", "bad.wav", "o3.npy", "--update"]),
        (1, ["bad.wav", "a.wav", "o1.npy", "--on-error", "stop"]),
        (1, ["bad.wav", "a.wav", "o1.npy", "--force", "--max-failures", "49%"]),
        (3, ["bad.wav", "a.wav", "o1.npy", "--force", "--max-failures", "50%"]),
        (4, ["bad.wav", "o4.npy"]),
        (2, ["a.wav", "o.npy"]),
        (2, ["gone.wav", "o2.npy"]),
    ]
    for code, words in cases:
        came, last = _exit_code(tmp_path, words)
        assert (came, last["event"], last["exit_code"]) == (code, "end", code), words
        assert ("error" in last) == (code not in (0, 3))
        record = tmp_path / str(words[-1] if len(words) == 2 else "none").replace(".npy", ".run.json")
        if code in (0, 3) and record.exists():
            failed = json.loads(record.read_text())["counts"]["failed"]
            assert (failed > 0) == (code == 3)


@pytest.mark.tf
@pytest.mark.parametrize("tail", ["| head -1", "| true", ">&-"])
def test_a_reader_who_leaves_ends_the_run_quietly(tmp_path: Path, tail: str) -> None:
    """With the log on stdout, `| head -1` is 141 without a traceback; a stdout that was closed before does not matter."""
    write_good_file(tmp_path / "a.wav")
    call = f"{sys.executable} -m specfeat extract a.wav o.npy -c minimal -q --log-json -"
    done = subprocess.run(
        ["bash", "-c", f"{call} {tail}; exit ${{PIPESTATUS[0]}}"],
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == (0 if tail == ">&-" else 141)
    assert done.stderr == b""


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
WITHOUT_TENSORFLOW = Path(__file__).parents[1] / "helpers" / "without_tensorflow.py"


def _redirected(folder: Path, words: str) -> dict[str, "subprocess.CompletedProcess[bytes]"]:
    """Run `specfeat WORDS`, some redirections at a time; N in the words is the redirection's number."""
    # What a buffer still holds at the end is another way to fail.
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}

    def run(number: int) -> "subprocess.CompletedProcess[bytes]":
        call = (
            f"{sys.executable} {WITHOUT_TENSORFLOW} {words.replace('N', str(number))} {REDIRECTIONS[number]}"
        )
        return subprocess.run(
            ["sh", "-c", call], cwd=folder, env=buffered, capture_output=True, timeout=120, check=False
        )

    with ThreadPoolExecutor(4) as threads:
        done = dict(zip(REDIRECTIONS, threads.map(run, range(len(REDIRECTIONS))), strict=True))
    assert not [run.stderr for run in done.values() if b"Traceback" in run.stdout + run.stderr]
    return done


def test_streams_that_are_closed_or_full_cost_nothing(tmp_path: Path) -> None:
    """Whatever stdout and stderr are, a run with a bad file ends with 3 and its three files are the same."""
    write_good_file(tmp_path / "a.wav")
    (tmp_path / "bad.wav").write_text("text")
    done = _redirected(tmp_path, "extract a.wav bad.wav N.npy -v -c minimal")

    assert {redirection: run.returncode for redirection, run in done.items()} == dict.fromkeys(
        REDIRECTIONS, 3
    )
    assert all(run.stdout == b"" for run in done.values())
    assert [b"bad.wav: is not audio" in run.stderr for run in done.values()] == [
        "2>" not in redirection for redirection in REDIRECTIONS
    ]
    for name in ("{}.npy", "{}.index.csv"):
        wholes = [(tmp_path / name.format(number)).read_bytes() for number in range(len(REDIRECTIONS))]
        assert wholes == wholes[:1] * len(wholes)
    for number in range(len(REDIRECTIONS)):
        assert json.loads((tmp_path / f"{number}.run.json").read_text())["counts"]["failed"] == 1


@pytest.mark.parametrize("words", ["extract gone.wav out.npy", "extract --no-such a.wav out.npy", "extrct"])
def test_a_mistake_is_a_mistake_whatever_the_streams_are(tmp_path: Path, words: str) -> None:
    """Exit code 2, though nobody may be told why."""
    done = _redirected(tmp_path, words)

    assert [run.returncode for run in done.values()] == [2] * len(REDIRECTIONS)


@pytest.mark.parametrize("words", ["--version", "--help", "extract --help", "weights fetch"])
def test_what_cannot_be_printed_is_told(tmp_path: Path, words: str) -> None:
    """A stdout on a full disk is 1 and a sentence; one that was closed does not matter."""
    done = _redirected(tmp_path, words)

    for redirection, run in done.items():
        full = ">/dev/full" in redirection.split()
        assert run.returncode == (1 if full else 0), redirection
        told = b"specfeat: stdout cannot be written: No space left on device\n"
        assert run.stderr == (told if redirection == ">/dev/full" else b""), redirection


def test_a_log_on_a_full_disk_ends_the_run(tmp_path: Path) -> None:
    """With the log on stdout: 1 and a sentence if it is full, nothing if it was closed before."""
    write_good_file(tmp_path / "a.wav")
    done = _redirected(tmp_path, "extract a.wav N.npy -q -c minimal --log-json -")

    for redirection, run in done.items():
        full = ">/dev/full" in redirection.split()
        assert run.returncode == (1 if full else 0), redirection
    assert (
        done[">/dev/full"].stderr == b"specfeat: --log-json -: cannot be written: No space left on device\n"
    )


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Before any work, or when the disk is full: one sentence that names it."""
    with pytest.raises(OutputError, match="--log-json nowhere/log: cannot be written: No such file"):
        JsonLog("nowhere/log")
    with (
        pytest.raises(OutputError, match="--log-json /dev/full: cannot be written: No space left"),
        JsonLog("/dev/full") as log,
    ):
        log.on_note("?")


def test_a_log_whose_reader_leaves_is_told(tmp_path: Path) -> None:
    """As any log that cannot be written; on stdout alone it is an end that everybody expects."""
    os.mkfifo(tmp_path / "log")
    reader = os.open(tmp_path / "log", os.O_RDONLY | os.O_NONBLOCK)
    log = JsonLog(str(tmp_path / "log"))
    os.close(reader)

    with pytest.raises(OutputError, match="cannot be written: Broken pipe"):
        log.on_note("?")


def test_a_log_that_is_full_at_the_end() -> None:
    """What is there is told, and a signal that has come stays the one to tell of."""
    with keep_signal_handlers(), stop_on_signals():
        set_run_state_describer(lambda: "all is done")
        with pytest.raises(OutputError) as caught, JsonLog("/dev/full"):
            pass
        assert describe_error(caught.value).endswith("No space left on device; all is done")
        with pytest.raises(StoppedBySignal, match="stopped by SIGTERM; all is done"), JsonLog("/dev/full"):
            raise StoppedBySignal(signal.SIGTERM)


@pytest.mark.parametrize("made_of_it", [ImportError, InstallError])
def test_an_error_behind_a_signal_is_the_signal(made_of_it: type[Exception]) -> None:
    """An import that a signal breaks into seems to miss a package; without a signal it does."""

    def importing(number: int | None) -> None:
        with keep_signal_handlers(), stop_on_signals(), restore_signal_error():
            try:
                if number:
                    handle_stop_signal(number, None)
            finally:
                raise made_of_it("To use Keras, you need to have `optree` installed")

    with pytest.raises(StoppedBySignal, match="SIGINT; nothing is written"):
        importing(signal.SIGINT)
    with pytest.raises(made_of_it):
        importing(None)


def test_a_second_signal_breaks_into_nothing() -> None:
    """The first one is told; the others come while what is done is brought to the disk."""
    with keep_signal_handlers(), stop_on_signals():
        with pytest.raises(StoppedBySignal, match="SIGINT; nothing is written"):
            handle_stop_signal(signal.SIGINT, None)
        handle_stop_signal(signal.SIGTERM, None)


def test_the_log_says_what_broke(tmp_path: Path) -> None:
    """A failed file has stage, cause, sentence and place; a name that is not UTF-8 has its bytes as digits."""
    error = AudioError("breaks off", "decode", "broken", 1.5)
    with JsonLog(str(tmp_path / "log")) as log:
        log.on_sound_end(
            SoundEndEvent(
                sound=Sound(os.fsdecode(b"odd\xff.wav")),
                status="partial",
                samples=24_000,
                rows=5,
                error=error,
                seconds=0.25,
                silent=True,
            )
        )
    told, last = _events((tmp_path / "log").read_bytes())
    del told["time"]

    assert told == {
        "event": "file",
        "path": "odd\ufffd.wav",
        "path_hex": b"odd\xff.wav".hex(),
        "status": "partial",
        "rows": 5,
        "samples": 24_000,
        "seconds": 0.25,
        "silent": True,
        "stage": "decode",
        "cause": "broken",
        "error": "breaks off",
        "at_s": 1.5,
    }
    assert last["exit_code"] == 0
