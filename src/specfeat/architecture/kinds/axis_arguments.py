"""The types of arguments that name axes, or that have an entry for each axis; see `arguments`."""

from specfeat.architecture.kinds.arguments import is_whole_number


class OneAxis:
    """The number of one axis. The batch is axis 0, and negative numbers count from the last axis."""

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        if isinstance(value, list):
            return "one axis: -1 (channels), 1 (frames) or 2 (bins)"
        return Axes().check(value)


class Axes:
    """The number of one axis or a list of such numbers. The batch is axis 0; -1 is the last axis."""

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        axes = value if isinstance(value, list) else [value]
        if axes and all(type(v) is int and v != 0 for v in axes):
            return None
        return "an axis: -1 (channels), 1 (frames), 2 (bins); 0 is the batch"


class AxesOrNone:
    """The number of one axis or a list of such numbers, or null for no axis."""

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        wanted = None if value is None else Axes().check(value)
        return f"{wanted}; or null for one value for all" if wanted else None


class SharedAxes:
    """The axes along which PReLU has the same slope."""

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        axes = value if isinstance(value, list) else [value]
        if axes and all(is_whole_number(v, 1) for v in axes):
            return None
        return "axes that share a slope, counted from 1: [1, 2] for one slope for each channel"


class TargetShape:
    """The sizes of all axes. One of them may be -1; it then follows from the others."""

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        sizes = value if isinstance(value, list) else []
        if sizes and all(is_whole_number(v, 1) or v == -1 for v in sizes):
            return None
        return "a list of whole numbers, -1 for the size that follows from the others, e.g. [96, -1]"


class AxisPermutation:
    """All axes in a new order, counted from 1, without the batch."""

    def check(self, value: object) -> str | None:
        """See `ArgumentType`."""
        axes = [v for v in value if type(v) is int] if isinstance(value, list) else []
        if axes and axes == value and sorted(axes) == list(range(1, len(axes) + 1)):
            return None
        return "the axes in their new order, counted from 1, e.g. [2, 1, 3]"
