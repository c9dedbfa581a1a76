"""`specfeat inspect CONFIG [AUDIO...]`: shows what a config computes, and what a run would do with files."""

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specfeat.cli.input_list import read_input_list
from specfeat.cli.messages import print_message
from specfeat.cli.network_loading import load_tensorflow_network
from specfeat.cli.options import (
    DeviceOption,
    ExcludeOption,
    FilesFromOption,
    IncludeOption,
    NullOption,
    SetOption,
    ThreadsOption,
)
from specfeat.process_state import resume_garbage_collection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from specfeat.architecture.graph import LayerGraph
    from specfeat.config import Config
    from specfeat.inspection.audio_survey import AudioSurvey
    from specfeat.inspection.speed import MeasuredSpeed
    from specfeat.inspection.weights_description import WeightsDescription

SCHEMA = 1  # of the JSON object; it changes when a program that reads the object would have to change

InspectedConfig = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG", show_default=False, help="The name of a shipped config, or a YAML file."
    ),
]
AudioInputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="AUDIO", show_default=False, help="Audio files and folders: what a run would do with them."
    ),
]
LayersOption = Annotated[
    bool, typer.Option("--layers", help="Print the table of layers even if AUDIO is given.")
]
MeasureOption = Annotated[
    bool,
    typer.Option(
        "--measure",
        help="Build the network with TensorFlow, and measure its speed for a second, and the memory.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def inspect_command(
    config: InspectedConfig,
    audio: AudioInputs = None,
    overrides: SetOption = None,
    files_from: FilesFromOption = None,
    null: NullOption = False,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    layers: LayersOption = False,
    measure: MeasureOption = False,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show what a config computes, and what a run would do with audio files, without extracting anything.

    specfeat inspect yamnet

    specfeat inspect my.yaml recordings/

    Printed are the shape of the network's input and where its numbers come from, the layers, the size of the
    rows, and the weights. With AUDIO, the headers of the files are read: how many rows each file would give,
    and which files would give none, and why. Nothing is written, and without --measure TensorFlow is not
    loaded.

    Exit code: 0 all files give rows, 2 usage, config or weights are wrong, 3 some files would fail, 4 no file
    would give a row.
    """
    # Imported here, because --help needs none of these, and they take time to load.
    from specfeat.config import load_config
    from specfeat.inspection.config_description import describe_config
    from specfeat.inspection.weights_description import describe_weights

    loaded_config = load_config(config, overrides or [], override_prefix="--set ")
    listed_inputs = [] if files_from is None else read_input_list(files_from, null=null)
    weights = describe_weights(loaded_config)
    graph, speed = None, None
    if measure and not weights.problem:
        graph, speed = _measure_speed(loaded_config, device, threads)
    resume_garbage_collection()
    description = describe_config(loaded_config, graph)
    survey, notes = None, []
    if audio or files_from is not None:
        survey = _survey_inputs(
            loaded_config, audio or [], listed_inputs, include, exclude, description.features
        )
        notes = _list_notes(survey, loaded_config)
    if as_json:
        audio_fields = None if survey is None else _make_audio_fields(survey, notes)
        fields = {
            "schema": SCHEMA,
            **asdict(description),
            "weights": asdict(weights),
            "audio": audio_fields,
            "speed": None if speed is None else asdict(speed),
        }
        print(json.dumps(fields, indent=2))
    else:
        from specfeat.cli import inspect_text as text

        text.print_config(description, weights)
        if survey is None or layers:
            text.print_layers(description)
        if survey is not None:
            text.print_survey(survey, notes)
        if speed is not None:
            text.print_speed(speed, survey)
    if weights.problem:
        print_message(weights.problem)
    return _choose_exit_code(weights, survey)


def _survey_inputs(
    config: "Config",
    audio: "Sequence[str]",
    listed_inputs: "Sequence[str]",
    include: "Sequence[str] | None",
    exclude: "Sequence[str] | None",
    features: int | None,
) -> "AudioSurvey":
    from specfeat.audio.discovery import search_inputs
    from specfeat.audio.path_filter import PathFilter
    from specfeat.inspection.audio_survey import survey_files
    from specfeat.native_stderr import capture_native_stderr

    path_filter = PathFilter(tuple(include or ()), tuple(exclude or ()))
    found = search_inputs(audio, listed_inputs, path_filter)
    with capture_native_stderr():  # libmpg123 prints warnings about harmless mistakes
        return survey_files(found, config.settings, features)


def _list_notes(survey: "AudioSurvey", config: "Config") -> list[str]:
    from specfeat.inspection.survey_notes import list_survey_notes

    return list_survey_notes(survey, config.settings)


def _measure_speed(config: "Config", device: str, threads: int | None) -> "tuple[LayerGraph, MeasuredSpeed]":
    """Load TensorFlow, build the network and measure it; return its layers, too."""
    from specfeat.architecture.graph import LayerGraph

    started_at = time.perf_counter()
    network = load_tensorflow_network(config, device, threads)
    from specfeat.inspection.speed import measure_speed  # it loads TensorFlow

    speed = measure_speed(network, config.settings, time.perf_counter() - started_at)
    return LayerGraph(network.layers, network.input_shape), speed


def _make_audio_fields(survey: "AudioSurvey", notes: list[str]) -> dict[str, Any]:
    from specfeat.text import make_path_fields

    return {
        "files": [
            {**make_path_fields(file.path), **{k: v for k, v in asdict(file).items() if k != "path"}}
            for file in survey.files
        ],
        "rows": survey.rows,
        "array_bytes": survey.array_bytes,
        "seconds": survey.seconds,
        "skipped": {
            "needs_ffmpeg": [make_path_fields(path) for path in survey.convertible_files],
            "not_audio": [make_path_fields(path) for path in survey.other_files],
            "hidden": survey.hidden_files,
        },
        "notes": notes,
    }


def _choose_exit_code(weights: "WeightsDescription", survey: "AudioSurvey | None") -> int:
    if weights.problem:
        return 2
    if survey is None:
        return 0
    can_give_rows = any(file.rows != 0 for file in survey.files)
    if not can_give_rows:
        return 4
    return 3 if survey.list_files("failed") else 0
