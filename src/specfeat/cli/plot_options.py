"""The arguments and options of `specfeat plot`, with their help texts."""

from enum import StrEnum
from typing import Annotated

import typer

from specfeat.cli.completion import complete_layer
from specfeat.cli.plot_target import ProtocolChoice


class MapChoice(StrEnum):
    """How the map of the rows of an output is computed."""

    pca = "pca"
    umap = "umap"


Source = Annotated[
    str,
    typer.Argument(
        metavar="AUDIO|OUTPUT", show_default=False, help="A sound, or the array of a finished output."
    ),
]
Picture = Annotated[
    str,
    typer.Argument(
        metavar="[PICTURE]",
        show_default=False,
        help="The picture to write: .png, .svg or .pdf. If it is left out, the terminal shows the plot.",
    ),
]
FeaturesOption = Annotated[
    bool, typer.Option("--features", help="Also draw the features of the sound over time.")
]
LayerOption = Annotated[
    str | None,
    typer.Option(
        "--layer",
        metavar="NAME",
        show_default=False,
        help="Draw the output of this layer of the network, for the clip at --start.",
        autocompletion=complete_layer,
    ),
]
StartOption = Annotated[
    str | None,
    typer.Option(
        "--start",
        metavar="TIME",
        show_default=False,
        help="Where the plot begins: seconds or h:m:s. The clips are those of the whole file.",
    ),
]
EndOption = Annotated[
    str | None,
    typer.Option("--end", metavar="TIME", show_default=False, help="Where the plot ends: seconds or h:m:s."),
]
DurationOption = Annotated[
    str | None,
    typer.Option(
        "--duration", metavar="TIME", show_default=False, help="How much of the file the plot shows."
    ),
]
ChannelOption = Annotated[
    int | None,
    typer.Option(
        "--channel",
        metavar="N",
        min=0,
        show_default=False,
        help="The channel of the file, counted from 0; by default those of the config.",
    ),
]
MapOption = Annotated[
    MapChoice, typer.Option("--map", help="With OUTPUT: how the map of all rows is computed.")
]
ColorOption = Annotated[
    str | None,
    typer.Option(
        "--color-by",
        metavar="COLUMN",
        show_default=False,
        help="With OUTPUT: the column of the index that gives the colours, or folder. Default: label, if the "
        "index has it, or folder.",
    ),
]
SimilarityOption = Annotated[
    str | None,
    typer.Option(
        "--similarity",
        metavar="FILE",
        show_default=False,
        help="With OUTPUT: compare all rows of this file with each other.",
    ),
]
ScoresOption = Annotated[
    str | None,
    typer.Option(
        "--scores",
        metavar="FILE",
        show_default=False,
        help="With OUTPUT: draw the scores of the classes over time for this file.",
    ),
]
ClassOption = Annotated[
    list[str] | None,
    typer.Option(
        "--class",
        metavar="NAME",
        show_default=False,
        help="With --scores: a class to draw. Can be given up to eight times; by default those with the "
        "largest scores.",
    ),
]
TerminalOption = Annotated[
    bool, typer.Option("--terminal", help="Draw with characters on stdout; this needs no matplotlib.")
]
ProtocolOption = Annotated[
    ProtocolChoice | None,
    typer.Option(
        "--protocol",
        show_default=False,
        help="How the terminal shows pictures, if specfeat does not recognise it.",
    ),
]
WidthOption = Annotated[
    int, typer.Option("--width", metavar="PX", min=200, max=10_000, help="The width of a PNG in pixels.")
]
