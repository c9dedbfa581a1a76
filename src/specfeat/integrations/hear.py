"""The interface of HEAR 2021, so that any config can be evaluated with the tasks of HEAR.

    python -m heareval.embeddings.runner specfeat.integrations.hear --model my.yaml

Source: https://hearbenchmark.com/hear-api.html. All functions take and return TensorFlow tensors.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from specfeat.config import load_config
from specfeat.extractor import Extractor
from specfeat.integrations.hear_settings import (
    MILLISECONDS,
    choose_sample_rate,
    compute_timestamps,
    make_scene_settings,
    make_timestamp_settings,
)
from specfeat.tensorflow_runtime import tf

if TYPE_CHECKING:
    from specfeat.extractor import Features


def load_model(model_file_path: str = "") -> Any:
    """Build the network of a config.

    Args:
        model_file_path: the path of a config, or the name of a shipped config; "" stands for "default".

    Returns:
        A `tf.Module` with the attributes that HEAR wants: `sample_rate` in Hz, `scene_embedding_size` and
        `timestamp_embedding_size`. `scene_extractor` and `timestamp_extractor` are the two `Extractor`s.

    Raises:
        ConfigError: the config is wrong, or its sample rate is above 48,000 Hz.
    """
    config = load_config(model_file_path or "default")
    sample_rate = choose_sample_rate(config)
    extractor = Extractor(config)
    # A Keras model is no tf.Module, which HEAR wants.
    model = tf.Module()
    model.sample_rate = sample_rate
    model.scene_extractor = extractor.change_settings(make_scene_settings(config))
    model.timestamp_extractor = extractor.change_settings(make_timestamp_settings(config))
    model.scene_embedding_size = model.scene_extractor.width
    model.timestamp_embedding_size = model.timestamp_extractor.width
    return model


def get_scene_embeddings(audio: Any, model: Any) -> Any:
    """Return one embedding for each sound: one row for each file, as the config's section `rows` says.

    If the config makes a row for each clip, the embedding is the mean of the rows.

    Args:
        audio: float32, shape (sounds, samples), from -1 to 1, at the rate `model.sample_rate`.
        model: what `load_model` returns.

    Returns:
        float32, shape (sounds, features).
    """
    features = _extract(audio, model.scene_extractor, model.sample_rate)
    rows = np.concatenate([sound.rows for sound in features])
    return tf.convert_to_tensor(rows)


def get_timestamp_embeddings(audio: Any, model: Any) -> tuple[Any, Any]:
    """Return embeddings for times at most 50 ms apart, each from the clip that is centred on its time.

    Near the ends of a sound, the first and the last clip are used.

    Args:
        audio: float32, shape (sounds, samples), from -1 to 1, at the rate `model.sample_rate`.
        model: what `load_model` returns.

    Returns:
        The embeddings, float32, shape (sounds, times, features), and their times in milliseconds, float32,
        shape (sounds, times).
    """
    features = _extract(audio, model.timestamp_extractor, model.sample_rate)
    rows = np.stack([sound.rows for sound in features])
    times = compute_timestamps(model.timestamp_extractor.settings, rows.shape[1])
    # The last clips may be centred on times after the end of the sound.
    is_inside = times <= audio.shape[1] / model.sample_rate * MILLISECONDS
    return (
        tf.convert_to_tensor(rows[:, is_inside]),
        tf.convert_to_tensor(np.tile(times[is_inside], (len(rows), 1))),
    )


def _extract(audio: Any, extractor: Extractor, sample_rate: int) -> list["Features"]:
    return [extractor.extract(sound, sample_rate) for sound in np.asarray(audio, np.float32)]
