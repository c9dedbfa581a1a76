"""Searching and classifying with the real network, in one process."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from specfeat.cli import run_command_line

CONFIG = """\
audio: {sample_rate: 8000}
spectrogram: {n_fft: 256, hop_length: 80, mel: {n_mels: 16}, compress: {db: {}}}
clips: {frames: 20, hop: 10}
model:
  layers:
    - Conv2D: {name: conv, filters: 4, kernel_size: 3}
    - BatchNormalization: {name: norm}
    - ReLU: {name: relu}
    - GlobalAveragePooling2D: {name: mean}
  features: [mean, {conv: {pool: max+std, over: time}}]
  weights: {random: 3}
  batch: 8
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write three recordings, each with a second of noise and a second of a tone, and extract their features."""
    monkeypatch.chdir(tmp_path)
    times = np.arange(8000) / 8000
    Path("recordings").mkdir()
    for number in range(3):
        noise = np.random.default_rng(number).normal(0, 0.1, 8000)
        tone = 0.3 * np.sin(2 * np.pi * (900 + 50 * number) * times)
        soundfile.write(f"recordings/{number}.wav", np.concatenate([noise, tone]), 8000)
    Path("my.yaml").write_text(CONFIG)
    assert run_command_line(["extract", "recordings", "out.npy", "-c", "my.yaml", "-q"]) == 0
    return tmp_path


@pytest.mark.tf
def test_an_example_and_a_classifier_agree_with_the_extraction(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An example has the row of its clip in the whole file, and a config with the classifier gives its scores."""
    Path("moved").mkdir()
    Path("recordings/0.wav").rename("moved/copy.wav")  # so that the example is not left out as itself
    Path("recordings/0.wav").write_bytes(Path("moved/copy.wav").read_bytes())
    like = [
        "search",
        "out.npy",
        "--like",
        "moved/copy.wav@0.4-0.6",
        "--metric",
        "euclidean",
        "-k",
        "2",
        "--json",
    ]
    assert run_command_line(like) == 0
    best, second = json.loads(capsys.readouterr().out)["hits"]
    assert (best["path"], best["start_s"]) == ("recordings/0.wav", 0.4)
    # The clip is not at the edge of a sound; FFTs of other numbers of frames can differ in their last bits.
    assert best["distance"] < 1e-4 < 0.1 < second["distance"]

    record = json.loads(Path("out.run.json").read_text())
    record["weights"] = {"random": 4}
    Path("other.run.json").write_text(json.dumps(record | {"output": "other.npy"}))
    for suffix in (".npy", ".index.csv"):
        Path(f"other{suffix}").write_bytes(Path(f"out{suffix}").read_bytes())
    assert run_command_line(["search", "other.npy", "--like", "moved/copy.wav"]) == 2
    assert "(weights.random: 4, now 3)" in capsys.readouterr().err

    lines = [
        f"{n}.wav,{start},{start + 1},{label}"
        for n in range(3)
        for start, label in ((0, "noise"), (1, "tone"))
    ]
    Path("labels.csv").write_text("\n".join(["path,start,end,label", *lines]))
    fit = ["classify", "fit", "out.npy", "labels.csv", "model", "--head", "scores.yaml"]
    assert run_command_line(fit) == 0
    assert run_command_line(["classify", "apply", "out.npy", "model", "-o", "scores.csv"]) == 0
    assert run_command_line(["extract", "recordings", "scores.npy", "-c", "scores.yaml"]) == 0
    with Path("scores.csv").open() as file:
        scores = [[float(line["noise"]), float(line["tone"])] for line in csv.DictReader(file)]
    assert np.load("scores.npy") == pytest.approx(np.array(scores), abs=1e-3)
    assert np.ptp(scores) > 0.9
