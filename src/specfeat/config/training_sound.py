"""The sound that weights were trained on, as settings to compare: on another one features are wrong."""

from typing import Any

from specfeat.config.sound import Spectrogram

Sound = dict[str, Any]  # settings by dotted key


def flatten_sound_settings(sample_rate: int, spectrogram: Spectrogram) -> Sound:
    """Write sample rate and settings of the spectrogram with dotted keys; what is null is left out."""
    flat: Sound = {"audio.sample_rate": sample_rate}
    pending = [("spectrogram", spectrogram.model_dump(mode="json"))]
    while pending:
        path, values = pending.pop()
        for key, value in values.items():
            if isinstance(value, dict):
                pending.append((f"{path}.{key}", value))
            elif value is not None:
                flat[f"{path}.{key}"] = value
    return flat


def find_first_difference(one: Sound, other: Sound) -> str | None:
    """The first key, by name, that the two do not share with one value; None if they are the same sound."""
    return next((key for key in sorted(one.keys() | other.keys()) if one.get(key) != other.get(key)), None)
