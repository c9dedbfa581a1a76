"""Pairs the layers of the network with the layers of the file by their order.

Layers are counted separately for each family: the first convolution of the network is paired with the first
convolution of the file, the first dense layer with the first dense layer, and so on. A file may list the
convolutions of a block before its norms, or all norms of the network at its end. A single count over all
layers would then pair a convolution with a norm.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from specfeat.weights.files.array_names import PART_GROUPS, split_part
from specfeat.weights.files.arrays import FileArray
from specfeat.weights.matching.order_evidence import sort_numbered_layers
from specfeat.weights.matching.slots import Slot

OrderFamily = Literal[
    "convolution", "dense", "norm", "recurrent", "attention"
]  # layers that are counted together


def pair_by_order(
    network_layers: Mapping[str, Sequence[Slot]], file_layers: Mapping[str, Mapping[str, FileArray]]
) -> dict[str, str]:
    """Return the file's layer for each layer of the network, by the layers' names.

    If the file has fewer layers of a family than the network, the last ones of the network have no pair.
    `match` compares the shapes of the pairs later.

    Args:
        network_layers: the slots of each layer by its name, in the order that counts.
        file_layers: the arrays of each layer by its name and their role, in the file's order.
    """
    network_families: dict[tuple[OrderFamily, str], list[str]] = {}
    for name, slots in network_layers.items():
        part = slots[0].part
        family = _find_order_family({slot.part_role: len(slot.shape) for slot in slots}, part)
        network_families.setdefault((family, part), []).append(name)
    file_families: dict[tuple[OrderFamily, str], list[str]] = {}
    for name in sort_numbered_layers(file_layers):
        part = _find_part(name, file_layers)
        axis_counts = {role: len(array.shape) for role, array in file_layers[name].items()}
        file_families.setdefault((_find_order_family(axis_counts, part), part), []).append(name)
    pairs: dict[str, str] = {}
    for key, names in network_families.items():
        pairs |= dict(zip(names, file_families.get(key, ()), strict=False))
    return pairs


def _find_part(name: str, file_layers: Collection[str]) -> str:
    """Return the part that a layer of the file is; "" if it is a whole layer.

    A layer that is called `query` is a part of an attention layer only if the other parts of it are there.
    """
    layer, part = split_part(name)
    siblings = next((parts for parts in PART_GROUPS if part in parts), ())
    return part if all(f"{layer}/{sibling}" in file_layers for sibling in siblings) else ""


def _find_order_family(axis_counts: Mapping[str, int], part: str) -> OrderFamily:
    """Return the family of a layer from the number of axes of its arrays, which every format has.

    The arrays of a norm have one axis, and the kernel of a dense layer has two. A PReLU counts as a norm,
    because its slopes (alpha) have one axis in PyTorch; in Keras they have as many axes as its input.

    Args:
        axis_counts: the number of axes of each array of the layer, by its role.
        part: the part of a layer that has the arrays; "" for a whole layer.
    """
    if "recurrent_kernel" in axis_counts:
        return "recurrent"
    if part:  # its kernels have two axes in PyTorch and three in Keras
        return "attention"
    max_axis_count = max(axis_counts.values())
    if max_axis_count < 2 or "alpha" in axis_counts:
        return "norm"
    return "dense" if max_axis_count == 2 else "convolution"
