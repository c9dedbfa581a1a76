"""The config that uses the trained weights: the config that was trained, with its weights and its head."""

import copy
from typing import Any

from specfeat.architecture.graph import Layer
from specfeat.config import Config, Settings
from specfeat.training.heads import NetworkWithHeads


def make_config_data(
    config: Config, network: NetworkWithHeads, weights_file: str, digest: str
) -> dict[str, Any]:
    """Return the config as plain data, with the trained weights and the layer that was added for the classes.

    The section `train` is left out: the weights are trained, and the record of the training has it.

    Args:
        config: the config that was trained.
        network: the network of this config, with the layers that were added.
        weights_file: the weights file, relative to the folder of the config.
        digest: the SHA-256 of the weights file.
    """
    settings = config.settings
    data: dict[str, Any] = copy.deepcopy(config.tree.data) or _write_settings(settings)
    data.pop("train", None)
    model = data["model"]
    model["weights"] = {"file": weights_file, "sha256": digest}
    own_names = {layer.name for layer in settings.model.layers}
    for layer in network.saved_layers:
        if layer.name not in own_names:
            model["layers"].append(_write_layer(layer))
            model["features"] = settings.model.feature_layer
    return data


def _write_settings(settings: Settings) -> dict[str, Any]:
    """Return settings that no file has as the data of a config."""
    data = settings.model_dump(mode="json")
    data["model"]["layers"] = [_write_layer(layer) for layer in settings.model.layers]
    return data


def _write_layer(layer: Layer) -> dict[str, Any]:
    return {layer.kind: {"name": layer.name, "inputs": list(layer.inputs), **layer.options}}
