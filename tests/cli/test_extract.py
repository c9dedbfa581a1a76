"""`specfeat extract` as a user runs it: the files that it writes, and what it refuses."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specfeat
from helpers import without_tensorflow
from helpers.forked_commands import run_forked
from helpers.specfeat_command import (
    SAMPLE,
    run_in_this_process,
    run_program,
    run_specfeat,
    write_noise,
)
from specfeat.config import load_config


def test_version_and_help(tmp_path: Path) -> None:
    """Both are printed to stdout with exit code 0; the help names the arguments, options and exit codes."""
    version = run_in_this_process(tmp_path, "--version")
    help_text = run_in_this_process(tmp_path, "extract", "-h")

    assert (version.returncode, version.stdout) == (0, f"specfeat {specfeat.__version__}\n")
    assert help_text.returncode == 0
    for word in ("[INPUTS]... [OUTPUT]", "--config", "--set", "--device", "--force", "--quiet", "--verbose"):
        assert word in help_text.stdout
    assert "Exit code:" in help_text.stdout


@pytest.mark.tf
def test_the_sample(tmp_path: Path) -> None:
    """Every row has a line in the index, NumPy and pandas read both, and the record says how they were made."""
    import pandas as pd

    run = run_specfeat(tmp_path, "extract", SAMPLE, "features.npy")
    rows = np.load(tmp_path / "features.npy")
    index = pd.read_csv(tmp_path / "features.index.csv")
    record = json.loads((tmp_path / "features.run.json").read_text())
    messages = run.stderr.splitlines()

    assert (run.returncode, run.stdout) == (0, "")
    assert rows.shape == (len(index), 640)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    assert list(index.columns) == ["row", "path", "channel", "start_s", "end_s", "padded", "status"]
    assert list(index["row"]) == list(range(len(rows)))
    assert list(dict.fromkeys(index["path"])) == [file["path"] for file in record["files"]]
    assert index.groupby("path", sort=False).size().tolist() == [file["rows"] for file in record["files"]]
    assert all(Path(path).is_file() for path in index["path"])
    assert ((index["padded"] >= 0) & (index["padded"] < 1)).all()

    assert len(messages) == 1
    assert messages[0].startswith(f"specfeat: features.npy: {len(rows)} rows x 640 features from ")

    assert record["rows"] == len(rows)
    assert record["weights"]["sha256"] == load_config().settings.model.weights.sha256
    assert record["device"] == "cpu" or record["device"].startswith("gpu:")
    assert record["config"]["sha256"] == load_config().settings.digest
    assert record["config"]["resolved"]["audio"]["res_type"] == "soxr_hq"
    assert {"specfeat", "tensorflow", "keras", "libsndfile", "soxr"} <= set(record["versions"])
    assert record["command"][1] == "extract"
    assert {file["status"] for file in record["files"]} == {"ok"}


@pytest.mark.tf
def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    """Array and index are the same, byte for byte; an output that exists is replaced only with --force."""
    for path in (tmp_path / "b", tmp_path / "a"):
        write_noise(path / "x.wav", 2.5, 22_050)
        write_noise(path / "y.flac", 0.2)
    words = ("extract", "b", "a", "out", "-q", "-c", "minimal")
    first_run = run_forked(tmp_path, *words)
    first_output = (tmp_path / "out").read_bytes(), (tmp_path / "out.index.csv").read_bytes()
    refused = run_in_this_process(tmp_path, *words)
    second_run = run_forked(tmp_path, *words, "--force")
    second_output = (tmp_path / "out").read_bytes(), (tmp_path / "out.index.csv").read_bytes()

    assert [run.returncode for run in (first_run, refused, second_run)] == [0, 2, 0]
    assert refused.stderr == (
        "specfeat: out: exists already; give the output another name, use --update to extract only new and changed files, "
        "or use --force to replace the output\n"
    )
    assert (first_run.stdout, first_run.stderr) == (second_run.stdout, second_run.stderr) == ("", "")
    assert first_output == second_output
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a",
        "b",
        "out",
        "out.index.csv",
        "out.run.json",
    ]


@pytest.mark.tf
@pytest.mark.parametrize("config", [["yamnet", "--set", "model.batch=4"], ["default"]], ids="".join)
def test_workers_and_threads_do_not_change_the_bytes(tmp_path: Path, config: list[str]) -> None:
    """Any number of workers, and of threads of a small or a large network, gives the same bytes."""
    for k in range(7):
        write_noise(tmp_path / f"in/{k}.wav", 0.3 + 0.8 * k)
    counts = {"a": (1, 1), "b": (3, 2), "c": (2, 5)}
    runs = [
        run_forked(
            tmp_path,
            *(
                "extract",
                "in",
                f"{name}.npy",
                "-q",
                "--workers",
                workers,
                "--threads",
                threads,
                "-c",
                *config,
            ),
        )
        for name, (workers, threads) in counts.items()
    ]
    outputs = {
        (tmp_path / f"{name}.npy").read_bytes() + (tmp_path / f"{name}.index.csv").read_bytes()
        for name in counts
    }

    assert [run.returncode for run in runs] == [0, 0, 0]
    assert len(outputs) == 1


@pytest.mark.tf
def test_a_run_without_terminal_and_home(tmp_path: Path) -> None:
    """As cron runs it: no environment, no stdin, no home folder; and a file gets no bar."""
    write_noise(tmp_path / "a.wav", 1)
    surroundings: dict[str, Any] = {"env": {"HOME": "/nonexistent"}, "stdin": subprocess.DEVNULL}
    run = run_specfeat(tmp_path, "extract", "a.wav", "out.npy", **surroundings)

    assert run.returncode == 0
    assert "\r" not in run.stderr


@pytest.mark.tf
def test_no_python_file_of_the_folder_is_imported(tmp_path: Path) -> None:
    """Python files beside the recordings, with the names of libraries, are not imported by a worker."""
    write_noise(tmp_path / "a.wav", 0.5)
    for name in ("soxr", "soundfile", "numpy", "queue"):
        (tmp_path / f"{name}.py").write_text("open('ran', 'w')")
    program = Path(sys.executable).with_name("specfeat")
    run = run_program(tmp_path, program, "extract", "a.wav", "o.npy", "-q")

    assert run.returncode == 0
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere", "o.npy"], "nowhere: no such file or folder; check its name, and "),
        ([".", "no/o.npy"], "no: no such folder for the output; make it first: mkdir -p no"),
        ([".", "o.TSV"], "o.TSV: specfeat does not write .tsv files, only .ark .ark-text .arrow .csv "),
        (
            [".", "-", "--resume"],
            "--resume cannot be used with the output -, because a run that writes to stdout leaves no file that",
        ),
        ([".", "new/"], "new/: names a folder; wanted the output's file name, e.g. new/out.npy"),
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
        (
            ["o.npy"],
            "INPUTS are missing; give INPUTS first and OUTPUT last, e.g. specfeat extract recordings/ out.npy",
        ),
        (
            [".", "o.npy", "--set", "model.weights.file=w.h5"],
            "--set model.weights.file=w.h5: model.weights.file: w.h5: no ",
        ),
        (
            ["a.wav", "b.WAV"],
            "b.WAV: is named like audio, and the output is an array; give INPUTS first",
        ),
        ([".", "o.npy", "--threads", "0"], "invalid value for '--threads': wanted at least 1; see "),
        ([".", "o.npy", "--workers", "x"], "invalid value for '--workers': wanted a whole number; see "),
        ([".", "o.npy", "--device", "tpu"], "device tpu: is not known; wanted auto, cpu, gpu or gpu:N"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line_and_2(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    """A typo in a path, an option or a config is one line on stderr and exit code 2."""
    run = run_in_this_process(tmp_path, "extract", *arguments)

    assert run.returncode == 2
    assert run.stderr.startswith(f"specfeat: {sentence}")
    assert run.stderr.count("\n") == 1
    assert run.stdout == ""


@pytest.mark.parametrize("name", ["in.wav", "sub/../in.wav"])
def test_an_input_is_never_written_over(tmp_path: Path, name: str) -> None:
    """An output that is also an input, or that is not an array, is refused even with --force."""
    write_noise(tmp_path / "in.wav", 0.1)
    (tmp_path / "sub").mkdir()
    before = (tmp_path / "in.wav").read_bytes()
    (tmp_path / "b.wav").write_bytes(before)
    np.save(tmp_path / "a.npy", np.zeros(3))
    over_input = run_in_this_process(tmp_path, "extract", "in.wav", name, "--force")
    over_sound = run_in_this_process(tmp_path, "extract", "in.wav", "b.wav", "--force")
    over_array = run_in_this_process(tmp_path, "extract", "in.wav", "a.npy", "a.npy", "--force")
    (tmp_path / "notes").write_text("not an array")
    over_text = run_in_this_process(tmp_path, "extract", "in.wav", "notes", "--force")

    assert [run.returncode for run in (over_input, over_sound, over_array)] == [2, 2, 2]
    assert over_input.stderr == (
        f"specfeat: {name}: would be written over the input 'in.wav'; give another name\n"
    )
    assert over_sound.stderr == (
        "specfeat: b.wav: is not an array, so it is not replaced; "
        "give INPUTS first and OUTPUT last, e.g. specfeat extract recordings/ out.npy\n"
    )
    assert over_text.returncode == 2
    assert over_text.stderr == (
        "specfeat: notes: is not an array, so it is not replaced; give the output another name, or remove notes\n"
    )
    assert over_array.stderr == (
        "specfeat: a.npy: would be written over the input 'a.npy'; give another name\n"
    )
    assert (tmp_path / "in.wav").read_bytes() == before


@pytest.mark.parametrize("name", ["d.npy", "loop.npy"])
def test_a_link_is_not_replaced(tmp_path: Path, name: str) -> None:
    """An output that is a link is refused in one line, also if it leads nowhere or to itself."""
    write_noise(tmp_path / "in.wav", 0.1)
    (tmp_path / "d.npy").symlink_to("nowhere")
    (tmp_path / "loop.npy").symlink_to("loop.npy")
    run = run_in_this_process(tmp_path, "extract", "in.wav", name)

    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert f"{name}: is a link to " in run.stderr


@pytest.mark.slow
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    """Exit code 1, one line, no new file, and the old output is kept; a limit on file sizes stands for a full disk."""
    write_noise(tmp_path / "a.wav", 0.5)
    (tmp_path / "out").mkdir()
    np.save(tmp_path / "out" / "o.npy", np.arange(3))
    before = (tmp_path / "out" / "o.npy").read_bytes()
    program = Path(without_tensorflow.__file__)
    command = f"{sys.executable} -B {program} extract a.wav out/o.npy --force -q"
    run = run_program(tmp_path, "bash", "-c", f"trap '' XFSZ; ulimit -f 1; exec {command}")

    assert run.returncode == 1
    assert run.stderr.startswith("specfeat: out/o")
    assert "cannot be written: File too large" in run.stderr
    assert run.stderr.count("\n") == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["o.npy"]
    assert (tmp_path / "out" / "o.npy").read_bytes() == before
