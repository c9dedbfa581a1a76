"""The settings `model`: the network, its weights, and how Keras compiles it."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, PositiveInt

from specfeat.architecture.feature_sources import FeatureSource, dump_features, parse_features
from specfeat.architecture.graph import Layer, LayerListError
from specfeat.architecture.layer_list import parse_layers
from specfeat.config.postprocess import PostprocessStep, expand_short_steps
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

# The keys of the weights that say where the file is, and what is checked when it is read. They do not change
# the features if the content of the file stays the same. The record has the SHA-256 of the file instead.
WEIGHTS_FILE_KEYS = ("file", "sha256", "format", "trained_with")


class Weights(Section):
    """Where the weights of the network come from; exactly one of `file` and `random` is given.

    Attributes:
        file: the path of a weights file, or of a checkpoint without its `.index`. In a config it is relative
            to the config's folder, in an override to the current folder. docs/weights.md lists the formats.
        random: the seed of random weights, 0 to 4,294,967,295. They are for trying a network without its
            trained weights.
        sha256: the SHA-256 that the file must have, 64 hexadecimal digits; any other file is refused. Not
            checked if left out.
        format: the format that the file must have; "auto" detects it from the first bytes of the file.
        match: how the arrays of the file are assigned to layers: by "name", or by "order".
        map: the names that differ between config and file, if arrays are matched by name. The key is the name
            of a layer ("conv1") or array ("conv1/kernel") in the config, and the value its name in the file.
            May be given together with `random`, where it has no effect.
        ignore: the patterns of the names of arrays in the file that are not used, e.g. "normalization/*". In
            a pattern, "*" stands for any number of characters, including "/", and "?" for one character. A
            pattern that matches no array is an error. May be given together with `random`, where it has no
            effect.
        flatten: the order in which the original PyTorch program flattened the axes before a dense layer:
            "channels_first", or "channels_last" if it first moved the channels to the end. The file does
            not contain this order.
        trained_with: the name of the shipped config whose sample rate and spectrogram were used when the
            weights were trained. If this config has others, the file is refused. Not checked if left out. May
            be given together with `random`, where it has no effect.
    """

    later_keys: ClassVar[frozenset[str]] = frozenset({"ignore"})

    file: Annotated[str, Field(min_length=1)] | None = None
    random: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")] | None = None
    format: WeightsFormat = "auto"
    match: Literal["name", "order"] = "name"
    map: Annotated[dict[str, Annotated[str, Field(min_length=1)]], Field(default_factory=dict)]
    # Not strict: the validator of the short form returns a Python list, which a strict tuple would refuse.
    ignore: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)] = ()
    flatten: FlattenOrder = "channels_first"
    trained_with: Annotated[str, Field(min_length=1)] | None = None


class Compile(Section):
    """The arguments of Keras' `Model.compile`. Only `jit_compile` can change the features.

    Attributes:
        optimizer: the name of a Keras optimizer, for training.
        loss: the name of a Keras loss, for training. If it is left out, `specfeat train` uses the usual loss
            of its task.
        metrics: the names of Keras metrics, for training.
        jit_compile: whether TensorFlow compiles the network with XLA.
    """

    optimizer: Optimizer = "adam"
    loss: Loss = "mse"
    metrics: tuple[Metric, ...] = ()
    jit_compile: bool = False


def _read_layers(value: object) -> tuple[Layer, ...]:
    """Read the list of layers of a config; `Layer` objects of settings made in Python are kept."""
    if isinstance(value, tuple) and value and all(isinstance(layer, Layer) for layer in value):
        return value
    try:
        return parse_layers(value)
    except LayerListError as e:
        raise make_rule_error(e.path, e.text, at_key=e.at_key) from e


def dump_layers(layers: tuple[Layer, ...]) -> list[dict[str, Any]]:
    """Return the layers in the form that a config has, with the names and inputs of all layers."""
    return [
        {layer.kind: {"name": layer.name, "inputs": list(layer.inputs), **layer.options}} for layer in layers
    ]


def _read_features(value: object) -> object:
    """Read the layers of the row; `FeatureSource` objects of settings made in Python are kept."""
    if value is None or (isinstance(value, tuple) and all(isinstance(item, FeatureSource) for item in value)):
        return value
    try:
        return parse_features(value)
    except LayerListError as e:
        raise make_rule_error(e.path, e.text, at_key=e.at_key) from e


def _expand_short_weights(value: object) -> object:
    """Replace the short form `PATH` by `{file: PATH}` in settings made in Python.

    For a config, `weights_file.resolve_weights_path` does this before the validation.
    """
    if value == "random":
        raise make_rule_error((), "random weights need a seed; wanted {random: 0}, where 0 is the seed")
    return {"file": value} if isinstance(value, str) else value


class Model(Section):
    """The section `model`: the network that computes a row of features from a clip.

    Attributes:
        input_shape: the shape of the network's input, [frames, bins, channels]. It follows from `clips` and
            `spectrogram`, so it may be left out. If it is given, it must be equal to the derived shape.
        layers: the layers in order, with the names and arguments of Keras' classes; docs/config.md lists
            them.
        features: the name of the layer whose output is the row of features; the last layer if left out. Or a
            list of layers, each perhaps with its pooling, whose outputs follow one another in the row.
        labels: the names of the classes, if the row has class scores: the names of the columns, in order. In
            a config it can be a file with the names.
        postprocess: what is done with the features of each clip after the network, in this order.
        weights: the source of the weights. It is required, so that nobody uses random weights by mistake.
        compile: the arguments of Keras' `Model.compile`.
        batch: how many clips go through the network together, 1 to 65,536. It is part of the config, because
            another batch size changes the last bits of the features.
    """

    later_keys: ClassVar[frozenset[str]] = frozenset({"labels", "postprocess"})

    input_shape: tuple[int, ...] | None = None
    layers: Annotated[tuple[Layer, ...], BeforeValidator(_read_layers), PlainSerializer(dump_layers)]
    features: Annotated[
        str | tuple[FeatureSource, ...] | None,
        BeforeValidator(_read_features),
        PlainSerializer(dump_features),
    ] = None
    # Not strict: a file with the names has been replaced by a list.
    labels: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)] = ()
    postprocess: Annotated[
        tuple[PostprocessStep, ...], BeforeValidator(expand_short_steps), Field(strict=False)
    ] = ()
    weights: Annotated[Weights, BeforeValidator(_expand_short_weights)]
    compile: Compile = Compile()
    batch: Annotated[PositiveInt, Field(le=65_536)] = 64

    @property
    def feature_sources(self) -> tuple[FeatureSource, ...]:
        """The layers whose outputs are the columns of the row, in order, with their pooling."""
        if isinstance(self.features, tuple):
            return self.features
        return (FeatureSource(self.features or self.layers[-1].name),)

    @property
    def feature_layer(self) -> str:
        """The name of the one layer whose output is the row of features.

        Raises:
            RuntimeError: the row has several layers or a pooling.
        """
        if isinstance(self.features, tuple):
            raise RuntimeError("the row consists of several layers, or of a pooled one")
        return self.features or self.layers[-1].name
