"""The record of a layer kind: everything that specfeat knows of one Keras layer class."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from specfeat.architecture.axes import Shape
from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds.arguments import ArgumentType

Options = Mapping[str, Any]
ComputeOutputShape = Callable[[Options, Sequence[Shape]], Shape]
ComputeArrayShape = Callable[[Options, Shape], Shape]
FindMismatch = Callable[[Layer, Sequence[Shape]], str | None]
CountProducts = Callable[[Options, Sequence[Shape]], int]
Ranges = tuple[range, ...]  # a range of indices for each axis of an array, without the batch
FindReadRanges = Callable[[Options, Ranges, Sequence[Shape]], Sequence[Ranges]]


class Family(Enum):
    """The families of layer kinds, in the order of the documentation; a family has one or more modules.

    The value is the heading in the documentation.
    """

    CONVOLUTION = "Convolution"
    POOLING = "Pooling"
    NORMALIZATION = "Normalisation and scaling"
    ACTIVATION = "Activation"
    DENSE = "Dense"
    RECURRENT = "Recurrent"
    ATTENTION = "Attention"
    RESHAPING = "Reshaping"
    RESAMPLING = "Padding, cropping and resampling"
    MERGING = "Joining branches"
    REGULARIZATION = "Dropout"
    PICTURE = "Pictures"


class AxisChange(Enum):
    """What a layer does to the axes of its input.

    `specfeat.weights.matching.axis_order` follows the axes through the network, to know in which order
    PyTorch has the values along an axis. A layer that joins several inputs has the value KEEP; its
    inputs are compared.
    """

    KEEP = auto()  # the layer changes values, but no axes
    REPLACE_ALL = auto()  # every axis is new, as after a convolution
    REPLACE_SPATIAL = auto()  # the axes of frames and bins are new, that of the channels stays
    REPLACE_LAST = auto()  # the last axis is new, as after Dense
    TAKE_LAST = auto()  # the last axis is that of the second input
    ADD_FIRST = auto()  # a new axis is put before all others
    REGROUP = auto()  # the values stay in the same order, but the shape changes
    PERMUTE = auto()  # the axes get another order


class KernelLayout(Enum):
    """The order of a kernel's axes in Keras; other frameworks have other orders."""

    CONVOLUTION = auto()  # (*sizes, in, out)
    DEPTHWISE = auto()  # (*sizes, in, multiplier)
    POINTWISE = auto()  # (*ones, in, out)
    TRANSPOSED = auto()  # (*sizes, out, in)
    DENSE = auto()  # (in, out)
    RECURRENT = auto()  # (units, gates x units)
    PROJECTION = auto()  # (in, heads, values of a head), of an attention layer
    JOINED_HEADS = auto()  # (heads, values of a head, out), of an attention layer


@dataclass(frozen=True, slots=True)
class ArrayKind:
    """One array that a layer has.

    Attributes:
        role: Keras' name of the array: "kernel", "moving_mean", ... If the layer has parts with arrays of
            their own, PART/NAME, e.g. "forward/kernel".
        compute_shape: a function from the layer's arguments and the shape of one of the layer's inputs,
            without the batch, to the shape of the array.
        enabling_argument: the argument that must be true for the layer to have the array, e.g. "use_bias";
            None if the layer always has it.
        replacing_argument: the argument that has the values instead of the array, e.g. "mean". If the config
            gives it, the layer does not have the array. None if there is no such argument.
        is_present: a function from the layer's arguments to whether the layer has the array; None if the two
            attributes before decide.
        layout: the order of a kernel's axes; None for an array that is not a kernel.
        input_index: the number, counted from 0, of the input that `compute_shape` gets. If the layer has
            fewer inputs, it gets the last one.
    """

    role: str
    compute_shape: ComputeArrayShape
    enabling_argument: str | None = None
    replacing_argument: str | None = None
    is_present: Callable[[Options], bool] | None = None
    layout: KernelLayout | None = None
    input_index: int = 0

    def is_needed(self, options: Options) -> bool:
        """Return whether a layer with these arguments has the array."""
        if self.is_present is not None:
            return self.is_present(options)
        is_enabled = self.enabling_argument is None or options.get(self.enabling_argument, True)
        is_replaced = self.replacing_argument and options.get(self.replacing_argument) is not None
        return bool(is_enabled and not is_replaced)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerKind:
    """Everything that specfeat knows of one Keras layer class.

    Attributes:
        name: the class as the config names it, e.g. "Conv2D".
        family: the family that the class belongs to.
        required: the types of the arguments that a config must give, by name.
        optional: the types of the arguments that a config may give, by name. An argument that is left out has
            Keras' default.
        input_axes: the number of spatial axes that the input must have, beside batch and channels; 0 if any
            number is possible.
        min_inputs: the smallest number of inputs.
        max_inputs: the largest number of inputs; None if there is no limit.
        compute_output_shape: a function from the layer's arguments and the shapes of its inputs to the shape
            of its output, all without the batch. It is called only if the inputs fit. None if only Keras
            knows the shape.
        compute_score_shape: a function, called as the one before, that returns the shape of the largest array
            that an attention layer computes on the way to its output; None for other layers.
        count_products: a function, called as the one before, that returns how often the layer multiplies
            values by other values (instead of weights); None if it never does.
        find_read_ranges: a function from the layer's arguments, ranges of indices in its output and the
            shapes of its inputs to the ranges in each input from which these values are computed. None if
            each value is computed from all values of all inputs.
        find_mismatch: a function that returns why the layer cannot take inputs of these shapes, as a sentence
            without its subject ("gets ..."), or None if it can. The number of spatial axes is checked before.
            None if all shapes are possible.
        arrays: the arrays that the layer may have, in Keras' order.
        axis_change: what the layer does to the axes of its input.
        fold_axes: the axes of the layer's last kernel that, together, have one index for each output channel:
            the axis (-1,) of a dense layer, or (-2, -1) of a depthwise convolution. A batch normalisation
            that follows is folded into the kernel by a multiplication along these axes. They are the last
            axes of the kernel. Empty if no batch normalisation can be folded into the layer.
        is_foldable: whether the layer is a batch normalisation, which can be folded into the layer before it.
        window_argument: the argument with the size of the window that the layer moves over its input; None if
            the layer has no window with `strides` and `padding`.
        activation: Keras' name of the activation function, e.g. "relu", for a class that computes nothing but
            this function; else "".
        is_composite: whether the layer stands for several layers, which replace it when the network is built.
        keras_options: the arguments that Keras gets in addition to those of the config.
        part_paths: the path of each part with arrays ("" for a single part) inside the layer in a Keras 3
            file; empty if the layer itself has the arrays.
        wrapped_argument: the argument with a recurrent layer, which the layer runs in both directions; "" if
            it has no such argument.
        keras_class: the class and its module, as "package.module:Class"; None for `keras.layers.<name>`.
        other_names: the names that PyTorch, TF-Slim, tf.layers and older versions of Keras have for the
            class, in small letters and without 1d or 2d. Each value is the text that a suggestion adds to
            Keras' name; it is mostly empty.
    """

    name: str
    family: Family
    required: Mapping[str, ArgumentType] = field(default_factory=dict)
    optional: Mapping[str, ArgumentType] = field(default_factory=dict)
    input_axes: int = 0
    min_inputs: int = 1
    max_inputs: int | None = 1
    compute_output_shape: ComputeOutputShape | None = None
    compute_score_shape: ComputeOutputShape | None = None
    count_products: CountProducts | None = None
    find_read_ranges: FindReadRanges | None = None
    find_mismatch: FindMismatch | None = None
    arrays: tuple[ArrayKind, ...] = ()
    axis_change: AxisChange = AxisChange.KEEP
    fold_axes: tuple[int, ...] = ()
    is_foldable: bool = False
    window_argument: str | None = None
    activation: str = ""
    is_composite: bool = False
    keras_options: Mapping[str, Any] = field(default_factory=dict)
    part_paths: Mapping[str, str] = field(default_factory=dict)
    wrapped_argument: str = ""
    keras_class: str | None = None
    other_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> Mapping[str, ArgumentType]:
        """All arguments that it takes, the required ones first; `name` and `inputs` are every layer's."""
        return {**self.required, **self.optional}

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of the arrays that the layer may have."""
        return tuple(array.role for array in self.arrays)

    @property
    def is_spatial(self) -> bool:
        """Whether the output mostly has frames and bins, so that a Flatten or a pooling must follow."""
        return self.family in (Family.CONVOLUTION, Family.POOLING)

    def count_positions(self, input_shape: Shape, output_shape: Shape) -> int:
        """Return how often a kernel of the layer is multiplied for one clip.

        Args:
            input_shape: the shape of the layer's input, without the batch.
            output_shape: the shape of its output, without the batch.
        """
        is_by_frame = self.family in (Family.RECURRENT, Family.ATTENTION)
        return math.prod((input_shape if is_by_frame else output_shape)[:-1])

    def find_only_activation(self, options: Options) -> str | None:
        """Return the activation that a layer computes and nothing else; None if it computes something else.

        Args:
            options: the layer's arguments.
        """
        if self.family is not Family.ACTIVATION:
            return None
        return self.activation or str(options.get("activation") or "linear")

    @property
    def has_gamma_and_beta(self) -> bool:
        """Whether the layer may have the arrays gamma and beta; an argument may leave out each of them."""
        return {"gamma", "beta"} <= set(self.roles)

    def get_kernel_layout(self, role: str) -> KernelLayout | None:
        """Return the order of axes of the array with a role; None if the array is not a kernel."""
        return next((array.layout for array in self.arrays if array.role == role), None)

    def compute_array_shapes(self, options: Options, shapes: Sequence[Shape]) -> list[tuple[str, Shape]]:
        """Return the role and the shape of each array of a layer, in Keras' order.

        Args:
            options: the layer's arguments.
            shapes: the shapes of the layer's inputs, without the batch.
        """
        return [
            (array.role, array.compute_shape(options, shapes[min(array.input_index, len(shapes) - 1)]))
            for array in self.list_arrays(options)
        ]

    def list_arrays(self, options: Options) -> list[ArrayKind]:
        """Return the arrays that a layer with these arguments has, in Keras' order."""
        return [array for array in self.arrays if array.is_needed(options)]


def keep_shape(_: Options, shapes: Sequence[Shape]) -> Shape:
    """Return the shape of a layer's first input: the output shape of layers that change only values."""
    return shapes[0]
