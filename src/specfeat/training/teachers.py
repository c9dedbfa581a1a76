"""Loads the teachers of a training: networks that compute rows, and outputs that have the rows already."""

from dataclasses import dataclass, replace
from typing import Any

from specfeat.config import Config, load_config
from specfeat.config.train import Teacher, Train
from specfeat.config.yaml_writer import quote_yaml
from specfeat.errors import ConfigError
from specfeat.training.teacher_output import OutputTeacher, load_output_teacher
from specfeat.training.training_data import TrainingData
from specfeat.weights.files.source import compute_weights_hash


@dataclass(frozen=True, slots=True)
class NetworkTeacher:
    """A teacher whose rows are computed in the training.

    Attributes:
        config: the config of its network, with clips that begin where those of the trained config begin.
    """

    config: Config

    def describe(self) -> dict[str, Any]:
        """Return the hash of the settings, and that of the weights file if there is one.

        Raises:
            WeightsError: the weights file does not exist or cannot be read.
        """
        file = self.config.settings.model.weights.file
        return {
            "config": self.config.settings.digest,
            "weights": compute_weights_hash(file) if file else None,
        }


LoadedTeacher = NetworkTeacher | OutputTeacher


def load_teachers(config: Config, data: TrainingData) -> tuple[LoadedTeacher, ...]:
    """Load all teachers of a config.

    Args:
        config: the config that is trained.
        data: the sounds of the training.

    Raises:
        ConfigError: a teacher's config is wrong, or its clips cannot have the same hop.
        UsageError: an output is not complete, or does not have the rows of the same clips.
        OutputError: an output cannot be read.
    """
    train = config.settings.train or Train()
    return tuple(
        NetworkTeacher(_load_teacher_config(teacher, config))
        if teacher.output is None
        else load_output_teacher(teacher.output, config.settings, data)
        for teacher in train.teachers
    )


def _load_teacher_config(teacher: Teacher, config: Config) -> Config:
    """Return the config of a teacher, with clips that begin where the clips of the trained config begin.

    Raises:
        ConfigError: the teacher's config is wrong, or its clips cannot have the same hop.
    """
    overrides = [f"model.weights.file={quote_yaml(teacher.weights)}"] if teacher.weights else []
    overrides += [f"model.features={teacher.features}"] if teacher.features else []
    loaded = load_config(teacher.config or "", overrides)
    hop_s = config.settings.clip_grid.hop_samples / config.settings.audio.sample_rate
    clips, spectrogram = loaded.settings.clips, loaded.settings.spectrogram
    unit = 1 if clips.samples else spectrogram.hop_length
    hop = hop_s * loaded.settings.audio.sample_rate / unit
    if abs(hop - round(hop)) > 1e-6:
        name = "samples" if clips.samples else "frames"
        raise ConfigError(
            f"{teacher.config}: a teacher needs clips every {hop_s:g} s, which is {hop:g} of its {name}; "
            "choose another clips.hop, so that it is a whole number"
        )
    new_clips = clips.model_copy(
        update={
            "hop": round(hop),
            "edges": "cut",
            "tail": config.settings.clips.tail,
            "short": config.settings.clips.short,
        }
    )
    return replace(loaded, settings=loaded.settings.model_copy(update={"clips": new_clips}))
