"""Checks the groups of channels of a convolution or of a group normalisation."""

from specfeat.architecture.axes import Shape, to_axis_index
from specfeat.architecture.graph import Layer


def find_group_mismatch(layer: Layer, shape: Shape, groups: int) -> str | None:
    """Return why a layer's channels cannot be divided into groups, or None.

    Args:
        layer: the layer.
        shape: the shape of its input, without the batch.
        groups: the number of groups.
    """
    if groups == 1:
        return None
    channels = shape[to_axis_index(layer.options.get("axis", -1), shape)]
    for what, number in (("channels", channels), ("filters", layer.options.get("filters", 0))):
        if number % groups:
            return f"has {groups} groups, which do not divide its {number} {what}"
    return None
