"""The model card: what was trained, with what, and how good it is, in Markdown."""

from collections import Counter
from typing import TYPE_CHECKING

from specfeat import __version__
from specfeat.training.splits import format_counts
from specfeat.training.summary import TrainingSummary
from specfeat.training.training_data import TrainingData

if TYPE_CHECKING:
    from specfeat.training.trainer import TrainingRequest

_TASKS = {
    "classify": "predict the labels of sounds",
    "distill": "predict the features of other networks",
    "contrast": "find the other random form of the same clip",
}


def format_model_card(
    request: "TrainingRequest",
    data: TrainingData,
    summary: TrainingSummary,
    parameters: int,
    class_layer: str | None,
) -> str:
    """Return the model card of a training.

    Args:
        request: what was asked for.
        data: the sounds and labels.
        summary: how the training has ended.
        parameters: how many parameters the network has.
        class_layer: the layer with the scores of the classes, if it is not the layer of the features.
    """
    train, settings = request.train, request.config.settings
    frames, bins, channels = settings.input_shape
    lines = [
        f"# {request.folder.name}",
        "",
        f"A network that was trained by specfeat {__version__} to {_TASKS[train.task]}.",
        "",
        "## Use",
        "",
        "```sh",
        "specfeat extract recordings/ features.npy -c config.yaml",
        "```",
        "",
        "## Network",
        "",
        f"- Config: {request.config.name}",
        f"- Input: {frames} frames x {bins} bins x {channels} channels, {settings.audio.sample_rate} Hz",
        f"- Parameters: {parameters:,}",
        f"- Features: the layer `{settings.model.feature_layer}`",
        *([f"- Scores of the classes in classes.csv: the layer `{class_layer}`"] if class_layer else []),
        f"- SHA-256 of best.weights.h5: `{summary.weights_sha256}`",
        "",
        *_describe_training(request, data, summary),
        "",
        *_describe_results(summary),
        "",
        "## Licence and origin of the sounds",
        "",
        "Add here which sounds were used, and their licences. train.json lists each file with its SHA-256.",
        "",
    ]
    return "\n".join(lines)


def _describe_training(request: "TrainingRequest", data: TrainingData, summary: TrainingSummary) -> list[str]:
    train = request.train
    lines = [
        "## Training",
        "",
        f"- Sounds: {format_counts(Counter(data.parts))}; groups: {train.split.by}",
        f"- Epochs: {summary.epochs}; the best weights are those of epoch {summary.best_epoch}",
        f"- Batch: {train.batch}; seed: {train.seed}",
    ]
    if data.classes:
        lines.append(f"- Classes, in the order of their scores: {', '.join(data.classes)}")
    lines += [
        f"- Teacher: {teacher.config or teacher.output}"
        + (f", layer {teacher.features}" if teacher.features else "")
        for teacher in train.teachers
    ]
    if summary.failures:
        lines.append(f"- Sounds that could not be read: {len(summary.failures)}; train.json names them")
    return lines


def _describe_results(summary: TrainingSummary) -> list[str]:
    lines = [
        "## Results",
        "",
        "| part | loss | accuracy, sounds | accuracy, clips |",
        "|---|---|---|---|",
    ]
    for part, loss in summary.losses.items():
        metrics = summary.metrics.get(part)
        values = (
            [f"{metrics[kind]['accuracy']:.4f}" for kind in ("sounds", "clips")] if metrics else ["-", "-"]
        )
        lines.append(f"| {part} | {loss:.4f} | {' | '.join(values)} |")
    if summary.metrics:
        lines += ["", "metrics.json has the scores of each class."]
    return lines
