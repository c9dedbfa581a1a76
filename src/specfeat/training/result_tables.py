"""The tables that a training leaves: history, parts, metrics and confusions, as text."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from specfeat.training.checkpoints import TrainingProgress
from specfeat.training.evaluation import DatasetEvaluation
from specfeat.training.metrics import Evaluation
from specfeat.training.training_data import TrainingData


def make_tables(
    progress: TrainingProgress, data: TrainingData, evaluations: Mapping[str, DatasetEvaluation]
) -> dict[str, str]:
    """Return the tables of a training by the names of their files.

    Args:
        progress: the values of each epoch.
        data: the sounds with their parts.
        evaluations: the evaluation of each part, by the name of the part; empty for tasks without labels.
    """
    tables = {"history.csv": _format_history(progress), "split.csv": _format_parts(data)}
    if evaluations:
        metrics = {
            part: {"clips": _describe_evaluation(e.by_clip), "sounds": _describe_evaluation(e.by_sound)}
            for part, e in evaluations.items()
        }
        tables["metrics.json"] = json.dumps(metrics, indent=1) + "\n"
    if data.classes:
        tables["classes.csv"] = format_csv(["column", "label"], enumerate(data.classes))
    for part, evaluation in evaluations.items():
        confusion = evaluation.by_sound.confusion
        if confusion is not None:
            rows = ([name, *row] for name, row in zip(data.classes, confusion.tolist(), strict=True))
            tables[f"confusion_{part}.csv"] = format_csv(["true \\ found", *data.classes], rows)
    return tables


def _format_history(progress: TrainingProgress) -> str:
    names = list(dict.fromkeys(name for values in progress.history for name in values))
    rows = (
        [number, *(values.get(name) for name in names)] for number, values in enumerate(progress.history, 1)
    )
    return format_csv(["epoch", *names], rows)


def _format_parts(data: TrainingData) -> str:
    rows = (
        [s.sound.key.name, s.sound.part.start_s, s.sound.part.end_s, ";".join(s.labels), part]
        for s, part in zip(data.sounds, data.parts, strict=True)
    )
    return format_csv(["path", "start", "end", "label", "split"], rows)


def _describe_evaluation(evaluation: Evaluation) -> dict[str, Any]:
    confusion = evaluation.confusion
    return {
        "count": evaluation.count,
        "accuracy": evaluation.accuracy,
        "mean_average_precision": evaluation.mean_average_precision,
        "classes": [asdict(scores) for scores in evaluation.classes],
        "confusion": None if confusion is None else confusion.tolist(),
    }


def format_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as CSV text; None is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    return text.getvalue()
