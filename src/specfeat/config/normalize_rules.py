"""Checks of the settings `spectrogram.normalize` that depend on the spectrogram and the clips.

Each function raises the error of `make_rule_error` for the first thing that is wrong, with a path from the
top of the config. `Settings` calls them in a fixed order.
"""

from typing import Any

from specfeat.config.clips import Clips
from specfeat.config.normalize import Normalize
from specfeat.config.section import list_given_keys, make_rule_error
from specfeat.config.spectrogram import Spectrogram
from specfeat.key_path import KeyPath

_NORMALIZE: KeyPath = ("spectrogram", "normalize")


def check_normalize(spectrogram: Spectrogram, clips: Clips) -> None:
    """Check that only one of constants, clip and file is used, with the right number of constants."""
    normalize = spectrogram.normalize
    if not normalize:
        return
    _check_choice(normalize)
    if normalize.file and clips.cut == "samples":
        raise make_rule_error(
            (*_NORMALIZE, "file"),
            "applies only together with clips.cut: frames, because with cut: samples each clip has its own "
            "spectrogram; wanted clip",
            at_key=True,
        )
    for name in ("mean", "std"):
        _check_constants(getattr(normalize, name), (*_NORMALIZE, name), normalize, spectrogram)
    constants = (normalize.mean, normalize.std)
    if (
        normalize.per == "band"
        and _has_constants(normalize)
        and not any(isinstance(values, tuple) for values in constants)
    ):
        raise make_rule_error(
            (*_NORMALIZE, "per"),
            "is band, but mean and std are one number for all bands; wanted a list with one number for each "
            f"of the {spectrogram.bins} bands",
        )


def _has_constants(normalize: Normalize) -> bool:
    return normalize.mean is not None or normalize.std is not None


def _check_choice(normalize: Normalize) -> None:
    if normalize.clip and normalize.file:
        raise make_rule_error(_NORMALIZE, "wanted either clip or file, not both")
    statistic = "clip" if normalize.clip else "file" if normalize.file else None
    if statistic and _has_constants(normalize):
        raise make_rule_error(_NORMALIZE, f"wanted either constants (mean, std) or {statistic}, not both")
    if normalize.floor is not None and not statistic:
        raise make_rule_error((*_NORMALIZE, "floor"), "applies only together with clip or file", at_key=True)
    if not list_given_keys(normalize) or not (statistic or _has_constants(normalize)):
        raise make_rule_error(
            _NORMALIZE, "is empty; wanted {mean: M, std: S}, {clip: mean_std} or {file: mean_std}"
        )


def _check_constants(constants: Any, path: KeyPath, normalize: Normalize, spectrogram: Spectrogram) -> None:
    """Check that a list of constants has one for each channel, or for each band of each channel."""
    if not isinstance(constants, tuple):
        return
    channels, bins = spectrogram.channels, spectrogram.bins
    is_nested = any(isinstance(values, tuple) for values in constants)
    if normalize.per == "channel":
        if is_nested:
            raise make_rule_error(path, "is a list of lists; wanted one list, or per: band")
        if len(constants) != channels:
            raise make_rule_error(
                path,
                f"has {len(constants)} values; wanted one number, or one for each of {channels} channels",
            )
        return
    if (len(constants) if is_nested else 1) != channels:
        count = f"{len(constants)} lists" if is_nested else "one list"
        raise make_rule_error(
            path, f"has {count}; wanted a list for each of {channels} channels, with one value for each band"
        )
    for values in constants if is_nested else (constants,):
        if len(values) != bins:
            raise make_rule_error(
                path, f"has {len(values)} values; wanted one number, or one for each of {bins} bands"
            )
