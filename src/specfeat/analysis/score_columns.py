"""The columns of an output that are scores of classes."""

from collections.abc import Sequence
from dataclasses import dataclass

from specfeat.errors import Remedy, UsageError
from specfeat.files import format_path
from specfeat.output.feature_columns import list_labels
from specfeat.output.finished_output import FinishedOutput
from specfeat.text import format_count, suggest_name


@dataclass(frozen=True, slots=True)
class ScoreColumns:
    """The columns of an output that are scores, and the names of their classes.

    Attributes:
        columns: the numbers of the columns in the array, from 0.
        labels: the name of the class of each of these columns.
    """

    columns: tuple[int, ...]
    labels: tuple[str, ...]

    def choose(self, labels: Sequence[str]) -> "ScoreColumns":
        """Return the columns of some classes, in the order of the array.

        Args:
            labels: the names of the classes; empty for all of them.

        Raises:
            UsageError: there is no class with one of these names.
        """
        for label in labels:
            self.check_label(label)
        pairs = [pair for pair in zip(self.columns, self.labels, strict=True) if pair[1] in labels]
        return ScoreColumns(tuple(c for c, _ in pairs), tuple(n for _, n in pairs)) if labels else self

    def check_label(self, label: str) -> None:
        """Check that there is a class with this name.

        Raises:
            UsageError: there is none.
        """
        if label not in self.labels:
            hint = suggest_name(label, self.labels) or f"; the first class is {self.labels[0]!r}"
            raise UsageError(
                f"there is no class {label!r} among the {format_count(len(self.labels), 'score')}{hint}"
            )


def find_score_columns(output: FinishedOutput, names: Sequence[str] = ()) -> ScoreColumns:
    """Return the columns of an output that have the names of classes.

    These are the columns that `model.labels` names. If rows are made from whole files with several
    statistics, they are the columns of all statistics, e.g. `speech_mean` and `speech_std`.

    Args:
        output: the output.
        names: a name for each column, which replaces the names in the record; empty to use those.

    Raises:
        UsageError: no column has the name of a class, or the number of names is wrong.
    """
    array = format_path(str(output.paths.array))
    if names:
        if len(names) != output.width:
            raise UsageError(
                f"{array}: has {format_count(output.width, 'column')}, but "
                f"{format_count(len(names), 'name')} were given; give a name for each column"
            )
        _check_different(names)
        return ScoreColumns(tuple(range(output.width)), tuple(names))
    labels = {*list_labels(output.record.provenance)}
    if not labels:
        raise UsageError(
            f"{array}: its columns have no names of classes, because the config has no model.labels",
            remedy=Remedy.NAME_CLASSES,
        )
    columns = [*enumerate(output.feature_names)]
    pairs = [(k, name) for k, name in columns if name in labels]
    pairs = pairs or [(k, name) for k, name in columns if name.rpartition("_")[0] in labels]
    if not pairs:
        raise UsageError(
            f"{array}: no column has the name of a class, because two columns would have the same name",
            remedy=Remedy.NAME_CLASSES,
        )
    return ScoreColumns(tuple(k for k, _ in pairs), tuple(name for _, name in pairs))


def _check_different(names: Sequence[str]) -> None:
    for name in names:
        if not name or names.count(name) > 1:
            raise UsageError(f"the name {name!r} of a class is empty or given twice; give different names")
