"""Configs that would exhaust the memory: each is refused in one sentence before the memory is taken.

All of them go through the real command in one process, which reports the most memory that it has had, so the
first config that takes too much is the one that fails. TensorFlow is never loaded for them.
"""

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from specfeat.config import load_config
from specfeat.errors import ModelError

pytestmark = pytest.mark.slow

MOST_BYTES = 300e6  # that the process may have had when a config is refused
LONGEST_MESSAGE = 3000  # characters
PLACE = re.compile(r":\d+:\d+: ")

SOUND = "audio: {sample_rate: 16000}\nspectrogram: {n_fft: 512, hop_length: 160, mel: {n_mels: 64}}\n"
HEAD = SOUND + "clips: {frames: 96}\nmodel:\n  weights: {random: 0}\n"
LAYERS = HEAD + "  layers:\n"


class Hostile(NamedTuple):
    """A config or overrides, and what is expected of the message.

    Attributes:
        text: the text of the config; None for the shipped `minimal`.
        message: a part of the message.
        overrides: the values of `--set`.
        has_place: whether the message has a line and a column.
    """

    text: bytes | None
    message: str
    overrides: tuple[str, ...] = ()
    has_place: bool = True


def _make_text_case(text: str, message: str, *, has_place: bool = True) -> Hostile:
    return Hostile(text.encode(), message, has_place=has_place)


def _make_layers_case(*items: str, message: str, head: str = LAYERS) -> Hostile:
    return _make_text_case(head + "".join(f"    - {item}\n" for item in items), message)


def _write_billion_laughs() -> str:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines) + "\n" + HEAD


def _write_quadratic_blowup() -> str:
    """Return a list of 10,000 numbers that is repeated 10,000 times: 100 million values of 70 kB."""
    return f"a: &a [{'1, ' * 10_000}1]\nb: [{'*a, ' * 10_000}*a]\n" + HEAD


def _write_nested_repeats(times: int, levels: int) -> str:
    inner = "[Flatten]"
    for _ in range(levels):
        inner = f"[{{repeat: {times}, layers: {inner}}}]"
    return f"{HEAD}  layers: {inner}\n"


def _list_branches(number: int, filters: int) -> list[str]:
    """Return convolutions of the same input, and their sum, for which all of them are held at once."""
    names = [f"c{n}" for n in range(number)]
    convs = [
        f"Conv2D: {{name: {name}, filters: {filters}, kernel_size: 1, inputs: [spectrogram]}}"
        for name in names
    ]
    return [*convs, f"Add: {{inputs: [{', '.join(names)}]}}", "GlobalAveragePooling2D"]


DENSE = "Dense: {units: 20000}"
BIG = "is larger than 100,000 bytes; a config is a page of text"

CONFIGS = {
    # --- YAML that grows
    "billion laughs": _make_text_case(_write_billion_laughs(), "its anchors expand to over 100,000 values"),
    "quadratic blow-up": _make_text_case(
        _write_quadratic_blowup(), "its anchors expand to over 100,000 values"
    ),
    "a mapping of mappings": _make_text_case(
        "a0: &a0 {k: v, l: v, m: v, n: v}\n"
        + "".join(f"a{n}: &a{n} {{{', '.join(f'{k}: *a{n - 1}' for k in 'klmn')}}}\n" for n in range(1, 30))
        + HEAD,
        "its anchors expand to over 100,000 values",
    ),
    "layers by anchors": _make_text_case(
        HEAD
        + "  layers:\n    - &a Flatten\n"
        + "".join(f"    - &b{n} [{', '.join(['*a' if n == 0 else f'*b{n - 1}'] * 20)}]\n" for n in range(9)),
        "its anchors expand to over 100,000 values",
    ),
    "a merge key": _make_text_case(
        f"a: &a {{b: c}}\nd: {{<<: [{', '.join(['*a'] * 9)}]}}\n" + HEAD, "merging is not"
    ),
    "an anchor that holds itself": _make_text_case(f"a: &a [*a, *a]\n{HEAD}", "nested too deeply"),
    "a list 45,000 deep": _make_text_case(
        "a: " + "[" * 45_000 + "]" * 45_000, "nested too deeply", has_place=False
    ),
    "a mapping 20,000 deep": _make_text_case("a: " + "{a: " * 20_000, "nested too deeply", has_place=False),
    "dashes 45,000 deep": _make_text_case("- " * 45_000 + "a", "nested too deeply", has_place=False),
    "a list 500,000 deep": _make_text_case("a: " + "[" * 500_000, BIG, has_place=False),
    # --- long files
    "a list of 10 MB": _make_text_case(
        HEAD + "  layers: [" + "Flatten, " * 1_200_000 + "]", BIG, has_place=False
    ),
    "a scalar of 10 MB": _make_text_case(HEAD + "  features: " + "x" * 10_000_000, BIG, has_place=False),
    "a key of 10 MB": _make_text_case("x" * 10_000_000 + ": 1\n" + HEAD, BIG, has_place=False),
    "a comment of 10 MB": _make_text_case("#" + "x" * 10_000_000 + "\n" + HEAD, BIG, has_place=False),
    "NULs of 10 MB": Hostile(bytes(10_000_000), BIG, has_place=False),
    "a scalar of 90 kB": _make_text_case(
        HEAD + "  layers: [" + "x" * 90_000 + "]", "is not a layer that specfeat"
    ),
    "a key of 90 kB": _make_text_case("? " + "x" * 90_000 + "\n: 1\n" + HEAD, "not known"),
    "a number of 90 kB": _make_text_case(
        HEAD + "  layers: [Flatten]\n  batch: " + "9" * 90_000, "model.batch"
    ),
    "an alias of 90 kB": _make_text_case(
        HEAD + "  layers: *" + "x" * 90_000, "is not YAML: found undefined alias"
    ),
    "a tag of 90 kB": _make_text_case(
        HEAD + "  layers: !" + "x" * 90_000 + " 1", "is not allowed; write plain values"
    ),
    "names of 90 kB": _make_text_case(HEAD + "  layers: [" + "Flatten, " * 9_000 + "Flat]", "not a layer"),
    # --- a million layers
    "repeat a million": _make_text_case(
        _write_nested_repeats(1_000_000, 1), "wanted a number from 1 to 10,000"
    ),
    "repeat a million twice": _make_text_case(
        _write_nested_repeats(1_000_000, 2), "wanted a number from 1 to 10,000"
    ),
    "repeat 10,000 to the eighth": _make_text_case(
        _write_nested_repeats(10_000, 8), "is layer number 10,001"
    ),
    "repeat 2 to the fourteenth": _make_text_case(_write_nested_repeats(2, 14), "is layer number 10,001"),
    "repeat 10,000 blocks of blocks": _make_text_case(
        _write_nested_repeats(100, 3), "is layer number 10,001"
    ),
    "repeat 10^300": _make_text_case(_write_nested_repeats(10**299, 1), "is too large a number"),
    "a million layers, written": _make_text_case(
        LAYERS + "    - Flatten\n" * 1_000_000, BIG, has_place=False
    ),
    "10,001 layers, written": _make_text_case(
        HEAD + "  layers: [" + "ELU," * 10_000 + "ELU]\n", "is layer number 10,001"
    ),
    # --- large layers
    "a billion units": _make_layers_case(
        "Flatten", "Dense: {units: 1000000000}", message="weights; wanted 2,147,483,648"
    ),
    "units of 2^62": _make_layers_case(f"Dense: {{units: {2**62}}}", message=", below 2,147,483,648"),
    "a million filters": _make_layers_case(
        "Conv2D: {filters: 1000000, kernel_size: 3}", message="GiB for a batch"
    ),
    "filters of 2^62": _make_layers_case(
        f"Conv2D: {{filters: {2**62}, kernel_size: 1}}", message=", below 2,147,483,648"
    ),
    "units of 2^31": _make_layers_case(
        f"Dense: {{units: {2**31 - 1}}}", message="weights; wanted 2,147,483,648"
    ),
    "2^31 times": _make_layers_case("Flatten", f"RepeatVector: {{n: {2**31 - 1}}}", message="for a batch"),
    "a dilation of 2^31": _make_layers_case(
        f"Conv2D: {{filters: 1, kernel_size: 3, dilation_rate: {2**31 - 1}}}",
        message="too small for a kernel_size of 3 x 3, dilated to",
    ),
    "a kernel of 10^9": _make_layers_case(
        "Conv2D: {filters: 1, kernel_size: [96, 1000000000], padding: same}", message="weights; wanted"
    ),
    "a stretch of 10^9": _make_layers_case(
        "UpSampling2D: {size: [1000000000, 1000000000]}", message="for a batch"
    ),
    "2^62 times": _make_layers_case(
        "Flatten", f"RepeatVector: {{n: {2**62}}}", message=", below 2,147,483,648"
    ),
    "a picture of 10^6": _make_layers_case(
        "Resizing: {height: 1000000, width: 1000000}", message="for a batch"
    ),
    "a border of 10^9": _make_layers_case("ZeroPadding2D: {padding: 1000000000}", message="for a batch"),
    "a shape of 2^62": _make_layers_case(
        f"Reshape: {{target_shape: [{2**62}, {2**62}]}}", message=", below 2,147,483,648"
    ),
    "stretched again and again": _make_layers_case(
        *["UpSampling2D: {size: 100}"] * 40, message="for a batch"
    ),
    "a dilation of 2^62": _make_layers_case(
        f"Conv2D: {{filters: 1, kernel_size: 3, dilation_rate: {2**62}}}", message=", below 2,147,483,648"
    ),
    "an application of a large picture": _make_layers_case(
        "Resizing: {height: 20000, width: 20000}", "Application: {application: VGG16}", message="for a batch"
    ),
    # --- layers that are large only together
    "weights that fit one by one": _make_layers_case(
        "GlobalAveragePooling2D",
        *[DENSE] * 7,
        message="weights, 400,020,000 of them in 'dense_2'; wanted 2,147,483,648 or fewer in all",
    ),
    "weights by repeat": _make_layers_case(
        "Flatten",
        "{repeat: 9999, layers: [{Dense: {units: 5000}}]}",
        message="brings the network to 2,1",
    ),
    "branches that fit one by one": _make_layers_case(
        *_list_branches(9, 2500),
        message="needs 10 outputs in memory at once, 33 GiB for a batch of 64 (the largest is 'c0', 3.66 GiB)",
    ),
    "joined again and again": _make_layers_case(
        "Concatenate: {name: j0, inputs: [spectrogram, spectrogram]}",
        *(f"Concatenate: {{name: j{n}, inputs: [j{n - 1}, j{n - 1}]}}" for n in range(1, 40)),
        message="for a batch",
    ),
    # --- long clips, many bins
    "a clip of a year": _make_text_case(
        HEAD.replace("frames: 96", "seconds: 31536000") + "  layers: [Flatten]", "clips"
    ),
    "a clip of a year, cut in samples": _make_text_case(
        HEAD.replace("frames: 96", "cut: samples, seconds: 31536000") + "  layers: [Flatten]", "clips"
    ),
    "a clip of 2^62 frames": _make_text_case(HEAD.replace("96", str(2**62)) + "  layers: [Flatten]", "clips"),
    "a clip of 2^62 samples": _make_text_case(
        HEAD.replace("frames: 96", f"cut: samples, samples: {2**62}") + "  layers: [Flatten]", "clips"
    ),
    "a hop of 2^62": _make_text_case(
        HEAD.replace("512", "1048576").replace("length: 160", f"length: {2**62}") + "  layers: [Flatten]",
        "hop_length",
    ),
    "65,536 large clips": _make_text_case(
        HEAD.replace("96", "9600") + "  layers: [Flatten]\n  batch: 65536\n", "wanted 873 or fewer"
    ),
    "a batch of 2^62": _make_text_case(HEAD + f"  layers: [Flatten]\n  batch: {2**62}\n", "model.batch"),
    "n_fft 2^30": _make_text_case(HEAD.replace("512", str(2**30)) + "  layers: [Flatten]", "n_fft"),
    "n_mels 10^6": _make_text_case(
        HEAD.replace("n_mels: 64", "n_mels: 1000000") + "  layers: [Flatten]", "n_mels"
    ),
    "4,096 bands of 2^19 bins": _make_text_case(
        HEAD.replace("512", "1048576").replace("n_mels: 64", "n_mels: 4096") + "  layers: [Flatten]",
        "so many filters for n_fft 1048576 take 8.0 GiB",
    ),
    "a million coefficients": _make_text_case(
        HEAD.replace("{n_fft", "{kind: mfcc, mfcc: {n_mfcc: 1000000}, n_fft") + "  layers: [Flatten]",
        "n_mfcc",
    ),
    "deltas of a million": _make_text_case(
        HEAD.replace("{n_fft", "{deltas: {order: 1000000}, n_fft") + "  layers: [Flatten]", "order"
    ),
    "a rate of 2^62": _make_text_case(
        HEAD.replace("16000", str(2**62)) + "  layers: [Flatten]", "sample_rate"
    ),
    "means of 90 kB": _make_text_case(
        HEAD.replace("{n_fft", "{normalize: {mean: [" + "1, " * 25_000 + "1]}, n_fft")
        + "  layers: [Flatten]",
        "mean: has 25001 values",
    ),
}

# All keys whose value is a number.
NUMBER_KEYS = (
    *("audio.sample_rate", "audio.channels", "model.batch", "model.weights.random", "model.input_shape"),
    *("clips.frames", "clips.samples", "clips.seconds", "clips.hop", "clips.hop_seconds"),
    *(f"spectrogram.{key}" for key in ("n_fft", "win_length", "hop_length", "win_seconds", "hop_seconds")),
    *(
        "spectrogram.power",
        "spectrogram.gain",
        "spectrogram.peak",
        "spectrogram.padding",
        "spectrogram.dither.std",
        "spectrogram.dither.seed",
        "spectrogram.compress.db.top_db",
        "spectrogram.preemphasis.coef",
        "spectrogram.mfcc.n_mfcc",
        "spectrogram.mfcc.lifter",
    ),
    *("spectrogram.deltas.order", "spectrogram.deltas.width", "spectrogram.compress.power.exponent"),
    *(f"spectrogram.mel.{key}" for key in ("n_mels", "fmin", "fmax", "keep")),
    *(f"spectrogram.compress.{key}" for key in ("ln.offset", "ln.amin", "db.amin", "db.ref", "db.floor")),
    *(f"spectrogram.compress.pcen.{key}" for key in ("gain", "bias", "power", "time_constant", "eps")),
    *("spectrogram.compress.log10.scale", "spectrogram.window.1"),
    *(f"spectrogram.normalize.{key}" for key in ("mean", "std", "floor")),
    *(
        f"model.layers.0.Conv2D.{key}"
        for key in ("filters", "kernel_size", "strides", "dilation_rate", "groups")
    ),
    *("model.layers.1.MaxPooling2D.pool_size", "model.layers.1.MaxPooling2D.strides"),
    *("model.layers.3.Dense.units", "model.layers.3.repeat", "model.layers.3.first"),
)
LARGE_NUMBERS = ("1e999", ".nan", "-.inf", "9" * 10_000)
OVERRIDES = {
    f"--set {key}={value[:6]}": Hostile(None, key.split(".")[0], (f"{key}={value}",), has_place=False)
    for key in NUMBER_KEYS
    for value in LARGE_NUMBERS
} | {
    "--set billion laughs": Hostile(
        None,
        "its anchors expand to over 100,000 values",
        ("model.layers=[" + "&a [x, x, x, x], " + ", ".join(f"&{b} [{', '.join(['*' + a] * 9)}]" for a, b in
        pairwise("abcdefghi")) + "]",), has_place=False,
    ),
    "--set a list 30,000 deep": Hostile(None, "nested too deeply", ("model.layers=" + "[" * 30_000,), has_place=False),
    "--set a list of 100 kB": Hostile(
        None, "layer", ("model.layers=[" + "Flatten, " * 10_500 + "]",), has_place=False
    ),
    "--set a key 10,000 deep": Hostile(None, "wanted KEY.PATH=VALUE", (".".join("a" * 10_000) + "=1",), has_place=False),
    "--set a place of 10^5000": Hostile(None, "is a list of 4", ("model.layers." + "9" * 5000 + "=1",), has_place=False),
    "--set repeat": Hostile(
        None, "wanted a number from 1 to", ("model.layers=[{repeat: 1000000, layers: [Flatten]}]",),
        has_place=False
    ),
    "--set units": Hostile(None, "wanted 2,147,483,648 or fewer", ("model.layers.3.Dense.units=1000000000",), has_place=False),
    "--set batch": Hostile(None, "model.batch", ("model.batch=65536", "clips.frames=6000"), has_place=False),
    "--set a clip of a year": Hostile(None, "clips", ("clips.seconds=31536000",), has_place=False),
}  # fmt: skip
CASES = CONFIGS | OVERRIDES


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return the outcome of the command for each case, all in one process."""
    folder = tmp_path_factory.mktemp("hostile")
    commands = []
    for number, case in enumerate(CASES.values()):
        config = "minimal"
        if case.text is not None:
            config = f"{number}.yaml"
            (folder / config).write_bytes(case.text)
        set_options = [word for override in case.overrides for word in ("--set", override)]
        commands.append(["extract", "-c", config, *set_options, "in.wav", "out.npy"])
    program = Path(__file__).parents[1] / "helpers" / "refused_configs.py"
    process = subprocess.run(
        [sys.executable, str(program)],
        input=json.dumps(commands),
        cwd=folder,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    results = [json.loads(line) for line in process.stdout.splitlines()]
    return dict(zip(CASES, results, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_config_is_refused_in_one_sentence(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    """Exit code 2, and one line that can be read and says where; under 300 MB, without TensorFlow."""
    case, outcome = CASES[name], outcomes[name]
    message = outcome["message"]

    assert outcome["code"] == 2, outcome["code"]
    assert message.count("\n") == 1
    assert message.startswith("specfeat: ")
    assert case.message in message
    assert len(message) < LONGEST_MESSAGE
    assert bool(PLACE.search(message)) >= case.has_place
    assert not outcome["tensorflow"]
    assert outcome["peak_bytes"] < MOST_BYTES


def _write_network(folder: Path, *items: str) -> str:
    (folder / "net.yaml").write_text(LAYERS + "".join(f"    - {item}\n" for item in items))
    return str(folder / "net.yaml")


def test_only_outputs_that_are_held_at_once_count(tmp_path: Path) -> None:
    """A chain of a thousand large layers holds two outputs at a time; a thousand branches hold all of them."""
    wide = "Conv2D: {filters: 2000, kernel_size: 1}"
    chain = _write_network(tmp_path, wide, "{repeat: 1000, layers: [ReLU]}", "GlobalAveragePooling2D")
    assert len(load_config(chain).settings.model.layers) == 1002

    branches = _write_network(tmp_path, *_list_branches(12, 2000))
    with pytest.raises(ModelError, match=r":17:7: .*: Conv2D 'c10' needs 12 outputs in memory at once"):
        load_config(branches)
    assert load_config(branches, ["model.batch=32"]).settings.model.batch == 32


def test_weights_are_counted_to_the_last_one(tmp_path: Path) -> None:
    """The most weights that a network may have are allowed, and one layer more is refused."""
    first_layers = [
        "Permute: {dims: [1, 3, 2]}",
        "GlobalAveragePooling2D",
        "Dense: {units: 32768, use_bias: false}",
    ]  # 64 x 2**15 = 2**21
    most = [
        *first_layers,
        "Dense: {units: 32768, use_bias: false}",
        "Dense: {units: 32704, use_bias: false}",
    ]
    assert 64 * 2**15 + 2**30 + 2**15 * 32704 == 2**31
    load_config(_write_network(tmp_path, *most))

    with pytest.raises(
        ModelError, match=r"brings the network to 2,147,516,352 weights, 1,073,741,824 of them in 'dense_2'"
    ):
        load_config(_write_network(tmp_path, *most, "GroupNormalization: {groups: 1, center: false}"))
