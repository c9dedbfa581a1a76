"""Pictures of a training: the curves of its values, and the confusion of the classes."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import InstallError
from specfeat.training.checkpoints import TrainingProgress
from specfeat.training.evaluation import DatasetEvaluation

_DPI = 150
# Colours that people with colour blindness can tell apart: Okabe and Ito, "Color Universal Design" (2008).
_TRAIN_COLOUR, _VALIDATION_COLOUR = "#0072B2", "#D55E00"
MAX_NUMBERED_CLASSES = 20  # with more classes, the cells of the confusion show only colours


def draw_pictures(
    progress: TrainingProgress, classes: Sequence[str], evaluations: Mapping[str, DatasetEvaluation]
) -> dict[str, bytes]:
    """Return the pictures of a training as PNG, by the names of their files.

    Args:
        progress: the values of each epoch.
        classes: the names of the classes.
        evaluations: the evaluation of each part, by the name of the part.

    Raises:
        InstallError: matplotlib is missing.
    """
    pictures = {"curves.png": draw_curves(progress)}
    for part, evaluation in evaluations.items():
        if evaluation.by_sound.confusion is not None:
            pictures[f"confusion_{part}.png"] = draw_confusion(evaluation.by_sound.confusion, classes)
    return pictures


def draw_curves(progress: TrainingProgress) -> bytes:
    """Draw each value of the history over the epochs, training and validation in one plot.

    Raises:
        InstallError: matplotlib is missing.
    """
    keys = progress.history[0] if progress.history else {}
    names = list(dict.fromkeys(key.removeprefix("val_") for key in keys if key != "learning_rate"))
    count = max(len(names), 1)
    figure = _load_figure()(figsize=(5 * count, 3.6), layout="constrained")
    for axes, name in zip(np.atleast_1d(figure.subplots(1, count)), names, strict=False):
        _draw_curve(axes, progress, name)
    return _save_figure(figure)


def _draw_curve(axes: Any, progress: TrainingProgress, name: str) -> None:
    history = progress.history
    epochs = range(1, len(history) + 1)
    for key, label, colour, style in (
        (name, "training", _TRAIN_COLOUR, "-"),
        (f"val_{name}", "validation", _VALIDATION_COLOUR, "--"),
    ):
        if key in history[0]:
            values = [epoch.get(key, float("nan")) for epoch in history]
            axes.plot(epochs, values, color=colour, linestyle=style, label=label)
    axes.axvline(progress.best_epoch + 1, color="0.6", linewidth=1, label="best epoch")
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel(name.replace("_", " "))
    axes.spines[["top", "right"]].set_visible(False)
    # A fixed place: matplotlib warns if it takes long to search for the best one.
    axes.legend(frameon=False, loc="center right")


def draw_confusion(counts: NDArray[np.int64], classes: Sequence[str]) -> bytes:
    """Draw how many sounds of each true class (row) were found as which class (column).

    Raises:
        InstallError: matplotlib is missing.
    """
    size = min(2.5 + 0.42 * len(classes), 14)
    figure = _load_figure()(figsize=(size + 0.8, size), layout="constrained")
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    ticks = range(len(classes))
    axes.set_xticks(ticks, classes, rotation=90)
    axes.set_yticks(ticks, classes)
    axes.set_xlabel("found class")
    axes.set_ylabel("true class")
    if len(classes) <= MAX_NUMBERED_CLASSES:
        for row, column in np.argwhere(counts).tolist():
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(
                column, row, int(counts[row, column]), ha="center", va="center", color=colour, fontsize=8
            )
    return _save_figure(figure)


def _save_figure(figure: Any) -> bytes:
    file = io.BytesIO()
    # Without the version of matplotlib, so that equal values give equal bytes.
    figure.savefig(file, dpi=_DPI, format="png", metadata={"Software": None})
    return file.getvalue()


def _load_figure() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as e:
        raise InstallError("pictures need matplotlib; install it with: pip install 'specfeat[plot]'") from e
    return Figure
