"""The columns of the array: to which layer and statistic they belong, and their names."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from specfeat.architecture.feature_sources import ColumnGroup

if TYPE_CHECKING:
    from specfeat.output.records import Provenance


def list_row_groups(clip_groups: Sequence[ColumnGroup], statistics: Sequence[str]) -> tuple[ColumnGroup, ...]:
    """Return the columns of a row: those of a clip, once for each statistic over the clips of a file.

    Args:
        clip_groups: the columns of a clip, in order.
        statistics: the statistics over the clips of a file; empty if each clip has a row.

    Returns:
        The groups in the order of the columns; nothing if all columns belong to one layer that is not pooled,
        because then there is nothing to tell apart.
    """
    width = sum(group.count for group in clip_groups)
    groups = [
        replace(group, rows=rows, first=group.first + number * width)
        for number, rows in enumerate(statistics or (None,))
        for group in clip_groups
    ]
    return tuple(groups) if len(groups) > 1 or any(group.pool for group in groups) else ()


def name_features(provenance: "Provenance") -> tuple[str, ...]:
    """Return a name for each column of the array: `f0`, `f1`, ... if all belong to one layer.

    If the config has names of classes, the columns of the layer with the scores have these names.

    If the columns belong to several layers or statistics, a name has the layer, the statistic over frames or
    bins with the axis if it is only one, the number of the value, and the statistic over the clips of a file:
    `conv5_mean_0`, `conv5_std_time_17`, `embedding_3_max`. If two names would be equal, all columns have the
    names `f0`, `f1`, ...

    Args:
        provenance: the provenance of the rows; complete.
    """
    return find_feature_names(provenance) or make_numbered_names(provenance.width)


def find_feature_names(provenance: "Provenance") -> tuple[str, ...]:
    """Return the names of the columns of the array that the config gives, see `name_features`.

    Args:
        provenance: the provenance of the rows; complete.

    Returns:
        A name for each column, all different; empty if the config gives none, or if two would be equal.
    """
    labels = list_labels(provenance)
    groups = provenance.feature_columns
    names = tuple(name for group in groups for name in _name_group(group, labels)) if groups else labels
    # Two classes can have one name, and a layer `a_max` and the maximum of a layer `a` have the same names.
    return names if len(set(names)) == provenance.width else ()


def make_numbered_names(width: int) -> tuple[str, ...]:
    """Return the names of columns that have no names of their own: `f0`, `f1`, ...

    Args:
        width: the number of columns.
    """
    return tuple(f"f{number}" for number in range(width))


def list_labels(provenance: "Provenance") -> tuple[str, ...]:
    """Return the names of the classes that the config has; empty if it has none.

    Args:
        provenance: the provenance of the rows.
    """
    model = provenance.config.resolved.get("model")
    labels = model.get("labels") if isinstance(model, dict) else None
    return tuple(map(str, labels)) if isinstance(labels, list) else ()


def _name_group(group: ColumnGroup, labels: Sequence[str]) -> Iterable[str]:
    over = None if group.over == "both" else group.over
    before = "_".join(filter(None, (group.layer, group.pool, over)))
    after = f"_{group.rows}" if group.rows else ""
    if group.pool is None and group.count == len(labels):
        return (f"{label}{after}" for label in labels)
    return (f"{before}_{number}{after}" for number in range(group.count))
