"""`specfeat list configs | layers | formats | classes`: lists what specfeat has."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specfeat.cli.options import SetOption
from specfeat.errors import escape_control_characters
from specfeat.text import format_shape

if TYPE_CHECKING:
    from specfeat.inspection.lists import ListedFormat

SCHEMA = 1  # of the JSON objects; it changes when a program that reads them would have to change
_LINE_WIDTH = 79
_HEADINGS = {"output": "formats of arrays (specfeat extract ... out.NAME)", "weights": "weights files"}

list_app = typer.Typer(name="list", help="List the shipped configs, the layers, the formats or the classes.")

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
ListedConfigName = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG", show_default=False, help="The name of a shipped config, or a YAML file."
    ),
]


@list_app.command("configs")
def list_configs_command(as_json: JsonOption = False) -> int:
    """List the shipped configs, whose names can be given with -c.

    specfeat list configs

    specfeat list configs --json

    Each line has the name, the shape of the network's input, the number of features, and whether there are
    trained weights: "trained" comes with specfeat, "fetch" can be downloaded (specfeat weights fetch), and
    "none" means random weights.

    Exit code: 0 listed.
    """
    from specfeat.inspection.lists import list_configs

    configs = list_configs()
    if as_json:
        _print_json("configs", configs)
        return 0
    for config in configs:
        features = "?" if config.features is None else f"{config.features:,}"
        print(
            f"{config.name:17} input {format_shape(config.input_shape):14} features {features:>6}   "
            f"weights {config.weights}"
        )
        print(textwrap.fill(config.summary, _LINE_WIDTH, initial_indent="  ", subsequent_indent="  "))
    return 0


@list_app.command("layers")
def list_layers_command(as_json: JsonOption = False) -> int:
    """List the layers that a config may have, with their arguments. Those in brackets may be left out.

    specfeat list layers

    specfeat list layers --json

    Exit code: 0 listed.
    """
    from specfeat.inspection.lists import list_layers

    layers = list_layers()
    if as_json:
        _print_json("layers", layers)
        return 0
    for number, (family, members) in enumerate(groupby(layers, key=lambda layer: layer.family)):
        print(f"{chr(10) * (number > 0)}{family}")
        for layer in members:
            optional = f" [{', '.join(layer.optional)}]" if layer.optional else ""
            arguments = f"{', '.join(layer.required)}{optional}".strip()
            text = f"  {layer.name}: {arguments}" if arguments else f"  {layer.name}"
            print(textwrap.fill(text, _LINE_WIDTH, subsequent_indent="    ", break_on_hyphens=False))
    return 0


@list_app.command("formats")
def list_formats_command(as_json: JsonOption = False) -> int:
    """List the formats of arrays, of weights files and of audio files, and what is missing for some of them.

    specfeat list formats

    specfeat list formats --json

    Exit code: 0 listed.
    """
    from specfeat.inspection.lists import list_formats

    formats = list_formats()
    if as_json:
        _print_json("formats", formats)
        return 0
    for kind, members in groupby(formats, key=lambda listed: (listed.kind, listed.extra == "av")):
        _print_formats(kind, [*members])
    return 0


def _print_formats(kind: tuple[str, bool], formats: Sequence["ListedFormat"]) -> None:
    if kind == ("audio", True):
        state = "installed" if formats[0].is_usable else "not installed: pip install 'specfeat[av]'"
        heading = f"audio files that need the extra av, {state}"
    else:
        heading = _HEADINGS.get(kind[0], "audio files, by extension")
    names = [
        listed.name
        if listed.is_usable or kind[1]
        else f"{listed.name} (pip install 'specfeat[{listed.extra}]')"
        for listed in formats
    ]
    print(heading)
    print(textwrap.fill(", ".join(names), _LINE_WIDTH, initial_indent="  ", subsequent_indent="  "))


@list_app.command("classes")
def list_classes_command(
    config: ListedConfigName, overrides: SetOption = None, as_json: JsonOption = False
) -> int:
    """List the names of the classes of a config: the number of each column of scores, and its name.

    specfeat list classes trained/config.yaml

    specfeat list classes yamnet --set model.features=scores --set model.labels=yamnet_class_map.csv

    Exit code: 0 listed, 2 the config is wrong or has no names of classes.
    """
    from specfeat.config import load_config
    from specfeat.inspection.lists import list_classes

    classes = list_classes(load_config(config, overrides or [], override_prefix="--set "))
    if as_json:
        print(json.dumps({"schema": SCHEMA, "classes": classes}, indent=2))
        return 0
    for number, name in enumerate(classes):
        print(f"{number}\t{escape_control_characters(name)}")
    return 0


def _print_json(key: str, items: Sequence[Any]) -> None:
    print(json.dumps({"schema": SCHEMA, key: [asdict(item) for item in items]}, indent=2))
