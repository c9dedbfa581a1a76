"""How a training has ended, and its record: the file that shows that all results are there."""

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specfeat.files import compute_sha256
from specfeat.training.training_data import TrainingData

if TYPE_CHECKING:
    from specfeat.training.trainer import TrainingRequest

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """How a training has ended.

    Attributes:
        folder: the folder with the results.
        epochs: how many epochs the network was trained.
        was_stopped_early: whether `train.stop`, or a callback that sets `stop_training`, has ended the
            training.
        best_epoch: the number of the epoch with the best weights, from 1.
        losses: the mean loss of the best weights, by part.
        metrics: the accuracy and the mean average precision, first by part ("validation", "test") and then by
            "clips" and "sounds"; empty for tasks without labels.
        failures: the messages about the sounds that could not be read, by the path of the sound.
        weights_sha256: the SHA-256 of the file with the best weights.
    """

    folder: Path
    epochs: int
    was_stopped_early: bool
    best_epoch: int
    losses: dict[str, float]
    metrics: dict[str, dict[str, dict[str, float]]]
    failures: dict[str, str]
    weights_sha256: str


def make_record(
    request: "TrainingRequest", identity: Mapping[str, Any], data: TrainingData, summary: TrainingSummary
) -> dict[str, Any]:
    """Return the record of a training. This reads each audio file, to compute its SHA-256.

    Args:
        request: what was asked for.
        identity: what decides the weights: settings, threads, versions, processor.
        data: the sounds and labels.
        summary: how the training has ended.
    """
    result = asdict(summary)
    del result["folder"]
    return {
        "schema": SCHEMA,
        "command": list(request.command),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **identity,
        "config": request.config.name,
        **result,
        "classes": list(data.classes),
        "files": [
            {
                "path": sound.sound.key.name,
                "start_s": sound.sound.part.start_s,
                "end_s": sound.sound.part.end_s,
                "size": sound.sound.file.size,
                "sha256": _hash_file(sound.sound.path),
                "labels": list(sound.labels),
                "split": part,
            }
            for sound, part in zip(data.sounds, data.parts, strict=True)
        ],
    }


def read_summary(record: Mapping[str, Any], folder: Path) -> TrainingSummary:
    """Return the summary that a record contains."""
    names = [field.name for field in fields(TrainingSummary) if field.name != "folder"]
    return TrainingSummary(folder=folder, **{name: record[name] for name in names})


def _hash_file(path: str) -> str | None:
    try:
        return compute_sha256(Path(path))
    except OSError:
        return None
