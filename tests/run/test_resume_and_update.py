"""Runs that meet each other, are ended early, go on, and bring an output up to date; without TensorFlow."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, str(Path(__file__).parents[1] / "helpers" / "without_tensorflow.py"), "extract"]
FILES = 8

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Inputs in `in`: eight sounds of half a second to four."""
    (tmp_path / "in").mkdir()
    for k in range(FILES):
        _sound(tmp_path / f"in/{k:02}.wav", 0.5 * (k + 1), k)
    return tmp_path


def _sound(path: Path, seconds: float, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(size=round(seconds * 16_000)) / 10
    soundfile.write(path, noise, 16_000)


def _run(folder: Path, *arguments: str, **options: Any) -> Done:
    command = [*COMMAND, *arguments, "-c", "minimal", "-q", "--workers", "1"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **options)


def _started(
    folder: Path, *arguments: str, pause_s: float = 0.1, files: int = 1, settle_s: float = 0
) -> "subprocess.Popen[str]":
    """Start a run that takes its time, and wait until that many files are done and on the disk."""
    environment = {
        **os.environ,
        "FAKE_NETWORK_PAUSE_S": str(pause_s),
        "FAKE_NETWORK_SETTLE_S": str(settle_s),
    }
    command = [*COMMAND, *arguments, "-c", "minimal", "--set", "model.batch=4", "-q"]
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    journal = folder / "out.partial" / "journal"
    while not journal.exists() or journal.read_bytes().count(b"\n") <= files:
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.01)
    return process


def _killed(folder: Path, *arguments: str, **options: Any) -> None:
    """Leave a run that was killed after its first files."""
    process = _started(folder, *arguments, **options)
    process.kill()
    process.communicate()


def _result(folder: Path, output: str = "out") -> tuple[bytes, bytes, dict[str, Any]]:
    """Return array, index, and the record but for its times and its command."""
    record = json.loads((folder / f"{output}.run.json").read_text())
    for name in ("started", "seconds", "build_seconds", "command", "output"):
        del record[name]
    for entry in record["files"]:
        del entry["seconds"]
    return (folder / f"{output}.npy").read_bytes(), (folder / f"{output}.index.csv").read_bytes(), record


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("out*"))


BATCH = ("--set", "model.batch=4")
WHOLE = ["out.index.csv", "out.npy", "out.run.json"]


def test_a_second_run_leaves_with_75_or_waits(folder: Path) -> None:
    """While one run has the output, another leaves with 75 and names it, or waits as long as it is told to."""
    first = _started(folder, "in", "out.npy", pause_s=1.0)
    second = _run(folder, "in", "out.npy", "--update")
    other_name = _run(folder, "in", "out")  # it has the same index, so it is the same output
    short = _run(folder, "in", "out.npy", "--update", "--lock-wait", "0.3")
    command = [*COMMAND, "in", "out.npy", "-c", "minimal", "-q", "--update", "--lock-wait", "60", *BATCH]
    waiting = subprocess.Popen(command, cwd=folder)
    time.sleep(0.5)
    waits = waiting.poll() is None
    first.terminate()
    first.communicate()

    assert (second.returncode, other_name.returncode, short.returncode) == (75, 75, 75)
    assert second.stderr == (
        f"specfeat: out.npy: another run (process {first.pid}) is at work on it; wait for it with --lock-wait SECONDS\n"
    )
    assert short.stderr.startswith(
        f"specfeat: out.npy: another run (process {first.pid}) is still at work on it after 0.3 s; "
    )
    assert waits
    assert waiting.wait() == 0
    assert _names(folder) == WHOLE


def test_a_long_file_keeps_no_finished_one_from_the_disk(tmp_path: Path) -> None:
    """What is done when a long file begins is in the journal long before that ends."""
    (tmp_path / "in").mkdir()
    _sound(tmp_path / "in/a.wav", 1.0, 0)
    _sound(tmp_path / "in/b.wav", 200.0, 1)
    _killed(tmp_path, "in", "out.npy", pause_s=0.2, settle_s=2)

    journal = (tmp_path / "out.partial" / "journal").read_text()

    assert ("in/a.wav" in journal, "in/b.wav" in journal) == (True, False)


def test_the_lock_dies_with_its_holder(folder: Path) -> None:
    """After SIGKILL the next run has the lock at once, though the dead one's workers may linger."""
    first = _started(folder, "in", "out.npy")
    first.kill()
    first.wait()
    second = _run(folder, "in", "out.npy", "--resume", *BATCH)
    first.communicate()

    assert (second.returncode, second.stderr) == (0, "")


@pytest.mark.parametrize(("number", "code"), [("INT", 130), ("TERM", 143), ("HUP", 129)])
def test_a_signal_keeps_what_is_done(folder: Path, number: str, code: int) -> None:
    """The run ends in a second or two, says how to go on, and what it says gives an unbroken run's bytes."""
    process = _started(folder, "in", "out.npy", files=3)
    process.send_signal(signal.Signals[f"SIG{number}"])
    said = process.communicate(timeout=20)[1]
    left = _names(folder)
    command = said.rpartition("go on with specfeat extract ")[2].split()
    again = subprocess.run([*COMMAND, *command], cwd=folder, capture_output=True, text=True, check=False)
    went_on = _result(folder)
    assert _run(folder, "in", "out.npy", "--force", *BATCH).returncode == 0

    assert process.returncode == code
    assert said.count("\n") == 1
    assert said.startswith(f"specfeat: stopped by SIG{number}; ")
    assert " finished files are kept in out.partial: go on with specfeat extract --resume in out.npy" in said
    assert left == ["out.partial"]
    assert (again.returncode, again.stderr) == (0, "")
    assert went_on == _result(folder)


def test_work_that_is_left_is_not_thrown_away(folder: Path) -> None:
    """A plain run says that it is there and what to do; --force drops it and says so; nothing is lost by asking."""
    _killed(folder, "in", "out.npy")
    plain = _run(folder, "in", "out.npy", *BATCH)
    still = _names(folder)
    forced = subprocess.run(
        [*COMMAND, "in", "out.npy", "-c", "minimal", "--force"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert plain.returncode == 2
    assert (
        " of a run that was ended; add --resume to go on with it, or --force to begin anew\n" in plain.stderr
    )
    assert still == ["out.partial"]
    assert forced.returncode == 0
    assert "specfeat: out.partial: dropped " in forced.stderr
    assert _names(folder) == WHOLE


def test_another_config_is_refused_with_the_difference(folder: Path) -> None:
    """What was begun, or made, with another setting is not gone on with: exit 2, and what differs."""
    _killed(folder, "in", "out.npy")
    refused = _run(folder, "in", "out.npy", "--resume", "--set", "model.batch=32")
    went_on = _run(folder, "in", "out.npy", "--resume", *BATCH)
    update = _run(folder, "in", "out.npy", "--update", "--set", "model.weights.random=7", *BATCH)
    before = _result(folder)
    resume = _run(folder, "in", "out.npy", "--resume", "--set", "clips.hop=14", *BATCH)
    anew = _run(folder, "in", "out.npy", "--update", "--force", "--set", "clips.hop=14", *BATCH)

    assert [done.returncode for done in (refused, went_on, update, resume, anew)] == [2, 0, 2, 2, 0]
    assert refused.stderr == (
        "specfeat: out.partial: was begun otherwise (model.batch: 4 then, 32 now); "
        "go on as it was, or begin anew with --force\n"
    )
    assert "model.weights.random: 0 then, 7 now" in update.stderr
    assert (
        "out.npy: was made otherwise (clips.hop: null then, 14 now); --force makes it anew" in resume.stderr
    )
    assert _result(folder) != before


def test_another_environment_is_refused(folder: Path) -> None:
    """OpenBLAS set otherwise in a shell than in cron moves bits, so it is not gone on with silently."""
    plain = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    made = _run(folder, "in", "out.npy", env={**plain, "OPENBLAS_CORETYPE": "Haswell"})
    (folder / "in/00.wav").unlink()
    update = _run(folder, "in", "out.npy", "--update", env=plain)

    assert (made.returncode, update.returncode) == (0, 2)
    assert "(environment.OPENBLAS_CORETYPE: Haswell then, null now)" in update.stderr


def test_other_weights_are_refused(folder: Path) -> None:
    """Weights are known by what is in the file; one that was only touched, or lies elsewhere, is the same."""
    (folder / "w.h5").write_bytes(b"one")
    how = ["in", "out.npy", "--update", "--set"]
    made = _run(folder, *how, "model.weights.file=w.h5")
    os.utime(folder / "w.h5", (0, 0))
    touched = _run(folder, *how, "model.weights.file=w.h5")
    shutil.copy(folder / "w.h5", folder / "v.h5")
    moved = _run(folder, *how, "model.weights.file=v.h5")
    (folder / "w.h5").write_bytes(b"two")
    other = _run(folder, *how, "model.weights.file=w.h5")

    assert [done.returncode for done in (made, touched, moved, other)] == [0, 0, 0, 2]
    assert (
        "out.npy: was made otherwise (weights.sha256: 7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed then, 3fc4ccfe"
        in other.stderr
    )


@pytest.mark.parametrize("name", ["v.h5", "w.h5"])
def test_other_weights_of_the_same_size_and_time_are_refused(folder: Path, name: str) -> None:
    """Two networks of one architecture, dated alike by whoever wrote them; beside each other, or in one place."""
    (folder / "w.h5").write_bytes(b"one")
    os.utime(folder / "w.h5", (0, 0))
    made = _run(folder, "in", "out.npy", "--set", "model.weights.file=w.h5")
    (folder / name).write_bytes(b"two")
    os.utime(folder / name, (0, 0))
    other = _run(folder, "in", "out.npy", "--update", "--set", f"model.weights.file={name}")

    assert (made.returncode, other.returncode) == (0, 2)
    assert "out.npy: was made otherwise (weights.sha256: " in other.stderr


def test_weights_that_are_the_same_file_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing to do costs nothing, however large the file; what cannot be told for certain is read."""
    from specfeat.config import load_config
    from specfeat.output.previous_run import PreviousRun
    from specfeat.output.records import Provenance
    from specfeat.run.plan import RunOptions, _Now
    from specfeat.run.provenance import collect_provenance
    from specfeat.weights.files.source import locate_weights

    weights = tmp_path / "w.h5"
    weights.write_bytes(b"one")
    config = load_config("minimal", [f"model.weights.file={weights}"])
    source = locate_weights(str(weights))
    noted = {"file": "w.h5", "sha256": source.sha256(), **source.stamp()}
    then = replace(collect_provenance(config), weights=json.loads(json.dumps(noted)), device="cpu")
    read: list[str] = []

    def hash_of(name: str) -> str:
        read.append(name)
        return "other"

    monkeypatch.setattr("specfeat.weights.files.source.compute_weights_hash", hash_of)

    def differs(provenance: Provenance) -> str:
        run = PreviousRun(rows_path=tmp_path / "rows.npy", provenance=provenance, entries=())
        return _Now(config, "cpu", RunOptions()).differs(run)

    assert (differs(then), read) == ("", [])
    for name in source.stamp():
        changed = {**noted, name: 0}
        assert "weights.sha256" in differs(replace(then, weights=changed)), name
        del changed[name]
        assert "weights.sha256" in differs(replace(then, weights=changed)), name


@pytest.mark.parametrize("how", ["--resume", "--update"])
def test_inputs_that_change_in_between(folder: Path, how: str) -> None:
    """Changed, added and removed files, and another order: the result is that of a run over what is there now."""
    if how == "--resume":
        _killed(folder, "in", "out.npy", files=5)
    else:
        assert _run(folder, "in", "out.npy", *BATCH).returncode == 0
    (folder / "in/01.wav").unlink()
    _sound(folder / "in/02.wav", 1.5, 99)  # as long as before
    _sound(folder / "in/00b.wav", 2.0, 98)
    (folder / "in/03.wav").rename(folder / "in/zz.wav")
    os.utime(folder / "in/04.wav")
    done = _run(
        folder,
        "in/05.wav",
        "in/04.wav",
        "in/02.wav",
        "in/00b.wav",
        "in/00.wav",
        "in/zz.wav",
        "out.npy",
        how,
        *BATCH,
    )
    result = _result(folder)
    assert (
        _run(
            folder,
            "in/05.wav",
            "in/04.wav",
            "in/02.wav",
            "in/00b.wav",
            "in/00.wav",
            "in/zz.wav",
            "full.npy",
            *BATCH,
        ).returncode
        == 0
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert result == _result(folder, "full")
    assert _names(folder) == WHOLE


def test_what_failed_is_kept_until_it_changes(folder: Path) -> None:
    """A file that failed is not tried again, unless it has changed or is to be; it counts every time."""
    (folder / "in/05.wav").write_text("no sound")
    first = _run(folder, "in", "out.npy")
    same = _run(folder, "in", "out.npy", "--update")
    retried = _run(folder, "in", "out.npy", "--update", "--retry-failed")
    senseless = _run(folder, "in", "out.npy", "--force", "--retry-failed")
    _sound(folder / "in/05.wav", 1.0, 5)
    mended = _run(folder, "in", "out.npy", "--update")

    assert [done.returncode for done in (first, same, retried, mended)] == [3, 3, 3, 0]
    assert [done.stderr.count("\n") for done in (first, same, retried, mended)] == [1, 0, 1, 0]
    assert (senseless.returncode, senseless.stderr) == (
        2,
        "specfeat: --retry-failed goes with --resume or --update\n",
    )
    assert [entry["status"] for entry in _result(folder)[2]["files"]] == ["ok"] * FILES


def test_up_to_date_is_told_without_tensorflow(folder: Path) -> None:
    """With nothing to do, --update and --resume write nothing and load neither TensorFlow nor workers: exit 0."""
    assert _run(folder, "in", "out.npy").returncode == 0
    before = {path: path.stat().st_mtime_ns for path in folder.glob("out*")}
    code = (
        "import sys; from specfeat.cli import main; sys.argv = ['specfeat', *sys.argv[1:]]; code = main();"
        "print(code, *{'tensorflow', 'keras', 'librosa', 'specfeat.audio.worker_pool', 'specfeat.pipeline'} & set(sys.modules))"
    )
    for how in ("--update", "--resume"):
        done = subprocess.run(
            [sys.executable, "-c", code, "extract", "in", "out.npy", "-c", "minimal", how],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "0\n"
        assert done.stderr.startswith("specfeat: out.npy: ")
        assert f"from {FILES} files, up to date" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in folder.glob("out*")} == before


def test_left_work_goes_when_the_output_is_whole(folder: Path) -> None:
    """What a killed update has left is of no use once the output is what it would make, and goes."""
    assert _run(folder, "in", "out.npy", *BATCH).returncode == 0
    for k in range(FILES):
        os.utime(folder / f"in/{k:02}.wav", ns=(0, k + 1))
    _killed(folder, "in", "out.npy", "--update")
    for entry in _result(folder)[2]["files"]:
        os.utime(folder / entry["path"], ns=(0, entry["mtime_ns"]))
    done = _run(folder, "in", "out.npy", "--update", *BATCH)

    assert (done.returncode, done.stderr) == (0, "")
    assert _names(folder) == WHOLE


def test_removed_files_only(folder: Path) -> None:
    """When files have only gone, their rows go without TensorFlow."""
    assert _run(folder, "in", "out.npy").returncode == 0
    (folder / "in/07.wav").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "specfeat", "extract", "in", "out.npy", "-c", "minimal", "-q", "--update"],
        cwd=folder,
        check=False,
    )
    result = _result(folder)
    assert _run(folder, "in", "out.npy", "--force").returncode == 0

    assert done.returncode == 0
    assert result == _result(folder)


def test_an_output_that_is_not_whole_is_not_built_upon(folder: Path) -> None:
    """--update refuses an array that was changed, or a record that is gone or says something else; --force goes on."""
    assert _run(folder, "in", "out.npy").returncode == 0
    whole = _result(folder)
    damages: list[tuple[Callable[[], object], str]] = [
        (lambda: _write_at(folder / "out.npy", 500, b"x"), "out.npy: has been changed since it was made"),
        (
            lambda: _write_at(folder / "out.npy", 10**6, b"x"),
            "out.npy: or its index is not the one of out.run.json",
        ),
        ((folder / "out.run.json").unlink, "out.run.json: is missing, so the output is not whole"),
        (lambda: (folder / "out.run.json").write_text("{}"), "out.run.json: is no record of this specfeat"),
    ]
    for damage, sentence in damages:
        damage()
        (folder / "in/00.wav").touch()
        refused = _run(folder, "in", "out.npy", "--update")
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert refused.stderr.startswith(f"specfeat: {sentence}")
        assert _run(folder, "in", "out.npy", "--update", "--force").returncode == 0
        assert _result(folder)[:2] == whole[:2]


def _write_at(path: Path, place: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(data)


def test_the_record_binds_array_and_index(folder: Path) -> None:
    """The record has size and SHA-256 of both, as any tool computes them."""
    assert _run(folder, "in", "out.npy").returncode == 0
    record = json.loads((folder / "out.run.json").read_text())
    said = subprocess.run(
        ["sha256sum", "out.npy", "out.index.csv"], cwd=folder, capture_output=True, text=True, check=True
    )

    assert [line.split()[0] for line in said.stdout.splitlines()] == [
        record[part]["sha256"] for part in ("array", "index")
    ]
    assert record["array"]["bytes"] == (folder / "out.npy").stat().st_size


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    disk = folder / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=False, capture_output=True
    ).returncode:
        pytest.skip("only root may mount a small file system")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_keeps_what_is_done(folder: Path, small_disk: Path) -> None:
    """One sentence, exit 1, the old output untouched; with room again, --resume gives an unbroken run's bytes."""
    hops = ("--set", "clips.hop=1", *BATCH)  # 16 bytes a row, a line of index of 40: so the index fills it
    assert _run(folder, "in/00.wav", "disk/out.npy", *hops).returncode == 0
    before = _result(small_disk)
    full = _run(folder, "in", "disk/out.npy", "--force", *hops)
    kept = _result(small_disk)
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
    again = _run(folder, "in", "disk/out.npy", "--resume", *hops)
    assert _run(folder, "in", "out.npy", *hops).returncode == 0

    assert full.returncode == 1
    assert full.stderr.count("\n") == 1
    assert "cannot be written: No space left on device; free some space and run again; " in full.stderr
    assert (
        f"{FILES} finished files are kept in disk/out.partial: go on with specfeat extract --resume in disk/out.npy"
        in full.stderr
    )
    assert kept == before
    assert (again.returncode, again.stderr) == (0, "")
    assert _result(small_disk)[:2] == _result(folder)[:2]


def test_a_file_size_limit_keeps_what_is_done(folder: Path) -> None:
    """The limit strikes among the rows: those of the files before it are kept, and --resume goes on with them."""
    hops = ("--set", "clips.hop=1", *BATCH)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    limited = _run(folder, "in", "out.npy", *hops, preexec_fn=limit)
    again = _run(folder, "in", "out.npy", "--resume", *hops)
    result = _result(folder)
    assert _run(folder, "in", "out.npy", "--force", *hops).returncode == 0

    assert limited.returncode == 1
    assert limited.stderr.startswith("specfeat: out.partial/rows.npy: cannot be written: File too large; ")
    assert (
        " finished files are kept in out.partial: go on with specfeat extract --resume in out.npy"
        in limited.stderr
    )
    assert (again.returncode, again.stderr) == (0, "")
    assert result == _result(folder)


def test_a_work_folder_that_is_removed(folder: Path) -> None:
    """The run fails with one sentence and leaves nothing."""
    process = _started(folder, "in", "out.npy")
    shutil.rmtree(folder / "out.partial")
    said = process.communicate(timeout=30)[1]

    assert process.returncode == 1
    assert said.count("\n") == 1
    assert "out.partial: has been removed, or taken by another run; nothing is written" in said
    assert _names(folder) == []


def test_the_commit_is_completed_by_whoever_comes(folder: Path) -> None:
    """A run that was killed between the moves is completed by the next one, also by one that is refused."""
    assert _run(folder, "in", "out.npy").returncode == 0
    whole = _result(folder)
    for moved in range(3):
        _work_folder(folder)
        for name, inside in [("run.json", "run.json"), ("index.csv", "index.csv"), ("npy", "rows.npy")][
            : 3 - moved
        ]:
            (folder / f"out.{name}").rename(folder / "out.partial" / inside)
        done = _run(folder, "in", "out.npy")

        assert (done.returncode, "exists already" in done.stderr) == (2, True)
        assert _names(folder) == WHOLE
        assert _result(folder) == whole


def test_out_and_out_npy_share_a_work_folder(folder: Path) -> None:
    """What was decided or begun for the one never becomes the other."""
    _killed(folder, "in", "out.npy")
    refused = _run(folder, "in", "out", "--resume", *BATCH)
    assert _run(folder, "in", "out.npy", "--resume", *BATCH).returncode == 0
    _work_folder(folder)
    for name, inside in [("run.json", "run.json"), ("index.csv", "index.csv"), ("npy", "rows.npy")]:
        (folder / f"out.{name}").rename(folder / "out.partial" / inside)
    completed = _run(folder, "in", "out", *BATCH)

    assert (refused.returncode, completed.returncode) == (2, 2)
    assert "was begun otherwise (output: out.npy then, out now)" in refused.stderr
    assert _names(folder) == WHOLE


def _work_folder(folder: Path) -> Path:
    """Make a work folder as a run that was killed leaves it, but for what it had done."""
    work = folder / "out.partial"
    work.mkdir()
    (work / "lock").write_text("specfeat 1\n")
    return work


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


FOREIGN = ["mine", "journal", "rows.npy", "array.npy", "index.csv", "new.json", "run.json", "lock"]


def test_a_foreign_folder_of_that_name_is_not_touched(folder: Path) -> None:
    """What is no work folder of specfeat's stays as it is, whatever its files are called: exit 2, also with --force."""
    (folder / "out.partial").write_text("mine")
    refused = _run(folder, "in", "out.npy")
    (folder / "out.partial").unlink()
    (folder / "out.partial").mkdir()
    for name in FOREIGN:
        (folder / "out.partial" / name).write_text("mine")
    before = _contents(folder)
    foreign = _run(folder, "in", "out.npy", "--force")
    for name in ("lock", "run.json", "journal"):
        (folder / "out.partial" / name).unlink()
    without = _run(folder, "in", "out.npy", "--force")

    assert (refused.returncode, refused.stderr) == (
        2,
        "specfeat: out.partial: is in the way; it is to be the work folder\n",
    )
    for done in (foreign, without):
        assert done.returncode == 2
        assert done.stderr == (
            "specfeat: out.partial: is in the way: it is to be the work folder, but specfeat has not made it; "
            "rename or remove it\n"
        )
    for name in ("lock", "run.json", "journal"):
        del before[f"out.partial/{name}"]
    assert _contents(folder) == before


def test_links_and_fifos_in_a_work_folder(folder: Path) -> None:
    """No link is followed and no FIFO is waited for; neither is the work folder itself a link."""
    (folder / "precious").write_text("mine")
    codes = []
    for name in ("rows.npy", "journal", "index.csv"):
        work = _work_folder(folder)
        (work / name).symlink_to("../precious")
        codes.append(_run(folder, "in", "out.npy", "--force").returncode)
        shutil.rmtree(work, ignore_errors=True)
    work = _work_folder(folder)
    os.mkfifo(work / "journal")
    fifo = _run(folder, "in", "out.npy", "--force", timeout=20)
    (work / "journal").unlink()
    (work / "lock").unlink()
    (work / "lock").symlink_to("../precious")
    lock = _run(folder, "in", "out.npy")
    shutil.rmtree(work, ignore_errors=True)
    (folder / "elsewhere").mkdir()
    work.symlink_to("elsewhere")
    link = _run(folder, "in", "out.npy")

    assert (folder / "precious").read_text() == "mine"
    assert set(codes) <= {0, 2}
    assert (fifo.returncode, fifo.stderr) == (
        2,
        "specfeat: out.partial/journal: is not a regular file, so specfeat has not made it; remove it\n",
    )
    assert (lock.returncode, "out.partial/lock: is a link" in lock.stderr) == (2, True)
    assert (link.returncode, "out.partial: is in the way" in link.stderr) == (2, True)


def test_a_decision_is_about_what_lies_there(folder: Path) -> None:
    """A `run.json` that is none, or not the one of the files beside it, replaces nothing: exit 2."""
    assert _run(folder, "in", "out.npy").returncode == 0
    record = (folder / "out.run.json").read_text()
    work = _work_folder(folder)
    before = _result(folder)
    shutil.copy(folder / "out.index.csv", work / "index.csv")
    for text, rows in (("{}", b""), ("[" * 10**5, b""), (record, b"others")):
        (work / "run.json").write_text(text)
        (work / "rows.npy").write_bytes(rows)
        done = _run(folder, "in", "out.npy", "--update")

        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert done.stderr.startswith(
            "specfeat: out.partial/run.json: is not a decision of specfeat's, or not"
        )
        assert _result(folder) == before
    assert (work / "rows.npy").read_bytes() == b"others"


def test_an_input_in_the_work_folder_is_refused(folder: Path) -> None:
    """It would be lost with the folder; by its own name or through a link."""
    work = _work_folder(folder)
    _sound(work / "x.wav", 1.0, 0)
    (folder / "in/link.wav").symlink_to("../out.partial/x.wav")
    for inputs in ("out.partial/x.wav", "in", "."):
        done = _run(folder, inputs, "out.npy", "--force")

        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "x.wav: lies in the work folder out.partial" in done.stderr.replace("link.wav", "x.wav")
    assert (work / "x.wav").exists()


def test_a_work_folder_that_is_another_runs_now(folder: Path) -> None:
    """A run whose folder was removed, and made anew by a second run, writes nothing; the second is not disturbed."""
    first = _started(folder, "in", "out.npy", pause_s=0.2)
    shutil.rmtree(folder / "out.partial")
    second = _started(folder, "in", "out.npy", pause_s=0.4)
    said = first.communicate(timeout=30)[1]
    absent = not (folder / "out.npy").exists()
    told = second.communicate(timeout=30)[1]
    result = _result(folder)
    assert _run(folder, "in", "out.npy", "--force", *BATCH).returncode == 0

    assert (first.returncode, absent) == (1, True)
    assert said == "specfeat: out.partial: has been removed, or taken by another run; nothing is written\n"
    assert (second.returncode, told) == (0, "")
    assert result == _result(folder)


@pytest.mark.parametrize("name", WHOLE)
def test_what_appears_during_the_run_is_not_replaced(folder: Path, name: str) -> None:
    """Where nothing was when the run began, a file of somebody's stays; what is done is kept."""
    process = _started(folder, "in", "out.npy", pause_s=0.05)
    (folder / name).write_text("mine")
    said = process.communicate(timeout=30)[1]
    again = _run(folder, "in", "out.npy", "--resume", *BATCH)

    assert process.returncode == 1
    assert said.startswith(
        f"specfeat: {name}: has appeared or changed during the run, so it is not replaced; "
    )
    assert f"{FILES} finished files are kept in out.partial" in said
    assert again.returncode == 2
    assert (folder / name).read_text() == "mine"


def _lie(record: dict[str, Any], where: str, value: object) -> dict[str, Any]:
    """Return a record with another value at a dotted path; without the key if that is `...`."""
    lying: Any = json.loads(json.dumps(record))
    *way, last = (int(part) if part.isdecimal() else part for part in where.split("."))
    inner = lying
    for part in way:
        inner = inner[part]
    inner[last] = value
    if value is ...:
        del inner[last]
    return lying  # type: ignore[no-any-return]


LIES: list[tuple[str, object]] = [
    ("files.0.rows", -1),
    ("files.0.rows", 2**62),
    ("files.0.rows", True),
    ("files.0.samples", "8000"),
    ("files.0.samples", 2**62),
    ("files.0.status", "well"),
    ("files.0.path", 5),
    ("files.0.size", ...),
    ("files", {}),
    ("rows", 3),
    ("features", 0),
    ("features", 2**40),
    ("format", 2),
    ("passed_over", None),
    ("seconds", "x"),
    ("config.resolved.model", 1),
    ("weights", []),
    ("device", 7),
    ("versions.python", ...),
    ("array.sha256", ...),
]


def test_a_record_that_lies_is_refused(folder: Path) -> None:
    """Whatever of it is used is checked on reading; a lie that only the config shows, too: exit 2, one sentence."""
    from specfeat.output.record_json import RecordFaultError, parse_record

    def find_record_fault(record: Any) -> str:
        try:
            parse_record(json.dumps(record).encode())
        except RecordFaultError as e:
            return str(e)
        return ""

    assert _run(folder, "in", "out.npy", *BATCH).returncode == 0
    whole = _result(folder)
    record = json.loads((folder / "out.run.json").read_text())
    assert find_record_fault(record) == ""
    assert find_record_fault(_lie(record, "files.0.path", "odd\udcff.wav")) == ""
    assert [where for where, value in LIES if not find_record_fault(_lie(record, where, value))] == []
    assert find_record_fault([record])
    for where, value in [LIES[0], ("files.0.samples", 2**50), ("files.0.status", "failed"), ("features", 2)]:
        (folder / "out.run.json").write_text(json.dumps(_lie(record, where, value)))
        done = _run(folder, "in", "out.npy", "--update", *BATCH, timeout=60)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), where
    assert _run(folder, "in", "out.npy", "--update", "--force", *BATCH).returncode == 0
    assert _result(folder) == whole


def test_a_journal_that_lies_is_refused(folder: Path) -> None:
    """With a right checksum, too: what it says must fit the rows and the config; --force begins anew."""
    _killed(folder, "in", "out.npy", files=3)
    path = folder / "out.partial/journal"
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
        refused = _run(folder, "in", "out.npy", "--resume", *BATCH)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert refused.stderr.startswith("specfeat: out.partial: has been damaged (")
        assert refused.stderr.endswith("); begin anew with --force\n")
    assert _run(folder, "in", "out.npy", "--resume", "--force", *BATCH).returncode == 0
    assert _names(folder) == WHOLE


def test_another_device_then_is_made_anew_with_force(folder: Path) -> None:
    """What shows only when the network is there is no reason for --update --force to ask."""
    assert _run(folder, "in", "out.npy").returncode == 0
    whole = _result(folder)
    record = json.loads((folder / "out.run.json").read_text())
    (folder / "out.run.json").write_text(json.dumps({**record, "device": "x"}))
    _sound(folder / "in/00.wav", 0.5, 0)
    refused = _run(folder, "in", "out.npy", "--update")
    anew = _run(folder, "in", "out.npy", "--update", "--force")

    assert (refused.returncode, anew.returncode) == (2, 0)
    assert "was made otherwise (device: x then, cpu now); --force" in refused.stderr
    assert _result(folder)[:2] == whole[:2]


def test_where_no_output_can_be(folder: Path) -> None:
    """A link, names that are too long and a folder that is gone are one sentence before any work."""
    (folder / "link.npy").symlink_to("in/00.wav")
    (folder / "dangling.npy").symlink_to("nowhere")
    (folder / "gone").mkdir()
    gone = ["sh", "-c", 'cd gone && rmdir ../gone && exec "$@"', "sh", *COMMAND, f"{folder}/in", "out.npy"]
    without_folder = subprocess.run(gone, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    for name, code, sentence in (
        ("link.npy", 2, "link.npy: is a link to in/00.wav; name the file itself"),
        ("dangling.npy", 2, "dangling.npy: is a link to nowhere; name the file itself"),
        ("x" * 246, 2, "File name too long; give the output another name"),
        ("x" * 300, 2, "File name too long; give the output another name"),
    ):
        done = _run(folder, "in", name, "--force")
        assert (done.returncode, done.stderr.count("\n")) == (code, 1)
        assert sentence in done.stderr

    assert (without_folder.returncode, without_folder.stderr.count("\n")) == (1, 1)


def test_the_work_folder_is_no_input(folder: Path) -> None:
    """With the output among the inputs, neither it nor its work folder shows in the record: resumed or not, it is the same."""
    _killed(folder, ".", "out.npy")
    assert _run(folder, ".", "out.npy", "--resume", *BATCH).returncode == 0
    resumed = _result(folder)
    assert _run(folder, ".", "out.npy", "--force", *BATCH).returncode == 0

    assert resumed == _result(folder)
    assert resumed[2]["passed_over"] == []


def test_files_that_cannot_be_read_now_or_then(folder: Path) -> None:
    """A file is the same if it could be read neither then nor now; when it can be, it is extracted."""
    (folder / "in/03.wav").rename(folder / "away.wav")
    (folder / "in/03.wav").symlink_to("../gone.wav")
    first = _run(folder, "in", "out.npy")
    same = _run(folder, "in", "out.npy", "--update")
    (folder / "away.wav").rename(folder / "gone.wav")
    there = _run(folder, "in", "out.npy", "--update")

    assert [done.returncode for done in (first, same, there)] == [3, 3, 0]
    assert [done.stderr.count("\n") for done in (first, same, there)] == [1, 0, 0]


# Root's rights are taken from him, and he gets the environment and the sources on a file system that is read-only.
_POWERLESS = """
for place in "$1" "$2"; do mount --bind "$place" "$place" && mount -o remount,ro,bind "$place" || exit 99; done
shift 2
exec setpriv --bounding-set=-all --inh-caps=-all "$@"
"""


class Powerless:
    """A user without rights, who may not write to the Python environment, and a folder that is his own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._prefix: list[str] = []
        if not os.geteuid():
            read_only = [sys.prefix, str(Path(__file__).parents[2])]
            self._prefix = ["unshare", "-m", "sh", "-c", _POWERLESS, "sh", *read_only]

    def run(
        self,
        *arguments: str,
        program: Sequence[str] = COMMAND,
        locale: dict[str, str] | None = None,
        **options: Any,
    ) -> Done:
        """Run the command as cron does: no environment but the path, no terminal."""
        command = [*self._prefix, *program, *arguments]
        environment = {"PATH": os.environ["PATH"], **(locale or {})}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, **options
        )


@pytest.fixture
def powerless(tmp_path: Path) -> Powerless:
    user = Powerless(tmp_path)
    if not os.geteuid() and not all(map(shutil.which, ("unshare", "setpriv"))):
        pytest.skip("root's rights cannot be given up without unshare and setpriv")
    (tmp_path / "closed").mkdir(mode=0o555)
    tried = user.run("-c", "open('closed/x', 'w')", program=[sys.executable])
    if "PermissionError" not in tried.stderr:
        pytest.skip(f"rights cannot be given up here: {tried.stderr}")
    return user


def test_what_may_not_be_read_or_written(powerless: Powerless) -> None:
    """A read-only folder is one sentence before any work; a file without permission fails, and stands as failed."""
    for name in ("a", "b"):
        _sound(powerless.folder / f"{name}.wav", 1.0, 0)
    (powerless.folder / "b.wav").chmod(0)
    closed = powerless.run("a.wav", "closed/out.npy", "-q")
    first = powerless.run("a.wav", "b.wav", "out.npy", "-q")
    same = powerless.run("a.wav", "b.wav", "out.npy", "-q", "--update")
    (powerless.folder / "w.h5").touch(mode=0)
    weights = powerless.run("a.wav", "new.npy", "-q", "--set", "model.weights.file=w.h5")
    (powerless.folder / "b.wav").chmod(0o644)
    readable = powerless.run("a.wav", "b.wav", "out.npy", "-q", "--update")

    assert [done.returncode for done in (closed, first, same, readable, weights)] == [1, 3, 3, 0, 2]
    assert weights.stderr == (
        "specfeat: --set model.weights.file=w.h5: model.weights.file: "
        "w.h5: may not be read: permission denied\n"
    )
    assert closed.stderr == "specfeat: closed: the folder may not be written to: permission denied\n"
    assert first.stderr.startswith("specfeat: b.wav: ")
    assert (same.stderr, readable.stderr) == ("", "")


_ANYWHERE = ["in/grüße.wav", "in/日本.wav", "in/odd\udcff.wav"]


def _as_cron(user: Powerless, program: list[str]) -> None:
    (user.folder / "in").mkdir()
    for k, name in enumerate(_ANYWHERE):
        _sound(user.folder / "plain.wav", 1.0, k)
        (user.folder / "plain.wav").rename(user.folder / name)
    how = ["in", "out.npy", "-c", "minimal", "-q", "--update"]
    for locale in ({}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
        done = user.run(*how, program=program, locale=locale, umask=0o077, preexec_fn=lambda: os.close(0))
        index = (user.folder / "out.index.csv").read_bytes()
        paths = [entry["path"] for entry in json.loads((user.folder / "out.run.json").read_text())["files"]]

        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert paths == sorted(_ANYWHERE, key=os.fsencode)
        assert all(os.fsencode(name) in index for name in _ANYWHERE)
        assert sorted(path.name for path in user.folder.iterdir()) == ["closed", "in", *WHOLE]
        assert {path.stat().st_mode & 0o777 for path in user.folder.glob("out*")} == {0o600}
        for path in user.folder.glob("out*"):
            path.unlink()


def test_cron(powerless: Powerless) -> None:
    """No environment, no HOME, no stdin, umask 077, C locales, a Python that may not be written to: quiet and correct."""
    _as_cron(powerless, COMMAND)


@pytest.mark.tf
def test_cron_with_tensorflow(powerless: Powerless) -> None:
    """TensorFlow and Keras need none of that, either, and leave nothing behind."""
    _as_cron(powerless, [sys.executable, "-m", "specfeat", "extract"])


def test_a_signal_that_is_ignored_stays_ignored(folder: Path) -> None:
    """`nohup specfeat ...` goes on when its terminal is closed."""
    settings = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    environment = {**os.environ, "FAKE_NETWORK_PAUSE_S": "0.05"}
    command = [*COMMAND, "in", "out.npy", "-c", "minimal", "--set", "model.batch=4", "-q"]
    process = subprocess.Popen(command, cwd=folder, env=environment, **settings)  # type: ignore[call-overload]
    while not (folder / "out.partial" / "journal").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGHUP)

    assert process.wait(timeout=60) == 0
    assert (folder / "out.npy").exists()


def test_names_do_not_command_the_terminal(folder: Path) -> None:
    """An output with an escape in its name is shown with the escape spelt out."""
    command = [*COMMAND, "in", "o\x1b[31mut.npy", "-c", "minimal"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)

    assert r"o\x1b[31mut.npy: " in done.stderr
    assert "\x1b" not in done.stderr


def test_going_on_does_not_forget_what_failed(folder: Path) -> None:
    """A run that ended for its failures ends again, until they are mended or the limit is left out."""
    for k in (2, 4, 6):
        (folder / f"in/{k:02}.wav").write_text("no sound")
    ended = _run(folder, "in", "out.npy", "--max-failures", "1")
    again = _run(folder, "in", "out.npy", "--max-failures", "1", "--resume")
    _sound(folder / "in/02.wav", 1.0, 0)
    (folder / "in/06.wav").unlink()
    mended = _run(folder, "in", "out.npy", "--max-failures", "1", "--resume")

    assert [done.returncode for done in (ended, again, mended)] == [1, 1, 3]
    assert "2 of 8 files have failed, so the run ends" in again.stderr


def test_what_is_left_out_is_told(folder: Path) -> None:
    """Clips that do not meet, and inputs under another spelling: both look like a run that went well."""
    clips = ["-c", "minimal", "--set", "clips.frames=5", "--set", "clips.hop=100"]
    _, first = (
        subprocess.run([*COMMAND, *words, *clips], cwd=folder, capture_output=True, text=True, check=True)
        for words in (["in", "out.npy"], [str(folder / "in"), "out.npy", "--update"])
    )

    assert "a clip of 0.05 s every 1 s leaves out what lies between; see clips.hop" in first.stderr
    assert "0 of 8 files are done already; the rows of 8 files are dropped: no input any more" in first.stderr


def test_keep_partial_by_command(folder: Path) -> None:
    """The rows before a break are those of a file that ends there, marked in index and record; without it, none."""
    samples = np.random.default_rng(9).normal(size=64_000).astype(np.float32) / 10
    soundfile.write(folder / "whole.wav", samples[:48_000], 16_000, subtype="FLOAT")
    samples[48_000] = np.nan
    soundfile.write(folder / "broken.wav", samples, 16_000, subtype="FLOAT")
    whole = _run(folder, "whole.wav", "whole.npy", *BATCH)
    kept = _run(folder, "broken.wav", "kept.npy", "--keep-partial", *BATCH)
    dropped = _run(folder, "broken.wav", "dropped.npy", *BATCH)
    entry = json.loads((folder / "kept.run.json").read_text())["files"][0]
    lines = (folder / "kept.index.csv").read_text().splitlines()[1:]

    assert [done.returncode for done in (whole, kept, dropped)] == [0, 3, 4]
    np.testing.assert_array_equal(np.load(folder / "kept.npy"), np.load(folder / "whole.npy"))
    assert (entry["status"], entry["cause"], entry["at_s"]) == ("partial", "not finite", 3.0)
    assert all(line.endswith(",partial") for line in lines)
    assert not (folder / "dropped.npy").exists()
