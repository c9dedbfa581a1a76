"""What a network learns: classes, the features of teachers, and sounds without labels. The loss of each task falls."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

import specfeat
from helpers.training_data import CONFIG, RATE, write_table
from helpers.training_runs import OPTIONS, NotingListener
from specfeat import extract_to, load_config, train
from specfeat.errors import ConfigError, OutputError

pytestmark = [pytest.mark.tf, pytest.mark.slow, pytest.mark.usefixtures("_training_folder")]

# The shipped default and its recipe in small: the same kinds of layers, branches and random changes.
RECIPE = """\
audio: {sample_rate: 8000}
spectrogram: {n_fft: 256, hop_length: 128, mel: {n_mels: 16}, compress: {db: {amin: 1.0e-8}}, normalize: {mean: -40, std: 20}}
clips: {frames: 16, tail: pad}
model:
  layers:
    - Conv2D: {filters: 8, kernel_size: 4, strides: 4, use_bias: false}
    - BatchNormalization
    - ReLU: {name: block1}
    - DepthwiseConv2D: {kernel_size: 3, padding: same, use_bias: false}
    - BatchNormalization
    - ReLU
    - Conv2D: {filters: 8, kernel_size: 1, use_bias: false}
    - BatchNormalization
    - ReLU: {name: branch}
    - Add: {name: top, inputs: [block1, branch]}
    - GlobalAveragePooling2D: {name: content, inputs: [top]}
    - Flatten: {inputs: [top]}
    - Dense: {name: course, units: 8, activation: relu}
    - AveragePooling2D: {name: mean_frame, inputs: [spectrogram], pool_size: [16, 1]}
    - Flatten: {name: mean_bands}
    - Concatenate: {name: features, inputs: [content, course, mean_bands]}
  weights: {random: 0}
train:
  variants: 2
  augment: [{mix: 0.35}, {speed: 0.35}, {equalize: 8}, {gain: [-30, 3]}]
  optimizer: {AdamW: {learning_rate: 2e-3, weight_decay: 1e-4, global_clipnorm: 5}}
  schedule: {kind: cosine, warmup: 0.03, final: 0.01}
  batch: 16
  cache: {dtype: float16}
"""
TEACHERS = "[{config: my.yaml, power: 0.5}, {config: my.yaml, features: dropout, weight: 0.5}]"


def test_distillation_learns_the_features_of_two_teachers() -> None:
    """The loss falls; neither the heads nor the section `train` is in the config that is left.

    The rows of the second teacher are computed in one training, and read from an output in the other. Both
    have the same bytes.
    """
    for number, units in enumerate((5, 3)):
        text = CONFIG.replace("filters: 8", "filters: 4").replace("units: 8", f"units: {units}")
        Path(f"teacher_{number}.yaml").write_text(text)
    extract_to("in", "rows.npy", "teacher_1.yaml", workers=1)
    listener = NotingListener()
    for folder, second in (("a", "config: teacher_1.yaml"), ("b", "output: rows.npy")):
        teachers = f"[{{config: teacher_0.yaml, power: 0.5}}, {{{second}, weight: 0.5}}]"
        overrides = ["train.task=distill", f"train.teachers={teachers}", "train.augment=[{shift: 2}]"]
        summary = train("in", folder, overrides=overrides, listener=listener, **{**OPTIONS, "epochs": 6})
        assert summary.metrics == {}
        assert summary.losses["validation"] > 0

    assert listener.losses[5] < 0.9 * listener.losses[0]
    assert listener.losses[:6] == listener.losses[6:]
    assert Path("a/best.weights.h5").read_bytes() == Path("b/best.weights.h5").read_bytes()
    config = load_config("b/config.yaml").settings
    assert config.model.layers[-1].name == "features"
    assert config.train is None
    assert "- Teacher: rows.npy" in Path("b/model_card.md").read_text()


@pytest.mark.parametrize(
    "overrides",
    [["train.task=distill", f"train.teachers={TEACHERS}"], ["train.task=contrast"], ["train.task=classify"]],
    ids=["distill", "contrast", "classify"],
)
def test_a_recipe_in_the_form_of_the_shipped_one_is_reproducible(overrides: list[str]) -> None:
    """For each task, the loss falls in a few steps, and a second training has the same bytes in every result."""
    Path("recipe.yaml").write_text(RECIPE)
    Path("my.yaml").write_text(
        CONFIG.replace("tail: drop", "tail: pad").replace("rate: 0.2}", "rate: 0.2, name: dropout}")
    )
    listener = NotingListener()
    options = {**OPTIONS, "config": "recipe.yaml", "epochs": 5, "overrides": overrides}
    for folder in ("a", "b"):
        train("in", folder, listener=listener, **options)

    assert listener.losses[4] < listener.losses[0]
    for name in ("best.weights.h5", "last.weights.h5", "history.csv", "config.yaml"):
        assert Path("a", name).read_bytes() == Path("b", name).read_bytes(), name


def test_teachers_hear_the_random_forms_of_sounds() -> None:
    """A teacher computes rows for each variant; the loss falls."""
    listener = NotingListener()
    overrides = ["train.task=distill", "train.teachers=[{config: my.yaml}]", "train.variants=2",
                 "train.augment=[{gain: [-10, 6]}, {equalize: 6}]"]  # fmt: skip
    train("in", "run", overrides=overrides, listener=listener, **{**OPTIONS, "epochs": 6})

    assert listener.losses[-1] < 0.9 * listener.losses[0]


def test_contrast_needs_no_labels() -> None:
    """Files in no folder are enough, and the loss falls."""
    for number, path in enumerate(sorted(Path("in").rglob("*.wav"))):
        path.rename(f"in/{number}.wav")
    listener = NotingListener()
    overrides = ["train.task=contrast", "train.variants=3", "train.augment=[{gain: [-20, 6]}, {equalize: 6}]"]
    train("in", "a", overrides=overrides, listener=listener, **{**OPTIONS, "epochs": 8})

    assert listener.losses[7] < 0.9 * listener.losses[0]
    assert specfeat.Extractor("a/config.yaml").width == 8


def test_clips_that_cannot_all_be_kept_are_refused_after_the_first_variant() -> None:
    """The clips of 24 sounds in 4 variants take 98.3 kB; that they do not fit into 98 kB is known after the first."""
    overrides = ["train.variants=4", "train.augment=[{gain: [-6, 6]}]", "train.cache.max_gb=98e-6"]
    with pytest.raises(
        OutputError, match=r"the clips will take \S+ MB or more, but train\.cache\.max_gb allows"
    ):
        train("in", "run", overrides=overrides, **OPTIONS)

    assert {path.name for path in Path("run/work").glob("clips-*.bin")} == {"clips-train-0-00000.bin"}


def test_several_labels_and_parts_of_files() -> None:
    """A chord has two labels; the sounds are parts of one file a class, given by start and end."""
    time = np.arange(RATE * 8) / RATE
    lines: list[tuple[object, ...]] = [("path", "label", "start", "end")]
    for name, tones in (("low", [400]), ("high", [2000]), ("low;high", [400, 2000]), ("", [])):
        path = f"{name.replace(';', '_') or 'none'}.wav"
        noise = np.random.default_rng(0).normal(0, 0.02, len(time))
        soundfile.write(path, noise + sum(0.2 * np.sin(2 * np.pi * hz * time) for hz in tones), RATE)
        lines += [(path, name, 0.5 * k, 0.5 * k + 0.5) for k in range(16)]
    table = write_table(Path("labels.csv"), *lines)
    overrides = ["train.labels.multi=true", "train.split={validation: 0.25, by: start}"]
    wrong = [*overrides, "model.compile.loss=categorical_crossentropy"]
    with pytest.raises(ConfigError, match=r"categorical_crossentropy, which is for one label a sound"):
        train(".", "wrong", labels=table, overrides=wrong, **OPTIONS)
    summary = train(".", "run", labels=table, overrides=overrides, **{**OPTIONS, "epochs": 15})

    assert summary.metrics["validation"]["sounds"]["accuracy"] > 0.95
    layers = load_config("run/config.yaml").settings.model.layers
    assert (layers[-1].name, layers[-1].options["activation"]) == ("classes", "sigmoid")


@pytest.mark.parametrize("balance", ["weights", "sample"])
def test_unequal_classes_can_be_balanced(balance: str) -> None:
    """A class with a fifth of the files is found as well as the others."""
    for path in sorted(Path("in/400").iterdir())[3:]:
        path.unlink()
    summary = train("in", "run", overrides=[f"train.balance={balance}"], **{**OPTIONS, "epochs": 15})

    assert summary.metrics["validation"]["sounds"]["accuracy"] > 0.9
