"""The settings that a config gives, and their digest."""

import json
from pathlib import Path

import pytest

from helpers.config_texts import BASE, load_text, replace_text
from specfeat.config import Settings, load_config, shipped_names
from specfeat.errors import ConfigError
from specfeat.run.provenance import collect_provenance

pytestmark = pytest.mark.usefixtures("_in_an_empty_folder")


def test_a_window_may_have_a_parameter() -> None:
    """[name, parameter] becomes a pair."""
    config = load_text(replace_text(("  n_fft", "  window: [kaiser, 14]\n  n_fft")))

    assert config.settings.spectrogram.window == ("kaiser", 14.0)


def test_a_normalisation_may_have_a_constant_for_each_channel() -> None:
    """Lists of constants, one for the spectrogram and one for its deltas, become tuples."""
    text = replace_text(
        ("  n_fft", "  deltas: {order: 1}\n  normalize: {mean: [-50, 0], std: [25, 2]}\n  n_fft")
    )

    normalize = load_text(text).settings.spectrogram.normalize

    assert normalize is not None
    assert (normalize.mean, normalize.std) == ((-50.0, 0.0), (25.0, 2.0))


@pytest.mark.parametrize(
    ("clips", "length", "hop"),
    [
        ("{cut: samples, seconds: 0.96, hop_seconds: 0.48}", 15_360, 7_680),
        ("{cut: samples, seconds: 0.96}", 15_360, 15_360),
        ("{cut: samples, frames: 96, hop_seconds: 0.48}", 15_600, 7_680),
        ("{cut: samples, frames: 96, hop: 48}", 15_600, 7_680),
        ("{cut: samples, frames: 96}", 15_600, 15_600),
        ("{seconds: 0.96, hop_seconds: 0.48}", 15_600, 7_680),
        ("{frames: 96}", 15_600, 15_360),
    ],
)
def test_lengths_and_hops_in_all_units(clips: str, length: int, hop: int) -> None:
    """Seconds, frames and samples give the same clips, in samples, with either way to cut (frames of YAMNet)."""
    cutter = load_config("yamnet", [f"clips={clips}"]).settings.clip_grid

    assert (cutter.clip_samples, cutter.hop_samples) == (length, hop)


ALIKE = [
    f"# a comment\n{BASE}",
    replace_text(("win_length: 400", "win_seconds: 0.025"), ("frames: 96", "seconds: 0.96")),
    replace_text(("  n_fft: 512\n  win_length: 400\n", "  win_length: 400\n  n_fft: 512\n")),
    replace_text(("clips:\n  frames: 96\n", "clips: {frames: 96, tail: pad, short: pad}\n")),
    replace_text(("db: {}", "db: {amin: 1e-10, ref: 1}")),
    replace_text(("  n_fft", "  gain: 1\n  n_fft")),
    replace_text(("n_mels: 64", "n_mels: 64\n    fmin: 0")),
    replace_text(
        ("filters: 8, kernel_size: 3", "kernel_size: 3, filters: 8, name: conv2d_1, inputs: spectrogram")
    ),
    replace_text(("audio:\n  sample_rate: 16000\n", "")) + "audio: {sample_rate: 16000}\n",
]
OTHER = {
    "audio": "sample_rate=22050 | channels=left | channels=3 | res_type=soxr_vhq",
    "spectrogram": "kind=mfcc | n_fft=1024 | win_length=401 | win_length=null | hop_length=161 | power=1 | "
    "window=hamming | periodic=false | center=false | pad_mode=reflect | framing=win_length | gain=2 | "
    "pad_mode=symmetric | peak=1 | peak=0.25 | "
    "dither={std: 1} | dither={std: 2} | dither={std: 1, seed: 1} | remove_dc_offset=true | preemphasis={} | preemphasis={coef: 0.9} | preemphasis={per: frame} | deltas={} | "
    "deltas={order: 2} | deltas={width: 7} | normalize={mean: 1} | normalize={std: 2} | normalize={clip: max} | "
    "normalize={clip: subtract_max} | normalize={clip: max, floor: 0}",
    "spectrogram.mel": "n_mels=63 | fmin=1 | fmax=7999 | htk=true | norm=null | triangles=mel | empty_bands=keep | "
    "keep=60 | top_bin=drop",
    "spectrogram.compress": "db={amin: 1e-9} | db={ref: 2} | db={floor: -80} | ln={amin: 1e-3} | "
    "ln={offset: 1e-3} | log10={} | power={exponent: 0.3} | pcen={} | pcen={gain: 0.9}",
    "clips": "cut=samples | frames=95 | hop=95 | tail=drop | tail=shift | short=skip | end_frame=keep",
    "model": "features=flatten_1 | batch=63 | weights.random=1 | weights.file=w.h5 | compile.optimizer=sgd | "
    "compile.jit_compile=true | layers=[Flatten]",
    "model.layers.0.Conv2D": "filters=9 | strides=2 | activation=relu | name=first",
    "model.layers.2.Dense": "units=11 | use_bias=false | name=end",
}


def test_equal_settings_have_equal_digests() -> None:
    """Units, order, style, comments, and defaults that are written out change nothing."""
    assert {load_text(BASE).settings.digest} == {load_text(text).settings.digest for text in ALIKE}


def test_other_values_have_other_digests() -> None:
    """Each change of one value gives a digest that no other change gives."""
    overrides = [f"{section}.{change}" for section, text in OTHER.items() for change in text.split(" | ")]

    digests = [load_text(BASE, [override]).settings.digest for override in overrides]

    together = [
        ["clips.tail=drop", "clips.edges=repeat"],
        ["spectrogram.center=false", "spectrogram.padding=[1, 2]"],
        ["spectrogram.center=false", "spectrogram.padding=[2, 1]"],
        ["spectrogram.center=false", "spectrogram.snip_edges=false"],
    ]
    digests += [load_text(BASE, changes).settings.digest for changes in together]
    assert len({load_text(BASE).settings.digest, *digests}) == 1 + len(overrides) + len(together)


def test_settings_of_0_1_0_keep_their_digest() -> None:
    """Keys that did not exist in version 0.1.0 do not change the digest until they are used.

    The digest was computed by version 0.1.0.
    """
    assert (
        load_text(BASE).settings.digest == "4a92ae85dd32a8a268c17c3331e91313db480d1e72532a40b93d9b2d9dc12bf7"
    )


@pytest.mark.parametrize("name", shipped_names())
def test_a_record_is_a_config(name: str, tmp_path: Path) -> None:
    """The settings of a record, defaults and nulls written out, are read as the same settings: JSON is YAML."""
    config = load_config(name)
    was = config.settings
    record = json.dumps(collect_provenance(config).config.resolved, indent=1)
    (tmp_path / "again.yaml").write_text(record)
    again = load_config(tmp_path / "again.yaml").settings

    assert again == was
    assert again.digest == was.digest
    assert Settings.model_validate_json(was.model_dump_json()) == was


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("compress", "{db: , log10: null}"),
        ("compress", "{db: {}, log10: {}}"),
        ("normalize", "{mean: null, clip: null}"),
    ],
)
def test_null_counts_as_left_out(section: str, text: str) -> None:
    """It does not count as one of several keys, and is not enough where a key is wanted."""
    with pytest.raises(ConfigError, match=r"wanted (exactly one of|\{mean)"):
        load_text(BASE, [f"spectrogram.{section}={text}"])


def test_a_copy_with_other_clips_has_another_clip_grid() -> None:
    """The grid of the copy follows from its own clips, also if the grid of the original was used before."""
    settings = load_config("default").settings
    assert settings.clip_grid.hop_samples == 16_000
    changed = settings.model_copy(update={"clips": settings.clips.model_copy(update={"hop": 50})})

    assert changed.clip_grid.hop_samples == 8_000
    assert settings.clip_grid.hop_samples == 16_000
