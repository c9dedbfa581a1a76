"""`specfeat train` and then `specfeat extract`, as a user calls them."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from helpers.forked_commands import run_forked
from helpers.specfeat_command import run_in_this_process
from helpers.training_data import CONFIG, write_tones
from specfeat.config import load_config

pytestmark = [pytest.mark.tf, pytest.mark.slow]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sounds in `in` and a training in `run`."""
    folder = tmp_path_factory.mktemp("trained")
    write_tones(folder / "in")
    (folder / "my.yaml").write_text(CONFIG)
    done = run_forked(folder, "train", "in", "run", "-c", "my.yaml", "--epochs", 12, "--threads", 1)
    assert done.returncode == 0, done.stderr
    (folder / "stderr.txt").write_text(done.stderr)
    return folder


def test_the_classes_of_tones_are_found(trained: Path) -> None:
    """Three tones are told apart on sounds that were held back, and the last lines say how well."""
    metrics = json.loads((trained / "run" / "metrics.json").read_text())["validation"]

    assert metrics["sounds"]["accuracy"] > 0.95
    assert [scores["name"] for scores in metrics["sounds"]["classes"]] == ["2000", "400", "900"]
    assert np.trace(metrics["sounds"]["confusion"]) == metrics["sounds"]["count"] == 6
    assert "extract features with -c run/config.yaml" in (trained / "stderr.txt").read_text().splitlines()[-1]


def test_extraction_uses_the_trained_weights(trained: Path) -> None:
    """The config has the added layer and the hash of its weights; its features are those of the layer before it."""
    done = run_forked(trained, "extract", "in", "out.npy", "-c", "run/config.yaml")
    assert done.returncode == 0, done.stderr
    assert "random" not in done.stderr

    config = load_config(trained / "run" / "config.yaml")
    assert [layer.name for layer in config.settings.model.layers][-2:] == ["features", "classes"]
    assert np.load(trained / "out.npy").shape[1] == 8
    scores = run_forked(
        trained, "extract", "in", "scores.npy", "-c", "run/config.yaml", "--set", "model.features=classes"
    )
    assert scores.returncode == 0, scores.stderr
    names = [line["path"] for line in csv.DictReader((trained / "scores.index.csv").read_text().splitlines())]
    found = np.array(["2000", "400", "900"])[np.load(trained / "scores.npy").argmax(axis=1)]
    assert np.mean([f"/{label}/" in name for label, name in zip(found, names, strict=True)]) > 0.95


def test_what_a_training_leaves(trained: Path) -> None:
    """Each result is there, the history has a line for each epoch, and the parts have all sounds."""
    run = trained / "run"
    names = {path.name for path in run.iterdir()}

    assert names >= {
        *("best.weights.h5", "last.weights.h5", "config.yaml", "metrics.json", "history.csv", "split.csv"),
        *(
            "curves.png",
            "confusion_validation.csv",
            "confusion_validation.png",
            "model_card.md",
            "train.json",
        ),
    }
    assert {path.suffix for path in (run / "work").iterdir()} == {"", ".npz", ".json"}  # the clips are gone
    assert len((run / "history.csv").read_text().splitlines()) == 13
    assert len((run / "split.csv").read_text().splitlines()) == 31
    record = json.loads((run / "train.json").read_text())
    assert (record["epochs"], record["threads"], len(record["files"])) == (12, 1, 30)
    assert (run / "classes.csv").read_text() == "column,label\n0,2000\n1,400\n2,900\n"
    assert "the layer 'classes' of config.yaml gives the scores" in (trained / "stderr.txt").read_text()
    assert "classes.csv: the layer `classes`" in (run / "model_card.md").read_text()
    assert all(len(file["sha256"]) == 64 for file in record["files"])
    assert record["weights_sha256"] in (run / "model_card.md").read_text()


def test_a_finished_training_is_not_overwritten(trained: Path) -> None:
    """Without --resume or --force, the training is refused; with --resume, there is nothing to do."""
    words = ("train", "in", "run", "-c", "my.yaml", "--epochs", 12, "--threads", 1)
    before = (trained / "run" / "best.weights.h5").stat().st_mtime_ns
    refused = run_in_this_process(trained, *words)
    resumed = run_in_this_process(trained, *words, "--resume")
    changed = run_in_this_process(trained, *words, "--resume", "--set", "train.batch=8")

    assert refused.returncode == 2
    assert (
        "run: contains a finished training; use --resume with more --epochs to continue it, or --force"
        in refused.stderr
    )
    assert resumed.returncode == 0
    assert "the training is complete already; nothing is done" in resumed.stderr
    assert changed.returncode == 2
    assert "was started with different settings (train.batch: 16, now 8)" in changed.stderr
    assert (trained / "run" / "best.weights.h5").stat().st_mtime_ns == before
