"""The output `-`: the features go to stdout, which has nothing else."""

import errno
import io
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from helpers.handmade_runs import NETWORK, HandmadeRuns, make_events
from helpers.specfeat_command import FinishedRun, run_in_this_process, run_program, write_noise
from specfeat.cli import run_command_line
from specfeat.cli.listener_group import ListenerGroup
from specfeat.cli.stdout_output import StdoutOutput, open_temporary_output
from specfeat.run.provenance import add_network
from specfeat.run.runner import RunOrigin, execute_plan

BinaryOutput = pytest.CaptureFixture[bytes]
STREAMED = ("csv", "jsonl", "ark-text")
COMMAND = (sys.executable, Path(__file__).parents[1] / "helpers" / "without_tensorflow.py")


def write_to_stdout(runs: HandmadeRuns, files: list[str], array_format: str, *overrides: str) -> None:
    """Run over some files with the output `-`."""
    with open_temporary_output(array_format) as paths:
        output = StdoutOutput(paths)
        listener = ListenerGroup(output, array_name=Path("-"))
        with output.work_folder as work_folder:
            plan = runs.make_plan(work_folder, files, *overrides)
            listener.on_plan(plan.config, plan)
            provenance = add_network(plan.provenance, NETWORK)
            origin = RunOrigin(command=("test",), folder=None)
            summary = execute_plan(plan, make_events(plan), provenance, origin, work_folder, listener)
        listener.on_output(summary, work_folder.paths.array, is_new=True)
    assert not paths.array.parent.exists()


@pytest.mark.parametrize("array_format", [*STREAMED, "npy", "npz", "h5", "ark", "tfrecord"])
def test_stdout_has_the_bytes_of_a_file(
    tmp_path: Path, capsysbinary: BinaryOutput, array_format: str
) -> None:
    """Rows are in the order of the inputs, also with names that are not UTF-8 and with float16."""
    folder = tmp_path / os.fsdecode(b"in \xff")
    folder.mkdir()
    runs = HandmadeRuns(folder, "out", array_format)
    files = runs.write_files(4)[::-1]
    overrides = ["rows.dtype=float16"] if array_format == "csv" else []
    runs.run(files, *overrides)
    write_to_stdout(runs, files, array_format, *overrides)

    assert capsysbinary.readouterr().out == runs.paths.array.read_bytes()


@pytest.mark.parametrize("array_format", STREAMED)
def test_text_is_written_while_the_run_goes_on(
    tmp_path: Path, capsysbinary: BinaryOutput, array_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a file has ended, its rows are on stdout."""
    sizes: list[int] = []

    def write_sound(output: StdoutOutput, event: object) -> None:
        on_sound_end(output, event)  # type: ignore[arg-type]  # the event is only passed on
        sizes.append(len(capsysbinary.readouterr().out))

    on_sound_end = StdoutOutput.on_sound_end
    monkeypatch.setattr(StdoutOutput, "on_sound_end", write_sound)
    runs = HandmadeRuns(tmp_path)
    write_to_stdout(runs, runs.write_files(3), array_format)

    assert len(sizes) == 3
    assert all(sizes)
    assert capsysbinary.readouterr().out == b""


def test_a_finished_output_can_be_printed(
    tmp_path: Path, capsysbinary: BinaryOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`specfeat convert out.npy - --format csv` writes the bytes of the file that it would write."""
    runs = HandmadeRuns(tmp_path)
    runs.run(runs.write_files(2))
    monkeypatch.chdir(tmp_path)
    assert run_command_line(["convert", "out.npy", "-", "--format", "csv", "-q"]) == 0
    assert run_command_line(["convert", "out.npy", "out.csv", "-q"]) == 0

    assert capsysbinary.readouterr().out == Path("out.csv").read_bytes()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--update"],
            "--update cannot be used with the output -, because a run that writes to stdout leaves no",
        ),
        (["--force"], "--force cannot be used with the output -"),
        (["--log-json", "-"], "--log-json -: stdout has the features already; write the log to a file"),
        (
            ["--format", "kaldi"],
            "-: the format kaldi is a folder, which stdout cannot have; name a folder, e.g. ",
        ),
    ],
)
def test_what_stdout_cannot_have_is_a_mistake(tmp_path: Path, options: list[str], sentence: str) -> None:
    """Exit code 2, before anything is read."""
    write_noise(tmp_path / "a.wav", 1)
    done = run_in_this_process(tmp_path, "extract", "a.wav", "-", *options)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"specfeat: {sentence}")


def test_no_temporary_folder_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If no temporary folder can be made, nothing is written to stdout."""

    def refuse(**_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", refuse)
    write_noise(tmp_path / "a.wav", 1)
    done = run_in_this_process(tmp_path, "extract", "a.wav", "-", "-c", "minimal")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "specfeat: -: no temporary folder can be made: No usable temporary directory found; set TMPDIR to a "
        "folder that can be written\n"
    )


@pytest.mark.parametrize(
    "error", [FileNotFoundError(2, "a"), OSError(5, "b", "file"), PermissionError(13, "c")]
)
def test_an_error_of_something_else_writes_nothing_to_stdout(
    error: OSError, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bug that raises the error of a file is raised, and stdout, which may have data, gets no line."""

    def fail() -> None:
        raise error

    monkeypatch.setattr("specfeat.inspection.config_schema.make_config_schema", fail)
    with pytest.raises(type(error)):
        run_command_line(["schema"])
    assert capsys.readouterr().out == ""


def run_in_shell(folder: Path, words: str, rest: str) -> FinishedRun:
    """Run `specfeat WORDS` with a fake network in a shell, and print its exit code to stderr."""
    return run_program(folder, "sh", "-c", f"({' '.join(map(str, COMMAND))} {words}; echo $? >&2) {rest}")


@pytest.mark.slow
def test_the_command_writes_data_alone(tmp_path: Path) -> None:
    """Messages are on stderr; a file that fails has no rows; a reader that ends gives 141."""
    write_noise(tmp_path / "a.wav", 3)
    (tmp_path / "b.wav").write_text("text")
    run = run_in_shell(tmp_path, "extract a.wav b.wav - --format jsonl -c minimal", "")
    unread = run_in_shell(tmp_path, "extract a.wav - -c minimal -q", "| true")

    assert {json.loads(line)["path"] for line in run.stdout.splitlines()} == {"a.wav"}
    assert run.stderr.splitlines()[-1] == "3"
    assert "specfeat: b.wav: is not audio" in run.stderr
    assert "specfeat: -: " in run.stderr
    assert unread.stderr == "141\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "b.wav"]


@pytest.mark.slow
def test_a_run_that_stops_cannot_be_continued(tmp_path: Path) -> None:
    """The message says so; the rows of the finished files are on stdout."""
    write_noise(tmp_path / "a.wav", 3)
    (tmp_path / "b.wav").write_text("text")
    run = run_in_shell(tmp_path, "extract a.wav b.wav - --format csv -c minimal --on-error stop -q", "")

    assert run.stderr.splitlines()[-1] == "1"
    assert "a run that writes to stdout cannot be continued" in run.stderr
    assert "--resume" not in run.stderr
    assert np.loadtxt(io.StringIO(run.stdout), delimiter=",", skiprows=1, usecols=-1).size
