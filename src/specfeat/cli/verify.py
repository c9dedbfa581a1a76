"""`specfeat verify OUTPUT`: checks a finished output, and computes some of its rows from the audio again."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specfeat.cli.messages import describe_error, print_message
from specfeat.cli.network_loading import load_network
from specfeat.cli.output_options import FinishedOutputArgument, RecordedWeightsOption
from specfeat.errors import CHECK_PATH_HINT, UsageError, escape_control_characters
from specfeat.files import from_record_name
from specfeat.text import format_count, make_path_fields

if TYPE_CHECKING:
    from specfeat.analysis.verification import VerifiedRow
    from specfeat.output.finished_output import FinishedOutput

SCHEMA = 1  # of the JSON object; it changes when a program that reads the object would have to change

RowsOption = Annotated[
    int,
    typer.Option(
        "--rows",
        "-k",
        metavar="N",
        min=0,
        help="How many rows to compute again; 0 compares only the files, without TensorFlow.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def verify_command(
    output: FinishedOutputArgument,
    rows: RowsOption = 10,
    weights: RecordedWeightsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Check that a finished output is unchanged, and that its rows follow from the audio.

    specfeat verify features.npy

    specfeat verify features.parquet -k 100

    Array and index are compared with their SHA-256 in the record, and the index with the lines that the
    record gives. Then some rows are computed again: the first one, the last one, and evenly spaced ones,
    always the same. If nothing differs from the run (versions, processor, device), they must have the same
    bytes. Otherwise they may differ by a ten-thousandth of the largest value of the row.

    Exit code: 0 everything is right, 1 something is wrong or could not be checked, 2 there is no such output,
    or its network cannot be built here.
    """
    if not Path(output).exists():
        raise UsageError(f"{escape_control_characters(output)}: no such output; {CHECK_PATH_HINT}")
    problems: list[str] = []
    verified: list[VerifiedRow] = []
    differences = ""
    finished = _open_unchanged(output, problems)
    if finished is not None and finished.row_count and rows:
        verified, differences = _verify_rows(finished, rows, weights)
        problems += [_describe_row(row) for row in verified if row.status in ("different", "unchecked")]
    if as_json:
        _print_json(finished, verified, differences, problems)
    elif finished is not None:
        _print_summary(finished, verified, differences)
    for problem in problems:
        print_message(problem)
    return 1 if problems else 0


def _open_unchanged(output: str, problems: list[str]) -> "FinishedOutput | None":
    """Open an output and compare its files with its record.

    Args:
        output: the path of the array.
        problems: receives what is wrong.

    Returns:
        The output; None if its files are not those of the run.
    """
    from specfeat.analysis.verification import verify_index
    from specfeat.output.finished_output import open_output

    try:
        finished = open_output(output)
        finished.verify()
        if not verify_index(finished):
            problems.append(f"{finished.paths.index}: has other lines than the sounds in the record give")
    except UsageError as e:
        problems.append(describe_error(e))
        return None
    return finished


def _verify_rows(
    finished: "FinishedOutput", rows: int, weights: str | None
) -> "tuple[list[VerifiedRow], str]":
    """Compute rows again; return the results, and how this machine differs from that of the run."""
    from specfeat.analysis.recorded_config import load_recorded_config
    from specfeat.analysis.verification import choose_rows, describe_other_conditions, verify_rows

    config = load_recorded_config(finished, weights)
    engine = finished.record.provenance.engine_name
    device = "cpu" if (finished.record.provenance.device or "").startswith("cpu") else "auto"
    network = load_network(config, device, None, engine)
    differences = describe_other_conditions(finished, config, network)
    numbers = choose_rows(finished.row_count, rows)
    return [*verify_rows(finished, config, network, numbers, is_exact=not differences)], differences


def _describe_row(row: "VerifiedRow") -> str:
    verb = "could not be computed again" if row.status == "unchecked" else "is not what the audio gives"
    return f"row {row.row} ({escape_control_characters(row.path)}) {verb}: {row.reason}"


def _print_summary(finished: "FinishedOutput", verified: "list[VerifiedRow]", differences: str) -> None:
    print(f"files  array, index and record belong together: {format_count(finished.row_count, 'row')}")
    same, close = (sum(row.status == status for row in verified) for status in ("same", "close"))
    if verified:
        text = f"{len(verified)} computed again: {same} with the same bytes"
        print(f"rows   {text}{f', {close} almost equal' if close else ''}")
    if differences:
        text = escape_control_characters(differences)
        print(f"note   this machine or its software differs from that of the run ({text})")


def _make_row_fields(row: "VerifiedRow") -> dict[str, Any]:
    """Return the fields of a row for JSON, which has no infinite numbers, and only text in UTF-8."""
    difference = row.largest_difference
    return {
        "row": row.row,
        **make_path_fields(from_record_name(row.path)),
        "status": row.status,
        "largest_difference": difference if difference is not None and math.isfinite(difference) else None,
        "reason": escape_control_characters(row.reason),
    }


def _print_json(
    finished: "FinishedOutput | None",
    verified: "list[VerifiedRow]",
    differences: str,
    problems: list[str],
) -> None:
    fields: dict[str, Any] = {
        "schema": SCHEMA,
        "is_right": not problems,
        "row_count": finished.row_count if finished else None,
        "rows": [_make_row_fields(row) for row in verified],
        "differences": escape_control_characters(differences),
        "problems": [escape_control_characters(problem) for problem in problems],
    }
    print(json.dumps(fields, indent=2, allow_nan=False))
