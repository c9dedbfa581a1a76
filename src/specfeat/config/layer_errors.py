"""Checks the layers of a config, and makes errors that name the place of a layer in the config."""

from specfeat.architecture.check import check_network
from specfeat.architecture.graph import Layer, LayerMismatchError
from specfeat.config.config_tree import ConfigTree
from specfeat.config.settings import Settings
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


def check_layers(tree: ConfigTree, settings: Settings) -> None:
    """Check that each layer fits the layers before it.

    Args:
        tree: the tree of the config, for the place in the message.
        settings: the settings of the config.

    Raises:
        ModelError: a layer does not fit. The message names the line, the layer and both shapes.
    """
    try:
        check_network(
            settings.graph,
            batch=settings.model.batch,
            sources=settings.model.feature_sources,
            is_named=settings.model.features is not None,
        )
    except LayerMismatchError as e:
        raise make_layer_error(tree, e.layer, e.reason) from e
