"""Checks that the names of classes fit the features of the network."""

from collections.abc import Sequence

from specfeat.architecture.feature_sources import ColumnGroup, find_label_mismatch, list_column_groups
from specfeat.architecture.shapes import UnknownShapeError, compute_network_shapes
from specfeat.config.config_tree import ConfigTree
from specfeat.config.settings import Settings


def check_labels(tree: ConfigTree, settings: Settings) -> None:
    """Check the number of names, if the shapes of the network are known without Keras.

    Raises:
        ConfigError: no layer of the features has so many values.
    """
    if not settings.model.labels:
        return
    try:
        shapes = compute_network_shapes(settings.graph)
    except UnknownShapeError:  # it is checked when the network is built
        return
    check_label_count(tree, settings, list_column_groups(settings.model.feature_sources, shapes))


def check_label_count(tree: ConfigTree, settings: Settings, groups: Sequence[ColumnGroup]) -> None:
    """Check that a layer of the features has as many values as the config has names of classes.

    Args:
        tree: the config, which makes the error.
        settings: the settings.
        groups: the columns of a clip's row.

    Raises:
        ConfigError: no layer of the features has so many values.
    """
    labels = settings.model.labels
    reason = find_label_mismatch(groups, len(labels)) if labels else None
    if reason:
        raise tree.make_error(("model", "labels"), f"{reason}; give the names of the layer with the scores")
