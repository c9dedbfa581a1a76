"""Runs that are interrupted, and continue."""

import json
import os
import resource
import signal
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.command_runs import (
    COMMAND,
    FILE_COUNT,
    OUTPUT_NAMES,
    SMALL_BATCH,
    kill_extract,
    list_outputs,
    make_work_folder,
    open_gate,
    read_output,
    run_extract,
    start_extract,
    write_sound,
)
from helpers.waiting import DEADLINE_S, wait_until

pytestmark = pytest.mark.slow


def test_finished_files_do_not_wait_for_a_long_one(tmp_path: Path) -> None:
    """A finished file is in the journal long before the long file after it ends."""
    (tmp_path / "in").mkdir()
    write_sound(tmp_path / "in/a.wav", 1.0, 0)
    write_sound(tmp_path / "in/b.wav", 200.0, 1)
    kill_extract(tmp_path, "in", "out.npy")

    journal = (tmp_path / "out.partial" / "journal").read_text()

    assert ("in/a.wav" in journal, "in/b.wav" in journal) == (True, False)


@pytest.mark.parametrize(("number", "code"), [("INT", 130), ("TERM", 143), ("HUP", 129)])
def test_a_signal_keeps_the_finished_files(sound_folder: Path, number: str, code: int) -> None:
    """The run ends as soon as its batches have ended, and names a command; that command gives the bytes of an unbroken run."""
    process = start_extract(sound_folder, "in", "out.npy", files=3)
    process.send_signal(signal.Signals[f"SIG{number}"])
    open_gate(sound_folder)
    stderr = process.communicate(timeout=DEADLINE_S)[1]
    names_left = list_outputs(sound_folder)
    command = stderr.rpartition("continue with specfeat extract ")[2].split()
    resumed_run = subprocess.run(
        [*COMMAND, *command], cwd=sound_folder, capture_output=True, text=True, check=False
    )
    resumed_output = read_output(sound_folder)
    assert run_extract(sound_folder, "in", "out.npy", "--force", *SMALL_BATCH).returncode == 0

    assert process.returncode == code
    assert stderr.count("\n") == 1
    assert stderr.startswith(f"specfeat: stopped by SIG{number}; ")
    assert (
        " finished files are kept in out.partial; continue with specfeat extract --resume in out.npy"
        in stderr
    )
    assert names_left == ["out.partial"]
    assert (resumed_run.returncode, resumed_run.stderr) == (0, "")
    assert resumed_output == read_output(sound_folder)


def test_an_ignored_signal_stays_ignored(sound_folder: Path) -> None:
    """`nohup specfeat ...` continues when its terminal is closed."""
    settings = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    environment = {**os.environ, "FAKE_NETWORK_GATE": "gate"}
    command = [*COMMAND, "in", "out.npy", "-c", "minimal", "--set", "model.batch=4", "-q"]
    process = subprocess.Popen(command, cwd=sound_folder, env=environment, **settings)  # type: ignore[call-overload]
    wait_until((sound_folder / "out.partial" / "journal").exists, process)
    process.send_signal(signal.SIGHUP)
    open_gate(sound_folder)

    assert process.wait(timeout=DEADLINE_S) == 0
    assert (sound_folder / "out.npy").exists()


def test_unfinished_work_is_not_discarded_without_force(sound_folder: Path) -> None:
    """A plain run says that there is unfinished work and changes nothing; --force discards it and says so."""
    kill_extract(sound_folder, "in", "out.npy")
    plain_run = run_extract(sound_folder, "in", "out.npy", *SMALL_BATCH)
    names_after_plain_run = list_outputs(sound_folder)
    forced_run = subprocess.run(
        [*COMMAND, "in", "out.npy", "-c", "minimal", "--force"],
        cwd=sound_folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert plain_run.returncode == 2
    assert (
        " of an unfinished run; use --resume to continue the unfinished run, or --force to start again\n"
        in plain_run.stderr
    )
    assert names_after_plain_run == ["out.partial"]
    assert forced_run.returncode == 0
    assert "specfeat: out.partial: discarded " in forced_run.stderr
    assert list_outputs(sound_folder) == OUTPUT_NAMES


@pytest.fixture
def small_disk(sound_folder: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    disk = sound_folder / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=False, capture_output=True
    ).returncode:
        pytest.skip("only root may mount a small file system")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_keeps_the_finished_files(sound_folder: Path, small_disk: Path) -> None:
    """One sentence, exit 1, the old output unchanged; with free space, --resume gives the bytes of an unbroken run."""
    hops = (
        "--set",
        "clips.hop=1",
        *SMALL_BATCH,
    )  # 16 bytes a row, a line of index of 40: so the index fills it
    assert run_extract(sound_folder, "in/00.wav", "disk/out.npy", *hops).returncode == 0
    before = read_output(small_disk)
    full_run = run_extract(sound_folder, "in", "disk/out.npy", "--force", *hops)
    output_after_full_run = read_output(small_disk)
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
    resumed_run = run_extract(sound_folder, "in", "disk/out.npy", "--resume", *hops)
    assert run_extract(sound_folder, "in", "out.npy", *hops).returncode == 0

    assert full_run.returncode == 1
    assert full_run.stderr.count("\n") == 1
    assert "cannot be written: No space left on device; free some space and run again; " in full_run.stderr
    assert (
        f"{FILE_COUNT} finished files are kept in disk/out.partial; continue with specfeat extract --resume in disk/out.npy"
        in full_run.stderr
    )
    assert output_after_full_run == before
    assert (resumed_run.returncode, resumed_run.stderr) == (0, "")
    assert read_output(small_disk)[:2] == read_output(sound_folder)[:2]


def test_a_file_size_limit_keeps_the_finished_files(sound_folder: Path) -> None:
    """The limit is reached in the middle of a file: the files before it are kept, and --resume continues after them."""
    hops = ("--set", "clips.hop=1", *SMALL_BATCH)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    limited_run = run_extract(sound_folder, "in", "out.npy", *hops, preexec_fn=limit)
    resumed_run = run_extract(sound_folder, "in", "out.npy", "--resume", *hops)
    resumed_output = read_output(sound_folder)
    assert run_extract(sound_folder, "in", "out.npy", "--force", *hops).returncode == 0

    assert limited_run.returncode == 1
    assert limited_run.stderr.startswith(
        "specfeat: out.partial/rows.npy: cannot be written: File too large; "
    )
    assert (
        " finished files are kept in out.partial; continue with specfeat extract --resume in out.npy"
        in limited_run.stderr
    )
    assert (resumed_run.returncode, resumed_run.stderr) == (0, "")
    assert resumed_output == read_output(sound_folder)


def test_an_interrupted_commit_is_completed_by_the_next_run(sound_folder: Path) -> None:
    """A run that was killed between the moves is completed by the next one, even if that one is refused."""
    assert run_extract(sound_folder, "in", "out.npy").returncode == 0
    original_output = read_output(sound_folder)
    for moved in range(3):
        make_work_folder(sound_folder)
        for name, inside in [("run.json", "run.json"), ("index.csv", "index.csv"), ("npy", "rows.npy")][
            : 3 - moved
        ]:
            (sound_folder / f"out.{name}").rename(sound_folder / "out.partial" / inside)
        run = run_extract(sound_folder, "in", "out.npy")

        assert (run.returncode, "exists already" in run.stderr) == (2, True)
        assert list_outputs(sound_folder) == OUTPUT_NAMES
        assert read_output(sound_folder) == original_output


def test_a_wrong_journal_is_refused(sound_folder: Path) -> None:
    """Even with a correct checksum, a journal must agree with the rows and the config; --force starts again."""
    kill_extract(sound_folder, "in", "out.npy", files=3)
    path = sound_folder / "out.partial/journal"
    header, *entries = (json.loads(line[9:]) for line in path.read_bytes().splitlines())
    first = {**entries[0], "rows": entries[0]["rows"] + 1}
    for lines in (
        [header, first, *entries[1:]],
        [{**header, "features": 2}, *entries],
        [{**header, "versions": 3}, *entries],
        [header, {"path": "in/00.wav"}],
    ):
        texts = [json.dumps(line).encode() for line in lines]
        path.write_bytes(b"".join(b"%08x %s\n" % (zlib.crc32(text), text) for text in texts))
        refused_run = run_extract(sound_folder, "in", "out.npy", "--resume", *SMALL_BATCH)
        assert (refused_run.returncode, refused_run.stderr.count("\n")) == (2, 1)
        assert refused_run.stderr.startswith("specfeat: out.partial: is damaged (")
        assert refused_run.stderr.endswith("); use --force to recompute everything\n")
    assert run_extract(sound_folder, "in", "out.npy", "--resume", "--force", *SMALL_BATCH).returncode == 0
    assert list_outputs(sound_folder) == OUTPUT_NAMES


def test_a_resumed_run_counts_earlier_failures(sound_folder: Path) -> None:
    """A run that stopped because of failures stops again, until files are repaired or the limit is left out."""
    for k in (2, 4, 6):
        (sound_folder / f"in/{k:02}.wav").write_text("no sound")
    stopped_run = run_extract(sound_folder, "in", "out.npy", "--max-failures", "1")
    resumed_run = run_extract(sound_folder, "in", "out.npy", "--max-failures", "1", "--resume")
    write_sound(sound_folder / "in/02.wav", 1.0, 0)
    (sound_folder / "in/06.wav").unlink()
    repaired_run = run_extract(sound_folder, "in", "out.npy", "--max-failures", "1", "--resume")

    assert [run.returncode for run in (stopped_run, resumed_run, repaired_run)] == [1, 1, 3]
    assert "2 of 8 files have failed, so the run stops" in resumed_run.stderr
