"""Leaves out the arrays that the config's `ignore` names, before the others are matched with the network."""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from specfeat.config.model import Weights
from specfeat.errors import WeightsError
from specfeat.text import suggest_name
from specfeat.weights.files.array_names import format_names, to_slash_path
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.matching.match import MatchRule, match_arrays
from specfeat.weights.matching.match_result import MatchResult
from specfeat.weights.matching.slots import Slot

_MAX_COMPARED_NAMES = 1000  # the names among which a similar one is looked for if a pattern matches none


def match_config_arrays(
    slots: list[Slot], contents: FileContents, weights: Weights, match_rule: MatchRule | None = None
) -> MatchResult:
    """Match the arrays of a file with a network, as the config says.

    Args:
        slots: the slots of the network, in the config's order.
        contents: the contents of the file.
        weights: the config's settings of the weights.
        match_rule: the match rule; None for the config's own.

    Returns:
        The result, which may be incomplete; see `match.match_arrays`.

    Raises:
        WeightsError: `ignore` or `map` names an array or a layer that does not exist, two arrays of the file
            have one layer and role, or more than one match is possible.
    """
    ignored = {array.name for array in list_ignored_arrays(slots, contents, weights)}
    remaining = tuple(array for array in contents.arrays if array.name not in ignored)
    return match_arrays(slots, replace(contents, arrays=remaining), match_rule or weights.match, weights.map)


def list_ignored_arrays(slots: Sequence[Slot], contents: FileContents, weights: Weights) -> list[FileArray]:
    """Return the arrays that the config's `ignore` leaves out.

    In a file that `specfeat weights convert` has written for this network, no array is left out: the file has
    only the arrays that the network needs, while the patterns in the config are for the original file.

    Args:
        slots: the slots of the network.
        contents: the contents of the file.
        weights: the config's settings of the weights.

    Raises:
        WeightsError: a pattern matches no array, all arrays are left out, or `map` names one of them.
    """
    layers = {array.layer for array in contents.arrays}
    is_converted = contents.sound_settings is not None and {slot.part_layer for slot in slots} == layers
    if is_converted:
        return []
    ignored: dict[str, FileArray] = {}
    for pattern in weights.ignore:
        matches = [array for array in contents.arrays if fnmatchcase(array.name, pattern)]
        if not matches:
            names = [array.name for array in contents.arrays]
            hint = suggest_name(pattern, names[:_MAX_COMPARED_NAMES]) or f"; it has {format_names(names)}"
            raise WeightsError(f"has no array that the pattern {pattern!r} of ignore matches{hint}")
        ignored |= {array.name: array for array in matches}
    if ignored and len(ignored) == len(contents.arrays):
        raise WeightsError(f"has no array left: ignore ({format_names(weights.ignore)}) matches all of them")
    _check_map(contents, weights, ignored)
    return list(ignored.values())


def _check_map(contents: FileContents, weights: Weights, ignored: dict[str, FileArray]) -> None:
    """Check that the map names no array that is left out, and no layer of which all arrays are left out."""
    ignored_layers = {to_slash_path(array.layer) for array in ignored.values()}
    ignored_layers -= {to_slash_path(array.layer) for array in contents.arrays if array.name not in ignored}
    for key, target in weights.map.items():
        if target in ignored or to_slash_path(target) in ignored_layers:
            raise WeightsError(
                f"has {target}, which the map gives to {key} and ignore leaves out; remove one of the two"
            )
