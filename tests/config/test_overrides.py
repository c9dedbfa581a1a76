"""Overrides: values that replace those of a config, one by one."""

from operator import attrgetter

import pytest

from helpers.config_texts import BASE, get_refusal, load_text, replace_text
from specfeat.config import load_config
from specfeat.errors import ConfigError

pytestmark = pytest.mark.usefixtures("_in_an_empty_folder")


OVERRIDDEN = [
    ("audio.sample_rate=8000", "audio.sample_rate", 8000),
    ("audio.channels=left", "audio.channels", "left"),
    ("model.batch=3", "model.batch", 3),
    ("model.weights.random=7", "model.weights.random", 7),
    ("model.compile.optimizer=sgd", "model.compile.optimizer", "sgd"),
    ("model.features=flatten_1", "model.features", "flatten_1"),
    ("spectrogram.mel.fmax=4e3", "spectrogram.mel.fmax", 4000.0),
    ("spectrogram.mel={n_mels: 40}", "spectrogram.mel.n_mels", 40),
    ("spectrogram.deltas.order=2", "spectrogram.deltas.order", 2),
    ("clips={seconds: 0.5}", "clips.frames", 50),
    ("clips.hop_seconds=0.48", "clips.hop", 48),
]


@pytest.mark.parametrize(("override", "path", "value"), OVERRIDDEN)
def test_an_override_replaces_the_value_of_the_file(override: str, path: str, value: object) -> None:
    """The setting has the value of the override; a length may be in seconds."""
    assert value == attrgetter(path)(load_text(BASE, [override]).settings)


@pytest.mark.parametrize("key", ["model.layers.0.Conv2D.filters", "model.layers[0].Conv2D.filters"])
def test_an_item_of_a_list_is_named_by_its_number(key: str) -> None:
    """`layers.0` and `layers[0]` are the first layer."""
    first, *_, last = load_text(BASE, [f"{key}=16", "model.layers.2=Flatten"]).settings.model.layers

    assert (first.options["filters"], last.kind) == (16, "Flatten")


def test_the_last_override_of_a_key_counts() -> None:
    """An earlier override of the same key is not even checked."""
    assert load_text(BASE, ["model.batch=x", "model.batch=3"]).settings.model.batch == 3


def test_an_override_in_seconds_replaces_seconds() -> None:
    """A length in seconds is converted after the override."""
    text = replace_text(("hop_length: 160", "hop_seconds: 0.01"), ("frames: 96", "seconds: 0.96"))

    config = load_text(text, ["clips.seconds=0.5", "spectrogram.hop_seconds=0.005"]).settings

    assert (config.spectrogram.hop_length, config.clips.frames) == (80, 100)


MALFORMED = "wanted KEY.PATH=VALUE, e.g. model.batch=32"
REFUSED = [
    ("model.batch", MALFORMED), ("=3", MALFORMED), ("model..batch=3", MALFORMED), (".=3", MALFORMED),
    ("model.batch=abc", "model.batch: is the text 'abc'; wanted a whole number"),
    ("model.batch='8'", "model.batch: is the text '8'; wanted a whole number"),
    ("model.batch=8.0", "model.batch: is 8.0; wanted a whole number"),
    ("model.batch=", "model.batch: is empty; wanted a whole number"),
    ("model.bach=3", "model.bach: is not known here (did you mean 'batch'?)"),
    ("modl={}", "modl: is not known here (did you mean 'model'?)"),
    ("modl.batch=3", "modl: is not known here (did you mean 'model'?)"),
    ("model.compil.optimizer=sgd", "model.compil: is not known here (did you mean 'compile'?)"),
    ("audio=null", "audio: is empty; wanted a mapping, its keys indented below"),
    ("audio.sample_rate.x=3", "audio.sample_rate is 16000 and has nothing inside; set it as a whole"),
    ("model.layers.3=Flatten", "model.layers is a list of 3; wanted a number from 0 to 2, not 3"),
    ("model.layers.x=Flatten", "model.layers is a list of 3; wanted a number from 0 to 2, not 'x'"),
    ("model.layers.1=Flaten",
     "model.layers[1]: 'Flaten' is not a layer that specfeat knows (did you mean 'Flatten'?)"),
    ("model.layers.0.Conv2D.filters=0",
     "model.layers[0].Conv2D.filters: is 0; wanted a whole number, 1 or more"),
    ("model.layers.0={Conv2D: {filters: 0, kernel_size: 3}}",
     "model.layers[0].Conv2D.filters: is 0; wanted a whole number, 1 or more"),
    ("clips={frames: x}", "clips.frames: is the text 'x'; wanted a whole number"),
    ("clips={hop: 3}", "clips: needs exactly one of frames and seconds, the length of a clip"),
    ("clips.hop_seconds=0.485",
     "clips.hop_seconds: is 7760 samples, 48.5 hops of 160; wanted a whole number of hops"),
    ("model.features=lst",
     "model.features: is the text 'lst', not the name of a layer (did you mean 'last'?)"),
    ("model.weights=random",
     "model.weights: random weights need a seed; wanted {random: 0}, where 0 is the seed"),
    ("spectrogram.mfcc.n_mfcc=13", "spectrogram.mfcc: applies only to kind: mfcc"),
]  # fmt: skip


@pytest.mark.parametrize(("override", "rest"), REFUSED, ids=[override for override, _ in REFUSED])
def test_an_override_is_checked_like_the_file(override: str, rest: str) -> None:
    """The message names the override, and not a line of the file, which does not contain the value."""
    assert get_refusal(BASE, [override]) == f"override {override}: {rest}"


def test_the_caller_says_how_a_message_names_an_override() -> None:
    """The loader does not know the option by which a user gave the override."""
    with pytest.raises(ConfigError, match=r"^--set model\.batch=0: model\.batch: is 0; wanted more than 0$"):
        load_config("minimal", ["model.batch=0"], override_prefix="--set ")


@pytest.mark.parametrize(
    "value", ["[", "{a: b", "*a", "a: b: c", "&a [*a]", "{a: 1, a: 2}", "{<<: {}}", "1\n2"]
)
def test_the_value_of_an_override_is_yaml(value: str) -> None:
    """A value that is not YAML is refused, and the message names the override."""
    assert get_refusal(BASE, [f"model.batch={value}"]).startswith("override model.batch=")


@pytest.mark.parametrize("value", ["!!int x", "9" * 5000, '"\\ud800"'], ids=["tag", "huge", "surrogate"])
def test_a_hostile_value_of_an_override_is_refused(value: str) -> None:
    """The message names the override."""
    assert get_refusal(BASE, [f"model.batch={value}"]).startswith("override model.batch=")


def test_a_mistake_in_the_file_has_its_place_beside_an_override() -> None:
    """An override changes no line of other values."""
    line = get_refusal(replace_text(("512", "x")), ["model.batch=3"])

    assert line == "bad.yaml:4:10: spectrogram.n_fft: is the text 'x'; wanted a whole number"


ONE_OF = [
    ("model.weights", "random: 0", "model.weights.file=w.h5", {"file": "w.h5"}),
    ("model.weights", "random: 0", "model.weights=w.h5", {"file": "w.h5"}),
    ("model.weights", "file: v.h5", "model.weights.random=3", {"random": 3}),
    ("model.weights", "{file: v.h5, sha256: " + "0" * 64 + "}", "model.weights.file=w.h5", {"file": "w.h5"}),
    (
        "model.weights",
        "{random: 0, match: order}",
        "model.weights.file=w.h5",
        {"file": "w.h5", "match": "order"},
    ),
    ("model.weights", "{file: /v.h5}", "model.weights.match=order", {"file": "/v.h5", "match": "order"}),
    ("model.weights", "/v.h5", "model.weights.match=order", {"file": "/v.h5", "match": "order"}),
    ("spectrogram.compress", "db: {}", "spectrogram.compress.log10={scale: 9}", {"log10": {"scale": 9.0}}),
    ("spectrogram.compress", "db: {}", "spectrogram.compress={log10: {scale: 9}}", {"log10": {"scale": 9.0}}),
    ("spectrogram.compress", "db: {}", "spectrogram.compress.log10.scale=9", {"log10": {"scale": 9.0}}),
    (
        "spectrogram.compress",
        "log10: {scale: 8}",
        "spectrogram.compress.log10.scale=9",
        {"log10": {"scale": 9.0}},
    ),
]


@pytest.mark.parametrize(("path", "has", "override", "wanted"), ONE_OF)
def test_an_override_replaces_what_cannot_stand_beside_it(
    path: str, has: str, override: str, wanted: object
) -> None:
    """Weights come from one place, and values are compressed in one way: the override takes over."""
    old = "random: 0" if path == "model.weights" else "db: {}"
    if has[0] in "{/":
        old, has = "weights:\n    random: 0", f"weights: {has}"

    part = attrgetter(path)(load_text(replace_text((old, has)), [override]).settings)

    assert wanted == part.model_dump(exclude_unset=True)


def test_an_override_within_a_section_keeps_its_other_values() -> None:
    """To set one value of a kind of compression leaves its other values as they are."""
    config = load_text(replace_text(("db: {}", "db: {ref: 4}")), ["spectrogram.compress.db.amin=1e-3"])

    db = attrgetter("spectrogram.compress.db")(config.settings)
    assert (db.amin, db.ref) == (0.001, 4.0)


def test_an_override_replaces_weights_in_short_form() -> None:
    """`weights: w.h5` is short for `weights: {file: w.h5}`, and is replaced like it."""
    text = replace_text(("weights:\n    random: 0", "weights: w.h5"))

    assert load_text(text, ["model.weights.random=3"]).settings.model.weights.random == 3
