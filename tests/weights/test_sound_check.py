"""The sound that weights were trained on, where the file or the config says it; any other sound is refused."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.hostile_weights.flatbuffer import FlatbufferWriter
from helpers.weights_files import CONFIG, load_small_config, make_arrays, write_keras_2
from specfeat.config import Config, load_config
from specfeat.config.config_tree import ConfigTree
from specfeat.config.model import WEIGHTS_FILE_KEYS
from specfeat.config.settings import Settings
from specfeat.errors import ConfigError, WeightsError
from specfeat.run.provenance import collect_provenance, describe_differences
from specfeat.weights.files.arrays import FileArray, FileContents, Shape
from specfeat.weights.files.flatbuffer import FlatbufferTable
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import locate_weights
from specfeat.weights.files.tflite_tensor import Tensor
from specfeat.weights.inspection import compare_with_config
from specfeat.weights.matching.slots import derive_slots
from specfeat.weights.sound_check import check_sound, format_sound_settings

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of the small network."""
    return load_small_config(tmp_path, {"random": 0}).settings


# --- the file says -------------------------------------------------------------------------------


def _make_unreadable_contents(name: str, shape: Shape) -> FileContents:
    """Return the contents of a file with one array whose values must not be read."""

    def read() -> Any:
        raise AssertionError(f"{name} was read")

    array = FileArray(name=name, shape=shape, dtype="float32", layer="", role="", read=read)
    return FileContents(format="test", arrays=(array,))


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ("spectrogram.gain=32768", r"gain 1\.0, the config has 32768\.0"),
        ("spectrogram.compress=[{pcen: {}}, {ln: {offset: 1}}]", r"compress null, the config has \[\{"),
        ("spectrogram.normalize={file: max}", r"normalize\.file null, the config has \"max\""),
        (
            "spectrogram.normalize={mean: [" + "0.25, " * 27 + "7], per: band}",
            r"mean null, .* \.\.\. .* 7\.0\];",
        ),
        ("spectrogram.dither={std: 1}", r"dither\.seed null, the config has 0"),
    ],
    ids=lambda text: text[:30],
)
def test_the_settings_in_a_converted_file_are_compared(change: str, difference: str) -> None:
    """Settings that version 0.1.0 did not have are written and compared, too, and long lists are shortened."""
    plain, changed = load_config("minimal").settings, load_config("minimal", [change]).settings
    converted, older = (
        FileContents(format="test", arrays=(), sound_settings=format_sound_settings(settings))
        for settings in (changed, plain)
    )

    check_sound(changed, converted)
    check_sound(plain, older)
    with pytest.raises(WeightsError) as error:
        check_sound(changed, older)

    assert len(str(error.value)) < 250
    assert re.search(difference, str(error.value))
    with pytest.raises(WeightsError):
        check_sound(plain, converted)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("logmel_extractor.melW", (2**20, 2**20), r"trained with spectrogram\.n_fft 2097150 .* has 128"),
        ("logmel_extractor.melW", (65, 2**40), r"trained with spectrogram\.mel\.n_mels 1099511627776"),
        ("logmel_extractor.melW", (2**40,), "is not a mel filterbank: it has 1 axes; wanted 2"),
        ("melspectrogram/freq2mel:0", (65, 2**40), r"trained with spectrogram\.mel\.n_mels"),
        (
            "spectrogram_extractor.stft.conv_real.weight",
            (2**20, 1, 2**20),
            r"with spectrogram\.n_fft 1048576",
        ),
        ("spectrogram_extractor.stft.conv_real.weight", (2**40, 1, 128), "is not the kernel of an STFT"),
        ("spectrogram_extractor.stft.conv_real.weight", (2, 2**40, 2), "is not the kernel of an STFT"),
        ("melspectrogram/real_kernels:0", (2**30, 1, 1, 65), r"with spectrogram\.n_fft 1073741824"),
    ],
)
def test_arrays_of_another_front_end_are_not_read(
    settings: Settings, name: str, shape: Shape, message: str
) -> None:
    """Filters and kernels are read only if they have the config's size, so a false shape takes no memory."""
    with pytest.raises(WeightsError, match=message):
        check_sound(settings, _make_unreadable_contents(name, shape))


GARBAGE = ["", "{", "[]", "3", "null", '"text"', "{}", '{"sample_rate": 8000, "kind": 3}', "[" * 100_000]


@pytest.mark.parametrize("text", GARBAGE, ids=lambda text: text[:20] or "nothing")
def test_invalid_sound_settings_are_refused_in_one_sentence(settings: Settings, text: str) -> None:
    """Any text in the attribute in which specfeat writes the sound settings is either valid or refused."""
    with pytest.raises(WeightsError, match=r"convert it again|was converted by another version of specfeat"):
        check_sound(settings, FileContents(format="test", arrays=(), sound_settings=text))


def test_sound_settings_are_compared_one_by_one(settings: Settings) -> None:
    """Those of the same config are accepted; else the error names the first setting that differs, by alphabet."""
    check_sound(
        settings, FileContents(format="test", arrays=(), sound_settings=format_sound_settings(settings))
    )

    other = json.loads(format_sound_settings(settings)) | {"sample_rate": 16000, "hop_length": 32}
    with pytest.raises(WeightsError) as error:
        check_sound(settings, FileContents(format="test", arrays=(), sound_settings=json.dumps(other)))
    assert str(error.value) == (
        "was trained with audio.sample_rate 16000, the config has 8000; its features would be wrong; use the value of the file, or other weights"
    )


# --- the config says -----------------------------------------------------------------------------

TRAINED = [path.stem for path in sorted(CONFIGS.glob("*.yaml")) if "trained_with" in path.read_text()]


@pytest.mark.parametrize("name", TRAINED)
def test_shipped_configs_of_published_weights_name_their_own_sound(name: str) -> None:
    """As shipped they accept a weights file; with one setting of the sound changed they refuse every file."""
    assert load_config(name, ["model.weights.file=w.h5"]).settings.model.weights.trained_with == name

    with pytest.raises(ConfigError) as error:
        load_config(name, ["model.weights.file=w.h5", "spectrogram.power=1.5"])
    message = str(error.value)
    assert message.startswith(
        "override spectrogram.power=1.5: spectrogram.power: is 1.5, but the weights were trained with "
    )
    assert f"the value in {name}; the features would be wrong" in message


def test_random_weights_go_with_every_sound() -> None:
    """Without a weights file, `trained_with` forbids no setting."""
    assert load_config("yamnet", ["spectrogram.power=1.5"]).settings.spectrogram.power == 1.5


def test_which_configs_name_their_sound() -> None:
    """Those whose authors publish weights for that sound, but not configs that are only a front end or use ImageNet."""
    assert sorted(TRAINED) == sorted(
        [
            *("cnn10", "cnn14", "cnn14_16k", "cnn6", "inaspeech", "musicnn_vgg", "openl3_linear"),
            *("openl3_mel128", "openl3_mel256", "speech_embedding", "vggish", "yamnet", "yamnet_relu6"),
        ]
    )


def test_a_copy_of_a_config_must_have_the_sound_it_names(tmp_path: Path) -> None:
    """The error has line and column of the setting; the sample rate is part of the sound, clips and network are not."""
    text = (
        (CONFIGS / "minimal.yaml").read_text().replace("{random: 0}", "{file: w.h5, trained_with: minimal}")
    )
    (tmp_path / "my.yaml").write_text(text)
    assert load_config(tmp_path / "my.yaml", ["clips.hop=1", "model.batch=2"]).settings.model.batch == 2

    rate = next(line for line in text.splitlines() if "sample_rate" in line)
    (tmp_path / "my.yaml").write_text(text.replace(rate, "audio: {sample_rate: 24000}"))
    with pytest.raises(
        ConfigError, match=r"my\.yaml:\d+:\d+: audio\.sample_rate: is 24000, but the weights were"
    ):
        load_config(tmp_path / "my.yaml")


def test_settings_from_python_must_have_the_sound_they_name() -> None:
    """The comparison is made for settings without a file as well."""
    settings = load_config("minimal", ["model.weights={random: 0, trained_with: minimal}"]).settings
    weights = settings.model.weights.model_copy(update={"file": "w.h5", "random": None})
    audio = settings.audio.model_copy(update={"sample_rate": 24_000})
    model = settings.model.model_copy(update={"weights": weights})
    other = settings.model_copy(update={"audio": audio, "model": model})

    with pytest.raises(ConfigError) as error:
        Config("settings", other, ConfigTree("settings"))
    assert str(error.value).startswith(
        "settings: audio.sample_rate: is 24000, but the weights were trained with"
    )


def test_a_trained_with_that_is_no_shipped_config_is_refused(tmp_path: Path) -> None:
    """With or without a weights file, the error has the name that was probably meant."""
    for weights in ({"random": 0}, {"file": "w.h5"}):
        with pytest.raises(
            ConfigError, match=r"'yamnett', not the name of a shipped config \(did you mean 'yamnet'\?\)"
        ):
            load_small_config(tmp_path, {**weights, "trained_with": "yamnett"})


def test_show_reports_another_sound(tmp_path: Path) -> None:
    """If the arrays fit and the spectrogram does not, the file does not fit the config."""
    write_keras_2(tmp_path / "w.h5", make_arrays())
    settings = load_small_config(tmp_path, {"random": 0, "trained_with": "minimal"}, CONFIG).settings
    with open_weights_file(locate_weights(str(tmp_path / "w.h5"))) as contents:
        match, problem = compare_with_config(settings, contents, derive_slots(settings))

    assert match == "name"
    assert problem.startswith("fits the network, but not its sound: audio.sample_rate is 8000, but ")
    assert "but the weights were trained with 16000, the value in minimal" in problem


def test_trained_with_does_not_change_the_digest(tmp_path: Path) -> None:
    """It changes no number, so rows that were extracted without it can be used with it."""
    plain = load_small_config(tmp_path, {"random": 0}).settings
    changed = load_small_config(tmp_path, {"random": 0, "trained_with": "minimal"}).settings

    assert plain.digest == changed.digest


@pytest.mark.parametrize("name", WEIGHTS_FILE_KEYS)
def test_keys_of_the_weights_file_change_no_number(tmp_path: Path, name: str) -> None:
    """Rows that were extracted without such a key can be used with it, and the digest is the same."""
    values = {"file": "v.h5", "sha256": "0" * 64, "format": "hdf5", "trained_with": "minimal"}
    text = (CONFIGS / "minimal.yaml").read_text().replace("{random: 0}", "{random: 3}")
    plain = load_small_config(tmp_path, {"file": "w.h5"}, text)
    changed = load_small_config(tmp_path, {"file": "w.h5", name: values[name]}, text)

    assert plain.settings != changed.settings
    assert plain.settings.digest == changed.settings.digest
    assert describe_differences(collect_provenance(plain), collect_provenance(changed)) == ""


# --- zero points ---------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 4])
def test_quantised_numbers_need_a_zero_point_for_each_scale(count: int) -> None:
    """Two zero points for three scales are an error; NumPy would repeat them, or fail with a message of its own."""
    scale, zero = np.ones(3, np.float32), np.zeros(count, np.int64)
    writer = FlatbufferWriter()
    start = writer.add_table({3: 0})
    writer.set_reference(start, 3, writer.add_vector(b"kernel", 6))
    table = FlatbufferTable(memoryview(writer.data), start)
    tensor = Tensor(table, (3, 2), "i1", memoryview(bytes(6)), scale, zero, 0)

    with pytest.raises(WeightsError, match=f"'kernel' has {count} zero points for 3 scales"):
        tensor.read_values()
