"""Which array of the file goes where in the network: all of them, once, in equal shapes, or an error."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from specfeat.config.settings import times
from specfeat.errors import WeightsError
from specfeat.network.weights.arrays import Array
from specfeat.network.weights.cure import guess
from specfeat.network.weights.layouts import shape_for
from specfeat.network.weights.names import shown_names, why_left_over
from specfeat.network.weights.pairing import pair_by_name
from specfeat.network.weights.slots import Slot

Layers = dict[str, dict[str, Array]]  # layer -> role -> array
Family = Literal["conv", "dense", "norm"]

# What may fill a role beside the array of that very name: a norm's shift is PyTorch's "bias", Keras 2 called
# the kernel of a depthwise convolution so.
_ALSO = {
    "beta": ("bias",),
    "kernel": ("depthwise_kernel",),
    "depthwise_kernel": ("kernel",),
    "pointwise_kernel": ("kernel",),
}


@dataclass(slots=True)
class Plan:
    """What goes where, and what does not."""

    slots: list[Slot]
    pairs: list[tuple[Slot, Array]] = field(default_factory=list)
    missing: list[Slot] = field(default_factory=list)
    differing: list[tuple[Slot, Array]] = field(default_factory=list)
    left_over: list[Array] = field(default_factory=list)
    cure: str = ""  # what is known to make it fit, to end the sentence with

    @property
    def fits(self) -> bool:
        """Whether every array has its place and every place its array."""
        return not (self.missing or self.differing or self.left_over)

    def check(self) -> None:
        """Raise one error that lists all that does not fit.

        Raises:
            WeightsError: something is missing, left over or of another shape.
        """
        if self.fits:
            return
        parts = [
            _list("missing", [f"{slot.name} {times(slot.shape) or '1'}" for slot in self.missing]),
            _list("left over", [f"{array.name} {times(array.shape) or '1'}" for array in self.left_over]),
            _list(
                "of another shape",
                [
                    f"{array.name} {times(array.shape) or '1'} for {slot.name} {times(slot.shape)}"
                    for slot, array in self.differing
                ],
            ),
        ]
        cure = self.cure or guess(self.missing, self.left_over, self.differing)
        raise WeightsError(f"does not fit the network: {'; '.join(filter(None, parts))}{cure}")


def _list(what: str, items: list[str]) -> str:
    return f"{len(items)} {what} ({shown_names(items)})" if items else ""


def make_plan(
    slots: list[Slot], arrays: Iterable[Array], match: Literal["name", "order"], given: Mapping[str, str]
) -> Plan:
    """Find for each slot its array.

    Args:
        slots: what the network wants.
        arrays: what the file has; those that are known to be no weights are passed over.
        match: how layers find each other.
        given: the config's `map`: our layer, or layer/role, to the file's layer or array.

    Raises:
        WeightsError: two arrays of the file have the same layer and role.
    """
    known = [array for array in arrays if why_left_over(array.name) is None]
    plan = _plan(slots, known, match, given)
    if match == "name" and not plan.pairs and _plan(slots, known, "order", given).fits:
        plan.cure = "; its layers have other names, and match: order fits them"
    return plan


def _plan(
    slots: list[Slot], known: list[Array], match: Literal["name", "order"], given: Mapping[str, str]
) -> Plan:
    by_name = {array.name: array for array in known}
    plan = Plan(slots)
    chosen = {slot.name: by_name[given[slot.name]] for slot in slots if given.get(slot.name) in by_name}
    _check_once(chosen)
    theirs = _layers(array for array in known if array not in chosen.values())
    for unit, layer in _units([slot for slot in slots if slot.name not in chosen], theirs, match, given):
        for slot in unit:
            array = _array(slot, layer)
            if array is not None:
                chosen[slot.name] = layer.pop(array.role)
    for slot in slots:
        if slot.name not in chosen:
            plan.missing.append(slot)
            continue
        pair = slot, chosen[slot.name]
        (plan.pairs if shape_for(pair[1], slot) == slot.shape else plan.differing).append(pair)
    used = {array.name for array in chosen.values()}
    plan.left_over = [array for array in known if array.name not in used and not array.neutral]
    return plan


def _check_once(chosen: Mapping[str, Array]) -> None:
    """The map may give an array to one place only."""
    takers: dict[str, str] = {}
    for slot, array in chosen.items():
        if array.name in takers:
            raise WeightsError(
                f"has one {array.name}; the map gives it to {takers[array.name]} and to {slot}"
            )
        takers[array.name] = slot


def _layers(arrays: Iterable[Array]) -> Layers:
    layers: Layers = {}
    for array in arrays:
        roles = layers.setdefault(array.layer, {})
        if array.role in roles:
            raise WeightsError(
                f"{array.name} and {roles[array.role].name} are both the {array.role} of {array.layer!r}"
            )
        roles[array.role] = array
    return layers


def _array(slot: Slot, layer: dict[str, Array]) -> Array | None:
    for role in (slot.role, *_ALSO.get(slot.role, ()), str(slot.index)):
        if role in layer:
            return layer[role]
    return None


def _units(
    slots: list[Slot], theirs: Layers, match: Literal["name", "order"], given: Mapping[str, str]
) -> list[tuple[list[Slot], dict[str, Array]]]:
    """Put each layer's slots beside the arrays of the file's layer."""
    ours: dict[str, list[Slot]] = {}
    for slot in slots:
        ours.setdefault(_unit(slot, theirs), []).append(slot)
    if match == "order":
        pairs = _pair_by_order(ours, theirs)
    else:
        pairs = pair_by_name(ours, theirs, given)
        places = _pair_by_place(ours, theirs)
        if all(places.get(ours_name) == name for ours_name, name in pairs.items()):
            pairs = places  # no name speaks against it
    return [(unit, theirs[pairs[name]] if name in pairs else {}) for name, unit in ours.items()]


def _unit(slot: Slot, theirs: Layers) -> str:
    """A separable convolution is one layer to Keras and two to the others: X/depthwise, X/pointwise."""
    if not slot.kind.startswith("Separable"):
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
    return "norm" if most < 2 else "dense" if most == 2 else "conv"
