"""Lengths that a config gives in seconds, converted once to the integers that the settings keep.

All that follows from a length is computed from integers. So equal lengths are equal settings, however they
are written, and no sample is gained or lost where a product of floats is rounded.
"""

import math
from fractions import Fraction
from typing import Any, NamedTuple

from specfeat.config.config_tree import ConfigTree
from specfeat.key_path import KeyPath
from specfeat.text import format_value, suggest_name


class LengthKeys(NamedTuple):
    """The keys of which one gives a length.

    Attributes:
        section: the section of the config that has the keys.
        seconds_key: the key for the length in seconds.
        integer_keys: the keys for the length as an integer; of two, the second one is for `clips.cut:
            samples`.
    """

    section: str
    seconds_key: str
    integer_keys: tuple[str, ...]


# In the order of conversion: a clip's length in frames is known only when the hop of the frames is.
LENGTHS = (
    LengthKeys("spectrogram", "win_seconds", ("win_length",)),
    LengthKeys("spectrogram", "hop_seconds", ("hop_length",)),
    LengthKeys("clips", "seconds", ("frames", "samples")),
    LengthKeys("clips", "hop_seconds", ("hop",)),
)

_MAX_SECONDS = 1e9  # thirty years; more is a mistake, and would be slow as an exact fraction


def convert_to_samples(seconds: float, sample_rate: int) -> int | None:
    """Return the number of samples in a length of time, or None if it is not a whole number.

    The decimal number that was written counts, not the binary one that stands for it: 0.009 s at 48 kHz are
    432 samples, though 0.009 * 48000 is 431.99999999999994.

    Args:
        seconds: the length in seconds.
        sample_rate: the sample rate in Hz.
    """
    samples = Fraction(repr(seconds)) * sample_rate
    return samples.numerator if samples.denominator == 1 else None


def list_keys_of_same_length(path: KeyPath) -> set[str]:
    """Return the other keys of the section that give the length at `path`; none if it is not a length."""
    for length in LENGTHS:
        keys = {length.seconds_key, *length.integer_keys}
        if len(path) == 2 and path[0] == length.section and path[1] in keys:
            return keys - {str(path[1])}
    return set()


def convert_seconds(tree: ConfigTree) -> None:
    """Replace each length in seconds by the integer that it stands for.

    Only what a conversion needs is checked here; the settings check the rest, with better messages.

    Raises:
        ConfigError: a length is not a whole number of samples, or hops; or is given twice.
    """
    for length in LENGTHS:
        values = tree.data.get(length.section, {})
        # Without the section `audio` there is no rate. The settings say that it is missing.
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
    # A clip's hop has the unit of its length, which is samples only if the length is given in seconds or
    # samples.
    if length.section == "clips" and (values.get("cut", "frames") == "frames" or "frames" in values):
        integer = _convert_to_hops(tree, path, integer)
    values[integer_key] = integer
    del values[length.seconds_key]
    integer_path = (length.section, integer_key)
    tree.value_positions[integer_path] = tree.value_positions.get(path, (1, 1))
    if path in tree.overrides:
        tree.overrides[integer_path] = tree.overrides[path]


def _get_sample_rate(tree: ConfigTree) -> int:
    """Return the sample rate, or raise what the settings would say of it: seconds mean nothing without it."""
    audio = tree.data.get("audio", {})
    sample_rate = audio.get("sample_rate")
    if type(sample_rate) is int and sample_rate >= 1:  # not bool
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
    if not is_number or not 0 < seconds < _MAX_SECONDS:  # nan is refused here, too
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
    """Return what to write if a length of frames is probably a power of two of samples, rounded in seconds.

    Papers round so: a window of "23 ms" has 1024 samples at 44.1 kHz.
    """
    power = 2 ** round(math.log2(max(1.0, samples)))
    if integer_key not in ("win_length", "hop_length") or not 0.95 <= samples / power <= 1.05:
        return ""
    return f"; if it is rounded, give the samples: {integer_key}: {power}"


def _convert_to_hops(tree: ConfigTree, path: KeyPath, samples: int) -> int:
    hop_length = tree.data.get("spectrogram", {}).get("hop_length")
    if type(hop_length) is not int or hop_length < 1:
        return samples  # the settings say what is wrong with the hop
    if samples % hop_length:
        hint = ", or the length in frames" if path[-1] == "seconds" else ""
        raise tree.make_error(
            path,
            f"is {samples} samples, {samples / hop_length:g} hops of {hop_length}; wanted a whole number of "
            f"hops{hint}",
        )
    return samples // hop_length
