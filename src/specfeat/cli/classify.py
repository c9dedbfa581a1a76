"""`specfeat classify fit | apply`: a linear classifier on the rows of a finished output."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specfeat.cli.event_writing import check_target, write_table
from specfeat.cli.messages import print_message
from specfeat.cli.output_options import FinishedOutputArgument, NoSummaryOption, ReplaceOption
from specfeat.errors import UsageError
from specfeat.file_access import check_new_path
from specfeat.process_state import resume_garbage_collection
from specfeat.text import format_count

if TYPE_CHECKING:
    from specfeat.analysis.head_files import HeadRecord

classify_app = typer.Typer(name="classify", help="Fit a classifier on a finished output, and apply it.")

LabelTable = Annotated[
    str,
    typer.Argument(
        metavar="LABELS",
        show_default=False,
        help="The table of labels: by row, by file or by segment (CSV, TSV, JSONL, Raven, Audacity).",
    ),
]
NewModel = Annotated[
    str,
    typer.Argument(metavar="MODEL", show_default=False, help="The classifier to write, e.g. birds.json."),
]
FittedModel = Annotated[
    str, typer.Argument(metavar="MODEL", show_default=False, help="The classifier, e.g. birds.json.")
]
LabelColumnOption = Annotated[
    str | None,
    typer.Option("--column", metavar="NAME", show_default=False, help="The column of LABELS with the label."),
]
BackgroundOption = Annotated[
    bool,
    typer.Option("--background", help="The rows of labelled files that no segment touches have no label."),
]
PrecisionOption = Annotated[
    float,
    typer.Option(
        "--precision", metavar="P", min=0, max=1, help="The precision that the thresholds must have."
    ),
]
PenaltyOption = Annotated[
    float | None,
    typer.Option(
        "--l2",
        metavar="S",
        show_default=False,
        help="The strength of the penalty on the weights; by default, it is chosen.",
    ),
]
HeadConfigOption = Annotated[
    str | None,
    typer.Option(
        "--head",
        metavar="FILE.yaml",
        show_default=False,
        help="Also write a config with the classifier as its last layer, and its weights file.",
    ),
]
HeadWeightsOption = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        show_default=False,
        help="For --head: the weights file of OUTPUT, if it is no longer where the record says.",
    ),
]
ScoresOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        show_default=False,
        help="The CSV table to write; by default, it is printed.",
    ),
]


@classify_app.command("fit")
def fit_command(
    output: FinishedOutputArgument,
    labels: LabelTable,
    model: NewModel,
    column: LabelColumnOption = None,
    background: BackgroundOption = False,
    precision: PrecisionOption = 0.9,
    l2: PenaltyOption = None,
    head: HeadConfigOption = None,
    weights: HeadWeightsOption = None,
    force: ReplaceOption = False,
    quiet: NoSummaryOption = False,
) -> int:
    """Fit a linear classifier on the labelled rows of a finished output.

    specfeat classify fit out.npy labels.csv birds.json

    specfeat classify fit out.npy calls.selections.txt birds.json --background --head birds.yaml

    The average precision of each class is that in files that the classifier has not seen.

    Exit code: 0 written, 1 failed, 2 usage is wrong or OUTPUT is not a complete output, 130 and 143 stopped
    by a signal.
    """
    # Imported here, because --help needs none of these, and they take time to load.
    from specfeat.analysis.classify import FitOptions, fit_classifier
    from specfeat.analysis.head_files import get_head_paths, save_head
    from specfeat.output.finished_output import open_output

    resume_garbage_collection()

    paths = (*get_head_paths(model), *(_list_head_files(head) if head else ()))
    for path in paths:
        check_new_path(path, force=force)
    finished = open_output(output)
    for path in paths:
        check_target(str(path), finished, filter(None, (labels, weights)), force=force)
    if head:
        from specfeat.analysis.head_config import check_head

        check_head(finished, weights)
    options = FitOptions(column=column, background=background, precision=precision, l2=l2)
    result = fit_classifier(finished, labels, options)
    for note in result.notes:
        print_message(note)
    if head:
        from specfeat.analysis.head_network import write_head_config

        write_head_config(finished, result.head, result.record, Path(head), weights)
    save_head(model, result.head, result.record)
    if not quiet:
        _print_quality(result.record)
    return 0


def _list_head_files(name: str) -> tuple[Path, Path]:
    """Return the paths of a config with a classifier and of its weights file.

    Raises:
        UsageError: the name is not that of a config.
    """
    from specfeat.analysis.head_config import get_weights_path

    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        raise UsageError(f"{name}: is no name of a config; give one that ends in .yaml")
    return path, get_weights_path(path)


def _print_quality(record: "HeadRecord") -> None:
    """Print a line for each class: its average precision, its threshold and what the threshold finds."""
    places = f"{format_count(record.rows, 'row')} of {format_count(record.files, 'file')}"
    print_message(f"{format_count(len(record.classes), 'class', 'classes')}, fitted on {places}")
    lines = zip(record.classes, record.average_precisions, record.thresholds, record.recalls, strict=True)
    for label, average, threshold, recall in lines:
        if average is None:
            text = "is in one file only, so its precision is not known"
        elif threshold is None or recall is None:
            text = f"average precision {average:.3f}; no threshold has a precision of {record.precision:g}"
        else:
            text = (
                f"average precision {average:.3f}; from a score of {threshold:.3f} on, the precision is "
                f"{record.precision:g} or more, and {recall:.0%} are found"
            )
        print_message(f"{label}: {text}")


@classify_app.command("apply")
def apply_command(
    output: FinishedOutputArgument,
    model: FittedModel,
    table: ScoresOption = None,
    force: ReplaceOption = False,
    quiet: NoSummaryOption = False,
) -> int:
    """Compute the scores of a classifier for the rows of a finished output.

    specfeat classify apply out.npy birds.json -o scores.csv

    specfeat classify apply out.npy birds.json | head

    The output must have the config and the weights of the one on which the classifier was fitted.

    Exit code: 0 written, 1 failed, 2 usage is wrong or MODEL does not fit, 130 and 143 stopped by a signal.
    """
    # Imported here, because --help needs none of these, and they take time to load.
    from specfeat.analysis.classify import check_fits, format_scores
    from specfeat.analysis.head_files import get_head_paths, load_head
    from specfeat.output.finished_output import open_output

    resume_garbage_collection()

    head, record = load_head(model)
    finished = open_output(output)
    check_target(table, finished, get_head_paths(model), force=force)
    check_fits(finished, record, model)
    write_table(format_scores(finished, head, record), table, force=force)
    if table is not None and not quiet:
        print_message(f"{table}: {format_count(finished.row_count, 'row')}")
    return 0
