"""Decides which array of a weights file goes into which slot of the network.

In a complete result, every slot has one array of its shape, and every array is used. The caller must refuse
an incomplete one (`MatchResult.raise_if_incomplete`). A wrong array of the right shape would give plausible
but wrong features. So if two answers are possible, the match is an error that says how the user can decide.

    arrays of the file                                    slots of the network
        |                                                     |
    1.  drop arrays that are not weights                      |
    2.  single arrays that the user's map names  <-------->   |
    3.  group the others by layer                             |
        |                                                     |
        +--------------------------+--------------------------+
                                   |
    4.  group the slots by layer, and pair the layers: first by the user's map, then all others
            match: name    by name; in a Keras 3 file, by name or by path
            match: order   the nth layer of a family with the nth layer of that family in the file
                                   |
    5.  within each pair of layers, give each slot the array of its role
                                   |
    6.  compare the shapes, after the axes are put into Keras' order
    7.  with match: order, if the result is complete: check that the file tells the order, and no other fits

1.  A training checkpoint also has arrays that are not weights, e.g. the state of the optimizer. Their names
    are known (`array_names.IGNORED_ARRAYS`). Every other array must be used, because an unused array shows
    that the network is not the one that was trained. Only neutral arrays may be unused: zeros or ones that a
    converter has added and that change nothing.
2.  The user's map comes before all rules. An entry that cannot be applied is an error (`user_map`). An entry
    may even name an array that step 1 drops. The map is ignored if `specfeat weights convert` has written the
    file for this network: the file has the names of the config then, and the map those of the original file.
3.  Names are compared layer by layer, because programs have different words for one role (kernel, weight, W).
    `array_names` has translated these words. Two arrays of one layer with one role are an error, because
    nothing says which one is right. A separable convolution is one layer in Keras and two layers elsewhere.
4.  By name (`pair_by_name`): frameworks add scopes and numbers to names. An addition is removed only if
    exactly one match is then possible. A Keras 3 file also has the path of each layer ("the second Conv2D").
    Keras itself loads by path, so the paths decide unless a name contradicts them. By order
    (`pair_by_order`): for files whose names have nothing in common with those of the network.
5.  Each array fills one slot. Some programs have another word for a role (`find_array`). Keras 3 files have
    numbers in place of roles. A number says which array it is only in a layer of the same class.
6.  Other programs store kernels with their axes in another order (`axis_layouts`), so shapes can be compared
    only in Keras' order.
7.  In some files, neither the order of the arrays nor their names tell the order of the layers
    (`order_evidence`). This is an error if two layers have the same shapes. In other files, the order is the
    one in which a program lists its layers. If a network has branches, Keras lists the layers from its end,
    and not as the config does. It is an error if both orders fit and give different pairs.

If the names do not fit, the layers are also matched by order, only for the suggestion in the error message.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from specfeat.architecture.kinds import get_layer_kind
from specfeat.errors import WeightsError
from specfeat.weights.files.array_names import explain_ignored_array, is_sample_count
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.matching.axis_layouts import compute_arranged_shape
from specfeat.weights.matching.find_array import find_array
from specfeat.weights.matching.match_result import MatchResult
from specfeat.weights.matching.order_evidence import check_order_is_known
from specfeat.weights.matching.pair_by_name import pair_by_name_and_path
from specfeat.weights.matching.pair_by_order import pair_by_order
from specfeat.weights.matching.slots import Slot
from specfeat.weights.matching.user_map import apply_array_map, apply_layer_map

MatchRule = Literal["name", "order"]
FileLayers = dict[str, dict[str, FileArray]]  # layer -> role -> array


@dataclass(frozen=True, slots=True)
class _LayerPair:
    """A layer of the network, and the layer of the file that is paired with it.

    Attributes:
        slots: the slots of the network's layer, without those that the user's map fills singly.
        file_layer: the name of the file's layer; None if the file has no layer for it.
    """

    slots: list[Slot]
    file_layer: str | None


@dataclass(frozen=True, slots=True)
class _MatchData:
    """The network and the file that are to be matched, after steps 1 to 3.

    Attributes:
        network_slots: all slots, in the config's order.
        weights: the arrays of the file that are weights.
        mapped_arrays: the arrays that the user's map gives to single slots, by the slot's name.
        file_layers: the weights that `mapped_arrays` does not contain, by layer and role.
        user_map: the config's `map`; empty if it is ignored.
    """

    network_slots: list[Slot]
    weights: list[FileArray]
    mapped_arrays: Mapping[str, FileArray]
    file_layers: FileLayers
    user_map: Mapping[str, str]

    @property
    def unmapped_slots(self) -> list[Slot]:
        """The slots to which the user's map gives no single array."""
        return [slot for slot in self.network_slots if slot.name not in self.mapped_arrays]


def match_arrays(
    network_slots: list[Slot], file_contents: FileContents, match_rule: MatchRule, user_map: Mapping[str, str]
) -> MatchResult:
    """Find the array of the file for each slot of the network.

    Args:
        network_slots: the slots, in the config's order.
        file_contents: the contents of the file.
        match_rule: how layers are paired: by name or by order.
        user_map: the config's `map`. A key is a layer of the network, or LAYER/ROLE for one array. Its value
            is the name of the layer or of the array in the file.

    Returns:
        The result, which may have slots without an array of their shape, and unused arrays.

    Raises:
        WeightsError: the map names a layer or an array that does not exist, two arrays of the file have one
            layer and role, or more than one match is possible.
    """
    # Step 1.
    weights = [
        array
        for array in file_contents.arrays
        if explain_ignored_array(array.name) is None and not is_sample_count(array)
    ]
    # Step 2. Only `specfeat weights convert` writes sound settings into a file. The layers are compared too,
    # because the file may have been converted for another network.
    is_converted = file_contents.sound_settings is not None
    if is_converted and {slot.part_layer for slot in network_slots} == {array.layer for array in weights}:
        user_map = {}
    mapped_arrays = apply_array_map(network_slots, file_contents.arrays, user_map)
    # Step 3.
    file_layers = _group_by_layer(array for array in weights if array not in mapped_arrays.values())
    data = _MatchData(network_slots, weights, mapped_arrays, file_layers, user_map)
    result = _match_by_rule(data, match_rule)
    if match_rule == "name" and not result.is_complete:
        try:
            result.order_result = _match_by_rule(data, "order")
        except WeightsError as e:
            result.order_problem = str(e)
    return result


def _group_by_layer(arrays: Iterable[FileArray]) -> FileLayers:
    layers: FileLayers = {}
    for array in arrays:
        roles = layers.setdefault(array.layer, {})
        if array.role in roles:
            raise WeightsError(
                f"{array.name} and {roles[array.role].name} are both the {array.role} of {array.layer!r}"
            )
        roles[array.role] = array
    return layers


def _match_by_rule(data: _MatchData, match_rule: MatchRule) -> MatchResult:
    result = _fill_slots(data, _pair_layers(data, data.unmapped_slots, match_rule))
    if match_rule == "order" and result.is_complete:
        check_order_is_known([pair for pair in result.pairs if _is_paired_by_rule(data, pair[0])])
        _check_keras_order(data, result)
    return result


def _is_paired_by_rule(data: _MatchData, slot: Slot) -> bool:
    """Return whether the match rule has paired a slot's layer, and not the user's map."""
    return slot.name not in data.mapped_arrays and slot.layer not in data.user_map


def _pair_layers(data: _MatchData, slots: Sequence[Slot], match_rule: MatchRule) -> list[_LayerPair]:
    """Pair each layer of the network with a layer of the file (step 4).

    Args:
        data: the network and the file.
        slots: the slots to which the map gives no single array, in the order that counts for `match: order`.
        match_rule: how layers are paired.
    """
    network_layers: dict[str, list[Slot]] = {}
    for slot in slots:
        network_layers.setdefault(_get_layer_name(slot, data.file_layers), []).append(slot)
    config_names = {name: layer_slots[0].layer for name, layer_slots in network_layers.items()}
    mapped = apply_layer_map(config_names, data.file_layers, data.user_map)
    unmapped_network = {name: group for name, group in network_layers.items() if name not in mapped}
    unmapped_file = {name: roles for name, roles in data.file_layers.items() if name not in mapped.values()}
    if match_rule == "order":
        pairs = pair_by_order(unmapped_network, unmapped_file)
    else:
        pairs = pair_by_name_and_path(unmapped_network, unmapped_file)
    pairs |= mapped
    return [_LayerPair(group, pairs.get(name)) for name, group in network_layers.items()]


def _get_layer_name(slot: Slot, file_layers: FileLayers) -> str:
    """Return the name to look for in the file; X/depthwise or X/pointwise if X is two layers there."""
    if "pointwise_kernel" not in get_layer_kind(slot.kind).roles:
        return slot.part_layer
    if any("pointwise_kernel" in roles or "0" in roles for roles in file_layers.values()):
        return slot.layer  # Keras has one layer. Keras 3 files have numbers ("0") in place of roles
    return f"{slot.layer}/{'depthwise' if slot.role == 'depthwise_kernel' else 'pointwise'}"


def _fill_slots(data: _MatchData, layer_pairs: list[_LayerPair]) -> MatchResult:
    """Give each slot its array (step 5) and compare the shapes (step 6)."""
    layer_slots: dict[str, list[Slot]] = {}
    for slot in data.network_slots:
        layer_slots.setdefault(slot.layer, []).append(slot)
    arrays = dict(data.mapped_arrays)  # by the slot's name
    remaining = {name: dict(roles) for name, roles in data.file_layers.items()}
    for pair in layer_pairs:
        # An array whose whole name is a role ("kernel") has "" as its layer. It goes to the first layer of
        # the network that is paired with no layer of the file. Other such layers get only what is left, so
        # the result is complete only if these arrays fill all of them.
        roles = remaining.get(pair.file_layer or "", {})
        for slot in pair.slots:
            array = find_array(slot, layer_slots[slot.layer], roles, data.mapped_arrays)
            # An array is removed when a slot has it: the word for its role may also fit another slot.
            if array is not None:
                arrays[slot.name] = roles.pop(array.role)
    result = MatchResult(data.network_slots)
    for slot in data.network_slots:
        if slot.name not in arrays:
            result.missing.append(slot)
        elif compute_arranged_shape(arrays[slot.name], slot) == slot.shape:
            result.pairs.append((slot, arrays[slot.name]))
        else:
            result.shape_mismatches.append((slot, arrays[slot.name]))
    used = {array.name for array in arrays.values()}
    result.unused = [array for array in data.weights if array.name not in used and not array.is_neutral]
    return result


def _check_keras_order(data: _MatchData, result: MatchResult) -> None:
    """Check that no other pairs than those of a complete result fit in Keras' order (step 7)."""
    # Layers that the user's map pairs keep their pairs, also in Keras' order.
    slots = sorted(data.unmapped_slots, key=lambda slot: slot.keras_position)
    keras_result = _fill_slots(data, _pair_layers(data, slots, "order"))
    if not keras_result.is_complete:
        return
    for (slot, array), (_, other_array) in zip(result.pairs, keras_result.pairs, strict=True):
        if array.name != other_array.name:
            raise WeightsError(
                f"could have {array.name} or {other_array.name} for {slot.name}: the network has branches, "
                "whose order in the file cannot be known; use match: name, or name their layers in map"
            )
