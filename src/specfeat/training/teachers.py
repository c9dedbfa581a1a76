"""Loads the configs of teachers, so that the clips of teacher and trained network belong together."""

from dataclasses import replace

from specfeat.config import Config, Settings, load_config
from specfeat.config.train import Teacher
from specfeat.config.yaml_writer import quote_yaml
from specfeat.errors import ConfigError


def load_teacher(teacher: Teacher, config: Config) -> Config:
    """Return the config of a teacher, with clips that begin where the clips of the trained config begin.

    Raises:
        ConfigError: the teacher's config is wrong, or its clips cannot have the same hop.
    """
    overrides = [f"model.weights.file={quote_yaml(teacher.weights)}"] if teacher.weights else []
    overrides += [f"model.features={teacher.features}"] if teacher.features else []
    loaded = load_config(teacher.config, overrides)
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
    return replace(
        loaded, settings=Settings.model_validate(loaded.settings.model_copy(update={"clips": new_clips}))
    )
