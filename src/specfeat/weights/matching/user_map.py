"""The config's `map`: our layer, or layer/role, to the file's layer or array; obeyed, or refused."""

from collections.abc import Collection, Iterable, Mapping

from specfeat.errors import WeightsError
from specfeat.text import suggest_name
from specfeat.weights.files.array_names import format_names, to_slash_path
from specfeat.weights.files.arrays import FileArray
from specfeat.weights.matching.slots import Slot


def apply_array_map(
    slots: list[Slot], arrays: Iterable[FileArray], given: Mapping[str, str]
) -> dict[str, FileArray]:
    """Find the arrays that the map names for one of ours each.

    Returns:
        Slot to array.

    Raises:
        WeightsError: an entry is of no array of the network, or names one that the file has not, or that
            another entry names.
    """
    by_name = {array.name: array for array in arrays}
    names, layers = {slot.name for slot in slots}, {slot.layer for slot in slots}
    for key in given:
        if key not in names and key not in layers:
            known = [slot.name for slot in slots if key.startswith(f"{slot.layer}/")]
            has = f"it has {format_names(known)}" if known else "it has no arrays"
            raise WeightsError(f"cannot be mapped: the map's entry {key!r} is no array of its layer; {has}")
    found: dict[str, FileArray] = {}
    for key in filter(names.__contains__, given):
        if given[key] not in by_name:
            raise _absent(key, given[key], by_name, "array")
        found[key] = by_name[given[key]]
    _check_once({key: array.name for key, array in found.items()})
    return found


def apply_layer_map(
    ours: Mapping[str, str], theirs: Collection[str], given: Mapping[str, str]
) -> dict[str, str]:
    """Find the layers that the map names for ours.

    Args:
        ours: our layers, and what the map calls them; of a separable convolution its two parts.
        theirs: the file's layers.
        given: the map.

    Returns:
        Our layer to the file's.

    Raises:
        WeightsError: an entry names a layer that the file has not, or that another entry names.
    """
    by_path = {to_slash_path(name): name for name in theirs}
    found: dict[str, str] = {}
    for name, layer in ours.items():
        if layer in given:
            target = to_slash_path(given[layer]) + to_slash_path(name).removeprefix(to_slash_path(layer))
            if target not in by_path:
                raise _absent(layer, given[layer], theirs, "layer")
            found[name] = by_path[target]
    _check_once(found)
    return found


def _check_once(found: Mapping[str, str]) -> None:
    takers: dict[str, str] = {}
    for key, target in found.items():
        if target in takers:
            raise WeightsError(f"has one {target}; the map gives it to {takers[target]} and to {key}")
        takers[target] = key


def _absent(key: str, target: str, known: Iterable[str], what: str) -> WeightsError:
    names = list(known)
    hint = suggest_name(target, names) or f"; it has {format_names(names)}"
    return WeightsError(f"has no {what} {target!r}, which the map gives to {key}{hint}")
