"""Recurrent layers, which go through the frames one by one; the frames are the first axis of their input.

They are used for inference only: the arguments for dropout are left out, and each clip begins with a state of
zeros.
"""

from collections.abc import Mapping, Sequence

from specfeat.architecture.axes import Shape
from specfeat.architecture.kinds.arguments import (
    ActivationName,
    ArgumentType,
    Choice,
    Flag,
    InitializerName,
    WholeNumber,
    check_argument,
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
        part_paths={"": "cell"},
        other_names=dict.fromkeys(other_names, ""),
    )


def _compute_gru_bias_shape(options: Options, _: Shape) -> Shape:
    """Return the shape of the bias: with `reset_after`, input and state have biases of their own."""
    size = 3 * options["units"]
    return (2, size) if options.get("reset_after", True) else (size,)


# cuDNN would compute other bits on a GPU than on other GPUs, and it exists only for some activations.
_WITHOUT_CUDNN = {"use_cudnn": False}

RECURRENT_KINDS = (
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
_KINDS_BY_NAME = {kind.name: kind for kind in RECURRENT_KINDS}


class RecurrentLayer:
    """A recurrent layer with its arguments, as the config's list of layers has it."""

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        name, arguments = next(iter(value.items())) if isinstance(value, dict) and value else (None, None)
        if not isinstance(value, dict) or len(value) != 1 or name not in _KINDS_BY_NAME:
            return f"one of {', '.join(_KINDS_BY_NAME)} with its arguments, e.g. {{LSTM: {{units: 64}}}}"
        kind = _KINDS_BY_NAME[name]
        if not isinstance(arguments, dict) or not arguments.keys() >= kind.required.keys():
            return f"{name} with units, e.g. {{{name}: {{units: 64}}}}"
        for key, argument in arguments.items():
            # Both directions are there in any case.
            if key not in kind.arguments or key == "go_backwards":
                known = ", ".join(other for other in kind.arguments if other != "go_backwards")
                return f"{name} without {key}; it takes {known} here"
            wanted = check_argument(kind.arguments[key], argument)
            if wanted:
                return f"{name} with {key}: {wanted}"
        return None


def _get_wrapped(options: Options) -> tuple[LayerKind, Options]:
    """Return the kind and the arguments of the layer that `Bidirectional` runs in both directions."""
    name, arguments = next(iter(options["layer"].items()))
    return _KINDS_BY_NAME[name], arguments


def _compute_bidirectional_shape(options: Options, shapes: Sequence[Shape]) -> Shape:
    _, arguments = _get_wrapped(options)
    *frames, units = _compute_output_shape(arguments, shapes)
    return (*frames, 2 * units if options.get("merge_mode", "concat") == "concat" else units)


def _make_direction_array(direction: str, index: int, layout: KernelLayout | None) -> ArrayKind:
    """Return an array of one direction of `Bidirectional`.

    Args:
        direction: the part that has the array.
        index: the number of the array in the recurrent layer.
        layout: the order of the array's axes; see `ArrayKind`.
    """

    def compute_shape(options: Options, shape: Shape) -> Shape:
        kind, arguments = _get_wrapped(options)
        return kind.arrays[index].compute_shape(arguments, shape)

    def is_present(options: Options) -> bool:
        kind, arguments = _get_wrapped(options)
        return kind.arrays[index].is_needed(arguments)

    role = RECURRENT_KINDS[0].arrays[index].role
    return ArrayKind(f"{direction}/{role}", compute_shape, is_present=is_present, layout=layout)


_DIRECTIONS = ("forward", "backward")
_LAYOUTS = (KernelLayout.DENSE, KernelLayout.RECURRENT, None)

KINDS = (
    *RECURRENT_KINDS,
    LayerKind(
        name="Bidirectional",
        family=Family.RECURRENT,
        required={"layer": RecurrentLayer()},
        optional={"merge_mode": Choice(("concat", "sum", "mul", "ave"))},
        input_axes=1,
        compute_output_shape=_compute_bidirectional_shape,
        arrays=tuple(
            _make_direction_array(direction, index, layout)
            for direction in _DIRECTIONS
            for index, layout in enumerate(_LAYOUTS)
        ),
        axis_change=AxisChange.REPLACE_LAST,
        part_paths={direction: f"{direction}_layer/cell" for direction in _DIRECTIONS},
        wrapped_argument="layer",
    ),
)
