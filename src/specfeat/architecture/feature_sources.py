"""The sources of a row: the layers whose outputs are its columns, and how their outputs are pooled."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from specfeat.architecture.axes import Shape
from specfeat.architecture.graph import LayerListError
from specfeat.key_path import KeyPath
from specfeat.text import format_shape, format_value, suggest_name

Over = Literal["time", "frequency", "both"]
STATISTICS = ("mean", "std", "max", "min", "first", "last")

_WANTED = "wanted the name of a layer, or {NAME: {pool: mean, over: time}}"


class PoolError(ValueError):
    """A text does not name statistics. The text of the error follows the key path in a message."""


def parse_pool(pool: str) -> tuple[str, ...]:
    """Return the statistics that a text such as "mean+std" names, in order.

    Raises:
        PoolError: a name is not a statistic, or is there twice.
    """
    names = pool.split("+")
    for name in names:
        if name not in STATISTICS:
            hint = suggest_name(name, STATISTICS)
            hint = hint or f"; wanted one of {', '.join(STATISTICS)}, or several of them, e.g. mean+std"
            raise PoolError(f"is {format_value(pool)}, and {name!r} is not a statistic{hint}")
    if len(set(names)) < len(names):
        raise PoolError(f"is {format_value(pool)}, which has a statistic twice; give each once")
    return tuple(names)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnGroup:
    """The columns of a row that belong to one layer and one statistic.

    Attributes:
        layer: the name of the layer.
        pool: the statistic over frames or bins; None if the output is not pooled.
        over: the axes that are pooled; None if the output is not pooled.
        rows: the statistic over the clips of a file; None if each clip has a row.
        first: the number of the first column, counted from 0.
        count: how many columns there are.
    """

    layer: str
    pool: str | None = None
    over: Over | None = None
    rows: str | None = None
    first: int
    count: int

    @property
    def end(self) -> int:
        """The number of the column after the last one."""
        return self.first + self.count


@dataclass(frozen=True, slots=True)
class FeatureSource:
    """A layer whose output is a part of the row.

    Attributes:
        layer: the name of the layer.
        statistics: the statistics with which its output is pooled, in the order of the columns; empty if its
            output is one row and is not pooled.
        over: the axes that are pooled: "time" (the frames), "frequency" (the bins), or "both".
    """

    layer: str
    statistics: tuple[str, ...] = ()
    over: Over = "both"

    def find_mismatch(self, shape: Shape) -> str | None:
        """Return why the output of the layer cannot be pooled; None if it can.

        Args:
            shape: the shape of the output, without the batch.

        Returns:
            A sentence without its subject, which is the layer.
        """
        gives = f"gives {format_shape(shape)} for a clip"
        if len(shape) == 1:
            return f"{gives}, which is one row already; leave out its pooling in features"
        if len(shape) > 3:
            return f"{gives}; only frames x channels and frames x bins x channels can be pooled"
        if len(shape) == 2 and self.over == "frequency":
            return f"{gives}, frames x channels without an axis of bins; use over: time in features"
        if len(self.list_pooled_axes(shape)) > 1 and not {"first", "last"}.isdisjoint(self.statistics):
            return f"{gives}; first and last take one frame, so use over: time with them in features"
        return None

    def list_pooled_axes(self, shape: Shape) -> tuple[int, ...]:
        """Return the numbers of the axes that are pooled, counted from 0 without the batch.

        Args:
            shape: the shape of the output, without the batch.
        """
        axes = {"time": (0,), "frequency": (1,), "both": (0, 1)}[self.over] if self.statistics else ()
        return tuple(axis for axis in axes if axis < len(shape) - 1)

    def count_columns(self, shape: Shape) -> int:
        """Return the number of columns of each statistic, or of the output if it is not pooled.

        Args:
            shape: the shape of the output, without the batch.
        """
        pooled = self.list_pooled_axes(shape)
        return math.prod(size for axis, size in enumerate(shape) if axis not in pooled)

    def make_group(self, statistic: str | None, shape: Shape, first: int) -> ColumnGroup:
        """Return the columns of one statistic.

        Args:
            statistic: one of `statistics`; None if the output is not pooled.
            shape: the shape of the output, without the batch.
            first: the number of the first column.
        """
        over = None if statistic is None else self.over
        return ColumnGroup(
            layer=self.layer, pool=statistic, over=over, first=first, count=self.count_columns(shape)
        )


def list_column_groups(
    sources: Sequence[FeatureSource], shapes: Mapping[str, Shape]
) -> tuple[ColumnGroup, ...]:
    """Return the columns of a clip's row: for each layer and each of its statistics a group, in order.

    Args:
        sources: the layers whose outputs are the columns of the row, in order, with their pooling.
        shapes: the shapes of their outputs, without the batch.
    """
    groups: list[ColumnGroup] = []
    for source in sources:
        for statistic in source.statistics or (None,):
            first = groups[-1].end if groups else 0
            groups.append(source.make_group(statistic, shapes[source.layer], first))
    return tuple(groups)


def find_label_mismatch(groups: Sequence[ColumnGroup], labels: int) -> str | None:
    """Return why the names of classes fit no layer of the row; None if they fit one.

    The names belong to each layer that is not pooled and has as many values as there are names.

    Args:
        groups: the columns of a clip's row.
        labels: the number of names.

    Returns:
        A sentence without its subject, which is the list of names.
    """
    widths = [group.count for group in groups if group.pool is None]
    if labels in widths:
        return None
    values = " and ".join(map(str, widths)) or "only pooled"
    return f"has {labels} names, but the layers of the features give {values} values"


def parse_features(value: object) -> str | tuple[FeatureSource, ...]:
    """Return the value of the config's key `features`, checked; one name without pooling stays a name.

    Args:
        value: the name of a layer, one mapping, or a list of names and mappings, as YAML gives it.

    Raises:
        LayerListError: the value has a mistake.
    """
    if isinstance(value, str):
        return value
    items = value if isinstance(value, list) else [value]
    if not items:
        raise LayerListError((), f"is empty; {_WANTED}, or leave it out")
    paths: list[KeyPath] = [(number,) for number in range(len(items))] if isinstance(value, list) else [()]
    sources = tuple(map(_parse_source, items, paths))
    for number, source in enumerate(sources):
        if source in sources[:number]:
            raise LayerListError(paths[number], "is there twice; give it once")
    return sources[0].layer if len(sources) == 1 and not sources[0].statistics else sources


def _parse_source(item: object, path: KeyPath) -> FeatureSource:
    if isinstance(item, str):
        return FeatureSource(item)
    if not isinstance(item, Mapping) or len(item) != 1:
        raise LayerListError(path, f"is {format_value(item)}; {_WANTED}")
    layer, options = next(iter(item.items()))
    if isinstance(options, str):
        options = {"pool": options}
    if not isinstance(options, Mapping) or "pool" not in options:
        raise LayerListError((*path, layer), f"is {format_value(options)}; wanted {{pool: mean, over: time}}")
    return FeatureSource(
        layer, _parse_statistics(options["pool"], (*path, layer)), _parse_over(options, path, layer)
    )


def _parse_statistics(pool: object, path: KeyPath) -> tuple[str, ...]:
    if not isinstance(pool, str):
        text = f"is {format_value(pool)}; wanted one of {', '.join(STATISTICS)}, or several, e.g. mean+std"
        raise LayerListError((*path, "pool"), text)
    try:
        return parse_pool(pool)
    except PoolError as e:
        raise LayerListError((*path, "pool"), str(e)) from e


def _parse_over(options: Mapping[str, object], path: KeyPath, layer: str) -> Any:
    for key in options:
        if key not in ("pool", "over"):
            hint = suggest_name(key, ("pool", "over")) or "; known: pool, over"
            raise LayerListError((*path, layer, key), f"is not known here{hint}", at_key=True)
    over = options.get("over", "both")
    if over not in get_args(Over):
        hint = suggest_name(over, get_args(Over)) or f"; wanted one of {', '.join(get_args(Over))}"
        raise LayerListError((*path, layer, "over"), f"is {format_value(over)}{hint}")
    return over


def dump_features(features: str | tuple[FeatureSource, ...] | None) -> object:
    """Return the checked value of `features` in the form that a config has."""
    if features is None or isinstance(features, str):
        return features
    return [
        {source.layer: {"pool": "+".join(source.statistics), "over": source.over}}
        if source.statistics
        else source.layer
        for source in features
    ]
