"""Earlier rows are used only if everything that affects the numbers is unchanged."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.command_runs import SMALL_BATCH, kill_extract, read_output, run_extract, write_sound
from specfeat.config import load_config
from specfeat.files import identify_weights_file
from specfeat.output.previous_run import PreviousRun
from specfeat.output.records import Provenance
from specfeat.run.provenance import collect_provenance
from specfeat.run.provenance_comparer import ProvenanceComparer

pytestmark = pytest.mark.slow


def test_another_config_is_refused_with_the_difference(sound_folder: Path) -> None:
    """Unfinished work and an output with other settings are refused: exit 2, and the message says what differs."""
    kill_extract(sound_folder, "in", "out.npy")
    refused_run = run_extract(sound_folder, "in", "out.npy", "--resume", "--set", "model.batch=32")
    resumed_run = run_extract(sound_folder, "in", "out.npy", "--resume", *SMALL_BATCH)
    update_run = run_extract(
        sound_folder, "in", "out.npy", "--update", "--set", "model.weights.random=7", *SMALL_BATCH
    )
    before = read_output(sound_folder)
    resume_run = run_extract(sound_folder, "in", "out.npy", "--resume", "--set", "clips.hop=14", *SMALL_BATCH)
    forced_run = run_extract(
        sound_folder, "in", "out.npy", "--update", "--force", "--set", "clips.hop=14", *SMALL_BATCH
    )

    assert [run.returncode for run in (refused_run, resumed_run, update_run, resume_run, forced_run)] == [
        2,
        0,
        2,
        2,
        0,
    ]
    assert refused_run.stderr == (
        "specfeat: out.partial: was started with different settings (model.batch: 4, now 32); "
        "use the same settings to continue the unfinished run, or --force to start again\n"
    )
    assert "model.weights.random: 0, now 7" in update_run.stderr
    assert (
        "out.npy: was made with different settings (clips.hop: null, now 14); use --force to recompute everything"
        in resume_run.stderr
    )
    assert read_output(sound_folder) != before


def test_another_environment_is_refused(sound_folder: Path) -> None:
    """OpenBLAS may be set up in a shell and not in cron; this changes bits, so the rows are not used."""
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    first_run = run_extract(
        sound_folder, "in", "out.npy", env={**environment, "OPENBLAS_CORETYPE": "Haswell"}
    )
    (sound_folder / "in/00.wav").unlink()
    update_run = run_extract(sound_folder, "in", "out.npy", "--update", env=environment)

    assert (first_run.returncode, update_run.returncode) == (0, 2)
    assert "(environment.OPENBLAS_CORETYPE: Haswell, now null)" in update_run.stderr


# Before a network is built, the first bytes of its weights are checked.
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def test_other_weights_are_refused(sound_folder: Path) -> None:
    """The content of the file counts; a file that was only touched, or lies elsewhere, is the same."""
    (sound_folder / "w.h5").write_bytes(HDF5_SIGNATURE + b"one")
    arguments = ["in", "out.npy", "--update", "--set"]
    first_run = run_extract(sound_folder, *arguments, "model.weights.file=w.h5")
    os.utime(sound_folder / "w.h5", (0, 0))
    touched_run = run_extract(sound_folder, *arguments, "model.weights.file=w.h5")
    shutil.copy(sound_folder / "w.h5", sound_folder / "v.h5")
    moved_run = run_extract(sound_folder, *arguments, "model.weights.file=v.h5")
    (sound_folder / "w.h5").write_bytes(HDF5_SIGNATURE + b"two")
    other_run = run_extract(sound_folder, *arguments, "model.weights.file=w.h5")

    assert [run.returncode for run in (first_run, touched_run, moved_run, other_run)] == [0, 0, 0, 2]
    assert (
        "out.npy: was made with different settings (weights.sha256: fdcf2cfcfb81e13e50cef8574a5db46d2880246e85dc4b9e8319490f2288611d, now 31c6a6b7"
        in other_run.stderr
    )


@pytest.mark.parametrize("name", ["v.h5", "w.h5"])
def test_other_weights_of_the_same_size_and_time_are_refused(sound_folder: Path, name: str) -> None:
    """Two networks of one architecture may have the same size and time, side by side or one after the other."""
    (sound_folder / "w.h5").write_bytes(HDF5_SIGNATURE + b"one")
    os.utime(sound_folder / "w.h5", (0, 0))
    first_run = run_extract(sound_folder, "in", "out.npy", "--set", "model.weights.file=w.h5")
    (sound_folder / name).write_bytes(HDF5_SIGNATURE + b"two")
    os.utime(sound_folder / name, (0, 0))
    other_run = run_extract(sound_folder, "in", "out.npy", "--update", "--set", f"model.weights.file={name}")

    assert (first_run.returncode, other_run.returncode) == (0, 2)
    assert "out.npy: was made with different settings (weights.sha256: " in other_run.stderr


def test_weights_that_are_the_same_file_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run with nothing to do is fast however large the weights are; they are read only in case of doubt."""
    path = tmp_path / "w.h5"
    path.write_bytes(HDF5_SIGNATURE + b"one")
    config = load_config("minimal", [f"model.weights.file={path}"])
    identity = identify_weights_file(str(path))
    noted: dict[str, object] = {"file": "w.h5", "sha256": "same", **identity}
    provenance = replace(collect_provenance(config), weights=noted, device="cpu")
    hashed: list[str] = []

    def compute_weights_hash(name: str) -> str:
        hashed.append(name)
        return "other"

    monkeypatch.setattr("specfeat.weights.files.source.compute_weights_hash", compute_weights_hash)
    comparer = ProvenanceComparer(config, "cpu", keep_partial=False)

    def describe_differences(provenance: Provenance) -> str:
        run = PreviousRun(rows_path=tmp_path / "out.npy", provenance=provenance, entries=())
        return comparer.describe_differences(run)

    assert (describe_differences(provenance), hashed) == ("", [])
    for name in identity:
        changed = {**noted, name: 0}
        assert "weights.sha256" in describe_differences(replace(provenance, weights=changed)), name
        del changed[name]
        assert "weights.sha256" in describe_differences(replace(provenance, weights=changed)), name


def test_another_device_is_recomputed_with_force(sound_folder: Path) -> None:
    """With --update --force, a difference that is known only once the network is built ends no run."""
    assert run_extract(sound_folder, "in", "out.npy").returncode == 0
    original_output = read_output(sound_folder)
    record = json.loads((sound_folder / "out.run.json").read_text())
    (sound_folder / "out.run.json").write_text(json.dumps({**record, "device": "x"}))
    write_sound(sound_folder / "in/00.wav", 0.5, 0)
    refused_run = run_extract(sound_folder, "in", "out.npy", "--update")
    forced_run = run_extract(sound_folder, "in", "out.npy", "--update", "--force")

    assert (refused_run.returncode, forced_run.returncode) == (2, 0)
    assert "was made with different settings (device: x, now cpu); use --force" in refused_run.stderr
    assert read_output(sound_folder)[:2] == original_output[:2]
