"""`--log-json`: its events, and a log that cannot be written."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.broken_audio import write_good_file
from helpers.specfeat_command import read_log, run_in_one_process
from specfeat.cli.json_log import JsonLog
from specfeat.cli.messages import describe_error
from specfeat.cli.signals import (
    StoppedBySignal,
    keep_signal_handlers,
    set_run_state_describer,
    stop_on_signals,
)
from specfeat.errors import AudioError, OutputError
from specfeat.events import SoundEndEvent
from specfeat.sound import Sound

EXIT_CODES = [
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


def _run_with_logs(folder: Path) -> Iterator[tuple[int, list[str], int, dict[str, Any]]]:
    """Yield for each run the expected exit code, its words, the exit code, and the last event of its log."""
    commands = [
        ["extract", *words, "-c", "minimal", "-q", "--log-json", f"log{number}"]
        for number, (_, words) in enumerate(EXIT_CODES)
    ]
    runs = run_in_one_process(folder, *commands)
    for number, ((expected_code, words), run) in enumerate(zip(EXIT_CODES, runs, strict=True)):
        assert "Traceback" not in run.stderr
        assert run.stdout == ""
        yield expected_code, words, run.returncode, read_log(folder / f"log{number}")[-1]


@pytest.mark.tf
@pytest.mark.slow
def test_each_exit_code(tmp_path: Path) -> None:
    """Exit codes 0 to 4 are those in the log, and agree with the record."""
    write_good_file(tmp_path / "a.wav")
    (tmp_path / "bad.wav").write_text("text")
    for expected_code, words, code, end in _run_with_logs(tmp_path):
        assert (code, end["event"], end["exit_code"]) == (expected_code, "end", expected_code), words
        assert ("error" in end) == (code not in (0, 3))
        record = tmp_path / next(word for word in words if word.endswith(".npy")).replace(".npy", ".run.json")
        if code in (0, 3):
            assert (json.loads(record.read_text())["counts"]["failed"] > 0) == (code == 3)


def test_a_log_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """Before any work, or when the disk is full: one sentence that names the log."""
    with pytest.raises(OutputError, match="--log-json nowhere/log: cannot be written: No such file"):
        JsonLog("nowhere/log")
    with (
        pytest.raises(OutputError, match="--log-json /dev/full: cannot be written: No space left"),
        JsonLog("/dev/full") as log,
    ):
        log.on_note("?")


def test_a_log_whose_reader_leaves_is_an_error(tmp_path: Path) -> None:
    """A named pipe without a reader is a log that cannot be written; only on stdout this is a normal end."""
    os.mkfifo(tmp_path / "log")
    reader = os.open(tmp_path / "log", os.O_RDONLY | os.O_NONBLOCK)
    log = JsonLog(str(tmp_path / "log"))
    os.close(reader)

    with pytest.raises(OutputError, match="cannot be written: Broken pipe"):
        log.on_note("?")


def test_a_disk_that_is_full_at_the_end() -> None:
    """The error says what is written; a signal that has come is more important than the log."""
    with keep_signal_handlers(), stop_on_signals():
        set_run_state_describer(lambda: "out.npy is complete")
        with pytest.raises(OutputError) as caught, JsonLog("/dev/full"):
            pass
        with (
            pytest.raises(StoppedBySignal, match=r"stopped by SIGTERM; out\.npy is complete"),
            JsonLog("/dev/full"),
        ):
            raise StoppedBySignal(signal.SIGTERM)

    assert describe_error(caught.value).endswith("No space left on device; out.npy is complete")


def test_a_failed_file_has_all_fields(tmp_path: Path) -> None:
    """The event has stage, cause, sentence and place; a name that is not UTF-8 has its bytes in hexadecimal."""
    event = SoundEndEvent(
        sound=Sound(os.fsdecode(b"odd\xff.wav")),
        status="partial",
        samples=24_000,
        rows=5,
        error=AudioError("breaks off", "decode", "broken", 1.5),
        seconds=0.25,
        silent=True,
    )
    with JsonLog(str(tmp_path / "log")) as log:
        log.on_sound_end(event)
    fields, end = read_log(tmp_path / "log")
    del fields["time"]

    assert fields == {
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
    assert (end["event"], end["exit_code"]) == ("end", 0)
