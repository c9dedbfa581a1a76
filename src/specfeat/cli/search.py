"""`specfeat search OUTPUT`: finds the clips that are most like an example."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specfeat.cli.event_writing import check_target, print_event_table
from specfeat.cli.messages import print_message
from specfeat.cli.output_options import FinishedOutputArgument, NoSummaryOption, RecordedWeightsOption
from specfeat.errors import UsageError
from specfeat.files import from_record_name
from specfeat.process_state import resume_garbage_collection
from specfeat.text import format_count, make_path_fields

if TYPE_CHECKING:
    from specfeat.analysis.search import SearchResult

LikeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--like",
        metavar="FILE[@START-END]",
        show_default=False,
        help="An example: an audio file or a part of it, e.g. a.wav@3-4.5. Can be given several times.",
    ),
]
RowOption = Annotated[
    list[int] | None,
    typer.Option(
        "--row",
        metavar="N",
        show_default=False,
        help="An example: row N of OUTPUT, counted from 0. Can be given several times.",
    ),
]
CountOption = Annotated[int, typer.Option("-k", metavar="N", min=1, help="How many hits to find.")]
HitsPerFileOption = Annotated[
    int | None,
    typer.Option("--per-file", metavar="N", min=1, show_default=False, help="At most N hits in one file."),
]
MetricOption = Annotated[
    str, typer.Option("--metric", metavar="NAME", help="How rows are compared: cosine or euclidean.")
]
TableOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE|DIR/",
        show_default=False,
        help="Write the hits to a table: .csv, .selections.txt (Raven) or .txt (Audacity). A folder gets a "
        "table for each audio file. By default, CSV is printed.",
    ),
]
TableFormatOption = Annotated[
    str | None,
    typer.Option(
        "--table-format",
        metavar="NAME",
        show_default=False,
        help="The format of the table: csv, raven or audacity. By default, its name decides.",
    ),
]
ClipsOption = Annotated[
    str | None,
    typer.Option(
        "--clips", metavar="DIR", show_default=False, help="Write the sound of each hit to a WAV file in DIR."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the hits as one JSON object.")]
ReplaceTableOption = Annotated[bool, typer.Option("--force", help="Replace existing tables.")]


def search_command(
    output: FinishedOutputArgument,
    like: LikeOption = None,
    row: RowOption = None,
    count: CountOption = 50,
    per_file: HitsPerFileOption = None,
    metric: MetricOption = "cosine",
    table: TableOption = None,
    table_format: TableFormatOption = None,
    clips: ClipsOption = None,
    weights: RecordedWeightsOption = None,
    as_json: JsonOption = False,
    force: ReplaceTableOption = False,
    quiet: NoSummaryOption = False,
) -> int:
    """Find the clips of a finished output that are most like an example.

    specfeat search out.npy --like a.wav@3-4.5 -k 10 --clips found/

    specfeat search out.npy --row 120 --per-file 3 -o hits.csv

    All rows are compared. Of hits that overlap in one file, only the nearest is kept, and the example itself
    is left out. The features of FILE are computed with the config and the weights of OUTPUT.

    Exit code: 0 written, 1 failed, 2 usage is wrong or OUTPUT is not a complete output, 3 written but some
    clips could not be read, 130 and 143 stopped by a signal.
    """
    # Imported here, because --help needs none of these, and they take time to load.
    from specfeat.analysis.event_files import find_event_format, write_event_table
    from specfeat.analysis.nearest_rows import find_metric
    from specfeat.analysis.search import SearchRequest, search_output
    from specfeat.output.finished_output import open_output

    if as_json and (table or table_format):
        raise UsageError("--json prints the hits; leave out --output and --table-format")
    event_format = find_event_format(table or "", table_format if table else table_format or "csv")
    request = SearchRequest(
        files=tuple(like or ()),
        rows=tuple(row or ()),
        count=count,
        per_file=per_file,
        metric=find_metric(metric),
        weights_file=weights,
    )
    if not like:
        resume_garbage_collection()
    finished = open_output(output)
    check_target(table, finished, [name.rpartition("@")[0] or name for name in request.files], force=force)
    result = search_output(finished, request)
    resume_garbage_collection()  # `search_output` has loaded TensorFlow for the examples
    failures = _write_clips(result, clips) if clips else []
    for failure in failures:
        print_message(failure)
    if as_json:
        print(json.dumps(_make_json(result), allow_nan=False))
    elif table:
        written = write_event_table(result.table, table, event_format, force=force)
        if not quiet:
            places = str(written[0]) if len(written) == 1 else format_count(len(written), "table")
            print_message(f"{format_count(len(result.rows), 'hit')}: {places if written else 'no table'}")
    else:
        print_event_table(result.table, event_format)
    return 3 if failures else 0


def _write_clips(result: "SearchResult", folder: str) -> list[str]:
    """Write the WAV files of the hits, and return a message for each one that could not be written."""
    from specfeat.analysis.clip_files import ClipFile, name_clip, write_clips

    paths = {file.name: from_record_name(file.path) for file in result.table.files}
    return write_clips(
        [
            ClipFile(Path(folder, name_clip(number, event)), event, paths[event.name])
            for number, event in enumerate(result.table.events, start=1)
        ]
    )


def _make_json(result: "SearchResult") -> dict[str, object]:
    hits = [
        {
            **make_path_fields(from_record_name(event.name)),
            "channel": event.channel,
            "start_s": event.start_s,
            "end_s": event.end_s,
            "row": row,
            result.measure: value,
        }
        for event, row, value in zip(result.table.events, result.rows, result.values, strict=True)
    ]
    return {"schema": 1, "hits": hits}
