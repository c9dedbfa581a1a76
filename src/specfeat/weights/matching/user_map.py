"""Applies the config's `map`, which gives layers and arrays of the file to layers and slots of the network.

Every entry of the map is applied or refused with an error, also if the file has a layer of the same name. So
no entry is silently without effect. There is one exception: the whole map is ignored for a file that
`specfeat weights convert` has written for this network (see `match`).
"""

from collections.abc import Collection, Iterable, Mapping

from specfeat.errors import WeightsError
from specfeat.text import suggest_name
from specfeat.weights.files.array_names import format_names, to_slash_path
from specfeat.weights.files.arrays import FileArray
from specfeat.weights.matching.slots import Slot


def apply_array_map(
    network_slots: list[Slot], file_arrays: Iterable[FileArray], user_map: Mapping[str, str]
) -> dict[str, FileArray]:
    """Return the arrays that the map gives to single slots, by the slot's name.

    Args:
        network_slots: all slots of the network.
        file_arrays: all arrays of the file, including those that are not weights.
        user_map: the map; entries for whole layers are only checked here.

    Raises:
        WeightsError: an entry is for a layer or an array that the network does not have; or it names an array
            that the file does not have, or that another entry names as well; or an entry is for a layer of
            which other entries name every array.
    """
    arrays_by_name = {array.name: array for array in file_arrays}
    slot_names = {slot.name for slot in network_slots}
    layer_names = {slot.layer for slot in network_slots}
    # All keys are checked before any value. A wrong key is wrong for every file, so it is reported first.
    for key in user_map:
        if key not in slot_names and key not in layer_names:
            raise _make_key_error(key, network_slots)
    mapped: dict[str, FileArray] = {}
    for key, array_name in user_map.items():
        if key not in slot_names:
            continue
        if array_name not in arrays_by_name:
            raise _make_missing_error("array", key, array_name, arrays_by_name)
        mapped[key] = arrays_by_name[array_name]
    _check_unique({key: array.name for key, array in mapped.items()})
    remaining_layers = {slot.layer for slot in network_slots if slot.name not in mapped}
    for key in user_map:
        if key in layer_names and key not in remaining_layers:
            raise WeightsError(
                f"cannot be mapped: the map has an entry for {key} and one for each of its arrays; remove "
                "one of the two"
            )
    return mapped


def apply_layer_map(
    network_layers: Mapping[str, str], file_layers: Collection[str], user_map: Mapping[str, str]
) -> dict[str, str]:
    """Return the layers of the file that the map gives to layers of the network, by the layers' names.

    Args:
        network_layers: the config's name of each layer, by the name under which the layer is looked for. The
            two names differ for the parts of a separable convolution: both "sep/depthwise" and
            "sep/pointwise" have the name "sep" in the config.
        file_layers: the names of the file's layers.
        user_map: the map; entries for single arrays have no effect here.

    Raises:
        WeightsError: an entry names a layer that the file does not have, or that another entry names as well.
    """
    names_by_path = {to_slash_path(name): name for name in file_layers}
    mapped: dict[str, str] = {}
    for name, config_name in network_layers.items():
        if config_name in user_map:
            # The map has the name of the separable convolution. The names of its two layers in the file begin
            # with this name.
            part = to_slash_path(name).removeprefix(to_slash_path(config_name))  # "/depthwise", or nothing
            path = to_slash_path(user_map[config_name]) + part
            if path not in names_by_path:
                raise _make_missing_error("layer", config_name, user_map[config_name], file_layers)
            mapped[name] = names_by_path[path]
    _check_unique(mapped)
    return mapped


def _check_unique(mapped: Mapping[str, str]) -> None:
    keys: dict[str, str] = {}
    for key, target in mapped.items():
        if target in keys:
            raise WeightsError(f"has one {target}; the map gives it to {keys[target]} and to {key}")
        keys[target] = key


def _make_key_error(key: str, network_slots: list[Slot]) -> WeightsError:
    layer_slots = [slot.name for slot in network_slots if key.startswith(f"{slot.layer}/")]
    has = f"its layer has {format_names(layer_slots)}" if layer_slots else "its layer has no arrays"
    return WeightsError(
        f"cannot be mapped: the map's entry {key!r} is not an array or a layer with arrays; {has}"
    )


def _make_missing_error(what: str, key: str, target: str, existing: Iterable[str]) -> WeightsError:
    names = list(existing)
    hint = suggest_name(target, names) or f"; it has {format_names(names)}"
    return WeightsError(f"has no {what} {target!r}, which the map gives to {key}{hint}")
