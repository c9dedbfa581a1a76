"""Compares the sound settings of a config with those that its weights were trained with.

If they differ, the features would be wrong.
"""

import json
from typing import Any

from specfeat.config.spectrogram import Spectrogram
from specfeat.text import shorten_text

_MAX_VALUE_LENGTH = 80  # characters; a list of constants for each band is longer
SoundSettings = dict[str, Any]  # values by dotted key, such as "spectrogram.mel.n_mels"


def flatten_sound_settings(sample_rate: int, spectrogram: Spectrogram) -> SoundSettings:
    """Return the sample rate and the settings of the spectrogram by dotted key, without those that are null.

    Args:
        sample_rate: the sample rate in Hz.
        spectrogram: the settings of the spectrogram.
    """
    flat: SoundSettings = {"audio.sample_rate": sample_rate}
    left_out = {key: getattr(spectrogram, key) for key in spectrogram.later_keys}  # while they are defaults
    sections: list[tuple[str, dict[str, Any]]] = [
        ("spectrogram", left_out | spectrogram.model_dump(mode="json"))
    ]
    while sections:
        path, values = sections.pop()
        for key, value in values.items():
            if isinstance(value, dict):
                sections.append((f"{path}.{key}", value))
            elif value is not None:
                flat[f"{path}.{key}"] = value
    return flat


def find_first_difference(first_settings: SoundSettings, second_settings: SoundSettings) -> str | None:
    """Return the first key, in alphabetical order, whose value differs; None if no value differs."""
    keys = sorted(first_settings.keys() | second_settings.keys())
    return next((key for key in keys if first_settings.get(key) != second_settings.get(key)), None)


def format_sound_setting(value: object) -> str:
    """Return the value of a setting as JSON, shortened, for a message about a difference."""
    return shorten_text(json.dumps(value), _MAX_VALUE_LENGTH)
