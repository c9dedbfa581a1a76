"""The network of a training is that of the config: layers that are added, kept or not trained, and networks that do not fit."""

from pathlib import Path

import numpy as np
import pytest

import specfeat
from helpers.training_data import CONFIG
from helpers.training_runs import OPTIONS, NotingListener, read_history, read_weights
from specfeat import SpecfeatError, TrainingError, load_config, train
from specfeat.errors import ConfigError, ModelError

pytestmark = [pytest.mark.tf, pytest.mark.slow, pytest.mark.usefixtures("_training_folder")]

HEAD = "    - Dense: {units: 4, activation: softmax, name: out}\n  features: features\n  weights"


def test_layers_that_are_not_trained_are_kept() -> None:
    """Layers on which no trained output depends are named, and are in the config and the weights that are left."""
    late = "    - Dense: {units: 5, name: late}\n    - Dropout: {rate: 0.2, name: end}\n  features: features\n  weights:"
    Path("my.yaml").write_text(CONFIG.replace("  weights:", late))
    listener = NotingListener()
    train("in", "first", listener=listener, **OPTIONS)
    train("in", "second", **{**OPTIONS, "config": "first/config.yaml"})

    assert any("depends on the layers 'late' and 'end'" in note for note in listener.notes)
    names = [layer.name for layer in load_config("second/config.yaml").settings.model.layers]
    assert names[-4:] == ["features", "late", "end", "classes"]
    assert specfeat.Extractor("second/config.yaml").width == 8


def test_frozen_layers_keep_their_weights() -> None:
    """Fine-tuning begins with the weights of the file; those of frozen layers do not change."""
    train("in", "first", **OPTIONS)
    train(
        "in",
        "second",
        overrides=["train.freeze=[conv2d*, batchnorm*]"],
        **{**OPTIONS, "config": "first/config.yaml"},
    )
    arrays = [read_weights(folder) for folder in ("first", "second")]
    equal = {name for name in arrays[0] if np.array_equal(arrays[0][name], arrays[1][name])}

    assert any("conv2d" in name for name in equal)
    assert all(("conv2d" in name or "batch" in name) == (name in equal) for name in arrays[0])


def test_layers_that_nothing_learned_depends_on_keep_their_weights() -> None:
    """`contrast` does not train the class scores of a network. Its config still has all weights that extraction needs."""
    train("in", "first", **OPTIONS)
    overrides = ["train={task: contrast, variants: 2, augment: [{gain: [-20, 6]}]}"]
    train("in", "second", overrides=overrides, **{**OPTIONS, "config": "first/config.yaml"})
    first, second = read_weights("first"), read_weights("second")

    assert first.keys() == second.keys()
    for name, array in first.items():
        assert np.array_equal(array, second[name]) == name.startswith("layers/dense_1/"), name
    assert specfeat.Extractor("second/config.yaml", overrides=["model.features=classes"]).width == 3


def test_a_network_with_an_output_for_each_class_is_used_as_it_is() -> None:
    """No head is added if the network ends in a layer of that size; a linear one gets the loss for logits."""
    listener = NotingListener()
    head = "    - Dense: {units: 3, name: out}\n  features: features\n  compile: {loss: sparse_categorical_crossentropy, metrics: [accuracy]}\n  weights"
    Path("my.yaml").write_text(CONFIG.replace("  weights", head))
    train("in", "run", listener=listener, **{**OPTIONS, "epochs": 10})

    assert not any("is added" in note for note in listener.notes)
    assert float(read_history()[-1]["accuracy"]) > 0.9


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
