"""One layer of the config to one Keras layer."""

import hashlib
import inspect
from typing import Any

from specfeat.architecture.graph import Layer, to_keras_name
from specfeat.network.picture import OWN_LAYERS
from specfeat.tensorflow_runtime import keras

Shape = tuple[int, ...]


def make_keras_layer(layer: Layer, seed: int | None) -> Any:
    """Make the Keras layer, unbuilt.

    Whatever the user's Keras settings are, it computes in float32, channels last. Each initialiser is
    seeded from `seed`, the layer's name and its own, so that a layer's numbers do not depend on the
    layers around it; without a seed (weights come from a file) it fills with zeros.
    """
    cls: Any = OWN_LAYERS.get(layer.kind) or getattr(keras.layers, layer.kind)
    options = dict(layer.options)
    if "data_format" in inspect.signature(cls.__init__).parameters:
        options["data_format"] = "channels_last"
    made = cls(name=to_keras_name(layer.name), dtype="float32", **options)
    for attribute, initializer in list(vars(made).items()):
        if attribute.endswith("_initializer") and hasattr(initializer, "seed"):
            if seed is None:
                setattr(made, attribute, keras.initializers.Zeros())
            else:
                own = {**initializer.get_config(), "seed": _seed(seed, layer.name, attribute)}
                setattr(made, attribute, type(initializer).from_config(own))
    return made


def _seed(seed: int, *names: str) -> int:
    digest = hashlib.sha256("/".join([str(seed), *names]).encode()).digest()
    return int.from_bytes(digest[:4], "little") >> 1
