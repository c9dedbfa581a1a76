"""Trainings in this process: results, continued trainings, and trainings that end early."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specfeat
from helpers.training_runs import OPTIONS, NotingListener, read_history
from specfeat import TrainingError, load_config, train
from specfeat.audio.clips import ClipMaker
from specfeat.audio.decode import read_samples
from specfeat.errors import InstallError, UsageError
from specfeat.sound import make_file_sound

pytestmark = [pytest.mark.tf, pytest.mark.slow, pytest.mark.usefixtures("_training_folder")]


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
    listener = NotingListener()
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
    options = {**OPTIONS, "epochs": 1}
    for folder in ("a", "b"):
        train("in", folder, **options)
    train("in", "c", overrides=["train.seed=1"], **options)
    train("in", "d", overrides=["model.layers.4.Dropout.rate=0.0"], **options)
    weights = [Path(folder, "best.weights.h5").read_bytes() for folder in "abcd"]

    assert weights[0] == weights[1]
    assert len(set(weights)) == 3
    assert Path("a/history.csv").read_bytes() == Path("b/history.csv").read_bytes()


def test_more_epochs_continue_a_training() -> None:
    """Two runs with 1 and 3 epochs are one training: three lines of history, the first one unchanged."""
    options = {**OPTIONS, "overrides": ["train.schedule={kind: constant, warmup: 0}"]}
    for epochs in (1, 3):
        train("in", "run", resume=True, **{**options, "epochs": epochs})
        history = read_history()
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
    listener = NotingListener()
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
            run_training(request, NotingListener())
        assert not list(Path("run/work").glob("clips-*"))
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    run_training(replace(request, resume=True), NotingListener())

    assert list(Path("run/tensorboard").rglob("events.out.tfevents.*"))


def test_bad_files_are_left_out() -> None:
    """One bad file of a class is named in the summary and in the record; the training goes on."""
    Path("in/400/00.wav").write_bytes(b"RIFF no audio")
    summary = train("in", "run", **OPTIONS)

    assert list(summary.failures) == ["in/400/00.wav"]
    assert "in/400/00.wav" in Path("run/train.json").read_text()


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
