"""What specfeat knows of a kind of layer: one frozen record for each class that a config may name."""

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


class Family(Enum):
    """Layers of a family stand in one file and in one part of the documentation, in this order."""

    CONVOLUTION = "Convolution"
    POOLING = "Pooling"
    NORMALIZATION = "Normalisation and scaling"
    ACTIVATION = "Activation"
    DENSE = "Dense"
    RESHAPING = "Reshaping"
    RESAMPLING = "Padding, cropping and resampling"
    MERGING = "Joining branches"
    REGULARIZATION = "Dropout"
    PICTURE = "Pictures"


class AxisChange(Enum):
    """What a layer does to the axes of its input; it decides in which order the values of an axis lie.

    A layer with several inputs is not described by this: its axes are compared with each other.
    """

    KEEP = auto()  # values change, axes do not
    REPLACE_ALL = auto()  # every axis is new, as after a convolution
    REPLACE_SPATIAL = auto()  # frames and bins are new, the channels stay
    REPLACE_LAST = auto()  # the last axis is new, as after Dense
    ADD_FIRST = auto()
    REGROUP = auto()  # the same values in the same order, cut into other axes
    PERMUTE = auto()


class KernelLayout(Enum):
    """The axes of a kernel in Keras; other frameworks have others."""

    CONVOLUTION = auto()  # (*sizes, in, out)
    DEPTHWISE = auto()  # (*sizes, in, multiplier)
    POINTWISE = auto()  # (*ones, in, out)
    DENSE = auto()  # (in, out)


@dataclass(frozen=True, slots=True)
class ArrayKind:
    """One array that a layer has.

    Attributes:
        role: Keras' name of it: "kernel", "moving_mean", ...
        compute_shape: a function that returns its shape from the layer's arguments and the shape of the
            layer's input.
        switch: the argument that leaves the array out where it is false; None if the array is always there.
        layout: the axes of a kernel; None for an array that is not a kernel.
    """

    role: str
    compute_shape: ComputeArrayShape
    switch: str | None = None
    layout: KernelLayout | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerKind:
    """Everything that specfeat knows of one class of layers.

    Attributes:
        name: the class as the config names it, e.g. "Conv2D".
        family: the group that it belongs to.
        required: the arguments that a config must give, and what each may be.
        optional: the arguments that a config may give; what is left out has Keras' default.
        input_axes: spatial axes of the input, beside batch and channels; 0 if any number will do.
        merges: whether it joins two inputs or more.
        compute_output_shape: a function that returns the shape of the output from arguments that fit the
            inputs and the shapes of the inputs, all without the batch; None if only Keras knows it.
        find_mismatch: a function that says in a sentence, which follows the layer's name, why the layer
            cannot take inputs of these shapes (their number of axes is checked before); None if nothing can
            be wrong.
        arrays: the arrays that it has, in Keras' order.
        axis_change: what it does to the axes of its input.
        fold_axes: the axes of its last kernel that belong to what comes out; a batch normalisation that
            follows is folded into them. Empty if none can be folded.
        is_foldable: whether it is a batch normalisation, which can be folded into the layer before it.
        window_argument: the argument with the size of the window that it moves over the input; None if it has
            no window that `strides` and `padding` go with.
        activation: Keras' name of the activation function that the layer applies, e.g. "relu", if it is one
            for a single function; else "".
        is_composite: whether it stands for several layers, which are put in its place on building.
        keras_class: the class and its module, as "package.module:Class"; None for `keras.layers.<name>`.
        other_names: what PyTorch, TF-Slim, tf.layers and older Keras call it, in small letters and without
            1d or 2d; the value is what to add to the name in a suggestion, mostly nothing.
    """

    name: str
    family: Family
    required: Mapping[str, ArgumentType] = field(default_factory=dict)
    optional: Mapping[str, ArgumentType] = field(default_factory=dict)
    input_axes: int = 0
    merges: bool = False
    compute_output_shape: ComputeOutputShape | None = None
    find_mismatch: FindMismatch | None = None
    arrays: tuple[ArrayKind, ...] = ()
    axis_change: AxisChange = AxisChange.KEEP
    fold_axes: tuple[int, ...] = ()
    is_foldable: bool = False
    window_argument: str | None = None
    activation: str = ""
    is_composite: bool = False
    keras_class: str | None = None
    other_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> Mapping[str, ArgumentType]:
        """All arguments that it takes, the required ones first; `name` and `inputs` are every layer's."""
        return {**self.required, **self.optional}

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of the arrays that it may have."""
        return tuple(array.role for array in self.arrays)

    @property
    def is_spatial(self) -> bool:
        """Whether its output mostly has frames and bins, so that Flatten or a pooling must follow."""
        return self.family in (Family.CONVOLUTION, Family.POOLING)

    @property
    def has_gamma_and_beta(self) -> bool:
        """Whether it scales and shifts by arrays, each of which an argument may leave out."""
        return {"gamma", "beta"} <= set(self.roles)

    def get_kernel_layout(self, role: str) -> KernelLayout | None:
        """Return the axes of the array with this role, None if it is not a kernel."""
        return next((array.layout for array in self.arrays if array.role == role), None)

    def compute_array_shapes(self, options: Options, shape: Shape) -> list[tuple[str, Shape]]:
        """Return the role and the shape of each array of a layer, in Keras' order.

        Args:
            options: the layer's arguments.
            shape: the shape of the layer's input, without the batch.
        """
        return [(array.role, array.compute_shape(options, shape)) for array in self.list_arrays(options)]

    def list_arrays(self, options: Options) -> list[ArrayKind]:
        """Return the arrays that a layer with these arguments has, in Keras' order."""
        return [array for array in self.arrays if array.switch is None or options.get(array.switch, True)]


def keep_shape(_: Options, shapes: Sequence[Shape]) -> Shape:
    """Return the shape of a layer's first input: for layers that change values and not shapes."""
    return shapes[0]
