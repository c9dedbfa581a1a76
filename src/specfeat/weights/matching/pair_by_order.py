"""Pairs the layers of the network with the layers of the file by their order.

Layers are counted separately for each family: the first convolution is the first one of the file, the first
dense layer the first dense one, and so on. A file may list the convolutions of a block before its norms, or
the norms of the whole network at its end, so a single count over all layers would pair them wrongly.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from specfeat.weights.files.arrays import FileArray
from specfeat.weights.matching.order_evidence import sort_numbered_layers
from specfeat.weights.matching.slots import Slot

Family = Literal["convolution", "dense", "norm"]


def pair_by_order(
    network_layers: Mapping[str, Sequence[Slot]], file_layers: Mapping[str, Mapping[str, FileArray]]
) -> dict[str, str]:
    """Return the file's layer for each layer of the network, as far as the file has layers of its family.

    Args:
        network_layers: the slots of each layer by its name, in order.
        file_layers: the arrays of each layer by its name and their role, in order.
    """
    network_families: dict[Family, list[str]] = {}
    for name, slots in network_layers.items():
        family = _find_family({slot.role: len(slot.shape) for slot in slots})
        network_families.setdefault(family, []).append(name)
    file_families: dict[Family, list[str]] = {}
    for name in sort_numbered_layers(file_layers):
        family = _find_family({role: len(array.shape) for role, array in file_layers[name].items()})
        file_families.setdefault(family, []).append(name)
    pairs: dict[str, str] = {}
    for family, names in network_families.items():
        pairs |= dict(zip(names, file_families.get(family, ()), strict=False))
    return pairs


def _find_family(ranks: Mapping[str, int]) -> Family:
    """Return a layer's family from the number of axes of its arrays, which every format has.

    The largest array of a norm has one axis, that of a dense layer two. The slopes of a PReLU (alpha) have as
    many axes as its input in Keras, and one in PyTorch; it counts as a norm.
    """
    most = max(ranks.values())
    if most < 2 or "alpha" in ranks:
        return "norm"
    return "dense" if most == 2 else "convolution"
