"""Wrong keys and values: the one line that says where the mistake is and what is wanted.

Mistakes in the list of layers have tests of their own, in tests/architecture/.
"""

from pathlib import Path

import pytest

from helpers.config_texts import get_refusal, replace_text
from specfeat.config import load_config
from specfeat.errors import ConfigError

pytestmark = pytest.mark.usefixtures("_in_an_empty_folder")


# In each table: what of BASE is replaced, by what, and the line that follows, less the file's name.
UNKNOWN = [
    ("audio:\n", "Audio:\n", "1:1: Audio: is not known here (did you mean 'audio'?)"),
    ("spectrogram:\n", "spektrogram:\n", "3:1: spektrogram: is not known here (did you mean 'spectrogram'?)"),
    ("audio:\n", "sound: {}\naudio:\n",
     "1:1: sound: is not known here; known: audio, spectrogram, clips, model, rows, train"),
    ("16000\n", "16000\n  chanels: mix\n", "3:3: audio.chanels: is not known here (did you mean 'channels'?)"),
    ("16000\n", "16000\n  q: 1\n", "3:3: audio.q: is not known here; known: sample_rate, channels, res_type"),
    ("sample_rate:", "samplerate:", "2:3: audio.samplerate: is not known here (did you mean 'sample_rate'?)"),
    ("hop_length:", "hop_size:", "6:3: spectrogram.hop_size: is not known here (it is hop_length here)"),
    ("db: {}", "log: {}", "10:5: spectrogram.compress.log: is not known here (it is ln here)"),
    ("  n_fft: 512", "  n_mels: 64\n  n_fft: 512",
     "4:3: spectrogram.n_mels: is not known here; n_mels belongs in spectrogram.mel"),
    ("db: {}", "db: {top_db: 80}", "10:18: spectrogram.compress.db.top_db: depends on the largest value of the clip or of the file; "
     "wanted per: clip or per: file beside it"),
    ("db: {}", "top_db: 80", "10:5: spectrogram.compress.top_db: is not known here; top_db belongs in "
     "spectrogram.compress.db"),
    ("db: {}", "log1p: {}", "10:5: spectrogram.compress.log1p: is not known here; ln(1 + x) is ln: {offset: 1}"),
    ("frames: 96", "frames: 96\n  overlap: 0.5", "13:3: clips.overlap: is not known here; hop is from one clip's start "
     "to the next: the length less the overlap"),
    ("frames: 96", "log_mel: true", "12:3: clips.log_mel: is not known here; db belongs in spectrogram.compress"),
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
    ("frames: 96", "hop: 96", "12:3: clips: needs exactly one of frames and seconds, the length of a clip"),
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
     "e.g. {db: {}}, or a list of up to 8 such steps (did you mean 'db'?)"),
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
    ("  weights:\n", "  compile: {metrics: [acuracy, mse]}\n  weights:\n",
     "18:23: model.compile.metrics[0]: is the text 'acuracy'; wanted one of accuracy, binary_accuracy, "
     "categorical_accuracy, sparse_categorical_accuracy, auc, precision, recall, mse, mae (did you mean 'accuracy'?)"),
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
     "8:13: spectrogram.mel.n_mels: is 128, but 6 bands contain no FFT bin at n_fft "
     "512 (the first is number 0), so the values would never change; wanted fewer bands, a larger n_fft or a higher fmin"),
    ("n_mels: 64", "fmax: 8000.5",
     "8:11: spectrogram.mel.fmax: is 8000.5 Hz, above half the sample rate; wanted 8000 Hz or less"),
    ("n_mels: 64", "n_mels: 40\n    fmin: 400\n    fmax: 400",
     "9:11: spectrogram.mel.fmin: is 400 Hz; wanted less than fmax (400 Hz)"),
    ("hop_length: 160", "hop_length: 401",
     "6:15: spectrogram.hop_length: is 401, longer than the window (400), so samples between the frames "
     "would not be used; wanted 400 or less"),
    ("win_length: 400", "win_length: 513",
     "5:15: spectrogram.win_length: is 513, longer than n_fft (512); wanted n_fft or less"),
    ("  n_fft", "  kind: linear\n  n_fft",
     "8:3: spectrogram.mel: does not apply to kind: linear; wanted kind: mel"),
    ("  n_fft", "  kind: mfcc\n  mfcc: {n_mfcc: 65}\n  n_fft",
     "5:18: spectrogram.mfcc.n_mfcc: is 65; wanted at most n_mels (64)"),
    ("n_mels: 64", "n_mels: 64\n    keep: 65",
     "9:11: spectrogram.mel.keep: is 65; wanted at most n_mels (64)"),
    ("n_mels: 64", "n_mels: 64\n    keep: 13\n  kind: mfcc\n  mfcc: {n_mfcc: 14}",
     "11:18: spectrogram.mfcc.n_mfcc: is 14; wanted at most keep (13)"),
    ("n_mels: 64", "n_mels: 80\n    htk: true\n    top_bin: drop",
     "8:13: spectrogram.mel.n_mels: is 80, but 2 bands contain no FFT bin at n_fft "
     "512 (the first is number 0), so the values would never change; wanted fewer bands, a larger n_fft or a higher fmin"),
    ("  n_fft", "  normalize: {floor: -80}\n  n_fft",
     "4:15: spectrogram.normalize.floor: applies only together with clip or file"),
    ("frames: 96", "frames: 96\n  edges: repeat",
     "13:3: clips.edges: repeat applies only together with tail: drop, but tail is pad; change one of them"),
    ("  n_fft", "  deltas: {width: 8}\n  n_fft",
     "4:19: spectrogram.deltas.width: is 8; wanted an odd number"),
    ("db: {}", "db: {}\n    ln: {offset: 1}",
     "10:5: spectrogram.compress: has 2 kinds of compression; "
     "wanted exactly one of ln, db, log10, power, pcen, e.g. {db: {}}, or a list of such steps"),
    ("db: {}", "ln: {}",
     "10:9: spectrogram.compress.ln: gives -inf for silence; wanted an offset or an amin above 0"),
    ("  n_fft", "  normalize: {std: 1, clip: max}\n  n_fft",
     "4:14: spectrogram.normalize: wanted either constants (mean, std) or clip, not both"),
    ("  n_fft", "  padding: [1, 2]\n  n_fft",
     "4:12: spectrogram.padding: applies only together with center: false"),
    ("  n_fft", "  snip_edges: false\n  n_fft",
     "4:15: spectrogram.snip_edges: false applies only together with center: false"),
    ("  n_fft", "  center: false\n  pad_end: true\n  padding: [1, 2]\n  n_fft",
     "6:12: spectrogram.padding: is given together with pad_end, which also pads the ends; keep one of them"),
    ("  n_fft", "  center: false\n  snip_edges: false\n  padding: [1, 2]\n  n_fft",
     "5:15: spectrogram.snip_edges: is given together with padding, which also pads the ends; keep one of them"),
    ("  n_fft", "  center: false\n  snip_edges: false\n  pad_mode: reflect\n  n_fft",
     "6:13: spectrogram.pad_mode: is reflect, but snip_edges: false always pads like symmetric; wanted symmetric, or no "
     "pad_mode"),
    ("  n_fft", "  center: false\n  padding: 200\n  n_fft",
     "5:12: spectrogram.padding: is 200; wanted a list of two: the samples before the sound and those after it"),
    ("  n_fft", "  center: false\n  padding: [200]\n  n_fft",
     "5:12: spectrogram.padding: is [200]; wanted a list of two: the samples before the sound and those after it"),
    ("  n_fft", "  dither: {std: 1}\n  preemphasis: {}\n  n_fft",
     "4:3: spectrogram.dither: is added to frames, so it must come before the pre-emphasis; "
     "wanted preemphasis: {per: frame}"),
    ("  n_fft", "  gain: 2\n  peak: 1\n  n_fft",
     "4:3: spectrogram.gain: has no effect together with peak, which sets the scale; keep one of them"),
    ("  n_fft", "  dither: 1.0\n  n_fft",
     "4:11: spectrogram.dither: is 1.0; wanted a mapping with the standard deviation of the noise, e.g. {std: 1.0}"),
    ("  n_fft", "  dither: {}\n  n_fft", "4:3: spectrogram.dither: has no 'std'; it is required"),
    ("frames: 96", "frames: 96\n  end_frame: keep\n  cut: samples",
     "13:14: clips.end_frame: keep applies only together with cut: frames, because a clip of samples has all its frames anyway; leave it out"),
    ("  hop_length: 160\n  mel:\n    n_mels: 64\n  compress:\n    db: {}\nclips:\n",
     "  hop_length: 160\n  center: false\nclips:\n  end_frame: keep\n",
     "9:14: clips.end_frame: keep applies only together with spectrogram.center or pad_end, because otherwise all frames are "
     "used anyway; leave it out"),
    ("frames: 96", "samples: 16000",
     "12:3: clips.samples: applies only together with cut: samples; give frames or seconds instead"),
    ("frames: 96", "frames: 96\n  samples: 16000\n  cut: samples",
     "12:3: clips: needs exactly one of frames, samples and seconds, the length of a clip"),
    ("frames: 96", "frames: 10000000000",
     "12:3: clips: one clip of 10000000000 x 64 x 1 would take 2384.2 GiB of memory; wanted a shorter clip"),
]  # fmt: skip
SECONDS = [
    ("win_length: 400", "win_seconds: 0.02501",
     "5:16: spectrogram.win_seconds: is 0.02501 s, 400.16 samples at 16000 Hz; "
     "wanted a whole number of samples"),
    ("win_length: 400", "win_length: 400\n  win_seconds: 0.025",
     "6:3: spectrogram.win_seconds: is given together with win_length; keep one of them"),
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
     "12:12: clips.seconds: is 15440 samples, 96.5 hops of 160; wanted a whole number of hops, or the length in frames"),
    ("frames: 96", "seconds: 0.96\n  hop_seconds: 0.485",
     "13:16: clips.hop_seconds: is 7760 samples, 48.5 hops of 160; wanted a whole number of hops"),
    ("frames: 96", "frames: 96\n  seconds: 0.96",
     "13:3: clips.seconds: is given together with frames; keep one of them"),
]  # fmt: skip
WEIGHTS = [
    ("weights:\n    random: 0", "weights: random",
     "18:12: model.weights: random weights need a seed; wanted {random: 0}, where 0 is the seed"),
    ("random: 0", "random: 0\n    file: w.h5",
     "19:5: model.weights: wanted either {file: PATH} or {random: SEED}"),
    ("random: 0", "file:", "19:5: model.weights.file: is empty; wanted the path of a weights file; if a command inside $( ) should give it, "
     "that command has probably failed"),
    ("random: 0", "random: null", "19:5: model.weights: wanted either {file: PATH} or {random: SEED}"),
    ("weights:\n    random: 0", "weights: 0",
     "18:12: model.weights: is 0; wanted a mapping, its keys indented below"),
    ("weights:\n    random: 0", "weights: {file: w.h5, sha256: abc}",
     "18:33: model.weights.sha256: is the text 'abc'; wanted a SHA-256: 64 hexadecimal digits, as sha256sum prints them"),
    ("weights:\n    random: 0", "weights: {random: 0, format: npz}",
     "18:24: model.weights.format: applies only together with weights.file; add a file, or leave this out"),
    ("weights:\n    random: 0", "weights: {file: w.h5, format: numpy}",
     "18:33: model.weights.format: is the text 'numpy'; wanted one of auto, hdf5, keras, checkpoint, savedmodel, graph, "
     "tflite, onnx, npz, safetensors, torch"),
    ("weights:\n    random: 0", "weights: {file: w.h5, map: {dense_2: a}}",
     "18:31: model.weights.map.dense_2: is not the name of a layer; wanted LAYER, or LAYER/ARRAY, e.g. conv1/kernel"),
    ("weights:\n    random: 0", "weights: {file: w.h5, map: {dense_1/kernel: 3}}",
     "18:47: model.weights.map.dense_1/kernel: is 3; wanted text"),
    ("weights:\n    random: 0", "weights: https://example.org/w.h5",
     "18:12: model.weights: is an address, 'https://example.org/w.h5', and nothing is downloaded; "
     "fetch the file first (specfeat weights fetch, or a browser) and give its path"),
]  # fmt: skip
BAD = [*UNKNOWN, *MISSING, *TWICE, *TYPES, *CHOICES, *UNFIT, *SECONDS, *WEIGHTS]


@pytest.mark.parametrize(
    ("old", "new", "line"), BAD, ids=[" ".join(new.split()) or f"no {old.split()[0]}" for old, new, _ in BAD]
)
def test_a_message_has_place_and_key_and_what_is_wanted(old: str, new: str, line: str) -> None:
    """The whole line: `FILE:LINE:COLUMN: key.path: what is wrong; what is wanted (did you mean ...?)`."""
    assert f"bad.yaml:{line}" == get_refusal(replace_text((old, new)))


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
def test_the_message_about_a_range_has_the_bound(
    old: str, new: str, place: str, key: str, bound: str
) -> None:
    """A value that is too small or too large is refused with the smallest or largest one that is allowed."""
    wrong, wanted = get_refusal(replace_text((old, new))).split("; wanted ")

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
    """A length of 0 or less is refused."""
    assert get_refusal(replace_text((old, new))).startswith(f"bad.yaml:{start}")


def test_an_empty_value_has_the_line_of_its_key() -> None:
    """`n_fft:` without a value is wrong on that line, not on the next one."""
    assert get_refusal(replace_text(("n_fft: 512", "n_fft:"))).startswith("bad.yaml:4:")


def test_the_first_of_several_mistakes_is_reported() -> None:
    """The message is about the mistake that comes first in the file."""
    line = get_refusal(replace_text(("160\n", "x\n"), ("frames: 96", "frames: x"), ("512", "x")))

    assert line == "bad.yaml:4:10: spectrogram.n_fft: is the text 'x'; wanted a whole number"


def test_a_wrong_sample_rate_is_reported_before_lengths_in_seconds() -> None:
    """Without a rate the seconds cannot be converted, but it is the rate that is wrong, wherever it is written."""
    audio = "audio:\n  sample_rate: 16000\n"
    text = replace_text((audio, ""), ("hop_length: 160", "hop_seconds: 0.01")) + audio.replace(
        "16000", "fast"
    )

    assert (
        get_refusal(text)
        == "bad.yaml:19:16: audio.sample_rate: is the text 'fast'; wanted a whole number, 1,000 or more"
    )


def test_a_list_that_is_too_short_is_refused(tmp_path: Path) -> None:
    """A window that needs two values and has one, or none, is refused in one line. tests/fuzz found this."""
    for value in ("[]", "[null]", "[kaiser]"):
        with pytest.raises(ConfigError, match=r"spectrogram\.window"):
            load_config("minimal", [f"spectrogram.window={value}"])


def test_a_message_is_short_enough_to_read(tmp_path: Path) -> None:
    """A name of 5,000 characters is shortened in the message. tests/fuzz found this."""
    text = (Path(__file__).parents[2] / "configs" / "minimal.yaml").read_text()
    (tmp_path / "long.yaml").write_text(text.replace("Flatten", "a" * 5000))
    with pytest.raises(ConfigError, match="is not a layer that specfeat knows") as caught:
        load_config(tmp_path / "long.yaml")

    assert len(str(caught.value)) < 1700 + len(str(tmp_path))


def test_a_clip_of_a_year_is_refused() -> None:
    """A clip is read as a whole, and a short file is filled up to it, however few values its spectrogram has."""
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
