"""A clip's row has the same bits at every place of a batch, with any neighbours, and with any number of threads.

The networks are built in processes of their own, because instruction sets, oneDNN and threads are chosen once for each
process.
"""

import itertools
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.long_tests import IS_LONG_FORM, long_test
from specfeat.network.equal_places import count_equal_places

pytestmark = pytest.mark.tf

TESTS = Path(__file__).resolve().parents[1]
SHIPPED = ["minimal", "default", *(["kaldi80", "inaspeech", "yamnet", "cnn6"] if IS_LONG_FORM else [])]
THREADS = (1, 2, 8) if IS_LONG_FORM else (1, 8)
OLD_PROCESSOR = "2,ONEDNN_MAX_CPU_ISA=SSE41"
ALL_SHIPPED = sorted(path.stem for path in (TESTS.parent / "configs").glob("*.yaml"))
BATCHES = (1, 2, 3, 7, 16, 63, 64, 65, 128)
FIRST_ATTENTION_SEED = 1000  # of the random networks with attention layers
ALL_SEEDS = (*range(24), *range(FIRST_ATTENTION_SEED, FIRST_ATTENTION_SEED + 6))
# In the short form, one network for each batch; without the clips that specfeat adds to a batch, six of them differ.
RANDOM_SEEDS = ALL_SEEDS if IS_LONG_FORM else (5, 13, 18, 3, 20, 12, 1002, 11, 17)
ACTIVATIONS = ("relu", "sigmoid", "tanh", "elu", "selu", "gelu", "softplus", "silu", "exponential", "softmax")
# What a processor without AVX-512 or without AVX has; a set that the processor lacks has no effect.
INSTRUCTION_SETS = ("SSE41", "AVX", "AVX2", "AVX512_CORE")


def make_random_layers(seed: int) -> list[Any]:
    """Return a small network of the allow-list with odd sizes."""
    draw = random.Random(seed)
    layers: list[Any] = []
    if seed % 4 == 3:
        units = draw.choice([1, 3, 5, 11, 33])
        layers.append({"Reshape": {"target_shape": [19, 11]}})
        layers.append({draw.choice(["LSTM", "GRU"]): {"units": units, "return_sequences": True}})
        last = {draw.choice(["LSTM", "GRU", "SimpleRNN"]): {"units": units}}
        layers.append(draw.choice([last, {"Bidirectional": {"layer": last}}]))
        return layers
    for k in range(draw.randint(1, 3)):
        kind = draw.choice(["Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose"])
        options: dict[str, Any] = {
            "kernel_size": [draw.randint(1, 4), draw.randint(1, 3)],
            "padding": draw.choice(["same", "valid"]),
            "activation": draw.choice(ACTIVATIONS),
            "strides": draw.choice([1, 2]),
        }
        if kind != "DepthwiseConv2D":
            options["filters"] = draw.choice([1, 3, 5, 7, 9, 17, 32])
        layers.append({kind: options})
        if draw.random() < 0.5:
            layers.append(
                draw.choice(
                    ["BatchNormalization", "LayerNormalization", "RMSNormalization", "Normalization", "ELU"]
                )
            )
        if k == 0 and draw.random() < 0.5:
            layers.append({"AveragePooling2D": {"pool_size": [2, 1]}})
    layers.append(draw.choice(["Flatten", "GlobalAveragePooling2D", "GlobalMaxPooling2D"]))
    for _ in range(draw.randint(0, 2)):
        dense = {"units": draw.choice([1, 2, 3, 5, 11, 33, 64]), "activation": draw.choice(ACTIVATIONS[:-1])}
        layers.append({"Dense": dense})
    if draw.random() < 0.3:
        layers.append("UnitNormalization")
    return layers


def make_random_attention(seed: int) -> list[Any]:
    """Return a small network of attention layers with odd sizes, and with one, two or three inputs."""
    draw = random.Random(seed)
    units = draw.choice([1, 3, 5, 16, 33])
    heads = {"num_heads": draw.choice([1, 2, 3, 8]), "key_dim": draw.choice([1, 5, 7, 16])}
    kind = draw.choice(["Attention", "AdditiveAttention"])
    return [
        {"Reshape": {"name": "frames", "target_shape": [19, 11]}},
        {"MultiHeadAttention": {"name": "self", **heads}},
        {"Dense": {"name": "few", "inputs": "frames", "units": units}},
        {"MaxPooling1D": {"name": "pooled", "pool_size": draw.choice([1, 2, 5])}},
        {"Dense": {"name": "query", "inputs": "self", "units": units}},
        {kind: {"name": "attended", "inputs": ["query", "pooled"], "use_scale": True}},
        {"MultiHeadAttention": {"inputs": ["self", "attended", "query"], **heads, "output_shape": units}},
        draw.choice(["Flatten", "GlobalAveragePooling1D"]),
    ]


def list_random_networks(folder: Path, seeds: Iterable[int], batches_of_each: int = 1) -> list[list[Any]]:
    """Write the configs of random networks, and return them as `place_digests` wants them.

    Args:
        folder: the folder for the configs.
        seeds: the seeds of the networks; from `FIRST_ATTENTION_SEED` on, they have attention layers.
        batches_of_each: how many sizes of batches each network gets; all sizes come in turn.
    """
    networks: list[list[Any]] = []
    sizes = itertools.cycle(BATCHES)
    for seed in seeds:
        make_layers = make_random_attention if seed >= FIRST_ATTENTION_SEED else make_random_layers
        config = {
            "audio": {"sample_rate": 8000},
            "spectrogram": {"n_fft": 128, "hop_length": 64, "mel": {"n_mels": 11}, "compress": {"db": {}}},
            "clips": {"frames": 19},
            "model": {"layers": make_layers(seed), "weights": {"random": seed}},
        }
        path = folder / f"random{seed}.yaml"
        path.write_text(json.dumps(config))  # JSON is YAML
        networks.extend(
            [f"random{seed} batch {batch}", str(path), [f"model.batch={batch}"]]
            for batch in itertools.islice(sizes, batches_of_each)
        )
    return networks


def run_networks(
    folder: Path, networks: list[list[Any]], *runs: object, **environment: str
) -> list[dict[str, Any]]:
    """Return the results of each run; see `place_digests`."""
    (folder / "networks.json").write_text(json.dumps(networks))
    done = subprocess.run(
        [sys.executable, "-m", "helpers.place_digests", str(folder / "networks.json"), *map(str, runs)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(TESTS), **environment},
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_places_are_equal(results: dict[str, Any]) -> None:
    assert {label: places["differing"] for label, places in results.items() if places["differing"]} == {}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return the results of random and of shipped networks in each run; see `place_digests`."""
    folder = tmp_path_factory.mktemp("places")
    networks = [
        *list_random_networks(folder, RANDOM_SEEDS, batches_of_each=3 if IS_LONG_FORM else 1),
        *([name, name, []] for name in SHIPPED),
    ]
    return run_networks(folder, networks, *THREADS, OLD_PROCESSOR)


def test_networks_give_the_same_bits_at_every_place(results: list[dict[str, Any]]) -> None:
    """Odd sizes, every batch, each number of threads: one row for one clip."""
    by_threads = results[: len(THREADS)]

    assert {places["batch"] for places in by_threads[0].values()} >= {*BATCHES}
    for places in by_threads:
        assert_places_are_equal(places)
        assert places == by_threads[0]


def test_networks_keep_their_bits_on_an_old_processor(results: list[dict[str, Any]]) -> None:
    """With its instructions, other kernels compute."""
    assert_places_are_equal(results[-1])


def test_shipped_networks_use_every_place(results: list[dict[str, Any]]) -> None:
    """No place of the batch stays empty with oneDNN."""
    shipped = {name: results[0][name] for name in SHIPPED}

    assert {name: places["places"] for name, places in shipped.items()} == {
        name: places["batch"] for name, places in shipped.items()
    }


def test_random_networks_keep_their_bits_without_onednn(tmp_path: Path) -> None:
    """TensorFlow's own kernels compute then."""
    networks = list_random_networks(tmp_path, RANDOM_SEEDS)
    (places,) = run_networks(tmp_path, networks, 2, TF_ENABLE_ONEDNN_OPTS="0")

    assert_places_are_equal(places)


@pytest.mark.slow
@long_test
@pytest.mark.parametrize("isa", INSTRUCTION_SETS)
@pytest.mark.parametrize("onednn", ["0", "1"])
@pytest.mark.parametrize("name", ALL_SHIPPED)
def test_every_shipped_network_under_each_instruction_set(
    tmp_path: Path, name: str, isa: str, onednn: str
) -> None:
    """All networks, each instruction set that can be forced, oneDNN on and off, three numbers of threads: hours."""
    environment = {"ONEDNN_MAX_CPU_ISA": isa, "TF_ENABLE_ONEDNN_OPTS": onednn}
    by_threads = run_networks(tmp_path, [[name, name, []]], 1, 2, 8, **environment)

    for places in by_threads:
        assert_places_are_equal(places)
        assert places == by_threads[0]


def test_the_first_place_with_other_bits_is_found() -> None:
    """Places from the first differing one on are not used; a batch has at least one place."""

    def compute_rows(clips: Any) -> Any:
        rows = clips.reshape(len(clips), -1).copy()
        rows[5] = np.nextafter(rows[5], np.float32(9))
        return rows

    assert count_equal_places(compute_rows, 8, (2, 3, 1), test_clips=1) == 5
    assert count_equal_places(lambda clips: clips.reshape(len(clips), -1), 8, (2, 3, 1), test_clips=1) == 8
