"""Recurrent layers, which go through the frames one by one; the frames are the first axis of their input.

They are used for inference only: the arguments for dropout are left out, and each clip begins with a state of
zeros.
"""

from collections.abc import Mapping, Sequence

from specfeat.architecture.axes import Shape
from specfeat.architecture.kinds.arguments import (
    ActivationName,
    ArgumentType,
    Flag,
    InitializerName,
    WholeNumber,
)
from specfeat.architecture.kinds.base import (
    ArrayKind,
    AxisChange,
    ComputeArrayShape,
    Family,
    KernelLayout,
    LayerKind,
    Options,
)

_ARGUMENTS: Mapping[str, ArgumentType] = {
    "activation": ActivationName(),
    "use_bias": Flag(),
    "return_sequences": Flag(),
    "go_backwards": Flag(),
    "kernel_initializer": InitializerName(),
    "recurrent_initializer": InitializerName(),
    "bias_initializer": InitializerName(),
}


def _compute_output_shape(options: Options, shapes: Sequence[Shape]) -> Shape:
    units = options["units"]
    return (shapes[0][0], units) if options.get("return_sequences") else (units,)


def _make_recurrent(
    name: str,
    gates: int,
    other_names: tuple[str, ...],
    *,
    optional: Mapping[str, ArgumentType],
    compute_bias_shape: ComputeArrayShape | None = None,
    keras_options: Options | None = None,
) -> LayerKind:
    """Return the record of one recurrent layer.

    Args:
        name: Keras' name of the class.
        gates: how many values of the kernels belong to one unit.
        other_names: see `LayerKind`.
        optional: the arguments that only this class has.
        compute_bias_shape: a function that returns the shape of the bias; None for one value for each gate.
        keras_options: see `LayerKind`.
    """
    return LayerKind(
        name=name,
        family=Family.RECURRENT,
        required={"units": WholeNumber()},
        optional={**_ARGUMENTS, **optional},
        input_axes=1,
        compute_output_shape=_compute_output_shape,
        arrays=(
            ArrayKind(
                "kernel",
                lambda options, shape: (shape[-1], gates * options["units"]),
                layout=KernelLayout.DENSE,
            ),
            ArrayKind(
                "recurrent_kernel",
                lambda options, _: (options["units"], gates * options["units"]),
                layout=KernelLayout.RECURRENT,
            ),
            ArrayKind(
                "bias",
                compute_bias_shape or (lambda options, _: (gates * options["units"],)),
                enabling_argument="use_bias",
            ),
        ),
        axis_change=AxisChange.REPLACE_LAST,
        keras_options=keras_options or {},
        inner_path="cell",
        other_names=dict.fromkeys(other_names, ""),
    )


def _compute_gru_bias_shape(options: Options, _: Shape) -> Shape:
    """Return the shape of the bias: with `reset_after`, input and state have biases of their own."""
    size = 3 * options["units"]
    return (2, size) if options.get("reset_after", True) else (size,)


# cuDNN would compute other bits on a GPU than on other GPUs, and it exists only for some activations.
_WITHOUT_CUDNN = {"use_cudnn": False}

KINDS = (
    _make_recurrent(
        "LSTM",
        4,
        ("lstm", "cudnnlstm", "lstmcell"),
        optional={"recurrent_activation": ActivationName(), "unit_forget_bias": Flag()},
        keras_options=_WITHOUT_CUDNN,
    ),
    _make_recurrent(
        "GRU",
        3,
        ("gru", "cudnngru", "grucell"),
        optional={"recurrent_activation": ActivationName(), "reset_after": Flag()},
        compute_bias_shape=_compute_gru_bias_shape,
        keras_options=_WITHOUT_CUDNN,
    ),
    _make_recurrent("SimpleRNN", 1, ("simplernn", "rnn", "rnncell"), optional={}),
)
