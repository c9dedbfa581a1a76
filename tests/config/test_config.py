"""Reading a config: what is accepted, and the one line that says where a bad one is wrong.

The list of layers has tests of its own, in tests/architecture/.
"""

import json
import math
import subprocess
import sys
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specfeat.config import Config, Settings, load_config, shipped_names
from specfeat.config.yaml_tree import parse_override_value
from specfeat.errors import ConfigError
from specfeat.run.provenance import collect_provenance

BASE = """\
audio:
  sample_rate: 16000
spectrogram:
  n_fft: 512
  win_length: 400
  hop_length: 160
  mel:
    n_mels: 64
  compress:
    db: {}
clips:
  frames: 96
model:
  layers:
    - Conv2D: {filters: 8, kernel_size: 3}
    - Flatten
    - Dense: {name: last, units: 10}
  weights:
    random: 0
"""

HEAVY = ("numpy", "librosa", "keras", "tensorflow")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def changed(*changes: tuple[str, str]) -> str:
    """Return BASE with each (old, new) replaced; `old` must be there once."""
    text = BASE
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def read(text: str | bytes, overrides: Iterable[str] = ()) -> Config:
    """Read `text` as the file bad.yaml of the current folder."""
    Path("bad.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    return load_config("bad.yaml", overrides)


def refusal(text: str | bytes, overrides: Iterable[str] = ()) -> str:
    """Return the message with which `text` is refused: always one line that a terminal can show."""
    with pytest.raises(ConfigError) as caught:
        read(text, overrides)
    line = str(caught.value)
    assert line.isprintable()
    return line


# --- a value or a key is wrong -------------------------------------------------------------------

# In each table: what of BASE is replaced, by what, and the line that follows, less the file's name.
UNKNOWN = [
    ("audio:\n", "Audio:\n", "1:1: Audio: is not known here (did you mean 'audio'?)"),
    ("spectrogram:\n", "spektrogram:\n", "3:1: spektrogram: is not known here (did you mean 'spectrogram'?)"),
    ("audio:\n", "sound: {}\naudio:\n",
     "1:1: sound: is not known here; known: audio, spectrogram, clips, model"),
    ("16000\n", "16000\n  chanels: mix\n", "3:3: audio.chanels: is not known here (did you mean 'channels'?)"),
    ("16000\n", "16000\n  q: 1\n", "3:3: audio.q: is not known here; known: sample_rate, channels, res_type"),
    ("sample_rate:", "samplerate:", "2:3: audio.samplerate: is not known here (did you mean 'sample_rate'?)"),
    ("hop_length:", "hop_size:", "6:3: spectrogram.hop_size: is not known here (it is hop_length here)"),
    ("db: {}", "log: {}", "10:5: spectrogram.compress.log: is not known here (it is ln here)"),
    ("  n_fft: 512", "  n_mels: 64\n  n_fft: 512",
     "4:3: spectrogram.n_mels: is not known here; n_mels stands in spectrogram.mel"),
    ("db: {}", "db: {top_db: 80}", "10:10: spectrogram.compress.db.top_db: is not known here; decibels below a clip's "
     "loudest are normalize: {clip: subtract_max, floor: -80}"),
    ("frames: 96", "frames: 96\n  overlap: 0.5", "13:3: clips.overlap: is not known here; hop is from one clip's start "
     "to the next: the length less the overlap"),
    ("frames: 96", "log_mel: true", "12:3: clips.log_mel: is not known here; db stands in spectrogram.compress"),
    ("sample_rate:", "sr:", "2:3: audio.sr: is not known here (it is sample_rate here)"),
    ("hop_length:", "hop_lenght:",
     "6:3: spectrogram.hop_lenght: is not known here (did you mean 'hop_length'?)"),
    ("win_length: 400", "win_secconds: 0.025",
     "5:3: spectrogram.win_secconds: is not known here (did you mean 'win_seconds'?)"),
    ("n_mels:", "n_mel:", "8:5: spectrogram.mel.n_mel: is not known here (did you mean 'n_mels'?)"),
    ("db: {}", "dB: {}", "10:5: spectrogram.compress.dB: is not known here (did you mean 'db'?)"),
    ("db: {}", "db: {amn: 1}",
     "10:10: spectrogram.compress.db.amn: is not known here (did you mean 'amin'?)"),
    ("frames:", "frame:", "12:3: clips.frame: is not known here (did you mean 'frames'?)"),
    ("layers:", "layer:", "14:3: model.layer: is not known here (did you mean 'layers'?)"),
    ("weights:", "wieghts:", "18:3: model.wieghts: is not known here (did you mean 'weights'?)"),
    ("random:", "randon:", "19:5: model.weights.randon: is not known here (did you mean 'random'?)"),
    ("  weights:\n", "  compile: {optimiser: adam}\n  weights:\n",
     "18:13: model.compile.optimiser: is not known here (did you mean 'optimizer'?)"),
]  # fmt: skip

MISSING = [
    ("audio:\n  sample_rate: 16000\n", "", "1:1: has no 'audio'; it is required"),
    ("audio:\n  sample_rate: 16000\n", "audio: {}\n", "1:1: audio: has no 'sample_rate'; it is required"),
    ("clips:\n  frames: 96\n", "", "1:1: has no 'clips'; it is required"),
    ("  hop_length: 160\n", "", "3:1: spectrogram: has no 'hop_length'; it is required"),
    ("frames: 96", "hop: 96", "12:3: clips: wanted one length, in frames or seconds"),
    (
        "  weights:\n    random: 0\n",
        "",
        "13:1: model: has no 'weights'; it is required: {file: PATH}, or {random: 0} to try the network without its weights",
    ),
    ("db: {}", "power: {}", "10:5: spectrogram.compress.power: has no 'exponent'; it is required"),
]

TWICE = [
    ("16000\n", "16000\n  sample_rate: 16000\n", "3:3: audio.sample_rate: is given twice; keep one"),
    ("clips:\n", "audio: {sample_rate: 8000}\nclips:\n", "11:1: audio: is given twice; keep one"),
    (
        "filters: 8",
        "filters: 8, filters: 9",
        "15:28: model.layers[0].Conv2D.filters: is given twice; keep one",
    ),
]

TYPES = [
    ("16000", "'16000'", "2:16: audio.sample_rate: is the text '16000'; wanted a whole number"),
    ("16000", "16 kHz", "2:16: audio.sample_rate: is the text '16 kHz'; wanted a whole number"),
    ("16000", "16000.0", "2:16: audio.sample_rate: is 16000.0; wanted a whole number"),
    ("16000", "16e3", "2:16: audio.sample_rate: is 16000.0; wanted a whole number"),
    ("16000", "true", "2:16: audio.sample_rate: is true; wanted a whole number"),
    ("16000", "null", "2:16: audio.sample_rate: is empty; wanted a whole number"),
    ("16000", "[16000]", "2:16: audio.sample_rate: is [16000]; wanted a whole number"),
    ("512", "no", "4:10: spectrogram.n_fft: is the text 'no'; wanted a whole number"),
    ("512", "12:30:45", "4:10: spectrogram.n_fft: is the text '12:30:45'; wanted a whole number"),
    ("db: {}", "db: {amin: .nan}", "10:16: spectrogram.compress.db.amin: is nan; wanted a number"),
    ("db: {}", "db: {amin: .inf}", "10:16: spectrogram.compress.db.amin: is inf; wanted a number"),
    ("db: {}", "db: {amin: 1e400}", "10:16: spectrogram.compress.db.amin: is inf; wanted a number"),
    ("db: {}", "db: {amin: false}", "10:16: spectrogram.compress.db.amin: is false; wanted a number"),
    ("db: {}", "db: {amin: '1e-3'}",
     "10:16: spectrogram.compress.db.amin: is the text '1e-3'; wanted a number"),
    ("  n_fft", "  center: off\n  n_fft", "4:11: spectrogram.center: is the text 'off'; wanted true or false"),
    ("  n_fft", "  center: 1\n  n_fft", "4:11: spectrogram.center: is 1; wanted true or false"),
    ("frames: 96", "frames: true", "12:11: clips.frames: is true; wanted a whole number"),
    ("frames: 96", "frames: '96'", "12:11: clips.frames: is the text '96'; wanted a whole number"),
    ("random: 0", "random: 0.5", "19:13: model.weights.random: is 0.5; wanted a whole number"),
    ("clips:\n  frames: 96\n", "clips: 96\n",
     "11:8: clips: is 96; wanted a mapping, its keys indented below"),
    ("clips:\n  frames: 96\n", "clips: null\n",
     "11:8: clips: is empty; wanted a mapping, its keys indented below"),
    ("mel:\n    n_mels: 64\n", "mel: 64\n",
     "7:8: spectrogram.mel: is 64; wanted a mapping, its keys indented below"),
    ("compress:\n    db: {}\n", "compress: db\n",
     "9:13: spectrogram.compress: is the text 'db'; wanted ln, db, log10, power or pcen with its settings, "
     "e.g. {db: {}} (did you mean 'db'?)"),
]  # fmt: skip

CHOICES = [
    ("frames: 96", "frames: 96\n  tail: pda",
     "13:9: clips.tail: is the text 'pda'; wanted one of pad, drop, shift (did you mean 'pad'?)"),
    ("frames: 96", "frames: 96\n  tail: no",
     "13:9: clips.tail: is the text 'no'; wanted one of pad, drop, shift"),
    ("  n_fft", "  kind: liner\n  n_fft",
     "4:9: spectrogram.kind: is the text 'liner'; wanted one of linear, mel, mfcc (did you mean 'linear'?)"),
    ("n_mels: 64", "triangles: Hz",
     "8:16: spectrogram.mel.triangles: is the text 'Hz'; wanted one of hz, mel (did you mean 'hz'?)"),
    ("16000\n", "16000\n  res_type: soxr_hg\n",
     "3:13: audio.res_type: is the text 'soxr_hg'; wanted one of soxr_vhq, soxr_hq, soxr_mq, soxr_lq, "
     "soxr_qq (did you mean 'soxr_hq'?)"),
    ("  n_fft", "  window: han\n  n_fft",
     "4:11: spectrogram.window: is the text 'han'; wanted hann, hamming, blackman, "
     "blackmanharris, nuttall, flattop, bartlett, povey or boxcar, or [name, parameter] with kaiser, gaussian, "
     "tukey, general_hamming or chebwin (did you mean 'hann'?)"),
]  # fmt: skip

UNFIT = [
    ("n_mels: 64", "n_mels: 128\n    htk: true\n    fmax: 4000",
     "8:13: spectrogram.mel.n_mels: is 128, but 6 bands hold no FFT bin at n_fft "
     "512 (the first is number 0) and would be constant; wanted fewer bands, a larger n_fft or a higher fmin"),
    ("n_mels: 64", "fmax: 8000.5",
     "8:11: spectrogram.mel.fmax: is 8000.5 Hz, above half the sample rate; wanted 8000 or less"),
    ("n_mels: 64", "n_mels: 40\n    fmin: 400\n    fmax: 400",
     "9:11: spectrogram.mel.fmin: is 400 Hz; wanted less than fmax, 400"),
    ("hop_length: 160", "hop_length: 401",
     "6:15: spectrogram.hop_length: is 401, longer than the window, 400, so samples between frames would go "
     "unseen; wanted 400 or less"),
    ("win_length: 400", "win_length: 513",
     "5:15: spectrogram.win_length: is 513, longer than n_fft, 512; wanted n_fft or less"),
    ("  n_fft", "  kind: linear\n  n_fft",
     "8:3: spectrogram.mel: is of no use for kind: linear; wanted kind: mel"),
    ("  n_fft", "  kind: mfcc\n  mfcc: {n_mfcc: 65}\n  n_fft",
     "5:18: spectrogram.mfcc.n_mfcc: is 65; wanted at most n_mels, 64"),
    ("n_mels: 64", "n_mels: 64\n    keep: 65",
     "9:11: spectrogram.mel.keep: is 65; wanted at most n_mels, 64"),
    ("n_mels: 64", "n_mels: 64\n    keep: 13\n  kind: mfcc\n  mfcc: {n_mfcc: 14}",
     "11:18: spectrogram.mfcc.n_mfcc: is 14; wanted at most keep, 13"),
    ("n_mels: 64", "n_mels: 80\n    htk: true\n    top_bin: drop",
     "8:13: spectrogram.mel.n_mels: is 80, but 2 bands hold no FFT bin at n_fft "
     "512 (the first is number 0) and would be constant; wanted fewer bands, a larger n_fft or a higher fmin"),
    ("  n_fft", "  normalize: {floor: -80}\n  n_fft",
     "4:15: spectrogram.normalize.floor: goes with clip alone"),
    ("frames: 96", "frames: 96\n  edges: repeat",
     "13:3: clips.edges: repeat goes with tail: drop, not pad"),
    ("  n_fft", "  deltas: {width: 8}\n  n_fft",
     "4:19: spectrogram.deltas.width: is 8; wanted an odd number"),
    ("db: {}", "db: {}\n    ln: {offset: 1}",
     "10:5: spectrogram.compress: has 2 of them; "
     "wanted exactly one of ln, db, log10, power, pcen, as {db: {}}"),
    ("db: {}", "ln: {}",
     "10:9: spectrogram.compress.ln: would be -inf for silence; wanted an offset or an amin above 0"),
    ("  n_fft", "  normalize: {std: 1, clip: max}\n  n_fft",
     "4:14: spectrogram.normalize: wanted either constants (mean, std) or clip, not both"),
    ("frames: 96", "samples: 16000",
     "12:3: clips.samples: goes with cut: samples; wanted frames or seconds"),
    ("frames: 96", "frames: 96\n  samples: 16000\n  cut: samples",
     "12:3: clips: wanted one length, in frames, samples or seconds"),
    ("frames: 96", "frames: 10000000000",
     "12:3: clips: one clip of 10000000000 x 64 x 1 would take 2384.2 GiB; wanted a shorter clip"),
]  # fmt: skip

SECONDS = [
    ("win_length: 400", "win_seconds: 0.02501",
     "5:16: spectrogram.win_seconds: is 0.02501 s, 400.16 samples at 16000 Hz; "
     "wanted a whole number of samples"),
    ("win_length: 400", "win_length: 400\n  win_seconds: 0.025",
     "6:3: spectrogram.win_seconds: and win_length are both given; keep one"),
    ("hop_length: 160", "hop_seconds: '0.01'",
     "6:16: spectrogram.hop_seconds: is the text '0.01'; wanted seconds, a number above 0"),
    ("hop_length: 160", "hop_seconds: 0",
     "6:16: spectrogram.hop_seconds: is 0; wanted seconds, a number above 0"),
    ("hop_length: 160", "hop_seconds: true",
     "6:16: spectrogram.hop_seconds: is true; wanted seconds, a number above 0"),
    ("hop_length: 160", "hop_seconds: .nan",
     "6:16: spectrogram.hop_seconds: is nan; wanted seconds, a number above 0"),
    ("hop_length: 160", "hop_seconds: 0.0161",
     "6:16: spectrogram.hop_seconds: is 0.0161 s, 257.6 samples at 16000 Hz; wanted a whole number of samples; "
     "if it is rounded, give the samples: hop_length: 256"),
    ("frames: 96", "seconds: 0.965",
     "12:12: clips.seconds: is 15440 samples, 96.5 hops of 160; wanted a whole number of hops, or their number in frames"),
    ("frames: 96", "seconds: 0.96\n  hop_seconds: 0.485",
     "13:16: clips.hop_seconds: is 7760 samples, 48.5 hops of 160; wanted a whole number of hops"),
    ("frames: 96", "frames: 96\n  seconds: 0.96",
     "13:3: clips.seconds: and frames are both given; keep one"),
]  # fmt: skip

WEIGHTS = [
    ("weights:\n    random: 0", "weights: random",
     "18:12: model.weights: random weights need a seed; wanted {random: 0}, 0 being the seed"),
    ("random: 0", "random: 0\n    file: w.h5",
     "19:5: model.weights: wanted either {file: PATH} or {random: SEED}"),
    ("random: 0", "file:", "19:5: model.weights.file: is empty; wanted the path of a file of weights"),
    ("random: 0", "random: null", "19:5: model.weights: wanted either {file: PATH} or {random: SEED}"),
    ("weights:\n    random: 0", "weights: 0",
     "18:12: model.weights: is 0; wanted a mapping, its keys indented below"),
    ("weights:\n    random: 0", "weights: {file: w.h5, sha256: abc}",
     "18:33: model.weights.sha256: is the text 'abc'; wanted a SHA-256: 64 hexadecimal digits, as sha256sum prints them"),
    ("weights:\n    random: 0", "weights: {random: 0, format: npz}",
     "18:24: model.weights.format: is of a file, and there is none"),
    ("weights:\n    random: 0", "weights: {file: w.h5, format: numpy}",
     "18:33: model.weights.format: is the text 'numpy'; wanted one of auto, hdf5, keras, checkpoint, savedmodel, graph, "
     "tflite, npz, safetensors, torch"),
    ("weights:\n    random: 0", "weights: {file: w.h5, map: {dense_2: a}}",
     "18:31: model.weights.map.dense_2: is not the name of a layer; wanted LAYER, or LAYER/ARRAY, e.g. conv1/kernel"),
    ("weights:\n    random: 0", "weights: {file: w.h5, map: {dense_1/kernel: 3}}",
     "18:47: model.weights.map.dense_1/kernel: is 3; wanted text"),
    ("weights:\n    random: 0", "weights: https://example.org/w.h5",
     "18:12: model.weights: is an address, 'https://example.org/w.h5', and nothing is downloaded; "
     "fetch it first (specfeat weights fetch, or a browser) and give its path"),
]  # fmt: skip

BAD = [*UNKNOWN, *MISSING, *TWICE, *TYPES, *CHOICES, *UNFIT, *SECONDS, *WEIGHTS]


@pytest.mark.parametrize(
    ("old", "new", "line"), BAD, ids=[" ".join(new.split()) or f"no {old.split()[0]}" for old, new, _ in BAD]
)
def test_a_bad_value_is_told_with_its_place_its_key_and_the_cure(old: str, new: str, line: str) -> None:
    """The whole line: `FILE:LINE:COL: key.path: what is wrong; what is wanted (did you mean ...?)`."""
    assert f"bad.yaml:{line}" == refusal(changed((old, new)))


# What of BASE is replaced, by what, where that stands, its key, and the bound that it oversteps.
RANGES = [
    ("512", "1", "4:10", "spectrogram.n_fft", "2"),
    ("512", "2000000", "4:10", "spectrogram.n_fft", "1048576"),
    ("16000", "-16000", "2:16", "audio.sample_rate", "1000"),
    ("16000", "3072001", "2:16", "audio.sample_rate", "3072000"),
    ("64", "5000", "8:13", "spectrogram.mel.n_mels", "4096"),
    ("n_mels: 64", "fmin: -1", "8:11", "spectrogram.mel.fmin", "0"),
    ("random: 0", "random: -1", "19:13", "model.weights.random", "0"),
    ("random: 0", "random: 0\n  batch: 65537", "20:10", "model.batch", "65536"),
]


@pytest.mark.parametrize(("old", "new", "place", "key", "bound"), RANGES)
def test_a_value_out_of_range_is_told_with_the_bound(
    old: str, new: str, place: str, key: str, bound: str
) -> None:
    wrong, wanted = refusal(changed((old, new))).split("; wanted ")

    assert f"bad.yaml:{place}: {key}: is {new.split()[-1]}" == wrong
    assert bound in wanted.replace(",", "").split()


NOT_POSITIVE = [
    ("400", "0", "5:15: spectrogram.win_length: is 0; "),
    ("160\n", "0\n", "6:15: spectrogram.hop_length: is 0; "),
    ("db: {}", "db: {amin: 0}", "10:16: spectrogram.compress.db.amin: is 0; "),
    ("96", "0", "12:11: clips.frames: is 0; "),
    ("96", "96\n  hop: -1", "13:8: clips.hop: is -1; "),
]


@pytest.mark.parametrize(("old", "new", "start"), NOT_POSITIVE)
def test_lengths_are_positive(old: str, new: str, start: str) -> None:
    assert refusal(changed((old, new))).startswith(f"bad.yaml:{start}")


def test_an_empty_value_is_told_on_its_own_line() -> None:
    """`n_fft:` with nothing behind it is wrong on that line, not on the next one."""
    assert refusal(changed(("n_fft: 512", "n_fft:"))).startswith("bad.yaml:4:")


def test_of_several_mistakes_the_first_in_the_file_is_told() -> None:
    line = refusal(changed(("160\n", "x\n"), ("frames: 96", "frames: x"), ("512", "x")))

    assert line == "bad.yaml:4:10: spectrogram.n_fft: is the text 'x'; wanted a whole number"


def test_a_bad_sample_rate_is_told_though_seconds_depend_on_it() -> None:
    """With no rate the seconds cannot be converted, but it is the rate that is wrong, wherever it stands."""
    audio = "audio:\n  sample_rate: 16000\n"
    text = changed((audio, ""), ("hop_length: 160", "hop_seconds: 0.01")) + audio.replace("16000", "fast")

    assert (
        refusal(text)
        == "bad.yaml:19:16: audio.sample_rate: is the text 'fast'; wanted a whole number, 1,000 or more"
    )


# --- the text is not what YAML or a config should be ---------------------------------------------

SECTIONS = "wanted the sections audio, spectrogram, clips, model"
TAG = "is not allowed; write plain values"
LARGE = "is larger than 100,000 bytes; a config is a page of text"

TEXTS = {
    "empty": ("", f":1:1: is empty; {SECTIONS}"),
    "a comment": ("# nothing\n", f":1:1: is empty; {SECTIONS}"),
    "a list": ("- audio\n", f":1:1: holds a list; {SECTIONS}"),
    "a scalar": ("hello\n", f":1:1: holds one value; {SECTIONS}"),
    "a number": ("3\n", f":1:1: holds one value; {SECTIONS}"),
    "an empty mapping": ("{}\n", ":1:1: has no 'audio'; it is required"),
    "tab": (changed(("  n_fft", "\tn_fft")), ":4:1: is not YAML: a tab where only spaces may stand"),
    "merge key": (
        changed(("audio:\n", "audio: &a\n"), ("clips:\n", "clips:\n  <<: *a\n")),
        ":12:3: clips.<<: merging is not YAML 1.2; repeat the whole value with *name, or write it out",
    ),
    "number as key": (changed(("clips:\n", "clips:\n  1: 2\n")), ":12:3: clips.1: a key must be a name"),
    "list as key": (changed(("clips:\n", "clips:\n  [a]: 2\n")), ":12:3: clips.?: a key must be a name"),
    "python tag": (
        changed(("16000", "!!python/name:os.system")),
        f":2:16: audio.sample_rate: the tag 'tag:yaml.org,2002:python/name:os.system' {TAG}",
    ),
    "python tag on a list": (
        changed(("16000", "!!python/object/apply:os.system ['true']")),
        f":2:16: audio.sample_rate: the tag 'tag:yaml.org,2002:python/object/apply:os.system' {TAG}",
    ),
    "python tag on a section": (
        changed(("clips:\n", "clips: !!python/object:os.x\n")),
        f":11:8: clips: the tag 'tag:yaml.org,2002:python/object:os.x' {TAG}",
    ),
    "own tag": (changed(("16000", "!rate 16000")), f":2:16: audio.sample_rate: the tag '!rate' {TAG}"),
    "open bracket": (
        changed(("16000", "[16000")),
        ":3:12: is not YAML: the bracket of line 2 is not closed, or a comma is missing or too many",
    ),
    "comma too many": (
        changed(("{filters: 8,", "{filters: 8,,")),
        ":15:27: is not YAML: the bracket of line 15 is not closed, or a comma is missing or too many",
    ),
    "bracket too many": (
        changed(("kernel_size: 3}", "kernel_size: 3}}")),
        ":15:43: is not YAML: what stands here belongs to nothing before it",
    ),
    "open quote": (changed(("16000", '"16000')), ":20:1: is not YAML: the quote of line 2 is not closed"),
    "indented less": (
        changed(("  win_length", " win_length")),
        ":5:2: is not YAML: the indentation is not that of the lines from line 1 on, or the one before lacks its ':'",
    ),
    "indented too far": (
        changed(("  win_length", "    win_length")),
        ":5:15: is not YAML: a ':' too many: the line is indented too far, the one before lacks its ':', or "
        "a value wants quotes",
    ),
    "no colon": (changed(("clips:", "clips")), ":12:9: is not YAML: the ':' is missing in line 11"),
    "odd character": (
        changed(("16000", "%16000")),
        ":2:16: is not YAML: no value begins with this character; put it in quotes",
    ),
    "unknown alias": (changed(("16000", "*rate")), ":2:16: is not YAML: found undefined alias 'rate'"),
    "an anchor that holds itself": (
        changed(("clips:\n", "clips: &c\n  hop: *c\n")),
        ":11:8: clips.hop.hop.hop: is nested too deeply, or an anchor holds itself",
    ),
    "deep nesting": (changed(("16000", "[" * 600 + "]" * 600)), ": is nested too deeply"),
    "2 MB": (BASE + "#" * 2_000_000, f": {LARGE}"),
    "one byte too many": (BASE + "#" * (100_001 - len(BASE)), f": {LARGE}"),
}


@pytest.mark.parametrize("what", TEXTS)
def test_a_text_that_is_no_config_is_told_as_such(what: str) -> None:
    text, line = TEXTS[what]

    assert f"bad.yaml{line}" == refusal(text)


@pytest.mark.parametrize(
    ("raw", "byte"),
    [(BASE.encode("utf-16"), 0), (BASE.replace("audio", "# caf\u00e9\naudio").encode("latin-1"), 5)],
    ids=["UTF-16", "Latin-1"],
)
def test_a_text_that_is_not_utf8_is_refused_with_the_first_bad_byte(raw: bytes, byte: int) -> None:
    assert refusal(raw) == f"bad.yaml: is not UTF-8 text (byte {byte}); save it as UTF-8"


def test_two_documents_are_refused_where_the_second_begins() -> None:
    line = refusal(f"{BASE}---\n{BASE}")

    assert line.startswith("bad.yaml:20:1: ")
    assert "document" in line


def test_anchors_cannot_make_a_small_file_large() -> None:
    """Nine levels of nine aliases (the "billion laughs") are stopped at 100,000 values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]

    line = refusal("\n".join(lines))

    assert line.startswith("bad.yaml:1:")
    assert line.endswith(": its anchors expand to over 100,000 values; write less")


@pytest.mark.parametrize("depth", [50, 150, 250])
def test_nesting_is_told_in_words_of_yaml(depth: int) -> None:
    """However deep, the answer is about the file, not about how the values travel inside specfeat."""
    line = refusal(changed(("16000", "[" * depth + "]" * depth)))

    assert line.startswith("bad.yaml:")
    assert "JSON" not in line


YAML_TOO: dict[str, str | bytes] = {
    "BOM": b"\xef\xbb\xbf" + BASE.encode(),
    "CRLF": BASE.replace("\n", "\r\n"),
    "one document": f"%YAML 1.2\n---\n{BASE}...\n",
    "comment": f"# a comment\n\n{BASE}",
    "core tag": changed(("16000", "!!int '16000'")),
    "flow": changed(("clips:\n  frames: 96\n", "clips: {frames: 96}\n")),
    "anchor": changed(("16000", "&rate 16000"), ("frames: 96", "frames: 96\n  hop: *rate")),
    "the largest": BASE + "#" * (100_000 - len(BASE)),
}


@pytest.mark.parametrize("what", YAML_TOO)
def test_these_are_yaml_too(what: str) -> None:
    assert read(YAML_TOO[what]).settings.audio.sample_rate == 16000


def test_a_name_may_anchor_twice() -> None:
    """YAML 1.2: an alias means the last anchor of its name; nothing is said about the earlier one."""
    config = read(changed(("16000", "&a 16000"), ("512", "&a 512"), ("win_length: 400", "win_length: *a")))

    assert config.settings.spectrogram.win_length == 512


# YAML 1.2's core schema, where YAML 1.1 (as most Python tools read it) often differs.
SCALARS = [
    ("1e-3", 0.001), ("1E3", 1000.0), ("010", 10), ("0o10", 8), ("0x1F", 31), ("+3", 3), ("-0.5", -0.5),
    (".5", 0.5), ("5.", 5.0), (".inf", math.inf), ("-.INF", -math.inf), ("nan", "nan"), ("inf", "inf"),
    ("12:30:45", "12:30:45"), ("1:30", "1:30"), ("2024-01-31", "2024-01-31"), ("1.2.3", "1.2.3"), ("0x", "0x"),
    ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"), ("No", "No"), ("=", "="),
    ("true", True), ("False", False), ("null", None), ("Null", None), ("~", None), ("", None),
    ("'1'", "1"), ('"true"', "true"), ("!!str 1", "1"), ("[1, a]", [1, "a"]), ("{a: 1}", {"a": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    got = parse_override_value(text, "here")

    assert (type(value), value) == (type(got), got)


# What of BASE is replaced, by what, and how the answer begins: none may be a traceback, or speak of
# anything but the file.
TRAPS = {
    "a huge whole number": ("16000", "9" * 5000, "2:16: "),
    "a huge hexadecimal": ("16000", "0x" + "f" * 5000, "2:16: "),
    "a tagged text": ("16000", "!!int fast", "2:16: "),
    "a tagged nothing": ("16000", "!!int", "2:16: "),
    "a tagged number": ("db: {}", "db: {amin: !!float small}", "10:16: "),
    "a tagged flag": ("  n_fft", "  center: !!bool maybe\n  n_fft", "4:11: "),
    "a tag like int": ("16000", "!x:int 16000", "2:16: "),
    "underscores alone": ("16000", "-_", "2:16: audio.sample_rate: "),
    "hexadecimal of nothing": ("16000", "0x_", "2:16: audio.sample_rate: "),
    "a lone surrogate": ("random: 0", 'random: 0\n  features: "\\ud800"', "20:13: model.features: "),
    "a line break in a key": ("clips:\n", 'clips:\n  "a\\nb": 2\n', "12:3: clips."),
    "an escape in a key": ("clips:\n", 'clips:\n  "a\\e[31mb": 2\n', "12:3: clips."),
    "an escape in a value": ("16000", '"\\e[31m"', "2:16: audio.sample_rate: is the text '\\x1b[31m'; "),
    "an unknown home": ("weights:\n    random: 0", "weights: ~nobody-of-that-name/w.h5", "18:12: "),
    "a file of no name": ("random: 0", "file: ''", "19:11: model.weights.file: "),
}


@pytest.mark.parametrize("what", TRAPS)
def test_a_trap_is_answered_like_any_mistake(what: str) -> None:
    old, new, start = TRAPS[what]

    assert refusal(changed((old, new))).startswith(f"bad.yaml:{start}")


def test_base_60_of_yaml_1_1_is_no_traceback() -> None:
    assert refusal("%YAML 1.1\n---\n" + changed(("16000", "4:26:40"))).startswith("bad.yaml:")


_LINES = ("\n", "---\n", "...\n", "kind: mfcc\n", "deltas: {}\n")
_WORDS = (
    "[ ] { } : , # &a *a ! | > ' \" % @ 0 -1 1.5 _ . e 0x 0o null true no .nan .inf 1e400 $i \\ é \x00 \x7f"
)
_KEYS = (
    "- |? |: |<<: |repeat: |layers: |inputs: |name: |seconds: |frames: |file: |!!int |!!bool |!!set |  |\t"
)
SCRAPS = st.sampled_from([*_LINES, *_WORDS.split(), *_KEYS.split("|")])
EDITS = st.tuples(st.integers(0, len(BASE)), st.integers(0, 9), st.lists(SCRAPS, max_size=3).map("".join))


@given(st.lists(EDITS, min_size=1, max_size=2))
@settings(max_examples=120, deadline=None, derandomize=True)
def test_whatever_the_text_the_answer_is_settings_or_one_line(edits: list[tuple[int, int, str]]) -> None:
    """Scraps of YAML thrown into a sound config never make anything but settings or a ConfigError."""
    text = BASE
    for at, gone, scrap in edits:
        text = text[:at] + scrap + text[at + gone :]
    line = None
    try:
        read(text)
    except ConfigError as e:
        line = str(e)

    assert line is None or (line.isprintable() and line.startswith("bad.yaml:"))


# --- --set ---------------------------------------------------------------------------------------

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
def test_an_override_takes_the_place_of_the_files_value(override: str, path: str, value: object) -> None:
    assert value == attrgetter(path)(read(BASE, [override]).settings)


@pytest.mark.parametrize("key", ["model.layers.0.Conv2D.filters", "model.layers[0].Conv2D.filters"])
def test_a_list_is_reached_by_number(key: str) -> None:
    first, *_, last = read(BASE, [f"{key}=16", "model.layers.2=Flatten"]).settings.model.layers

    assert (first.options["filters"], last.kind) == (16, "Flatten")


def test_the_last_override_of_a_key_counts() -> None:
    assert read(BASE, ["model.batch=x", "model.batch=3"]).settings.model.batch == 3


def test_seconds_in_place_of_seconds() -> None:
    text = changed(("hop_length: 160", "hop_seconds: 0.01"), ("frames: 96", "seconds: 0.96"))

    config = read(text, ["clips.seconds=0.5", "spectrogram.hop_seconds=0.005"]).settings

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
    ("clips={hop: 3}", "clips: wanted one length, in frames or seconds"),
    ("clips.hop_seconds=0.485",
     "clips.hop_seconds: is 7760 samples, 48.5 hops of 160; wanted a whole number of hops"),
    ("model.features=lst",
     "model.features: the text 'lst' is not the name of a layer (did you mean 'last'?)"),
    ("model.weights=random",
     "model.weights: random weights need a seed; wanted {random: 0}, 0 being the seed"),
    ("spectrogram.mfcc.n_mfcc=13", "spectrogram.mfcc: is of use for kind: mfcc alone"),
]  # fmt: skip


@pytest.mark.parametrize(("override", "rest"), REFUSED, ids=[override for override, _ in REFUSED])
def test_an_override_is_checked_as_the_file_is_and_named(override: str, rest: str) -> None:
    """What `--set` brought in is told as `--set`, never as a line of a file that does not hold it."""
    assert refusal(BASE, [override]) == f"--set {override}: {rest}"


@pytest.mark.parametrize(
    "value", ["[", "{a: b", "*a", "a: b: c", "&a [*a]", "{a: 1, a: 2}", "{<<: {}}", "1\n2"]
)
def test_an_overrides_value_that_is_not_yaml_is_refused(value: str) -> None:
    assert refusal(BASE, [f"model.batch={value}"]).startswith("--set model.batch=")


@pytest.mark.parametrize("value", ["!!int x", "9" * 5000, '"\\ud800"'], ids=["tag", "huge", "surrogate"])
def test_an_overrides_value_may_be_a_trap_as_well(value: str) -> None:
    assert refusal(BASE, [f"model.batch={value}"]).startswith("--set model.batch=")


def test_a_mistake_of_the_file_keeps_its_place_beside_an_override() -> None:
    line = refusal(changed(("512", "x")), ["model.batch=3"])

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
def test_where_only_one_may_be_given_an_override_replaces_the_other(
    path: str, has: str, override: str, wanted: object
) -> None:
    """Weights come from one place, and values are compressed in one way: another one takes over."""
    old = "random: 0" if path == "model.weights" else "db: {}"
    if has[0] in "{/":
        old, has = "weights:\n    random: 0", f"weights: {has}"

    part = attrgetter(path)(read(changed((old, has)), [override]).settings)

    assert wanted == part.model_dump(exclude_unset=True)


def test_within_the_one_that_is_given_an_override_changes_one_value() -> None:
    config = read(changed(("db: {}", "db: {ref: 4}")), ["spectrogram.compress.db.amin=1e-3"])

    db = attrgetter("spectrogram.compress.db")(config.settings)
    assert (db.amin, db.ref) == (0.001, 4.0)


def test_an_override_replaces_weights_that_the_file_gives_as_a_path() -> None:
    """`weights: w.h5` is short for `weights: {file: w.h5}`, so it gives way like it."""
    text = changed(("weights:\n    random: 0", "weights: w.h5"))

    assert read(text, ["model.weights.random=3"]).settings.model.weights.random == 3


# --- which file, and what it names ---------------------------------------------------------------


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_config_is_found_by_name_from_any_folder(name: str) -> None:
    config = load_config(name)

    assert name == config.name
    assert f"{name}.yaml" == Path(config.tree.name).name


def test_a_path_is_not_taken_for_a_shipped_name() -> None:
    Path("yamnet.yaml").write_text(BASE)
    Path("yamnet").write_text(BASE)

    for source, last in (
        ("yamnet.yaml", "last"),
        ("./yamnet", "last"),
        (Path("yamnet"), "last"),
        ("yamnet", "embedding"),
    ):
        assert last == load_config(source).settings.model.feature_layer


_SHIPPED = f"shipped are {', '.join(shipped_names())}, or give a path to a YAML file"


@pytest.mark.parametrize(
    ("source", "rest"),
    [
        ("yament", f"no such config (did you mean 'yamnet'?); {_SHIPPED}"),
        ("YAMNET", f"no such config (did you mean 'yamnet'?); {_SHIPPED}"),
        ("xyzzy", f"no such config; {_SHIPPED}"),
        ("yamnet.yml", "no such file (did you mean 'yamnet'?)"),
        ("folder/none.yaml", "no such file; check its name, and the folder that you are in"),
        ("folder", "is a folder; wanted a YAML file"),
    ],
)
def test_a_missing_config_is_told_with_the_nearest_name(source: str, rest: str) -> None:
    Path("folder").mkdir()

    with pytest.raises(ConfigError) as caught:
        load_config(source)

    assert f"{source}: {rest}" == str(caught.value)


@pytest.mark.parametrize("end", ["", ".yaml"])
def test_a_name_too_long_for_any_file_is_no_traceback(end: str) -> None:
    with pytest.raises(ConfigError, match=r"^x{300}"):
        load_config("x" * 300 + end)


@pytest.mark.parametrize("weights", ["weights: {file: sub/w.h5}", "weights: sub/w.h5"])
@pytest.mark.parametrize(
    ("overrides", "file"),
    [([], "models/sub/w.h5"), (["model.weights=v.h5"], "v.h5"), (["model.weights={file: v.h5}"], "v.h5")],
)
def test_a_config_names_weights_from_its_folder_and_an_override_from_the_users(
    weights: str, overrides: list[str], file: str
) -> None:
    Path("models").mkdir()
    Path("models/net.yaml").write_text(changed(("weights:\n    random: 0", weights)))

    assert file == load_config("models/net.yaml", overrides).settings.model.weights.file


def test_an_absolute_weights_path_stays(tmp_path: Path) -> None:
    text = changed(("random: 0", f"file: {tmp_path}/w.h5"))

    assert read(text).settings.model.weights.file == f"{tmp_path}/w.h5"


# --- values that are lists -----------------------------------------------------------------------


def test_a_window_may_have_a_parameter() -> None:
    config = read(changed(("  n_fft", "  window: [kaiser, 14]\n  n_fft")))

    assert config.settings.spectrogram.window == ("kaiser", 14.0)


def test_a_normalisation_may_have_one_constant_for_each_channel() -> None:
    text = changed(("  n_fft", "  deltas: {order: 1}\n  normalize: {mean: [-50, 0], std: [25, 2]}\n  n_fft"))

    normalize = read(text).settings.spectrogram.normalize

    assert normalize is not None
    assert (normalize.mean, normalize.std) == ((-50.0, 0.0), (25.0, 2.0))


# --- the digest ----------------------------------------------------------------------------------

ALIKE = [
    f"# a comment\n{BASE}",
    changed(("win_length: 400", "win_seconds: 0.025"), ("frames: 96", "seconds: 0.96")),
    changed(("  n_fft: 512\n  win_length: 400\n", "  win_length: 400\n  n_fft: 512\n")),
    changed(("clips:\n  frames: 96\n", "clips: {frames: 96, tail: pad, short: pad}\n")),
    changed(("db: {}", "db: {amin: 1e-10, ref: 1}")),
    changed(("n_mels: 64", "n_mels: 64\n    fmin: 0")),
    changed(
        ("filters: 8, kernel_size: 3", "kernel_size: 3, filters: 8, name: conv2d_1, inputs: spectrogram")
    ),
    changed(("audio:\n  sample_rate: 16000\n", "")) + "audio: {sample_rate: 16000}\n",
]

OTHER = {
    "audio": "sample_rate=22050 | channels=left | channels=3 | res_type=soxr_vhq",
    "spectrogram": "kind=mfcc | n_fft=1024 | win_length=401 | win_length=null | hop_length=161 | power=1 | "
    "window=hamming | periodic=false | center=false | pad_mode=reflect | framing=win_length | "
    "remove_dc_offset=true | preemphasis={} | preemphasis={coef: 0.9} | preemphasis={per: frame} | deltas={} | "
    "deltas={order: 2} | deltas={width: 7} | normalize={mean: 1} | normalize={std: 2} | normalize={clip: max} | "
    "normalize={clip: subtract_max} | normalize={clip: max, floor: 0}",
    "spectrogram.mel": "n_mels=63 | fmin=1 | fmax=7999 | htk=true | norm=null | triangles=mel | empty_bands=keep | "
    "keep=60 | top_bin=drop",
    "spectrogram.compress": "db={amin: 1e-9} | db={ref: 2} | db={floor: -80} | ln={amin: 1e-3} | "
    "ln={offset: 1e-3} | log10={} | power={exponent: 0.3} | pcen={} | pcen={gain: 0.9}",
    "clips": "cut=samples | frames=95 | hop=95 | tail=drop | tail=shift | short=skip",
    "model": "features=flatten_1 | batch=63 | weights.random=1 | weights.file=w.h5 | compile.optimizer=sgd | "
    "compile.jit_compile=true | layers=[Flatten]",
    "model.layers.0.Conv2D": "filters=9 | strides=2 | activation=relu | name=first",
    "model.layers.2.Dense": "units=11 | use_bias=false | name=end",
}


def test_equal_settings_have_equal_digests() -> None:
    """However they are written: units, order, style, comments, and defaults said aloud."""
    assert {read(BASE).settings.digest} == {read(text).settings.digest for text in ALIKE}


def test_every_other_value_has_another_digest() -> None:
    overrides = [f"{section}.{change}" for section, text in OTHER.items() for change in text.split(" | ")]

    digests = [read(BASE, [override]).settings.digest for override in overrides]

    digests += [read(BASE, ["clips.tail=drop", "clips.edges=repeat"]).settings.digest]
    assert len({read(BASE).settings.digest, *digests}) == 2 + len(overrides)


@pytest.mark.parametrize("name", shipped_names())
def test_a_record_is_a_config(name: str, tmp_path: Path) -> None:
    """What a run has resolved, nulls and all, is read again as the same settings; JSON is YAML."""
    was = load_config(name).settings
    record = json.dumps(collect_provenance(load_config(name)).config.resolved, indent=1)
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
def test_a_null_is_left_out_and_no_more(section: str, text: str) -> None:
    """It is neither one of several, nor enough where one is wanted."""
    with pytest.raises(ConfigError, match=r"wanted (exactly one of|\{mean)"):
        read(BASE, [f"spectrogram.{section}={text}"])


def test_a_digest_does_not_hang_on_the_process() -> None:
    """SHA-256 of a canonical text: hash seeds and the order of sets have no part in it."""
    code = "from specfeat.config import load_config; print(load_config('yamnet').settings.digest)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == load_config("yamnet").settings.digest


# --- from the command line -----------------------------------------------------------------------


def test_a_config_error_is_one_line_and_exit_code_two() -> None:
    Path("bad.yaml").write_text(changed(("n_mels:", "n_mel:")))
    words = ["-m", "specfeat", "extract", "sound.wav", "out.npy", "--config", "bad.yaml"]

    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (
        2,
        "",
        ["specfeat: bad.yaml:8:5: spectrogram.mel.n_mel: is not known here (did you mean 'n_mels'?)"],
    )
    assert [path.name for path in Path().iterdir()] == ["bad.yaml"]


def test_a_config_error_is_answered_before_anything_heavy_is_loaded() -> None:
    """Reading, checking and refusing a config needs neither NumPy nor a framework."""
    code = (
        "import sys; from specfeat.cli import main; code = main();"
        f"print(code, *[name for name in {HEAVY} if name in sys.modules])"
    )
    words = ["extract", "sound.wav", "out.npy", "--config", "yamnet", "--set", "model.batch=0"]

    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["2"]


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
def test_lengths_and_hops_in_every_unit(clips: str, length: int, hop: int) -> None:
    """Seconds, frames and samples of either cut come to the samples that they say (YAMNet's frames)."""
    cutter = load_config("yamnet", [f"clips={clips}"]).settings.clip_grid

    assert (cutter.clip_samples, cutter.hop_samples) == (length, hop)


def test_a_list_that_is_too_short_is_told(tmp_path: Path) -> None:
    """A window that wants two values and has one, or none: one line, found by tests/fuzz."""
    for value in ("[]", "[null]", "[kaiser]"):
        with pytest.raises(ConfigError, match=r"spectrogram\.window"):
            load_config("minimal", [f"spectrogram.window={value}"])


def test_an_error_is_no_longer_than_can_be_read(tmp_path: Path) -> None:
    """A name of 5,000 characters is cut in what is said of it; found by tests/fuzz."""
    text = (Path(__file__).parents[2] / "configs" / "minimal.yaml").read_text()
    (tmp_path / "long.yaml").write_text(text.replace("Flatten", "a" * 5000))
    with pytest.raises(ConfigError, match="is not a layer that specfeat knows") as caught:
        load_config(tmp_path / "long.yaml")

    assert len(str(caught.value)) < 1700 + len(str(tmp_path))


def test_a_clip_of_a_year_is_refused() -> None:
    """However few numbers its spectrogram would have, a clip has to be read, and a short file filled up to it."""
    slow = [
        "spectrogram.n_fft=32000",
        "spectrogram.win_length=32000",
        "spectrogram.hop_length=16000",
        "spectrogram.mel.n_mels=1",
    ]
    year = ["clips.seconds=31557600", "model.batch=1"]

    with pytest.raises(
        ConfigError, match="one clip would span 504,921,600,000 samples; wanted 536,870,912 or fewer"
    ):
        load_config("default", [*slow, *year])
