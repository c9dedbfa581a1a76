"""Errors about a layer, with the place of the layer in the config."""

from specfeat.architecture.graph import Layer
from specfeat.config.yaml_tree import ConfigTree
from specfeat.errors import ModelError
from specfeat.key_path import format_key_path


def make_layer_error(tree: ConfigTree, layer: Layer, reason: str) -> ModelError:
    """Make the error for a layer that does not fit.

    Args:
        tree: the config, which knows where each value is written.
        layer: the layer that does not fit.
        reason: what is wrong; it follows the layer's kind and name in the message.
    """
    path = ("model", "layers", *layer.path)
    where = tree.where(path, at_key=True)
    shown = format_key_path(path[:-1] if isinstance(path[-1], str) else path)
    return ModelError(f"{where}: {shown}: {layer.kind} {layer.name!r} {reason}")
