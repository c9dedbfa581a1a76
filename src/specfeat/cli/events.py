"""`specfeat events OUTPUT`: finds the times at which the scores of a class are high."""

from typing import TYPE_CHECKING

import typer

from specfeat.cli.event_options import (
    ClassOption,
    EventFormatOption,
    EventMethod,
    EventUnit,
    GenderOption,
    MaxGapOption,
    MethodOption,
    MinLengthOption,
    NamesOption,
    OffOption,
    OnOption,
    SmoothOption,
    TargetOption,
    ThresholdsOption,
    TopOption,
    UnitOption,
    make_rules,
    parse_names,
)
from specfeat.cli.event_writing import check_target, write_events, write_table
from specfeat.cli.messages import print_message
from specfeat.cli.output_options import FinishedOutputArgument, NoSummaryOption, ReplaceOption
from specfeat.errors import UsageError
from specfeat.process_state import resume_garbage_collection
from specfeat.text import format_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from specfeat.analysis.event_rules import EventRules
    from specfeat.analysis.sound_events import SoundEvents
    from specfeat.output.finished_output import FinishedOutput

# The options that change only the rules of the method "threshold", by the names of their arguments.
_RULE_OPTIONS = {
    "on": "--on",
    "off": "--off",
    "thresholds": "--thresholds",
    "smooth": "--smooth",
    "min_length": "--min-length",
    "max_gap": "--max-gap",
    "top": "--top",
}


def events_command(
    context: typer.Context,
    output: FinishedOutputArgument,
    target: TargetOption = None,
    format_name: EventFormatOption = "",
    method: MethodOption = EventMethod.threshold,
    per: UnitOption = EventUnit.event,
    on: OnOption = None,
    off: OffOption = None,
    thresholds: ThresholdsOption = None,
    smooth: SmoothOption = "",
    min_length: MinLengthOption = 0.0,
    max_gap: MaxGapOption = 0.0,
    top: TopOption = None,
    labels: ClassOption = None,
    names: NamesOption = "",
    gender: GenderOption = None,
    force: ReplaceOption = False,
    quiet: NoSummaryOption = False,
) -> int:
    """Find the times at which the scores of a class are high, and write them as a table or as labels.

    specfeat events out.npy --on 0.6 --off 0.4 --max-gap 0.5 -o events.csv

    specfeat events out.npy --method inaspeech --format audacity -o labels/

    OUTPUT is one whose columns are scores of classes, with names from the config's model.labels. The times
    count from the start of each audio file. With a folder as FILE, each audio file gets a file of its own.

    Exit code: 0 written, also if there is no event, 1 a file cannot be read or written, 2 usage is wrong.
    """
    # Imported here, because --help needs none of these, and they take time to load.
    from specfeat.analysis.output_settings import read_output_settings
    from specfeat.output.finished_output import open_output

    resume_garbage_collection()
    _check_combination(context, method, per, gender)
    rules = make_rules(on or [], off or [], thresholds, smooth, (min_length, max_gap), top)
    finished = open_output(output)
    target_path = None if target == "-" else target
    check_target(target_path, finished, [thresholds] if thresholds else [], force=force)
    column_names, classes = parse_names(names), tuple(labels or ())
    if per == EventUnit.file:
        message = _write_summary(
            finished, target_path, format_name, (column_names, classes, top), force=force
        )
    else:
        if method == EventMethod.inaspeech:
            sounds = _find_inaspeech_events(finished, column_names, gender, classes)
        else:
            sounds = _find_threshold_events(finished, column_names, rules, classes)
        message = write_events(
            finished, read_output_settings(finished), sounds, target_path, format_name, force=force
        )
    if not quiet:
        print_message(f"{target_path or 'stdout'}: {message}")
    return 0


def _check_combination(
    context: typer.Context, method: EventMethod, per: EventUnit, gender: str | None
) -> None:
    """Check that no option is given that would have no effect.

    Raises:
        UsageError: there is one.
    """
    if gender and method != EventMethod.inaspeech:
        raise UsageError("--gender needs --method inaspeech; add it, or leave --gender out")
    unused = dict(_RULE_OPTIONS)
    if per == EventUnit.file:
        cause = "--per file"
        unused = {**unused, "method": "--method"}
        del unused["top"]
    elif method == EventMethod.inaspeech:
        cause = "--method inaspeech"
    else:
        return
    for name, option in unused.items():
        origin = context.get_parameter_source(name)
        if origin is not None and origin.name != "DEFAULT":
            raise UsageError(f"{option} has no effect with {cause}; leave one of them out")


def _find_threshold_events(
    output: "FinishedOutput", names: tuple[str, ...], rules: "EventRules", classes: tuple[str, ...]
) -> "Iterator[SoundEvents]":
    from specfeat.analysis.score_columns import find_score_columns
    from specfeat.analysis.sound_events import iterate_events

    return iterate_events(output, find_score_columns(output, names), classes, rules)


def _find_inaspeech_events(
    output: "FinishedOutput", names: tuple[str, ...], gender: str | None, classes: tuple[str, ...]
) -> "Iterator[SoundEvents]":
    from specfeat.analysis.inaspeech_events import iterate_inaspeech_events
    from specfeat.output.finished_output import open_output

    return iterate_inaspeech_events(output, names, open_output(gender) if gender else None, classes)


def _write_summary(
    output: "FinishedOutput",
    target: str | None,
    format_name: str,
    choice: tuple[tuple[str, ...], tuple[str, ...], int | None],
    *,
    force: bool,
) -> str:
    """Write the mean and the largest score of each class in each sound, and return what was written.

    Args:
        output: the output.
        target: the file to write; None for stdout.
        format_name: the value of --format.
        choice: the names of all columns, the chosen classes, and the value of --top.
        force: whether an existing file may be replaced.

    Raises:
        UsageError: the target is no table, or exists.
    """
    from specfeat.analysis.event_table import format_summary_csv, format_summary_parquet
    from specfeat.analysis.score_columns import find_score_columns
    from specfeat.analysis.score_summary import iterate_summaries

    names, classes, top = choice
    kind = format_name or ("parquet" if (target or "").lower().endswith(".parquet") else "csv")
    if kind not in ("csv", "parquet"):
        raise UsageError(f"--per file writes a table in CSV or Parquet, not {kind}; choose one of these")
    columns = find_score_columns(output, names).choose(classes)
    summaries = iterate_summaries(output, columns, top)
    pieces = format_summary_csv(summaries) if kind == "csv" else format_summary_parquet(summaries)
    write_table(pieces, target, is_text=kind == "csv", force=force)
    return f"the scores of {format_count(sum(entry.rows > 0 for entry in output.record.files), 'sound')}"
