"""The loss of a training: the one that the config names, or the usual one of its task."""

from typing import Any

from specfeat.config import Config
from specfeat.config.train import Train
from specfeat.tensorflow_runtime import keras
from specfeat.training.contrast_loss import ContrastLoss
from specfeat.training.heads import NetworkWithHeads

_LOSSES = {
    "mse": keras.losses.MeanSquaredError,
    "mae": keras.losses.MeanAbsoluteError,
    "huber": keras.losses.Huber,
    "log_cosh": keras.losses.LogCosh,
    "binary_crossentropy": keras.losses.BinaryCrossentropy,
    "categorical_crossentropy": keras.losses.CategoricalCrossentropy,
    "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy,
    "kl_divergence": keras.losses.KLDivergence,
    "cosine_similarity": keras.losses.CosineSimilarity,
}
# Losses for clips with exactly one class.
_ONE_CLASS_LOSSES = ("categorical_crossentropy", "sparse_categorical_crossentropy", "kl_divergence")
# Losses that compare classes. They can take the values before the softmax or sigmoid (`from_logits`).
_LOSSES_OF_SCORES = ("categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy")


def choose_loss(config: Config, network: NetworkWithHeads) -> Any:
    """Return the loss that the config names, or the usual one of the task.

    Raises:
        ConfigError: the loss does not fit the labels.
    """
    train, options = config.settings.train or Train(), config.settings.model.compile
    if train.task == "contrast":
        return ContrastLoss(train.temperature)
    name = options.loss if "loss" in options.model_fields_set else None
    if train.task == "distill":
        if name in _LOSSES_OF_SCORES:
            raise config.tree.make_error(
                ("model", "compile", "loss"),
                f"is {name}, which compares classes; task: distill needs e.g. mse",
            )
        return [_make_loss(name or "mse", is_linear=False) for _ in network.outputs]
    is_multi = train.labels.multi
    if is_multi and name in _ONE_CLASS_LOSSES:
        raise config.tree.make_error(
            ("model", "compile", "loss"),
            f"is {name}, which is for one label a sound; with train.labels.multi use binary_crossentropy",
        )
    if name == "sparse_categorical_crossentropy" and any(a.mixup is not None for a in train.augment):
        raise config.tree.make_error(
            ("model", "compile", "loss"),
            "is sparse_categorical_crossentropy, which cannot compare mixed classes; "
            "with mixup use categorical_crossentropy",
        )
    default = "binary_crossentropy" if is_multi else "categorical_crossentropy"
    return _make_loss(name or default, is_linear=network.activation == "linear")


def takes_class_numbers(config: Config) -> bool:
    """Return whether the loss takes the number of the class as target, and not 0 or 1 for each class."""
    train = config.settings.train or Train()
    return (
        train.task == "classify" and config.settings.model.compile.loss == "sparse_categorical_crossentropy"
    )


def _make_loss(name: str, *, is_linear: bool) -> Any:
    if is_linear and name in _LOSSES_OF_SCORES:
        return _LOSSES[name](from_logits=True)
    return _LOSSES[name]()
