"""The sound that weights were trained on, where the file or the config says it: another one is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.weights_files import CONFIG, arrays, config, keras_2
from specfeat.config import Config, load_config
from specfeat.config.settings import WEIGHTS_FILE_KEYS, Settings
from specfeat.config.yaml_tree import ConfigTree
from specfeat.errors import ConfigError, WeightsError
from specfeat.run.provenance import collect_provenance, describe_differences
from specfeat.weights.files.arrays import FileArray, FileContents, Shape
from specfeat.weights.inspection import compare_with_config
from specfeat.weights.matching.slots import derive_slots
from specfeat.weights.sound_check import check_sound, format_sound_settings

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return config(tmp_path, {"random": 0}).settings


# --- the file says -------------------------------------------------------------------------------


def _unreadable(name: str, shape: Shape) -> FileContents:
    """A file of one array whose numbers are not to be asked for."""

    def read() -> Any:
        raise AssertionError(f"{name} was read")

    array = FileArray(name=name, shape=shape, dtype="float32", layer="", role="", read=read)
    return FileContents(format="test", arrays=(array,))


@pytest.mark.parametrize(
    ("name", "shape", "said"),
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
def test_a_front_end_of_another_size_is_not_read(
    settings: Settings, name: str, shape: Shape, said: str
) -> None:
    """A declared shape costs nothing: filters and kernels are read only where they are as large as the config's."""
    with pytest.raises(WeightsError, match=said):
        check_sound(settings, _unreadable(name, shape))


GARBAGE = ["", "{", "[]", "3", "null", '"text"', "{}", '{"sample_rate": 8000, "kind": 3}', "[" * 100_000]


@pytest.mark.parametrize("text", GARBAGE, ids=lambda text: text[:20] or "nothing")
def test_a_stamp_that_makes_no_sense_is_one_sentence(settings: Settings, text: str) -> None:
    """What another program wrote where specfeat writes the sound is refused, whatever it is."""
    with pytest.raises(WeightsError, match=r"convert it again|was converted by another version of specfeat"):
        check_sound(settings, FileContents(format="test", arrays=(), sound_settings=text))


def test_a_stamp_is_compared_setting_by_setting(settings: Settings) -> None:
    """Its own config's is accepted; the first setting that differs is named, by name."""
    check_sound(
        settings, FileContents(format="test", arrays=(), sound_settings=format_sound_settings(settings))
    )

    other = json.loads(format_sound_settings(settings)) | {"sample_rate": 16000, "hop_length": 32}
    with pytest.raises(WeightsError) as error:
        check_sound(settings, FileContents(format="test", arrays=(), sound_settings=json.dumps(other)))
    assert str(error.value) == (
        "was trained with audio.sample_rate 16000, the config has 8000; its features would be wrong"
    )


# --- the config says -----------------------------------------------------------------------------

TRAINED = [path.stem for path in sorted(CONFIGS.glob("*.yaml")) if "trained_with" in path.read_text()]


@pytest.mark.parametrize("name", TRAINED)
def test_shipped_configs_of_published_weights_say_their_own_sound(name: str) -> None:
    """As shipped they take a file; with one setting of the sound changed they refuse any."""
    assert load_config(name, ["model.weights.file=w.h5"]).settings.model.weights.trained_with == name

    with pytest.raises(ConfigError) as error:
        load_config(name, ["model.weights.file=w.h5", "spectrogram.power=1.5"])
    assert str(error.value).startswith(
        f"--set spectrogram.power=1.5: spectrogram.power: is 1.5; the weights were trained with {name}'s, "
    )
    assert load_config(name, ["spectrogram.power=1.5"]).settings.spectrogram.power == 1.5  # random weights


def test_which_configs_say_it() -> None:
    """Those whose authors publish weights for that very sound; not the front ends, nor ImageNet's."""
    assert sorted(TRAINED) == sorted(
        [
            *("cnn10", "cnn14", "cnn14_16k", "cnn6", "inaspeech", "musicnn_vgg", "openl3_linear"),
            *("openl3_mel128", "openl3_mel256", "vggish", "yamnet", "yamnet_relu6"),
        ]
    )


def test_a_copy_of_a_config_is_held_to_the_sound_it_names(tmp_path: Path) -> None:
    """Line and column are those of the setting; the sample rate is of the sound, clips and network are not."""
    text = (
        (CONFIGS / "minimal.yaml").read_text().replace("{random: 0}", "{file: w.h5, trained_with: minimal}")
    )
    (tmp_path / "my.yaml").write_text(text)
    assert load_config(tmp_path / "my.yaml", ["clips.hop=1", "model.batch=2"]).settings.model.batch == 2

    rate = next(line for line in text.splitlines() if "sample_rate" in line)
    (tmp_path / "my.yaml").write_text(text.replace(rate, "audio: {sample_rate: 24000}"))
    with pytest.raises(
        ConfigError, match=r"my\.yaml:\d+:\d+: audio\.sample_rate: is 24000; the weights were"
    ):
        load_config(tmp_path / "my.yaml")


def test_settings_made_in_python_are_held_to_the_sound_they_name() -> None:
    """No road to a network passes by the comparison."""
    settings = load_config("minimal", ["model.weights={random: 0, trained_with: minimal}"]).settings
    weights = settings.model.weights.model_copy(update={"file": "w.h5", "random": None})
    audio = settings.audio.model_copy(update={"sample_rate": 24_000})
    model = settings.model.model_copy(update={"weights": weights})
    other = settings.model_copy(update={"audio": audio, "model": model})

    with pytest.raises(ConfigError) as error:
        Config("settings", other, ConfigTree("settings"))
    assert str(error.value).startswith("settings: audio.sample_rate: is 24000; the weights were trained with")


def test_a_sound_that_is_not_shipped_is_refused(tmp_path: Path) -> None:
    """With or without a file, with the name that was meant."""
    for weights in ({"random": 0}, {"file": "w.h5"}):
        with pytest.raises(ConfigError, match=r"'yamnett', no shipped config \(did you mean 'yamnet'\?\)"):
            config(tmp_path, {**weights, "trained_with": "yamnett"})


def test_show_tells_of_another_sound(tmp_path: Path) -> None:
    """The arrays fit, the spectrogram does not: so the file does not fit the config."""
    from specfeat.weights.files.formats import open_weights_file
    from specfeat.weights.files.source import locate_weights

    keras_2(tmp_path / "w.h5", arrays())
    mine = config(tmp_path, {"random": 0, "trained_with": "minimal"}, CONFIG).settings
    with open_weights_file(locate_weights(str(tmp_path / "w.h5"))) as contents:
        match, problem = compare_with_config(mine, contents, derive_slots(mine))

    assert match == "name"
    assert "the weights were trained with minimal's, " in problem


def test_the_sound_has_no_part_in_the_digest(tmp_path: Path) -> None:
    """It changes no number: what was extracted without it is what would be extracted with it."""
    plain = config(tmp_path, {"random": 0}).settings
    told = config(tmp_path, {"random": 0, "trained_with": "minimal"}).settings

    assert plain.digest == told.digest


@pytest.mark.parametrize("name", WEIGHTS_FILE_KEYS)
def test_what_is_of_the_file_moves_no_bit(tmp_path: Path, name: str) -> None:
    """Rows made without such a setting are gone on with under it, and the digest says the same."""
    values = {"file": "v.h5", "sha256": "0" * 64, "format": "hdf5", "trained_with": "minimal"}
    text = (CONFIGS / "minimal.yaml").read_text().replace("{random: 0}", "{random: 3}")
    plain = config(tmp_path, {"file": "w.h5"}, text)
    told = config(tmp_path, {"file": "w.h5", name: values[name]}, text)

    assert plain.settings != told.settings
    assert plain.settings.digest == told.settings.digest
    assert describe_differences(collect_provenance(plain), collect_provenance(told)) == ""


# --- zero points ---------------------------------------------------------------------------------


@pytest.mark.parametrize("zeros", [2, 4])
def test_quantised_numbers_want_a_zero_point_a_scale(zeros: int) -> None:
    """Two zero points for three scales would be spread in silence, or fail in NumPy's words."""
    from specfeat.weights.files.tflite import Tensor

    scale, zero = np.ones(3, np.float32), np.zeros(zeros, np.int64)
    tensor = Tensor("kernel", (3, 2), "i1", memoryview(bytes(6)), scale, zero, 0)

    with pytest.raises(WeightsError, match=f"'kernel' has {zeros} zero points for 3 scales"):
        tensor.read_values()
