"""`specfeat report OUTPUT [PAGE]`: writes an HTML page that shows a finished output."""

from pathlib import Path
from typing import Annotated

import typer

from specfeat.cli.messages import print_message
from specfeat.cli.output_options import ErrorsOnlyOption, FinishedOutputArgument, ReplaceOption
from specfeat.cli.overwritten_inputs import refuse_overwriting
from specfeat.process_state import resume_garbage_collection
from specfeat.text import format_count

Page = Annotated[
    Path | None,
    typer.Argument(
        metavar="PAGE", show_default=False, help="The page to write; default: out.report.html beside out.npy."
    ),
]
ThumbnailsOption = Annotated[
    int,
    typer.Option(
        "--thumbnails",
        metavar="N",
        min=0,
        max=10_000,
        help="Show the spectrograms of up to N rows. For them, audio is read again.",
    ),
]
EmbedAudioOption = Annotated[
    int,
    typer.Option(
        "--embed-audio",
        metavar="N",
        min=0,
        help="Put the audio of N rows into the page; first of rows whose file a browser cannot play.",
    ),
]
NeighborsOption = Annotated[
    int | None,
    typer.Option(
        "--neighbors",
        metavar="N",
        min=0,
        max=100,
        show_default=False,
        help="Find the N most similar rows of each row; default: 12, but none if that would take long.",
    ),
]
DataBesideOption = Annotated[
    bool,
    typer.Option("--data-beside", help="Write the data to PAGE.data.js, for outputs with a million rows."),
]

_LARGE_PAGE = 100_000_000  # bytes; browsers become slow with larger pages


def report_command(
    output: FinishedOutputArgument,
    page: Page = None,
    thumbnails: ThumbnailsOption = 1000,
    embed_audio: EmbedAudioOption = 0,
    neighbors: NeighborsOption = None,
    data_beside: DataBesideOption = False,
    force: ReplaceOption = False,
    quiet: ErrorsOnlyOption = False,
) -> int:
    """Look at an output and listen to it: write an HTML page with a map, a point for each row.

    Example: specfeat report features.npy

    Example: specfeat report features.npy birds.html --embed-audio 200

    The page opens in a browser, without a server and without the network. A click on a point plays its clip.
    Points can be coloured, filtered, selected and labelled, and the labels can be exported.

    Exit code: 0 written, 1 failed, 2 usage is wrong or OUTPUT is not a complete output, 130 and 143 stopped
    by a signal.
    """
    # Imported here, because --help needs none of these, and they take time to load.
    from specfeat.output.paths import OutputPaths
    from specfeat.report.report import ReportOptions, write_report

    resume_garbage_collection()
    if page is not None:
        targets = [page, page.with_suffix(".data.js")] if data_beside else [page]
        refuse_overwriting(targets, OutputPaths(Path(output)).files)
    options = ReportOptions(
        thumbnails=thumbnails,
        embedded_audio=embed_audio,
        neighbors=neighbors,
        has_data_beside=data_beside,
        replaces=force,
    )
    summary = write_report(output, page, options)
    if not quiet:
        points = format_count(summary.rows, "point")
        print_message(
            f"{summary.page}: {points}, {format_count(summary.thumbnails, 'spectrogram')}, "
            f"{summary.size / 1e6:.1f} MB"
        )
        if summary.missing_sounds:
            print_message(
                f"{format_count(summary.missing_sounds, 'sound')} cannot be shown, because the files are "
                "missing, have changed or cannot be read"
            )
        if summary.unplayable_files and summary.snippets == 0:
            print_message(
                f"a browser cannot play {format_count(summary.unplayable_files, 'file')}; use --embed-audio "
                "N to put the audio of N rows into the page"
            )
        if summary.has_no_neighbors:
            print_message(
                "the most similar rows are left out, because finding them would take long; use --neighbors N "
                "to find them"
            )
        if summary.size > _LARGE_PAGE and not data_beside:
            print_message("the page is large; use --data-beside to keep its data in a file beside it")
    return 0
