"""Trainings in this process: the network is that of the config, and each task learns."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import specfeat
from helpers.training_data import CONFIG, RATE, LocalPool, write_table, write_tones
from specfeat import SpecfeatError, TrainingError, extract_to, load_config, train
from specfeat.audio.clips import ClipMaker
from specfeat.audio.decode import read_samples
from specfeat.errors import ConfigError, InstallError, ModelError, OutputError, UsageError
from specfeat.sound import make_file_sound
from specfeat.training.listener import SilentTrainingListener

pytestmark = [pytest.mark.tf, pytest.mark.slow, pytest.mark.usefixtures("_in_an_empty_folder")]

# One thread, as for extraction, because TensorFlow allows one choice for a process.
OPTIONS: Any = {"config": "my.yaml", "threads": 1, "workers": 1, "epochs": 2}


@pytest.fixture(autouse=True)
def _sounds(_in_an_empty_folder: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write sounds and a config; spare the time of worker processes and of pictures."""
    from specfeat.training import clip_sources, results  # here, because they load TensorFlow

    monkeypatch.setattr(clip_sources, "WorkerPool", LocalPool)
    monkeypatch.setattr(results, "draw_pictures", lambda *_: {})
    write_tones(Path("in"))
    Path("my.yaml").write_text(CONFIG)


class Notes(SilentTrainingListener):
    """Keeps what a listener hears."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.losses: list[float] = []
        self.clips: dict[str, bytes] = {}

    def on_note(self, text: str) -> None:
        """Keep the sentence."""
        self.notes.append(text)

    def on_start(self, progress: Any, steps: int, epochs: int) -> None:
        """Keep the clips, which are removed when the training ends."""
        self.clips = {path.name: path.read_bytes() for path in Path("run/work").glob("clips-*.bin")}

    def on_epoch(self, progress: Any, logs: Mapping[str, float]) -> None:
        """Keep the loss."""
        self.losses.append(logs["loss"])


def _read_history(folder: str = "run") -> list[dict[str, str]]:
    return list(csv.DictReader(Path(folder, "history.csv").read_text().splitlines()))


def test_the_network_is_built_once_and_trained_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """One network is composed, Keras' callbacks see it, and extraction gives the features that it has at the end."""
    import keras

    from specfeat.training import model as model_module

    built: list[Any] = []
    compose: Any = vars(model_module)["compose_model"]

    def compose_and_count(*arguments: Any) -> Any:
        built.append(compose(*arguments))
        return built[-1]

    monkeypatch.setattr(model_module, "compose_model", compose_and_count)
    events: list[str] = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: events.append(f"begin {epoch}"),
        on_epoch_end=lambda epoch, logs: events.append(f"end {epoch} {sorted(logs)}"),
        on_train_end=lambda logs: events.append("train end"),
    )
    listener = Notes()
    summary = train("in", "run", callbacks=[callback], listener=listener, **OPTIONS)

    names = "['loss', 'val_accuracy', 'val_loss', 'val_mean_average_precision']"
    assert events == ["begin 0", f"end 0 {names}", "begin 1", f"end 1 {names}", "train end"]
    assert len(built) == 1
    assert callback.model is built[0].keras_model
    assert summary.epochs == 2

    model = built[0].keras_model
    features = keras.Model(model.input, model.get_layer("features").output)
    maker = ClipMaker(load_config("my.yaml").settings)
    sounds = [
        make_file_sound(line["path"])
        for line in csv.DictReader(Path("run/split.csv").read_text().splitlines())
    ]
    clips = [np.stack([*maker.make_clips(read_samples(sound, maker.settings.audio))]) for sound in sounds]
    extractor = specfeat.Extractor("run/config.yaml")
    for sound, own_clips in list(zip(sounds, clips, strict=True))[:3]:
        rows = extractor.extract(sound.path).rows
        assert rows.any()
        assert np.allclose(rows, features(own_clips, training=False), atol=1e-4)

    # The clips on the disk are bit for bit those of extraction, in the order of split.csv.
    parts = [line["split"] for line in csv.DictReader(Path("run/split.csv").read_text().splitlines())]
    for name, wanted in (("train", True), ("held_back", False)):
        own = [c.tobytes() for c, part in zip(clips, parts, strict=True) if (part == "train") == wanted]
        assert listener.clips[f"clips-{name}-0-00000.bin"] == b"".join(own)


def test_the_same_training_gives_the_same_bytes_and_another_seed_others() -> None:
    """Weights, history and config have the same bytes twice; dropout and order follow from the seed."""
    for folder in ("a", "b"):
        train("in", folder, **OPTIONS)
    train("in", "c", overrides=["train.seed=1"], **OPTIONS)
    train("in", "d", overrides=["model.layers.4.Dropout.rate=0.0"], **OPTIONS)
    weights = [Path(folder, "best.weights.h5").read_bytes() for folder in "abcd"]

    assert weights[0] == weights[1]
    assert len(set(weights)) == 3
    assert Path("a/history.csv").read_bytes() == Path("b/history.csv").read_bytes()


def test_more_epochs_continue_a_training() -> None:
    """Three runs with 1, 2 and 3 epochs are one training: three lines of history, the first ones unchanged."""
    options = {**OPTIONS, "overrides": ["train.schedule={kind: constant, warmup: 0}"]}
    for epochs in (1, 2, 3):
        train("in", "run", resume=True, **{**options, "epochs": epochs})
        history = _read_history()
        assert [line["epoch"] for line in history] == [str(epoch + 1) for epoch in range(epochs)]
    train("in", "whole", **{**options, "epochs": 3})

    assert Path("run/history.csv").read_bytes() == Path("whole/history.csv").read_bytes()
    assert Path("run/last.weights.h5").read_bytes() == Path("whole/last.weights.h5").read_bytes()
    assert float(history[2]["loss"]) < float(history[0]["loss"])


def test_a_training_without_gain_ends_early() -> None:
    """After `patience` epochs without a better value it ends; the best weights are those of the best epoch.

    It is complete then, so that nothing is done if it is continued.
    """
    overrides = ["train.schedule={kind: constant, warmup: 0}", "train.stop={min_delta: 1000, patience: 2}"]
    options = {**OPTIONS, "overrides": overrides}
    summary = train("in", "run", **{**options, "epochs": 9})
    train("in", "one", **{**options, "epochs": 1})
    listener = Notes()
    again = train("in", "run", resume=True, listener=listener, **{**options, "epochs": 12})

    assert (summary.epochs, summary.best_epoch, summary.was_stopped_early) == (3, 1, True)
    assert Path("run/best.weights.h5").read_bytes() == Path("one/best.weights.h5").read_bytes()
    assert Path("run/last.weights.h5").read_bytes() != Path("one/best.weights.h5").read_bytes()
    assert again == summary
    assert listener.losses == []


def test_a_callback_of_keras_can_end_a_training() -> None:
    """Keras' own EarlyStopping works: it sets `stop_training` on the model."""
    import keras

    callback = keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=1000, patience=1)
    summary = train("in", "run", callbacks=[callback], **{**OPTIONS, "epochs": 5})

    assert (summary.epochs, summary.was_stopped_early) == (2, True)


def test_tensorboard_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, the sentence says how to install it, before clips are made; with it, it gets the values."""
    from specfeat.training import execution
    from specfeat.training.trainer import TrainingRequest, run_training

    request = TrainingRequest(
        config=load_config("my.yaml", ["train.epochs=1"]),
        inputs=("in",),
        folder=Path("run"),
        workers=1,
        threads=1,
        has_tensorboard=True,
    )
    with monkeypatch.context() as patch:
        patch.setattr(execution, "find_spec", lambda name: None)
        with pytest.raises(
            InstallError, match=r"^tensorboard is missing; install it with: pip install 'specf"
        ):
            run_training(request, Notes())
        assert not list(Path("run/work").glob("clips-*"))
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    run_training(replace(request, resume=True), Notes())

    assert list(Path("run/tensorboard").rglob("events.out.tfevents.*"))


def test_distillation_learns_the_features_of_two_teachers() -> None:
    """The loss falls; neither the heads nor the section `train` is in the config that is left.

    The rows of the second teacher are computed in one training, and read from an output in the other. Both
    have the same bytes.
    """
    for number, units in enumerate((5, 3)):
        text = CONFIG.replace("filters: 8", "filters: 4").replace("units: 8", f"units: {units}")
        Path(f"teacher_{number}.yaml").write_text(text)
    extract_to("in", "rows.npy", "teacher_1.yaml", workers=1)
    listener = Notes()
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
    listener = Notes()
    options = {**OPTIONS, "config": "recipe.yaml", "epochs": 5, "overrides": overrides}
    for folder in ("a", "b"):
        train("in", folder, listener=listener, **options)

    assert listener.losses[4] < listener.losses[0]
    for name in ("best.weights.h5", "last.weights.h5", "history.csv", "config.yaml"):
        assert Path("a", name).read_bytes() == Path("b", name).read_bytes(), name


def test_teachers_hear_the_random_forms_of_sounds() -> None:
    """A teacher computes rows for each variant; the loss falls."""
    listener = Notes()
    overrides = ["train.task=distill", "train.teachers=[{config: my.yaml}]", "train.variants=2",
                 "train.augment=[{gain: [-10, 6]}, {equalize: 6}]"]  # fmt: skip
    train("in", "run", overrides=overrides, listener=listener, **{**OPTIONS, "epochs": 6})

    assert listener.losses[-1] < 0.9 * listener.losses[0]


def test_contrast_needs_no_labels() -> None:
    """Files in no folder are enough, the loss falls, and the same training gives the same bytes."""
    for number, path in enumerate(sorted(Path("in").rglob("*.wav"))):
        path.rename(f"in/{number}.wav")
    listener = Notes()
    overrides = ["train.task=contrast", "train.variants=3", "train.augment=[{gain: [-20, 6]}, {equalize: 6}]"]
    for folder in ("a", "b"):
        train("in", folder, overrides=overrides, listener=listener, **{**OPTIONS, "epochs": 8})

    assert listener.losses[7] < 0.9 * listener.losses[0]
    assert Path("a/best.weights.h5").read_bytes() == Path("b/best.weights.h5").read_bytes()
    assert specfeat.Extractor("a/config.yaml").width == 8


def test_clips_that_cannot_all_be_kept_are_refused_after_the_first_variant() -> None:
    """The clips of 24 sounds in 4 variants take 98.3 kB; that they do not fit into 98 kB is known after the first."""
    overrides = ["train.variants=4", "train.augment=[{gain: [-6, 6]}]", "train.cache.max_gb=98e-6"]
    with pytest.raises(
        OutputError, match=r"the clips will take \S+ MB or more, but train\.cache\.max_gb allows"
    ):
        train("in", "run", overrides=overrides, **OPTIONS)

    assert {path.name for path in Path("run/work").glob("clips-*.bin")} == {"clips-train-0-00000.bin"}


def test_layers_that_are_not_trained_are_kept() -> None:
    """Layers on which no trained output depends are named, and are in the config and the weights that are left."""
    late = "    - Dense: {units: 5, name: late}\n    - Dropout: {rate: 0.2, name: end}\n  features: features\n  weights:"
    Path("my.yaml").write_text(CONFIG.replace("  weights:", late))
    listener = Notes()
    train("in", "first", listener=listener, **OPTIONS)
    train("in", "second", **{**OPTIONS, "config": "first/config.yaml"})

    assert any("depends on the layers 'late' and 'end'" in note for note in listener.notes)
    names = [layer.name for layer in load_config("second/config.yaml").settings.model.layers]
    assert names[-4:] == ["features", "late", "end", "classes"]
    assert specfeat.Extractor("second/config.yaml").width == 8


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


def test_frozen_layers_keep_their_weights() -> None:
    """Fine-tuning begins with the weights of the file; those of frozen layers do not change."""
    train("in", "first", **OPTIONS)
    train(
        "in",
        "second",
        overrides=["train.freeze=[conv2d*, batchnorm*]"],
        **{**OPTIONS, "config": "first/config.yaml"},
    )
    arrays = [_read_weights(folder) for folder in ("first", "second")]
    equal = {name for name in arrays[0] if np.array_equal(arrays[0][name], arrays[1][name])}

    assert any("conv2d" in name for name in equal)
    assert all(("conv2d" in name or "batch" in name) == (name in equal) for name in arrays[0])


def _read_weights(folder: str) -> dict[str, Any]:
    """Return the arrays of the best weights by their paths in the file."""
    import h5py

    found: dict[str, Any] = {}
    with h5py.File(f"{folder}/best.weights.h5") as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if hasattr(item, "dtype") else None)
    return found


def test_layers_that_nothing_learned_depends_on_keep_their_weights() -> None:
    """`contrast` does not train the class scores of a network. Its config still has all weights that extraction needs."""
    train("in", "first", **OPTIONS)
    overrides = ["train={task: contrast, variants: 2, augment: [{gain: [-20, 6]}]}"]
    train("in", "second", overrides=overrides, **{**OPTIONS, "config": "first/config.yaml"})
    first, second = _read_weights("first"), _read_weights("second")

    assert first.keys() == second.keys()
    for name, array in first.items():
        assert np.array_equal(array, second[name]) == name.startswith("layers/dense_1/"), name
    assert specfeat.Extractor("second/config.yaml", overrides=["model.features=classes"]).width == 3


@pytest.mark.parametrize("balance", ["weights", "sample"])
def test_unequal_classes_can_be_balanced(balance: str) -> None:
    """A class with a fifth of the files is found as well as the others."""
    for path in sorted(Path("in/400").iterdir())[3:]:
        path.unlink()
    summary = train("in", "run", overrides=[f"train.balance={balance}"], **{**OPTIONS, "epochs": 15})

    assert summary.metrics["validation"]["sounds"]["accuracy"] > 0.9


def test_a_network_with_an_output_for_each_class_is_used_as_it_is() -> None:
    """No head is added if the network ends in a layer of that size; a linear one gets the loss for logits."""
    listener = Notes()
    head = "    - Dense: {units: 3, name: out}\n  features: features\n  compile: {loss: sparse_categorical_crossentropy, metrics: [accuracy]}\n  weights"
    Path("my.yaml").write_text(CONFIG.replace("  weights", head))
    train("in", "run", listener=listener, **{**OPTIONS, "epochs": 10})

    assert not any("is added" in note for note in listener.notes)
    assert float(_read_history()[-1]["accuracy"]) > 0.9


def test_bad_files_are_left_out() -> None:
    """One bad file of a class is named in the summary and in the record; the training goes on."""
    Path("in/400/00.wav").write_bytes(b"RIFF no audio")
    summary = train("in", "run", **OPTIONS)

    assert list(summary.failures) == ["in/400/00.wav"]
    assert "in/400/00.wav" in Path("run/train.json").read_text()


HEAD = "    - Dense: {units: 4, activation: softmax, name: out}\n  features: features\n  weights"


@pytest.mark.parametrize(
    ("error", "old", "new", "overrides", "message"),
    [
        (ModelError, "  weights", HEAD, [],
         "my.yaml:12:7: model.layers[6]: Dense 'out' has 4 units, but the labels have 3 classes; give units: 3, or remove the layer"),
        (ConfigError, "  weights", "  compile: {loss: kl_divergence}\n  weights", ["train.task=distill", "train.teachers=[{config: my.yaml, weight: 2}]", "model.compile.loss=categorical_crossentropy"],
         "model.compile.loss: is categorical_crossentropy, which compares classes; task: distill needs e.g. mse"),
        (ConfigError, "  epochs: 3", "  epochs: 3\n  freeze: [conv3d*]", [],
         "train.freeze[0]: is 'conv3d*', and no layer has such a name"),
        (ConfigError, "  epochs: 3", "  epochs: 3\n  freeze: ['*']", [],
         "train: leaves nothing to train: the network has no weights that change"),
        (ModelError, "kernel_size: 3", "kernel_size: 99", [], "Conv2D"),
        (TrainingError, "5e-3", "1e30", [], "is not finite any more, in epoch 1"),
        (TrainingError, "batch: 16", "batch: 16\n  stop: {monitor: val_acuracy}", [], "train.stop.monitor is 'val_acuracy'; wanted one of loss, val_loss, val_accuracy, val_mean_average_precision (did you mean 'val_accuracy'?)"),
        (ConfigError, "model:", "model:\n  compile: {loss: sparse_categorical_crossentropy}", ["train.augment=[{mixup: 0.2}]"],
         "model.compile.loss: is sparse_categorical_crossentropy, which cannot compare mixed classes; with mixup use categorical_crossentropy"),
    ],
    ids=["units", "loss of classes", "freeze nothing", "freeze all", "size", "NaN", "monitor", "mixup"],
)  # fmt: skip
def test_what_does_not_fit_is_told_in_one_sentence(
    error: type[SpecfeatError], old: str, new: str, overrides: list[str], message: str
) -> None:
    """The sentence names the place in the config, and what to do; the network is checked before clips are made."""
    assert CONFIG.count(old) == 1, old
    Path("my.yaml").write_text(CONFIG.replace(old, new))
    with pytest.raises(error) as caught:
        train("in", "run", overrides=overrides, **OPTIONS)

    assert message in str(caught.value)
    assert str(caught.value).isprintable()
    if not isinstance(caught.value, TrainingError):
        assert not list(Path("run/work").glob("clips-*"))


def test_a_class_without_a_readable_file_is_named() -> None:
    """The sentence names the label, before anything is trained."""
    for path in Path("in/900").iterdir():
        path.write_bytes(b"RIFF no audio")
    with pytest.raises(
        TrainingError, match=r"^no sound with the label '900' gives a clip for training \(10 failed\)"
    ):
        train("in", "run", **OPTIONS)


def test_settings_that_are_in_no_file_can_be_trained() -> None:
    """The config that is left has all layers of the settings."""
    config = load_config("my.yaml")
    train("in", "run", **{**OPTIONS, "config": config.settings})

    layers = load_config("run/config.yaml").settings.model.layers
    assert [layer.kind for layer in layers[:-1]] == [layer.kind for layer in config.settings.model.layers]


def test_wrong_arguments_from_python_are_told() -> None:
    """The words are those of the Python interface, not of the command line."""
    train("in", "run", **OPTIONS)
    with pytest.raises(UsageError, match=r"pass resume=True and more epochs to continue it, or force=True"):
        train("in", "run", **OPTIONS)
    with pytest.raises(UsageError, match=r"^no: no such file or folder"):
        specfeat.train("no", "run2", **OPTIONS)
    with pytest.raises(UsageError, match=r"^epochs is 0"):
        train("in", "run2", **{**OPTIONS, "config": load_config("my.yaml"), "epochs": 0})
