"""Which array of the file goes where in the network: all of them, once, in equal shapes, or an error."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from specfeat.architecture.kinds import get_layer_kind
from specfeat.errors import WeightsError
from specfeat.text import format_shape
from specfeat.weights.files.array_names import explain_ignored_array, format_names
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.matching.axis_layouts import compute_arranged_shape
from specfeat.weights.matching.pair_by_name import pair_by_name
from specfeat.weights.matching.slots import Slot, get_class_name
from specfeat.weights.matching.suggestions import suggest_fix
from specfeat.weights.matching.user_map import apply_array_map, apply_layer_map

Layers = dict[str, dict[str, FileArray]]  # layer -> role -> array
Units = list[tuple[list[Slot], str | None]]  # a layer's slots, and the name of the file's layer
Family = Literal["conv", "dense", "norm"]

# What may fill a role beside the array of that very name: a norm's shift is PyTorch's "bias", a PReLU's
# slopes its "weight" (of one axis, as a norm's); Keras 2 called the kernel of a depthwise convolution so.
_ALSO = {
    "beta": ("bias",),
    "alpha": ("gamma",),
    "kernel": ("depthwise_kernel",),
    "depthwise_kernel": ("kernel",),
    "pointwise_kernel": ("kernel",),
}


@dataclass(slots=True)
class MatchResult:
    """What goes where, and what does not."""

    slots: list[Slot]
    pairs: list[tuple[Slot, FileArray]] = field(default_factory=list)
    missing: list[Slot] = field(default_factory=list)
    differing: list[tuple[Slot, FileArray]] = field(default_factory=list)
    left_over: list[FileArray] = field(default_factory=list)
    by_order: "MatchResult | None" = None  # where no name of the file's is one of the network's

    @property
    def fits(self) -> bool:
        """Whether every array has its place and every place its array."""
        return not (self.missing or self.differing or self.left_over)

    def check(self) -> None:
        """Raise one error that lists all that does not fit.

        Raises:
            WeightsError: something is missing, left over or of another shape.
        """
        if not self.fits:
            raise WeightsError(f"does not fit the network: {self._unfit()}{self._cure()}")

    def _unfit(self) -> str:
        parts = [
            _list("missing", [f"{slot.name} {format_shape(slot.shape) or '1'}" for slot in self.missing]),
            _list(
                "left over", [f"{array.name} {format_shape(array.shape) or '1'}" for array in self.left_over]
            ),
            _list(
                "of another shape",
                [
                    f"{array.name} {format_shape(array.shape) or '1'} for {slot.name} {format_shape(slot.shape)}"
                    for slot, array in self.differing
                ],
            ),
        ]
        return "; ".join(filter(None, parts))

    def _cure(self) -> str:
        other = self.by_order
        if other is None or not other.pairs:
            with suppress(WeightsError):  # of what cannot be told there is nothing to guess
                return suggest_fix(self.missing, self.left_over, self.differing)
            return ""
        if other.fits:
            return "; its layers have other names, and match: order fits them"
        return f"; its layers have other names, and match: order leaves {other._unfit()}{other._cure()}"


def _list(what: str, items: list[str]) -> str:
    return f"{len(items)} {what} ({format_names(items)})" if items else ""


def match_arrays(
    slots: list[Slot], contents: FileContents, match: Literal["name", "order"], given: Mapping[str, str]
) -> MatchResult:
    """Find for each slot its array.

    Args:
        slots: what the network wants.
        contents: what the file has; arrays that are known to be no weights are passed over.
        match: how layers find each other.
        given: the config's `map`: our layer, or layer/role, to the file's layer or array.

    Raises:
        WeightsError: two arrays of the file have the same layer and role; the map names what is not there;
            or more than one answer fits.
    """
    known = [array for array in contents.arrays if explain_ignored_array(array.name) is None]
    if contents.stamp is not None and {slot.layer for slot in slots} == {array.layer for array in known}:
        given = {}  # converted for this network: it has our names
    matching = _matched(slots, contents, known, match, given)
    if match == "name" and not (matching.pairs or matching.differing):
        with suppress(WeightsError):
            matching.by_order = _matched(slots, contents, known, "order", given)
    return matching


def _matched(
    slots: list[Slot],
    contents: FileContents,
    known: list[FileArray],
    match: Literal["name", "order"],
    given: Mapping[str, str],
) -> MatchResult:
    chosen = apply_array_map(slots, contents.arrays, given)
    theirs = _layers(array for array in known if array not in chosen.values())
    rest = [slot for slot in slots if slot.name not in chosen]
    matching = _filled(slots, known, chosen, _units(rest, theirs, match, given), theirs)
    if match == "order" and matching.fits:
        _check_branches(slots, known, chosen, theirs, given, matching)
    return matching


def _filled(
    slots: list[Slot], known: list[FileArray], chosen: Mapping[str, FileArray], units: Units, theirs: Layers
) -> MatchResult:
    """Give each slot its array: that which the map says, or that of its role in the layer found for it."""
    found = dict(chosen)
    left = {name: dict(roles) for name, roles in theirs.items()}  # each is given once
    for unit, name in units:
        layer = left.get(name or "", {})
        for slot in unit:
            array = _array(slot, unit, layer)
            if array is not None:
                found[slot.name] = layer.pop(array.role)
    matching = MatchResult(slots)
    for slot in slots:
        if slot.name not in found:
            matching.missing.append(slot)
            continue
        pair = slot, found[slot.name]
        (
            matching.pairs if compute_arranged_shape(pair[1], slot) == slot.shape else matching.differing
        ).append(pair)
    used = {array.name for array in found.values()}
    matching.left_over = [array for array in known if array.name not in used and not array.neutral]
    return matching


def _check_branches(
    slots: list[Slot],
    known: list[FileArray],
    chosen: Mapping[str, FileArray],
    theirs: Layers,
    given: Mapping[str, str],
    matching: MatchResult,
) -> None:
    """Keras counts layers from the end of the network: of branches it may list them in another order."""
    rest = sorted((slot for slot in slots if slot.name not in chosen), key=lambda slot: slot.rank)
    other = _filled(slots, known, chosen, _units(rest, theirs, "order", given), theirs)
    if not other.fits:
        return
    for (slot, array), (_, instead) in zip(matching.pairs, other.pairs, strict=True):
        if array.name != instead.name:
            raise WeightsError(
                f"could have {array.name} or {instead.name} for {slot.name}: the network has branches, whose "
                "order in the file cannot be told; wanted match: name, or their layers in map"
            )


def _layers(arrays: Iterable[FileArray]) -> Layers:
    layers: Layers = {}
    for array in arrays:
        roles = layers.setdefault(array.layer, {})
        if array.role in roles:
            raise WeightsError(
                f"{array.name} and {roles[array.role].name} are both the {array.role} of {array.layer!r}"
            )
        roles[array.role] = array
    return layers


def _array(slot: Slot, unit: list[Slot], layer: dict[str, FileArray]) -> FileArray | None:
    for role in (slot.role, *_ALSO.get(slot.role, ())):
        if role in layer:
            return layer[role]
    array = layer.get(str(slot.index))
    if array is None or get_class_name(array.place) != get_class_name(slot.place):
        return None  # by number an array is known in a layer of the same class alone
    has_both = get_layer_kind(slot.kind).has_gamma_and_beta
    if has_both and len({"gamma", "beta"} & {s.role for s in unit}) == 1:
        raise WeightsError(
            f"has {array.name}, which may be {slot.name} or of a norm's other one of gamma and beta: Keras 3 "
            "numbers the arrays of a layer; wanted the model saved as .keras, which says, or each in map"
        )
    return array


def _units(
    slots: list[Slot], theirs: Layers, match: Literal["name", "order"], given: Mapping[str, str]
) -> Units:
    """Put each layer's slots beside the name of the file's layer."""
    ours: dict[str, list[Slot]] = {}
    for slot in slots:
        ours.setdefault(_unit(slot, theirs), []).append(slot)
    layers = apply_layer_map({name: unit[0].layer for name, unit in ours.items()}, theirs, given)
    mine = {name: unit for name, unit in ours.items() if name not in layers}
    yours = {name: roles for name, roles in theirs.items() if name not in layers.values()}
    if match == "order":
        pairs = _pair_by_order(mine, yours)
    else:
        pairs = pair_by_name(mine, yours)
        places = _pair_by_place(mine, yours)
        if all(places.get(ours_name) == name for ours_name, name in pairs.items()):
            pairs = places  # no name speaks against it
    return [(unit, (layers | pairs).get(name)) for name, unit in ours.items()]


def _unit(slot: Slot, theirs: Layers) -> str:
    """A separable convolution is one layer to Keras and two to the others: X/depthwise, X/pointwise."""
    if "pointwise_kernel" not in get_layer_kind(slot.kind).roles:
        return slot.layer
    if any("pointwise_kernel" in roles or "0" in roles for roles in theirs.values()):
        return slot.layer
    return f"{slot.layer}/{'depthwise' if slot.role == 'depthwise_kernel' else 'pointwise'}"


def _pair_by_place(ours: dict[str, list[Slot]], theirs: Layers) -> dict[str, str]:
    """Pair by what a Keras 3 file goes by: the how manieth layer of its class it is."""
    places = {array.place: name for name, roles in theirs.items() for array in roles.values() if array.place}
    return {name: places[unit[0].place] for name, unit in ours.items() if unit[0].place in places}


def _pair_by_order(ours: dict[str, list[Slot]], theirs: Layers) -> dict[str, str]:
    """Pair the nth convolution with the nth, the nth dense layer with the nth, the nth norm with the nth.

    Family by family, because a file may list a block's convolutions before its norms.
    """
    mine: dict[Family, list[str]] = {}
    yours: dict[Family, list[str]] = {}
    for name, unit in ours.items():
        mine.setdefault(_family({slot.role: len(slot.shape) for slot in unit}), []).append(name)
    for name, roles in theirs.items():
        yours.setdefault(_family({role: len(array.shape) for role, array in roles.items()}), []).append(name)
    return {
        name: yours[family][i]
        for family, names in mine.items()
        for i, name in enumerate(names)
        if i < len(yours.get(family, ()))
    }


def _family(ranks: Mapping[str, int]) -> Family:
    """Tell the kind of a layer from the axes of its arrays: a norm has one, a dense layer two."""
    most = max(ranks.values())
    return "norm" if most < 2 or "alpha" in ranks else "dense" if most == 2 else "conv"
