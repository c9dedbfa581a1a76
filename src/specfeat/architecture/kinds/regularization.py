"""Layers that change values only in training."""

from specfeat.architecture.kinds.arguments import Number
from specfeat.architecture.kinds.base import Family, LayerKind, keep_shape
from specfeat.architecture.kinds.read_ranges import read_same_indices


def _make_dropout(name: str, input_axes: int, *other_names: str) -> LayerKind:
    return LayerKind(
        name=name,
        family=Family.REGULARIZATION,
        required={"rate": Number(0.0, 1.0)},
        input_axes=input_axes,
        compute_output_shape=keep_shape,
        find_read_ranges=read_same_indices,
        other_names=dict.fromkeys(other_names, ""),
    )


KINDS = (
    _make_dropout("Dropout", 0),
    _make_dropout("SpatialDropout1D", 1, "dropout1d"),
    _make_dropout("SpatialDropout2D", 2, "dropout2d"),
)
