"""The config that uses the trained weights: the config that was trained, with its weights and its head."""

import copy
from collections.abc import Sequence
from typing import Any

from specfeat.config import Config
from specfeat.config.model import dump_layers
from specfeat.training.heads import NetworkWithHeads


def make_config_data(
    config: Config, network: NetworkWithHeads, weights_file: str, digest: str, classes: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the config as plain data, with the trained weights and the layer that was added for the classes.

    The section `train` is left out: the weights are trained, and the record of the training has it.

    Args:
        config: the config that was trained.
        network: the network of this config, with the layers that were added.
        weights_file: the weights file, relative to the folder of the config.
        digest: the SHA-256 of the weights file.
        classes: the names of the classes in the order of the outputs. They name the columns if the features
            are the scores of the classes.
    """
    settings = config.settings
    data: dict[str, Any] = copy.deepcopy(config.tree.data) or settings.model_dump(mode="json")
    data.pop("train", None)
    model = data["model"]
    model["weights"] = {"file": weights_file, "sha256": digest}
    heads = tuple(layer for layer in network.saved_layers if layer.name in network.added_names)
    if heads:
        model["layers"] += dump_layers(heads)
        model["features"] = settings.model.feature_layer
    if classes and network.outputs == (settings.model.feature_layer,):
        model["labels"] = list(classes)
    return data
