"""The settings `model`: the network, its weights, and how Keras compiles it."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, PositiveInt

from specfeat.architecture.graph import Layer, LayerListError
from specfeat.architecture.layer_list import parse_layers
from specfeat.config.section import Section, make_rule_error

Optimizer = Literal[
    "adam", "adamw", "adamax", "nadam", "adagrad", "adadelta", "rmsprop", "sgd", "ftrl", "lion"
]
Loss = Literal[
    "mse", "mae", "huber", "log_cosh", "binary_crossentropy", "categorical_crossentropy",
    "sparse_categorical_crossentropy", "kl_divergence", "cosine_similarity",
]  # fmt: skip
Metric = Literal[
    "accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy", "auc", "precision",
    "recall", "mse", "mae",
]  # fmt: skip
WeightsFormat = Literal[
    "auto", "hdf5", "keras", "checkpoint", "savedmodel", "graph", "tflite", "onnx", "npz", "safetensors",
    "torch",
]  # fmt: skip
FlattenOrder = Literal["channels_first", "channels_last"]

# The settings of the weights that change no number once the content of the file is known: where the file is,
# and what is checked when it is read. The record has the file's hash instead.
WEIGHTS_FILE_KEYS = ("file", "sha256", "format", "trained_with")


class Weights(Section):
    """Where the weights of the network come from; exactly one of `file` and `random` is given.

    Attributes:
        file: the path of a weights file, or of a checkpoint without its `.index`. In a config it is relative
            to the config's folder, in an override to the current folder. docs/weights.md lists the formats.
        random: the seed of random weights, 0 to 4,294,967,295, to try a network without its trained weights.
        sha256: the SHA-256 that the file must have, 64 hexadecimal digits; any other file is refused. Not
            checked if left out.
        format: the format that the file must have; "auto" detects it from the first bytes of the file.
        match: how the arrays of the file are assigned to layers: by "name", or by "order".
        map: the names that differ when arrays are matched by name: from a layer ("conv1") or array
            ("conv1/kernel") of the config to its name in the file. May stand beside `random`, where it has no
            effect.
        ignore: patterns of the names of arrays of the file that are left out, e.g. "normalization/*"; "*"
            stands for any letters, "/" as well, and "?" for one. A pattern that matches no array is an error.
            May stand beside `random`, where it has no effect.
        flatten: for a PyTorch file, in which order the original program flattened the axes before a dense
            layer: "channels_first", or "channels_last" if it moved the channels to the end before. A PyTorch
            file does not tell.
        trained_with: the name of a shipped config whose sample rate and spectrogram the weights were trained
            with; if those of this config differ, the file is refused. Not checked if left out. May stand
            beside `random`, where it has no effect.
    """

    later_keys: ClassVar[frozenset[str]] = frozenset({"ignore"})

    file: Annotated[str, Field(min_length=1)] | None = None
    random: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")] | None = None
    format: WeightsFormat = "auto"
    match: Literal["name", "order"] = "name"
    map: Annotated[dict[str, Annotated[str, Field(min_length=1)]], Field(default_factory=dict)]
    # The validator of the short form passes on a list of Python, which a strict tuple would refuse.
    ignore: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)] = ()
    flatten: FlattenOrder = "channels_first"
    trained_with: Annotated[str, Field(min_length=1)] | None = None


class Compile(Section):
    """The arguments of Keras' `Model.compile`; of these only `jit_compile` can change features.

    Attributes:
        optimizer: the name of a Keras optimizer, for training.
        loss: the name of a Keras loss, for training. If it is left out, `specfeat train` takes the usual one
            of its task.
        metrics: the names of Keras metrics, for training.
        jit_compile: whether TensorFlow compiles the network with XLA.
    """

    optimizer: Optimizer = "adam"
    loss: Loss = "mse"
    metrics: tuple[Metric, ...] = ()
    jit_compile: bool = False


def _read_layers(value: object) -> tuple[Layer, ...]:
    """Return the layers of a config's list; layers that are read already, as in Python, stay as they are."""
    if isinstance(value, tuple) and value and all(isinstance(layer, Layer) for layer in value):
        return value
    try:
        return parse_layers(value)
    except LayerListError as e:
        raise make_rule_error(e.path, e.text, at_key=e.at_key) from e


def _dump_layers(layers: tuple[Layer, ...]) -> list[dict[str, Any]]:
    """Return the layers as a config writes them, with all names and inputs written out."""
    return [
        {layer.kind: {"name": layer.name, "inputs": list(layer.inputs), **layer.options}} for layer in layers
    ]


def _expand_short_weights(value: object) -> object:
    """Return `{file: PATH}` for `PATH` in settings made in Python; the loader does so for a config."""
    if value == "random":
        raise make_rule_error((), "random weights need a seed; wanted {random: 0}, where 0 is the seed")
    return {"file": value} if isinstance(value, str) else value


class Model(Section):
    """The network, from a clip's spectrogram to its row of features: the section `model`.

    Attributes:
        input_shape: the shape of the network's input, [frames, bins, channels]. It follows from `clips` and
            `spectrogram`, so it may be left out; if given, it must be equal to the derived shape.
        layers: the layers, in order, as Keras' classes and arguments; docs/config.md lists them.
        features: the name of the layer whose output is the row of features; the last layer if left out.
        weights: where the weights come from. Required, so that nobody takes random weights for trained ones.
        compile: the arguments of Keras' `Model.compile`.
        batch: how many clips go through the network at once, 1 to 65,536. It belongs to the config because
            another batch size changes the last bits of the features.
    """

    input_shape: tuple[int, ...] | None = None
    layers: Annotated[tuple[Layer, ...], BeforeValidator(_read_layers), PlainSerializer(_dump_layers)]
    features: str | None = None
    weights: Annotated[Weights, BeforeValidator(_expand_short_weights)]
    compile: Compile = Compile()
    batch: Annotated[PositiveInt, Field(le=65_536)] = 64

    @property
    def feature_layer(self) -> str:
        """The name of the layer whose output is the row of features."""
        return self.features or self.layers[-1].name
