"""A shipped config with its authors' weights gives the features that the authors' own program gives.

The README of the folder with the references says which programs computed them.
"""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from helpers.forked_commands import run_forked
from helpers.sample_data import Float
from helpers.specfeat_command import run_in_this_process
from specfeat.config.config_files import find_config_file

pytestmark = pytest.mark.tf


@pytest.fixture(scope="module")
def reference(shared: Path) -> Path:
    """The folder of the reference outputs."""
    return shared / "reference"


def _extract(folder: Path, config: str, weights: Path, sounds: list[Path], *values: str) -> list[Float]:
    """Run the command over files; return the rows of each file, found by the index."""
    values = (f"model.weights.file={weights}", *values)
    overrides = [word for value in values for word in ("--set", value)]
    words = ("extract", *sounds, "out.npy", "-c", config, "-q", "--force", *overrides)
    result = run_forked(folder, *words)
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


# The other networks of inaSpeechSegmenter: the layers are those of the configs in the published files.
OTHER_NETWORKS = {
    "speech_music": ([5, 4], "2", "same", 12, "keep: 21"),
    "male_female": ([3, 3], "[1, 2]", "valid", 28, "keep: 24"),
}


def write_config(folder: Path, name: str, weights: Path) -> Path:
    """Write the config of another network of inaSpeechSegmenter, for the spectrogram of the shipped config."""
    shipped = find_config_file("inaspeech").read_text()
    kernel, pool, padding, height, keep = OTHER_NETWORKS[name]
    layers = [f"Conv2D: {{filters: 64, kernel_size: {kernel}}}", "BatchNormalization: {}", "ReLU: {}"]
    if name == "male_female":
        layers += ["Conv2D: {filters: 64, kernel_size: 3}", "BatchNormalization: {}", "ReLU: {}"]
    layers += [f"MaxPooling2D: {{pool_size: {pool}}}"]
    layers += ["Conv2D: {filters: 128, kernel_size: 3}", "BatchNormalization: {}", "ReLU: {}"] * 2
    layers += [f"MaxPooling2D: {{pool_size: 2, padding: {padding}}}"]
    layers += ["Conv2D: {filters: 256, kernel_size: 3}", "BatchNormalization: {}", "ReLU: {}"]
    layers += [f"MaxPooling2D: {{pool_size: [{height}, 1]}}", "Flatten: {}"]
    layers += ["Dense: {units: 512}", "BatchNormalization: {}", "ReLU: {}"] * 4
    layers += ["Dense: {name: scores, units: 2, activation: softmax}"]
    text = shipped.partition("model:\n")[0].replace("keep: 21", keep) + "model:\n  layers:\n"
    text += "".join(f"    - {layer}\n" for layer in layers)
    text += f"  weights: {{file: {weights}, match: order}}\n  batch: 128\n"
    (folder / f"{name}.yaml").write_text(text)
    return folder / f"{name}.yaml"


@pytest.fixture(scope="module")
def inaspeech_folder(reference: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the outputs of the three networks for the author's two recordings."""
    folder, source = tmp_path_factory.mktemp("ina"), reference / "inaspeech"
    sounds = [source / name for name in ("musanmix.wav", "lamartine.wav")]
    weights = {name: source / f"keras_{name}_cnn.hdf5" for name in (*OTHER_NETWORKS, "speech_music_noise")}
    options = ["-c", "inaspeech", "--set", f"model.weights.file={weights['speech_music_noise']}"]
    commands: list[list[object]] = [["extract", *sounds, "speech_music_noise.npy", "-q", *options]]
    for name in OTHER_NETWORKS:
        config = write_config(folder, name, weights[name])
        commands.append(["extract", *sounds, f"{name}.npy", "-q", "-c", config])
    for command in commands:
        done = run_forked(folder, *command)
        assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.fixture(scope="module")
def inaspeech(inaspeech_folder: Path) -> dict[str, dict[str, Float]]:
    """The scores of each network, for each recording, one row per 20 ms."""
    return {name: _read_rows(inaspeech_folder, name) for name in (*OTHER_NETWORKS, "speech_music_noise")}


def _read_rows(folder: Path, name: str) -> dict[str, Float]:
    rows = np.load(folder / f"{name}.npy")
    with (folder / f"{name}.index.csv").open() as file:
        paths = np.array([Path(line["path"]).name for line in csv.DictReader(file)])
    return {path: rows[paths == path] for path in ("musanmix.wav", "lamartine.wav")}


@pytest.mark.parametrize("network", [*OTHER_NETWORKS, "speech_music_noise"])
@pytest.mark.parametrize("name", ["musanmix.wav", "lamartine.wav"])
def test_inaspeech_gives_the_authors_probabilities(
    name: str, network: str, inaspeech: dict[str, dict[str, Float]], reference: Path
) -> None:
    """Every row agrees to 1e-4; the reference has the first 600 rows of the longer recording."""
    with np.load(reference / "inaspeech/golden.npz") as golden:
        expected = golden[f"{name}_keras_{network}_cnn_prob"]

    np.testing.assert_allclose(inaspeech[network][name][: len(expected)], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("network", "published"), [("speech_music_noise", "smn-gender"), ("speech_music", "sm-gender")]
)
def test_inaspeech_gives_the_authors_segmentation(
    network: str, published: str, inaspeech_folder: Path, reference: Path
) -> None:
    """`specfeat events --method inaspeech` gives the segments that the author has published, exactly."""
    run, gender = inaspeech_folder / f"{network}.npy", inaspeech_folder / "male_female.npy"
    done = run_in_this_process(
        inaspeech_folder, "events", run, "--method", "inaspeech", "--gender", gender, "-q"
    )
    assert (done.returncode, done.stderr) == (0, "")
    segments = [
        (line["label"], round(float(line["start"]), 6), round(float(line["end"]), 6))
        for line in csv.DictReader(done.stdout.splitlines())
        if line["path"].endswith("musanmix.wav")
    ]

    with (reference / f"inaspeech/musanmix-{published}.csv").open() as file:
        lines = list(csv.DictReader(file, delimiter="\t"))
    assert segments == [
        (line["labels"], round(float(line["start"]), 6), round(float(line["stop"]), 6)) for line in lines
    ]
