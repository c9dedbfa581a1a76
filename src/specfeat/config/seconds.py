"""Converts the lengths that a config gives in seconds to the integers in the settings.

This is done once, and everything else is computed from the integers. So a length in seconds and the same
length in samples give equal settings, and no product of floats is rounded to a wrong number of samples.
"""

import math
from fractions import Fraction
from typing import Any, NamedTuple

from specfeat.config.config_tree import ConfigTree
from specfeat.key_path import KeyPath
from specfeat.text import format_value, suggest_name


class LengthKeys(NamedTuple):
    """The keys that give the same length in different units. A config has at most one of them.

    Attributes:
        section: the section of the config that has the keys.
        seconds_key: the key of the length in seconds.
        integer_keys: the keys of the length as an integer. If there are two, the first one is used with
            `clips.cut: frames`, and the second one with `clips.cut: samples`.
    """

    section: str
    seconds_key: str
    integer_keys: tuple[str, ...]


# In the order of the conversion: the length of a clip in frames can be computed only when `hop_length` is
# known.
LENGTHS = (
    LengthKeys("spectrogram", "win_seconds", ("win_length",)),
    LengthKeys("spectrogram", "hop_seconds", ("hop_length",)),
    LengthKeys("clips", "seconds", ("frames", "samples")),
    LengthKeys("clips", "hop_seconds", ("hop",)),
)

_MAX_SECONDS = 1e9  # thirty years; a longer time is a mistake, and slow to compute as an exact fraction


def convert_to_samples(seconds: float, sample_rate: int) -> int | None:
    """Convert a length of time to a number of samples.

    The seconds are read as the decimal number that the user wrote, and not as the nearest binary number:
    0.009 s at 48 kHz are 432 samples, although 0.009 * 48000 is 431.99999999999994 in Python.

    Args:
        seconds: the length in seconds.
        sample_rate: the sample rate in Hz.

    Returns:
        The number of samples; None if it is not a whole number.
    """
    samples = Fraction(repr(seconds)) * sample_rate
    return samples.numerator if samples.denominator == 1 else None


def list_keys_of_same_length(path: KeyPath) -> set[str]:
    """Return the other keys that give the same length as the key at `path`; none if it is not a length."""
    for length in LENGTHS:
        keys = {length.seconds_key, *length.integer_keys}
        if len(path) == 2 and path[0] == length.section and path[1] in keys:
            return keys - {str(path[1])}
    return set()


def convert_seconds(tree: ConfigTree) -> None:
    """Replace each length in seconds by the equal integer number of samples or frames.

    This checks only what the conversion needs. The settings check the rest, with better messages.

    Args:
        tree: the config, which is changed.

    Raises:
        ConfigError: a length is not a whole number of samples or hops, or is given twice.
    """
    for length in LENGTHS:
        values = tree.data.get(length.section, {})
        # Without the section `audio` there is no sample rate. Then the settings report the missing section.
        if length.seconds_key in values and "audio" in tree.data:
            _convert_length(tree, length, values)


def _convert_length(tree: ConfigTree, length: LengthKeys, values: dict[str, Any]) -> None:
    sample_rate = _get_sample_rate(tree)
    path = (length.section, length.seconds_key)
    is_cut_in_samples = length.section == "clips" and values.get("cut") == "samples"
    integer_key = length.integer_keys[-1 if is_cut_in_samples else 0]
    if integer_key in values:
        raise tree.make_error(path, f"is given together with {integer_key}; keep one of them", at_key=True)
    integer = _read_samples(tree, path, sample_rate, integer_key)
    # The hop of clips has the unit of their length. With `cut: samples` that is samples, unless the length is
    # given in frames.
    if length.section == "clips" and (values.get("cut", "frames") == "frames" or "frames" in values):
        integer = _convert_to_hops(tree, path, integer)
    values[integer_key] = integer
    del values[length.seconds_key]
    integer_path = (length.section, integer_key)
    tree.value_positions[integer_path] = tree.value_positions.get(path, (1, 1))
    if path in tree.overrides:
        tree.overrides[integer_path] = tree.overrides[path]


def _get_sample_rate(tree: ConfigTree) -> int:
    """Return the sample rate, without which seconds cannot be converted.

    The errors are those that the validation of the settings would report.

    Raises:
        ConfigError: the sample rate is missing or is not a positive integer.
    """
    audio = tree.data.get("audio", {})
    sample_rate = audio.get("sample_rate")
    if type(sample_rate) is int and sample_rate >= 1:  # type, because bool is a subclass of int
        return sample_rate
    if "sample_rate" in audio:
        raise tree.make_error(
            ("audio", "sample_rate"), f"is {format_value(sample_rate)}; wanted a whole number, 1,000 or more"
        )
    misspelt_keys = [key for key in audio if suggest_name(key, ["sample_rate"])]
    if misspelt_keys:
        text = "is not known here (did you mean 'sample_rate'?)"
        raise tree.make_error(("audio", misspelt_keys[0]), text, at_key=True)
    raise tree.make_error(("audio",), "has no 'sample_rate'; it is required", at_key=True)


def _read_samples(tree: ConfigTree, path: KeyPath, sample_rate: int, integer_key: str) -> int:
    """Return the whole number of samples in the length in seconds at `path`."""
    seconds = tree.data[str(path[0])][path[1]]
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 0 < seconds < _MAX_SECONDS:  # this also refuses nan
        raise tree.make_error(path, f"is {format_value(seconds)}; wanted seconds, a number above 0")
    samples = convert_to_samples(seconds, sample_rate)
    if samples is None:
        inexact_samples = seconds * sample_rate
        raise tree.make_error(
            path,
            f"is {seconds:g} s, {inexact_samples:g} samples at {sample_rate} Hz; wanted a whole number of "
            f"samples{_suggest_power_of_two(inexact_samples, integer_key)}",
        )
    return samples


def _suggest_power_of_two(samples: float, integer_key: str) -> str:
    """Suggest a power of two if a length in seconds is probably a rounded power of two of samples.

    Papers often round like this: a window of "23 ms" has 1024 samples at 44.1 kHz.
    """
    power = 2 ** round(math.log2(max(1.0, samples)))
    if integer_key not in ("win_length", "hop_length") or not 0.95 <= samples / power <= 1.05:
        return ""
    return f"; if it is rounded, give the samples: {integer_key}: {power}"


def _convert_to_hops(tree: ConfigTree, path: KeyPath, samples: int) -> int:
    hop_length = tree.data.get("spectrogram", {}).get("hop_length")
    if type(hop_length) is not int or hop_length < 1:
        return samples  # the validation of the settings reports the wrong hop
    if samples % hop_length:
        hint = ", or the length in frames" if path[-1] == "seconds" else ""
        raise tree.make_error(
            path,
            f"is {samples} samples, {samples / hop_length:g} hops of {hop_length}; wanted a whole number of "
            f"hops{hint}",
        )
    return samples // hop_length
