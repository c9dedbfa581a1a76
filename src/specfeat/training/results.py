"""What a training leaves in its folder: weights, config, metrics, the history, a model card and a record."""

import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from specfeat.atomic_file import write_atomically
from specfeat.config.yaml_writer import format_yaml
from specfeat.errors import InstallError
from specfeat.file_access import sync_folder
from specfeat.files import compute_sha256
from specfeat.training.checkpoints import CheckpointFolder, TrainingProgress
from specfeat.training.clip_dataset import ClipDataset
from specfeat.training.clip_sources import TrainingClips
from specfeat.training.curves import draw_pictures
from specfeat.training.evaluation import DatasetEvaluation, evaluate_dataset
from specfeat.training.labels import PARTS
from specfeat.training.listener import TrainingListener
from specfeat.training.model import TrainingModel
from specfeat.training.model_card import format_model_card
from specfeat.training.result_tables import make_tables
from specfeat.training.run_folder import BEST_WEIGHTS, CONFIG, LAST_WEIGHTS, RECORD_NAME, TrainingFolder
from specfeat.training.summary import TrainingSummary, make_record
from specfeat.training.trained_config import make_config_data
from specfeat.training.training_data import TrainingData
from specfeat.weights.save import save_weights

if TYPE_CHECKING:
    from specfeat.training.trainer import TrainingRequest


_CONFIG_COMMENT = "Written by specfeat train. Use it with: specfeat extract INPUTS OUTPUT -c config.yaml"


class ResultsWriter:
    """Evaluates the best weights of one training, and writes its results.

    Args:
        request: what was asked for.
        data: the sounds and labels.
        clips: the clips, with the sounds that failed.
        folder: the folder of the training.
        model: the trained model.
        datasets: the clips of each part.
    """

    def __init__(
        self,
        request: "TrainingRequest",
        data: TrainingData,
        clips: TrainingClips,
        folder: TrainingFolder,
        model: TrainingModel,
        datasets: Mapping[str, ClipDataset],
    ) -> None:
        self._request = request
        self._data = data
        self._clips = clips
        self._folder = folder
        self._model = model
        self._datasets = datasets

    def write(
        self, progress: TrainingProgress, checkpoints: CheckpointFolder, listener: TrainingListener
    ) -> TrainingSummary:
        """Evaluate the best weights, and write all results. The record is last: it shows that all are there.

        The model has the best weights afterwards.

        Args:
            progress: how the training went.
            checkpoints: the folder of the checkpoints, which has the best weights.
            listener: the object that is told what the user should know.

        Raises:
            OutputError: the disk cannot be written; the checkpoints are kept.
        """
        self._write_file(LAST_WEIGHTS, self._make_weights())
        checkpoints.load_best(self._model.weight_variables)
        losses, evaluations = self._evaluate()
        self._write_file(BEST_WEIGHTS, self._make_weights())
        summary = self._summarize(progress, losses, evaluations)
        request, data = self._request, self._data
        config = make_config_data(
            request.config, self._model.network, BEST_WEIGHTS, summary.weights_sha256, data.classes
        )
        self._write_text(CONFIG, format_yaml(config, _CONFIG_COMMENT))
        for name, table in make_tables(progress, data, evaluations).items():
            self._write_text(name, table)
        try:
            for name, picture in draw_pictures(progress, data.classes, evaluations).items():
                self._write_file(name, picture)
        except InstallError as e:
            listener.on_note(f"no picture is drawn: {e}; history.csv has the values")
        class_layer = self._find_class_layer()
        if class_layer:
            listener.on_note(
                f"the layer {class_layer!r} of {CONFIG} gives the scores of the classes: use it as "
                "model.features to extract them; classes.csv has the label of each column"
            )
        card = format_model_card(request, data, summary, self._model.count_saved_parameters(), class_layer)
        self._write_text("model_card.md", card)
        record = make_record(request, self._folder.read_identity(), data, summary)
        self._write_text(RECORD_NAME, json.dumps(record, indent=1) + "\n")
        return summary

    def _evaluate(self) -> tuple[dict[str, float], dict[str, DatasetEvaluation]]:
        """Return the loss of the parts that were held back, and for `classify` how well classes are found."""
        losses: dict[str, float] = {}
        evaluations: dict[str, DatasetEvaluation] = {}
        for part in PARTS[1:]:
            if part in self._datasets:
                losses[part], evaluation = evaluate_dataset(
                    self._model, self._datasets[part], self._request.train
                )
                if evaluation is not None:
                    evaluations[part] = evaluation
        return losses, evaluations

    def _summarize(
        self,
        progress: TrainingProgress,
        losses: dict[str, float],
        evaluations: Mapping[str, DatasetEvaluation],
    ) -> TrainingSummary:
        sounds = self._data.sounds
        return TrainingSummary(
            folder=self._folder.path,
            epochs=progress.epoch,
            was_stopped_early=progress.was_stopped_early,
            best_epoch=progress.best_epoch + 1,
            losses=losses,
            metrics={part: _summarize_evaluation(e) for part, e in evaluations.items()},
            failures={sounds[k].sound.key.name: text for k, text in self._clips.failures.items()},
            weights_sha256=compute_sha256(self._folder.path / BEST_WEIGHTS),
        )

    def _find_class_layer(self) -> str | None:
        """Return the layer with the scores of classes; None without classes, or if it gives the rows."""
        layer = self._model.network.outputs[0]
        is_feature_layer = layer == self._request.config.settings.model.feature_layer
        return layer if self._data.classes and not is_feature_layer else None

    def _make_weights(self) -> bytes:
        model, file = self._model, io.BytesIO()
        save_weights(model.whole_model, model.saved_layers, self._request.config.settings, file)
        return file.getvalue()

    def _write_text(self, name: str, text: str) -> None:
        self._write_file(name, text.encode(errors="surrogateescape"))

    def _write_file(self, name: str, content: bytes) -> None:
        write_atomically(self._folder.path / name, content)
        sync_folder(self._folder.path)


def _summarize_evaluation(evaluation: DatasetEvaluation) -> dict[str, dict[str, float]]:
    return {
        name: {"accuracy": e.accuracy, "mean_average_precision": e.mean_average_precision}
        for name, e in (("clips", evaluation.by_clip), ("sounds", evaluation.by_sound))
    }
