"""The settings as one frozen object; `rules` ties its sections together."""

import hashlib
import json
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    PositiveInt,
    model_validator,
)

from specfeat.architecture.graph import Layer, LayerGraph, LayerListError
from specfeat.architecture.layer_list import parse_layers
from specfeat.config.clip_grid import ClipGrid
from specfeat.config.rules import check_settings
from specfeat.config.sound import Audio, Clips, Section, Spectrogram
from specfeat.config.yaml_tree import make_rule_error

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
    "auto", "hdf5", "keras", "checkpoint", "savedmodel", "graph", "tflite", "npz", "safetensors", "torch"
]

FlattenOrder = Literal["channels_first", "channels_last"]


def _layers(value: object) -> tuple[Layer, ...]:
    if isinstance(value, tuple) and value and all(isinstance(layer, Layer) for layer in value):
        return value
    try:
        return parse_layers(value)
    except LayerListError as e:
        raise make_rule_error(e.path, e.text, at_key=e.at_key) from e


def _dump_layers(layers: tuple[Layer, ...]) -> list[dict[str, Any]]:
    """Write the layers as a config would, every name and input spelt out."""
    return [
        {layer.kind: {"name": layer.name, "inputs": list(layer.inputs), **layer.options}} for layer in layers
    ]


# Settings of the weights that move no bit beside the hash of what is in the file.
WEIGHTS_FILE_KEYS = ("file", "sha256", "format", "trained_with")


class Weights(Section):
    """Where the network's numbers come from: `file`, or `random` with the seed as its value.

    Attributes:
        file: a path; what it may be is in docs/weights.md.
        random: the seed.
        sha256: what the file's hash must be, in hexadecimal.
        format: one of network/weights' readers; `auto` finds it in the file's first bytes.
        match: how layers and arrays find each other: by `name`, or by `order`.
        map: our layer (or layer/array) to the file's name for it, where the two differ. It may stand beside
            `random`, for the day that a file is given.
        flatten: how the program that a PyTorch file is from flattened: `channels_first`, or, if it had put
            its channels last before, `channels_last`. The file does not say.
        trained_with: a shipped config, on whose sound (sample rate and spectrogram) the weights were trained;
            a file is refused if this config's is another. It may stand beside `random`, too.
    """

    file: Annotated[str, Field(min_length=1)] | None = None
    random: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")] | None = None
    format: WeightsFormat = "auto"
    match: Literal["name", "order"] = "name"
    map: Annotated[dict[str, Annotated[str, Field(min_length=1)]], Field(default_factory=dict)]
    flatten: FlattenOrder = "channels_first"
    trained_with: Annotated[str, Field(min_length=1)] | None = None


def _weights(value: object) -> object:
    if value == "random":
        raise make_rule_error((), "random weights need a seed; wanted {random: 0}, 0 being the seed")
    return {"file": value} if isinstance(value, str) else value  # for settings made in Python


class Compile(Section):
    """Keras' compile options; features do not depend on optimizer, loss or metrics."""

    optimizer: Optimizer = "adam"
    loss: Loss = "mse"
    metrics: tuple[Metric, ...] = ()
    jit_compile: bool = False


class Model(Section):
    """The network, from the spectrogram clip to the row of features.

    Attributes:
        input_shape: frames, bins, channels; derived, so it may be left out. If given, it must be what the
            spectrogram settings give.
        layers: in order; see `specfeat.architecture.graph`.
        features: the layer whose output is the row; the last one if left out.
        weights: required, so that random numbers are never taken for trained ones.
        compile: for Keras' compile, once, right after the build.
        batch: clips that go through the network at once. It is a constant of the config because a
            different batch shape moves the features' last bits.
    """

    input_shape: tuple[int, ...] | None = None
    layers: Annotated[tuple[Layer, ...], BeforeValidator(_layers), PlainSerializer(_dump_layers)]
    features: str | None = None
    weights: Annotated[Weights, BeforeValidator(_weights)]
    compile: Compile = Compile()
    batch: Annotated[PositiveInt, Field(le=65_536)] = 64

    @property
    def feature_layer(self) -> str:
        """The name of the layer whose output is the row."""
        return self.features or self.layers[-1].name


class Settings(Section):
    """Everything that changes the numbers."""

    audio: Audio
    spectrogram: Spectrogram
    clips: Clips
    model: Model

    @cached_property
    def clip_grid(self) -> ClipGrid:
        """The arithmetic of clips."""
        return ClipGrid(self.spectrogram, self.clips)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """The network's input without the batch: (frames, bins, channels)."""
        return (self.clip_grid.frames, self.spectrogram.bins, self.spectrogram.channels)

    @property
    def graph(self) -> LayerGraph:
        """The layers and the shape of their input."""
        return LayerGraph(self.model.layers, self.input_shape)

    @property
    def digest(self) -> str:
        """SHA-256 of the resolved settings, in hexadecimal: equal settings, equal features.

        The name of a weights file is left out, for the record has the hash of what is in it; so are the hash
        that it is to have, its format and the sound that it was trained on.
        """
        data = self.model_dump(mode="json", exclude={"model": {"weights": set(WEIGHTS_FILE_KEYS)}})
        text = json.dumps(data, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @model_validator(mode="after")
    def _sections_agree(self) -> "Settings":
        check_settings(self)
        return self
