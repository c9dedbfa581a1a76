"""A shipped config with its authors' weights gives the features that the authors' own program gives.

The README of the folder with the references says which programs computed them.
"""

import csv
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from helpers.sample_data import Float

pytestmark = pytest.mark.tf

Segments = list[tuple[str, int, int]]


@pytest.fixture(scope="module")
def reference(shared: Path) -> Path:
    """The folder of the reference outputs."""
    return shared / "reference"


def _extract(folder: Path, config: str, weights: Path, sounds: list[Path], *values: str) -> list[Float]:
    """Run the command over files; return the rows of each file, found by the index."""
    values = (f"model.weights.file={weights}", *values)
    overrides = [word for value in values for word in ("--set", value)]
    inputs = map(os.fspath, sounds)
    command = [sys.executable, "-m", "specfeat", "extract", *inputs, "out.npy", "-c", config, "-q", "--force"]
    result = subprocess.run([*command, *overrides], cwd=folder, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    rows = np.load(folder / "out.npy")
    with (folder / "out.index.csv").open() as file:
        paths = np.array([line["path"] for line in csv.DictReader(file)])
    return [rows[paths == os.fspath(sound)] for sound in sounds]


@pytest.mark.parametrize("feature", ["embedding", "scores"])
def test_yamnet_relu6(reference: Path, tmp_path: Path, feature: str) -> None:
    """Every row agrees, also those of the padded end: embeddings to 1e-3 relative, scores to 1e-5."""
    names = ["speech", "music"]
    sounds = [reference / f"audio/{name}_16000.flac" for name in names]
    weights = reference / "yamnet/yamnet_relu6.h5"

    rows_of_sounds = _extract(tmp_path, "yamnet_relu6", weights, sounds, f"model.features={feature}")

    with np.load(reference / "yamnet/golden.npz") as golden:
        for rows, name in zip(rows_of_sounds, names, strict=True):
            expected = golden[f"{name}_{feature}"]
            assert rows.shape == expected.shape
            if feature == "embedding":
                np.testing.assert_allclose(rows, expected, rtol=1e-3, atol=1e-3 * expected.max() * 1e-2)
            np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-5 * max(1.0, expected.max()))


@pytest.fixture(scope="module")
def inaspeech(reference: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Float]:
    """The probabilities of speech, music and noise, one row per 20 ms, of the author's two recordings."""
    folder = reference / "inaspeech"
    sounds = [folder / name for name in ("musanmix.wav", "lamartine.wav")]
    weights = folder / "keras_speech_music_noise_cnn.hdf5"
    rows = _extract(tmp_path_factory.mktemp("ina"), "inaspeech", weights, sounds)
    return {sound.name: each for sound, each in zip(sounds, rows, strict=True)}


@pytest.mark.parametrize("name", ["musanmix.wav", "lamartine.wav"])
def test_inaspeech_gives_the_authors_probabilities(
    name: str, inaspeech: dict[str, Float], reference: Path
) -> None:
    """Every row agrees to 1e-4; the reference has the first 600 rows of the longer recording."""
    with np.load(reference / "inaspeech/golden.npz") as golden:
        expected = golden[f"{name}_keras_speech_music_noise_cnn_prob"]

    np.testing.assert_allclose(inaspeech[name][: len(expected)], expected, rtol=0, atol=1e-4)


def _viterbi(emission: NDArray[np.float64], stay: list[float], change: float) -> NDArray[np.intp]:
    """Return the most probable path through the states; all arguments are log probabilities."""
    transition = np.where(np.eye(len(stay), dtype=bool), stay, change)
    best, back = emission[0], []
    for row in emission[1:]:
        options = best[:, np.newaxis] + transition
        back.append(options.argmax(axis=0))
        best = options.max(axis=0) + row
    path = [int(best.argmax())]
    for step in reversed(back):
        path.append(int(step[path[-1]]))
    return np.array(path[::-1])


def _segments(path: NDArray[np.intp], labels: list[str], start: int = 0) -> Segments:
    edges = [0, *(np.flatnonzero(np.diff(path)) + 1), len(path)]
    pairs = itertools.pairwise(edges)
    return [(labels[path[a]], start + int(a), start + int(b)) for a, b in pairs if b > a]


def _energy(path: Path) -> NDArray[np.float64]:
    """Return the log energy of each frame: 400 samples every 160, each pre-emphasised separately."""
    sound, _ = soundfile.read(path, dtype="float32")
    frames = np.lib.stride_tricks.sliding_window_view(sound.astype(np.float64), 400)[::160]
    emphasised = frames - 0.97 * np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    with np.errstate(divide="ignore"):
        energy: NDArray[np.float64] = np.log((emphasised**2).sum(axis=1))
    return energy


def test_inaspeech_gives_the_authors_segmentation(inaspeech: dict[str, Float], reference: Path) -> None:
    """Two Viterbi decoders over energy and probabilities give the published segments, exact to 20 ms.

    The numbers (a threshold of 3 % of the mean energy, costs of 10^-150 and e^-5, 10^-80) are those of
    inaSpeechSegmenter's segmenter.py.
    """
    log_energy = _energy(reference / "inaspeech/musanmix.wav")
    with np.load(reference / "inaspeech/golden.npz") as golden:
        np.testing.assert_allclose(log_energy, golden["musanmix.wav_loge"], atol=1e-3)
    loud = log_energy > log_energy[np.isfinite(log_energy)].mean() + np.log(0.03)
    emission = np.log(np.where(np.stack([~loud, loud], axis=1), 1 - 1e-10, 1e-10))
    active = _viterbi(emission, [-5.0, 0.0], -150 * np.log(10))[::2]

    segments: Segments = []
    for label, start, end in _segments(active, ["noEnergy", "energy"]):
        if label == "noEnergy":
            segments.append((label, start, end))
            continue
        probabilities = np.log(inaspeech["musanmix.wav"][start:end].astype(np.float64))
        path = _viterbi(probabilities, [0.0] * 3, -80 * np.log(10))
        segments += _segments(path, ["speech", "music", "noise"], start)

    with (reference / "inaspeech/musanmix-smn-gender.csv").open() as file:
        lines = list(csv.DictReader(file, delimiter="\t"))
    expected = [
        (
            {"male": "speech", "female": "speech"}.get(line["labels"], line["labels"]),
            round(float(line["start"]) / 0.02),
            round(float(line["stop"]) / 0.02),
        )
        for line in lines
    ]
    assert segments == expected
