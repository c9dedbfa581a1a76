"""A clip's row has the same bits at every place of a batch, with any neighbours, and with any number of threads.

Each group of networks is built in processes of its own, because instruction sets, oneDNN and threads are chosen
once for each process.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specfeat.network.equal_places import count_equal_places

pytestmark = pytest.mark.tf

TESTS = Path(__file__).resolve().parents[1]
SHIPPED_SHORT = ["minimal", "default", "kaldi80", "inaspeech", "yamnet", "cnn6"]
ALL_SHIPPED = sorted(path.stem for path in (TESTS.parent / "configs").glob("*.yaml"))
BATCHES = (1, 2, 3, 7, 16, 63, 64, 65, 128)
FIRST_ATTENTION_SEED = 1000  # of the random networks with attention layers
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


def list_random_networks(folder: Path, count: int, batches_of_each: int = 1) -> list[list[Any]]:
    networks: list[list[Any]] = []
    for seed in (*range(count), *range(FIRST_ATTENTION_SEED, FIRST_ATTENTION_SEED + count // 4)):
        make_layers = make_random_attention if seed >= FIRST_ATTENTION_SEED else make_random_layers
        config = {
            "audio": {"sample_rate": 8000},
            "spectrogram": {"n_fft": 128, "hop_length": 64, "mel": {"n_mels": 11}, "compress": {"db": {}}},
            "clips": {"frames": 19},
            "model": {"layers": make_layers(seed), "weights": {"random": seed}},
        }
        path = folder / f"random{seed}.yaml"
        path.write_text(json.dumps(config))  # JSON is YAML
        batches = random.Random(seed).sample(BATCHES, 3)[:batches_of_each]
        networks.extend(
            [f"random{seed} batch {batch}", str(path), [f"model.batch={batch}"]] for batch in batches
        )
    return networks


def run_networks(folder: Path, networks: list[list[Any]], threads: int, **environment: str) -> dict[str, Any]:
    (folder / "networks.json").write_text(json.dumps(networks))
    done = subprocess.run(
        [sys.executable, "-m", "helpers.place_digests", str(threads), str(folder / "networks.json")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(TESTS), **environment},
    )
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return results


def assert_places_are_equal(results: dict[str, Any]) -> None:
    assert {label: places["differing"] for label, places in results.items() if places["differing"]} == {}


def test_random_networks_give_the_same_bits_at_every_place(tmp_path: Path) -> None:
    """Odd sizes, every batch, 1, 2 and 8 threads: one row for one clip; and no place is lost with oneDNN."""
    networks = list_random_networks(tmp_path, 24)
    assert {override for _, _, (override,) in networks} == {f"model.batch={batch}" for batch in BATCHES}
    by_threads = [run_networks(tmp_path, networks, threads) for threads in (1, 2, 8)]

    for results in by_threads:
        assert_places_are_equal(results)
        assert results == by_threads[0]


@pytest.mark.parametrize("environment", [{"TF_ENABLE_ONEDNN_OPTS": "0"}, {"ONEDNN_MAX_CPU_ISA": "SSE41"}])
def test_random_networks_keep_their_bits_with_other_kernels(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """Without oneDNN, and with the instructions of an old processor."""
    results = run_networks(tmp_path, list_random_networks(tmp_path, 24), 2, **environment)

    assert_places_are_equal(results)


def test_shipped_networks_use_every_place(tmp_path: Path) -> None:
    """Each place of the batch is used, and gives the same bits with 1 and 2 threads."""
    networks = [[name, name, []] for name in SHIPPED_SHORT]
    one, two = (run_networks(tmp_path, networks, threads) for threads in (1, 2))

    assert_places_are_equal(one)
    assert one == two
    assert all(result["places"] == result["batch"] for result in one.values())


@pytest.mark.slow
@pytest.mark.skipif(
    "SPECFEAT_LONG_TESTS" not in os.environ, reason="it takes minutes; set SPECFEAT_LONG_TESTS=1 to run it"
)
def test_random_networks_with_more_batches(tmp_path: Path) -> None:
    """The long form: three batches of each random network, with 1, 2 and 8 threads."""
    networks = list_random_networks(tmp_path, 24, batches_of_each=3)
    by_threads = [run_networks(tmp_path, networks, threads) for threads in (1, 2, 8)]

    for results in by_threads:
        assert_places_are_equal(results)
        assert results == by_threads[0]


@pytest.mark.slow
@pytest.mark.skipif(
    "SPECFEAT_LONG_TESTS" not in os.environ, reason="it takes hours; set SPECFEAT_LONG_TESTS=1 to run it"
)
@pytest.mark.parametrize("isa", INSTRUCTION_SETS)
@pytest.mark.parametrize("onednn", ["0", "1"])
@pytest.mark.parametrize("name", ALL_SHIPPED)
def test_every_shipped_network_under_each_instruction_set(
    tmp_path: Path, name: str, isa: str, onednn: str
) -> None:
    """The long form: all networks, each instruction set that can be forced, oneDNN on and off, three threads."""
    environment = {"ONEDNN_MAX_CPU_ISA": isa, "TF_ENABLE_ONEDNN_OPTS": onednn}
    by_threads = [run_networks(tmp_path, [[name, name, []]], threads, **environment) for threads in (1, 2, 8)]

    for results in by_threads:
        assert_places_are_equal(results)
        assert results == by_threads[0]


def test_the_first_place_with_other_bits_is_found() -> None:
    """Places from the first differing one on are not used; a batch has at least one place."""

    def compute_rows(clips: Any) -> Any:
        rows = clips.reshape(len(clips), -1).copy()
        rows[5] = np.nextafter(rows[5], np.float32(9))
        return rows

    assert count_equal_places(compute_rows, 8, (2, 3, 1), test_clips=1) == 5
    assert count_equal_places(lambda clips: clips.reshape(len(clips), -1), 8, (2, 3, 1), test_clips=1) == 8
