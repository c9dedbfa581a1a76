"""The settings with which a config gives the two kinds of embeddings of HEAR."""

import numpy as np
from numpy.typing import NDArray

from specfeat.config import Config, Settings
from specfeat.errors import ConfigError

MILLISECONDS = 1000.0

SAMPLE_RATES = (16_000, 22_050, 32_000, 44_100, 48_000)  # those that HEAR allows
TIMESTAMP_STEP_S = 0.05  # the largest step of timestamps that hearvalidator accepts without a warning


def choose_sample_rate(config: Config) -> int:
    """Return the lowest sample rate of HEAR that is not below the sample rate of the config, in Hz.

    Raises:
        ConfigError: the sample rate of the config is above all of them.
    """
    config_rate = config.settings.audio.sample_rate
    for rate in SAMPLE_RATES:
        if rate >= config_rate:
            return rate
    raise ConfigError(
        f"{config.name}: audio.sample_rate is {config_rate}, but HEAR gives sounds with at most "
        f"{SAMPLE_RATES[-1]} Hz; use a config with a lower sample rate"
    )


def make_scene_settings(config: Config) -> Settings:
    """Return the settings of a config with one row for each sound."""
    settings = config.settings
    return settings.model_copy(update={"rows": settings.rows.model_copy(update={"per": "file"})})


def make_timestamp_settings(config: Config) -> Settings:
    """Return the settings of a config with a row for each hop of at most `TIMESTAMP_STEP_S`."""
    settings = config.settings
    clips = settings.clips
    unit = 1 if clips.samples else settings.spectrogram.hop_length
    hop = max(1, int(TIMESTAMP_STEP_S * settings.audio.sample_rate / unit))
    new_clips = clips.model_copy(update={"hop": hop, "edges": "repeat", "tail": "drop", "short": "pad"})
    return settings.model_copy(
        update={"clips": new_clips, "rows": settings.rows.model_copy(update={"per": "clip"})}
    )


def compute_timestamps(settings: Settings, rows: int) -> NDArray[np.float32]:
    """Return the time on which the clip of each row is centred, in milliseconds, float32, shape (rows,).

    Near the ends of a sound, where the first or the last clip is repeated, it is the time on which a clip
    would be centred if the sound continued.

    Args:
        settings: the settings of the timestamps, with `edges: repeat`.
        rows: the number of rows of a sound.
    """
    grid = settings.clip_grid
    starts = (np.arange(rows) - grid.repeated_edge_clips) * grid.hop_samples
    seconds = (starts + grid.clip_samples / 2) / settings.audio.sample_rate
    return np.asarray(seconds * MILLISECONDS, np.float32)
