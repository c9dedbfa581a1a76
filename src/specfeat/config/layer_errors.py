"""Makes errors about a layer that name the place of the layer in the config."""

from specfeat.architecture.graph import Layer
from specfeat.config.config_tree import ConfigTree
from specfeat.errors import ModelError
from specfeat.key_path import format_key_path


def make_layer_error(tree: ConfigTree, layer: Layer, reason: str) -> ModelError:
    """Return the error for a layer that does not match the layers before it, or cannot be built.

    Args:
        tree: the config, which has the place of the layer.
        layer: the layer that is wrong.
        reason: what is wrong; it follows the layer's kind and name in the message.
    """
    path = ("model", "layers", *layer.path)
    # A layer with arguments is a mapping with one key, its kind. The key path is shown without this key,
    # because the message names the kind.
    shown_path = path[:-1] if isinstance(path[-1], str) else path
    place = tree.format_place(path, at_key=True)
    return ModelError(f"{place}: {format_key_path(shown_path)}: {layer.kind} {layer.name!r} {reason}")
