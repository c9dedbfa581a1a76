"""Trains the network of a config with Keras' `fit`, for a comparison with `specfeat train`.

    python -m benchmarks.keras_fit RECORDINGS CONFIG OUT.json [KEY=VALUE ...]

specfeat makes the clips, and the batches with their random changes. Without random changes, `fit` gets two
arrays, and makes the batches itself. Network, loss, optimizer and learning rates are those of
`specfeat train`. The weights of the epoch with the smallest loss of the validation part are measured with the
test part. OUT.json gets the accuracy: the share of the files of the test part whose class is found.
"""

import json
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from benchmarks.naive import build_model
from specfeat.config import Config, load_config
from specfeat.config.train import OptimizerSettings, Train
from specfeat.training.clip_dataset import ClipDataset, StepSampler
from specfeat.training.clip_sources import make_training_clips
from specfeat.training.listener import SilentTrainingListener
from specfeat.training.metrics import average_by_sound, evaluate_scores
from specfeat.training.part_datasets import make_datasets
from specfeat.training.trainer import TrainingRequest
from specfeat.training.training_data import read_training_data


class Batches(keras.utils.PyDataset):
    """The batches that `specfeat train` uses, for Keras' `fit`.

    Args:
        sampler: decides which clips are in a batch, and changes them at random.
    """

    def __init__(self, sampler: StepSampler) -> None:
        super().__init__()
        self._sampler = sampler
        self._epoch = 0

    def __len__(self) -> int:
        return self._sampler.steps

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        batch = next(self._sampler.read_epoch(self._epoch, step))
        return batch.clips, batch.targets[0]

    def on_epoch_end(self) -> None:
        """Begin the next epoch, with other random changes."""
        self._epoch += 1


def compile_model(config: Config, train: Train, classes: int, steps: int) -> keras.Model:
    """Return the network of the config with a softmax over the classes, ready for `fit`.

    Args:
        config: the config.
        train: the section `train` of the config.
        classes: the number of classes.
        steps: the number of steps of the whole training.
    """
    features = build_model(config.settings)
    scores = keras.layers.Dense(classes, activation="softmax")(features.output)
    model = keras.Model(features.input, scores)
    settings = train.optimizer or OptimizerSettings(name=config.settings.model.compile.optimizer)
    warmup_steps = round(train.schedule.warmup * steps)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        steps - warmup_steps,
        alpha=train.schedule.final,
        warmup_target=settings.learning_rate,
        warmup_steps=warmup_steps,
    )
    arguments = {**settings.arguments, "learning_rate": rate}
    optimizer = keras.optimizers.get({"class_name": settings.name, "config": arguments})
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
    return model


def read_part(dataset: ClipDataset) -> tuple[np.ndarray, np.ndarray]:
    """Return all clips of a part and their targets, without random changes."""
    indices = np.arange(len(dataset))
    variants = np.zeros(len(dataset), np.int64)
    return dataset.read_clips(indices, variants), dataset.read_targets(indices, variants)[0]


def measure_accuracy(model: keras.Model, dataset: ClipDataset) -> float:
    """Return the share of the files whose class has the highest score in the mean of the file's clips."""
    clips, _ = read_part(dataset)
    scores, numbers = average_by_sound(model.predict(clips, verbose=0), dataset.sound_numbers)
    if dataset.labels is None:
        raise ValueError("the sounds have no labels")
    return evaluate_scores(scores, dataset.labels[numbers], dataset.classes, multi=False).accuracy


def fit_model(config: Config, recordings: str, folder: Path) -> float:
    """Train the network of a config with Keras' `fit`, and return the accuracy for the test part.

    Args:
        config: the config, with the section `train`.
        recordings: the folder with the recordings.
        folder: an empty folder, for the clips and the best weights.
    """
    train = config.settings.train or Train()
    keras.utils.set_random_seed(train.seed)
    data = read_training_data([recordings], train)
    request = TrainingRequest(config=config, inputs=(recordings,), folder=folder)
    clips = make_training_clips(request, (), data, folder, SilentTrainingListener())
    datasets = make_datasets(data, clips, train)
    steps = math.ceil(len(datasets["train"]) / train.batch)
    model = compile_model(config, train, len(data.classes), steps * train.epochs)
    best_weights = str(folder / "best.weights.h5")
    options = {
        "epochs": train.epochs,
        "verbose": 2,
        "validation_data": read_part(datasets["validation"]),
        "callbacks": [
            keras.callbacks.ModelCheckpoint(best_weights, save_best_only=True, save_weights_only=True)
        ],
    }
    if train.augment:
        model.fit(Batches(StepSampler(datasets["train"], train)), shuffle=False, **options)
    else:
        model.fit(*read_part(datasets["train"]), batch_size=train.batch, **options)
    model.load_weights(best_weights)
    return measure_accuracy(model, datasets["test"])


def main(recordings: str, config: str, output: str, overrides: Sequence[str]) -> None:
    """Train, and write the accuracy to a file."""
    with tempfile.TemporaryDirectory() as folder:
        accuracy = fit_model(load_config(Path(config), overrides), recordings, Path(folder))
    Path(output).write_text(json.dumps({"accuracy": accuracy}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
