"""The dense layer, which works on the last axis."""

from collections.abc import Sequence

from specfeat.architecture.axes import Shape
from specfeat.architecture.kinds.arguments import ActivationName, Flag, InitializerName, WholeNumber
from specfeat.architecture.kinds.base import (
    ArrayKind,
    AxisChange,
    Family,
    KernelLayout,
    LayerKind,
    Options,
)
from specfeat.architecture.kinds.read_ranges import read_last_axis


def _compute_output_shape(options: Options, shapes: Sequence[Shape]) -> Shape:
    return (*shapes[0][:-1], options["units"])


def _compute_kernel_shape(options: Options, shape: Shape) -> Shape:
    return (shape[-1], options["units"])


def _compute_bias_shape(options: Options, _: Shape) -> Shape:
    return (options["units"],)


DENSE = LayerKind(
    name="Dense",
    family=Family.DENSE,
    required={"units": WholeNumber()},
    optional={
        "activation": ActivationName(),
        "kernel_initializer": InitializerName(),
        "use_bias": Flag(),
        "bias_initializer": InitializerName(),
    },
    compute_output_shape=_compute_output_shape,
    find_read_ranges=read_last_axis,
    arrays=(
        ArrayKind("kernel", _compute_kernel_shape, layout=KernelLayout.DENSE),
        ArrayKind("bias", _compute_bias_shape, enabling_argument="use_bias"),
    ),
    axis_change=AxisChange.REPLACE_LAST,
    fold_axes=(-1,),
    other_names={"linear": "", "fully_connected": "", "fullyconnected": ""},
)
KINDS = (DENSE,)
