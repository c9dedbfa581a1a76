"""Configs that would eat the machine: each is refused in a sentence, before its memory is taken.

All of them go through the real command in one process, which reports the most memory that it has had; so the
first that takes too much is the one that shows. TensorFlow is never loaded for them.
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

MOST = 300e6  # bytes, that the process may have had when a config is refused
LONGEST = 3000  # characters, of what is said
PLACE = re.compile(r":\d+:\d+: ")

SOUND = "audio: {sample_rate: 16000}\nspectrogram: {n_fft: 512, hop_length: 160, mel: {n_mels: 64}}\n"
HEAD = SOUND + "clips: {frames: 96}\nmodel:\n  weights: {random: 0}\n"
LAYERS = HEAD + "  layers:\n"


class Hostile(NamedTuple):
    """A config, or words of the command line, and what of the refusal is checked.

    Attributes:
        text: of the config; None to take the shipped `minimal`.
        said: a part of the sentence.
        sets: values of `--set`.
        place: whether the sentence has a line and a column.
    """

    text: bytes | None
    said: str
    sets: tuple[str, ...] = ()
    place: bool = True


def _text(text: str, said: str, *, place: bool = True) -> Hostile:
    return Hostile(text.encode(), said, place=place)


def _layers(*items: str, said: str, head: str = LAYERS) -> Hostile:
    return _text(head + "".join(f"    - {item}\n" for item in items), said)


def _laughs() -> str:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines) + "\n" + HEAD


def _quadratic() -> str:
    """A list of 10,000 numbers, named 10,000 times: 100 million values out of 70 kB."""
    return f"a: &a [{'1, ' * 10_000}1]\nb: [{'*a, ' * 10_000}*a]\n" + HEAD


def _nested_repeats(times: int, levels: int) -> str:
    inner = "[Flatten]"
    for _ in range(levels):
        inner = f"[{{repeat: {times}, layers: {inner}}}]"
    return f"{HEAD}  layers: {inner}\n"


def _branches(number: int, filters: int) -> list[str]:
    """Convolutions of the same input, and their sum: all are there when it is made."""
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
    "billion laughs": _text(_laughs(), "its anchors expand to over 100,000 values"),
    "quadratic blow-up": _text(_quadratic(), "its anchors expand to over 100,000 values"),
    "a mapping of mappings": _text(
        "a0: &a0 {k: v, l: v, m: v, n: v}\n"
        + "".join(f"a{n}: &a{n} {{{', '.join(f'{k}: *a{n - 1}' for k in 'klmn')}}}\n" for n in range(1, 30))
        + HEAD,
        "its anchors expand to over 100,000 values",
    ),
    "layers by anchors": _text(
        HEAD
        + "  layers:\n    - &a Flatten\n"
        + "".join(f"    - &b{n} [{', '.join(['*a' if n == 0 else f'*b{n - 1}'] * 20)}]\n" for n in range(9)),
        "its anchors expand to over 100,000 values",
    ),
    "a merge key": _text(f"a: &a {{b: c}}\nd: {{<<: [{', '.join(['*a'] * 9)}]}}\n" + HEAD, "merging is not"),
    "an anchor that holds itself": _text(f"a: &a [*a, *a]\n{HEAD}", "nested too deeply"),
    "a list 45,000 deep": _text("a: " + "[" * 45_000 + "]" * 45_000, "nested too deeply", place=False),
    "a mapping 20,000 deep": _text("a: " + "{a: " * 20_000, "nested too deeply", place=False),
    "dashes 45,000 deep": _text("- " * 45_000 + "a", "nested too deeply", place=False),
    "a list 500,000 deep": _text("a: " + "[" * 500_000, BIG, place=False),
    # --- files that are long
    "a list of 10 MB": _text(HEAD + "  layers: [" + "Flatten, " * 1_200_000 + "]", BIG, place=False),
    "a scalar of 10 MB": _text(HEAD + "  features: " + "x" * 10_000_000, BIG, place=False),
    "a key of 10 MB": _text("x" * 10_000_000 + ": 1\n" + HEAD, BIG, place=False),
    "a comment of 10 MB": _text("#" + "x" * 10_000_000 + "\n" + HEAD, BIG, place=False),
    "NULs of 10 MB": Hostile(bytes(10_000_000), BIG, place=False),
    "a scalar of 90 kB": _text(HEAD + "  layers: [" + "x" * 90_000 + "]", "is not a layer that specfeat"),
    "a key of 90 kB": _text("? " + "x" * 90_000 + "\n: 1\n" + HEAD, "not known"),
    "a number of 90 kB": _text(HEAD + "  layers: [Flatten]\n  batch: " + "9" * 90_000, "model.batch"),
    "an alias of 90 kB": _text(HEAD + "  layers: *" + "x" * 90_000, "is not YAML: found undefined alias"),
    "a tag of 90 kB": _text(HEAD + "  layers: !" + "x" * 90_000 + " 1", "is not allowed; write plain values"),
    "names of 90 kB": _text(HEAD + "  layers: [" + "Flatten, " * 9_000 + "Flat]", "not a layer"),
    # --- a million layers
    "repeat a million": _text(_nested_repeats(1_000_000, 1), "wanted a number from 1 to 10,000"),
    "repeat a million twice": _text(_nested_repeats(1_000_000, 2), "wanted a number from 1 to 10,000"),
    "repeat 10,000 to the eighth": _text(_nested_repeats(10_000, 8), "is layer number 10,001"),
    "repeat 2 to the fourteenth": _text(_nested_repeats(2, 14), "is layer number 10,001"),
    "repeat 10,000 blocks of blocks": _text(_nested_repeats(100, 3), "is layer number 10,001"),
    "repeat 10^300": _text(_nested_repeats(10**299, 1), "is too large a number"),
    "a million layers, written": _text(LAYERS + "    - Flatten\n" * 1_000_000, BIG, place=False),
    "10,001 layers, written": _text(
        HEAD + "  layers: [" + "ELU," * 10_000 + "ELU]\n", "is layer number 10,001"
    ),
    # --- layers that are large
    "a billion units": _layers("Flatten", "Dense: {units: 1000000000}", said="weights; wanted 2,147,483,648"),
    "units of 2^62": _layers(f"Dense: {{units: {2**62}}}", said=", below 2,147,483,648"),
    "a million filters": _layers("Conv2D: {filters: 1000000, kernel_size: 3}", said="GiB for a batch"),
    "filters of 2^62": _layers(f"Conv2D: {{filters: {2**62}, kernel_size: 1}}", said=", below 2,147,483,648"),
    "units of 2^31": _layers(f"Dense: {{units: {2**31 - 1}}}", said="weights; wanted 2,147,483,648"),
    "2^31 times": _layers("Flatten", f"RepeatVector: {{n: {2**31 - 1}}}", said="for a batch"),
    "a dilation of 2^31": _layers(
        f"Conv2D: {{filters: 1, kernel_size: 3, dilation_rate: {2**31 - 1}}}",
        said="too small for a kernel_size of 3 x 3, dilated to",
    ),
    "a kernel of 10^9": _layers(
        "Conv2D: {filters: 1, kernel_size: [96, 1000000000], padding: same}", said="weights; wanted"
    ),
    "a stretch of 10^9": _layers("UpSampling2D: {size: [1000000000, 1000000000]}", said="for a batch"),
    "2^62 times": _layers("Flatten", f"RepeatVector: {{n: {2**62}}}", said=", below 2,147,483,648"),
    "a picture of 10^6": _layers("Resizing: {height: 1000000, width: 1000000}", said="for a batch"),
    "a border of 10^9": _layers("ZeroPadding2D: {padding: 1000000000}", said="for a batch"),
    "a shape of 2^62": _layers(
        f"Reshape: {{target_shape: [{2**62}, {2**62}]}}", said=", below 2,147,483,648"
    ),
    "stretched again and again": _layers(*["UpSampling2D: {size: 100}"] * 40, said="for a batch"),
    "a dilation of 2^62": _layers(
        f"Conv2D: {{filters: 1, kernel_size: 3, dilation_rate: {2**62}}}", said=", below 2,147,483,648"
    ),
    "an application of a large picture": _layers(
        "Resizing: {height: 20000, width: 20000}", "Application: {application: VGG16}", said="for a batch"
    ),
    # --- layers that each fit
    "weights that fit one by one": _layers(
        "GlobalAveragePooling2D",
        *[DENSE] * 7,
        said="weights, 400,020,000 of them in 'dense_2'; wanted 2,147,483,648 or fewer in all",
    ),
    "weights by repeat": _layers(
        "Flatten",
        "{repeat: 9999, layers: [{Dense: {units: 5000}}]}",
        said="brings the network to 2,1",
    ),
    "branches that fit one by one": _layers(
        *_branches(9, 2500),
        said="needs 10 outputs in memory at once, 33 GiB for a batch of 64 (the largest is 'c0', 3.66 GiB)",
    ),
    "joined again and again": _layers(
        "Concatenate: {name: j0, inputs: [spectrogram, spectrogram]}",
        *(f"Concatenate: {{name: j{n}, inputs: [j{n - 1}, j{n - 1}]}}" for n in range(1, 40)),
        said="for a batch",
    ),
    # --- sounds that are long or fine
    "a clip of a year": _text(
        HEAD.replace("frames: 96", "seconds: 31536000") + "  layers: [Flatten]", "clips"
    ),
    "a clip of a year, cut in samples": _text(
        HEAD.replace("frames: 96", "cut: samples, seconds: 31536000") + "  layers: [Flatten]", "clips"
    ),
    "a clip of 2^62 frames": _text(HEAD.replace("96", str(2**62)) + "  layers: [Flatten]", "clips"),
    "a clip of 2^62 samples": _text(
        HEAD.replace("frames: 96", f"cut: samples, samples: {2**62}") + "  layers: [Flatten]", "clips"
    ),
    "a hop of 2^62": _text(
        HEAD.replace("512", "1048576").replace("length: 160", f"length: {2**62}") + "  layers: [Flatten]",
        "hop_length",
    ),
    "65,536 large clips": _text(
        HEAD.replace("96", "9600") + "  layers: [Flatten]\n  batch: 65536\n", "wanted 873 or fewer"
    ),
    "a batch of 2^62": _text(HEAD + f"  layers: [Flatten]\n  batch: {2**62}\n", "model.batch"),
    "n_fft 2^30": _text(HEAD.replace("512", str(2**30)) + "  layers: [Flatten]", "n_fft"),
    "n_mels 10^6": _text(HEAD.replace("n_mels: 64", "n_mels: 1000000") + "  layers: [Flatten]", "n_mels"),
    "4,096 bands of 2^19 bins": _text(
        HEAD.replace("512", "1048576").replace("n_mels: 64", "n_mels: 4096") + "  layers: [Flatten]",
        "so many filters over n_fft 1048576 take 8.0 GiB",
    ),
    "a million coefficients": _text(
        HEAD.replace("{n_fft", "{kind: mfcc, mfcc: {n_mfcc: 1000000}, n_fft") + "  layers: [Flatten]",
        "n_mfcc",
    ),
    "deltas of a million": _text(
        HEAD.replace("{n_fft", "{deltas: {order: 1000000}, n_fft") + "  layers: [Flatten]", "order"
    ),
    "a rate of 2^62": _text(HEAD.replace("16000", str(2**62)) + "  layers: [Flatten]", "sample_rate"),
    "means of 90 kB": _text(
        HEAD.replace("{n_fft", "{normalize: {mean: [" + "1, " * 25_000 + "1]}, n_fft")
        + "  layers: [Flatten]",
        "mean: has 25001 values",
    ),
}

# Where a number stands, each once, in a config that says nothing else that is wrong.
PLACES = (
    *("audio.sample_rate", "audio.channels", "model.batch", "model.weights.random", "model.input_shape"),
    *("clips.frames", "clips.samples", "clips.seconds", "clips.hop", "clips.hop_seconds"),
    *(f"spectrogram.{key}" for key in ("n_fft", "win_length", "hop_length", "win_seconds", "hop_seconds")),
    *(
        "spectrogram.power",
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
LARGE = ("1e999", ".nan", "-.inf", "9" * 10_000)
OVERRIDES = {
    f"--set {key}={value[:6]}": Hostile(None, key.split(".")[0], (f"{key}={value}",), place=False)
    for key in PLACES
    for value in LARGE
} | {
    "--set billion laughs": Hostile(
        None,
        "its anchors expand to over 100,000 values",
        ("model.layers=[" + "&a [x, x, x, x], " + ", ".join(f"&{b} [{', '.join(['*' + a] * 9)}]" for a, b in pairwise("abcdefghi")) + "]",),
        place=False,
    ),
    "--set a list 30,000 deep": Hostile(None, "nested too deeply", ("model.layers=" + "[" * 30_000,), place=False),
    "--set a list of 100 kB": Hostile(
        None, "layer", ("model.layers=[" + "Flatten, " * 10_500 + "]",), place=False
    ),
    "--set a key 10,000 deep": Hostile(None, "wanted KEY.PATH=VALUE", (".".join("a" * 10_000) + "=1",), place=False),
    "--set a place of 10^5000": Hostile(None, "is a list of 4", ("model.layers." + "9" * 5000 + "=1",), place=False),
    "--set repeat": Hostile(
        None, "wanted a number from 1 to", ("model.layers=[{repeat: 1000000, layers: [Flatten]}]",), place=False
    ),
    "--set units": Hostile(None, "wanted 2,147,483,648 or fewer", ("model.layers.3.Dense.units=1000000000",), place=False),
    "--set batch": Hostile(None, "model.batch", ("model.batch=65536", "clips.frames=6000"), place=False),
    "--set a clip of a year": Hostile(None, "clips", ("clips.seconds=31536000",), place=False),
}  # fmt: skip
CASES = CONFIGS | OVERRIDES


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each case came to, all in one process."""
    folder = tmp_path_factory.mktemp("hostile")
    lines = []
    for number, case in enumerate(CASES.values()):
        config = "minimal"
        if case.text is not None:
            config = f"{number}.yaml"
            (folder / config).write_bytes(case.text)
        sets = [word for value in case.sets for word in ("--set", value)]
        lines.append(["extract", "-c", config, *sets, "in.wav", "out.npy"])
    program = Path(__file__).parents[1] / "helpers" / "refused_configs.py"
    done = subprocess.run(
        [sys.executable, str(program)],
        input=json.dumps(lines),
        cwd=folder,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return dict(zip(CASES, answers, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_config_is_refused_in_a_sentence(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    """Exit code 2, one line that can be read and that says where; under 300 MB, without TensorFlow."""
    case, came = CASES[name], outcomes[name]

    assert came["code"] == 2, came["code"]
    assert came["said"].count("\n") == 1
    assert came["said"].startswith("specfeat: ")
    assert case.said in came["said"]
    assert len(came["said"]) < LONGEST
    assert bool(PLACE.search(came["said"])) >= case.place
    assert not came["tensorflow"]
    assert came["peak"] < MOST


def _network(folder: Path, *items: str) -> str:
    (folder / "net.yaml").write_text(LAYERS + "".join(f"    - {item}\n" for item in items))
    return str(folder / "net.yaml")


def test_only_what_is_held_at_once_counts(tmp_path: Path) -> None:
    """A chain of a thousand large layers takes two outputs at a time; as many branches take all."""
    wide = "Conv2D: {filters: 2000, kernel_size: 1}"
    chain = _network(tmp_path, wide, "{repeat: 1000, layers: [ReLU]}", "GlobalAveragePooling2D")
    assert len(load_config(chain).settings.model.layers) == 1002

    with pytest.raises(ModelError, match=r":17:7: .*: Conv2D 'c10' needs 12 outputs in memory at once"):
        load_config(_network(tmp_path, *_branches(12, 2000)))
    assert (
        load_config(_network(tmp_path, *_branches(12, 2000)), ["model.batch=32"]).settings.model.batch == 32
    )


def test_weights_are_counted_to_the_last_one(tmp_path: Path) -> None:
    """The most that a network may have is allowed, a layer more is not."""
    parts = [
        "Permute: {dims: [1, 3, 2]}",
        "GlobalAveragePooling2D",
        "Dense: {units: 32768, use_bias: false}",
    ]  # 64 x 2**15 = 2**21
    most = [*parts, "Dense: {units: 32768, use_bias: false}", "Dense: {units: 32704, use_bias: false}"]
    assert 64 * 2**15 + 2**30 + 2**15 * 32704 == 2**31
    load_config(_network(tmp_path, *most))

    with pytest.raises(
        ModelError, match=r"brings the network to 2,147,516,352 weights, 1,073,774,592 of them in 'dense_2'"
    ):
        load_config(_network(tmp_path, *most, "GroupNormalization: {groups: 1, center: false}"))
