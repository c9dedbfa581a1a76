"""Prints the results of `specfeat inspect` as text for a terminal of 80 columns."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from specfeat.errors import escape_control_characters
from specfeat.files import format_path
from specfeat.inspection.audio_survey import AudioSurvey, SurveyedFile
from specfeat.inspection.config_description import ConfigDescription
from specfeat.inspection.layer_table import LayerDescription
from specfeat.inspection.weights_description import WeightsDescription, find_published_entries
from specfeat.text import format_bytes, format_count, format_large_number, format_shape, shorten_text

if TYPE_CHECKING:
    from specfeat.inspection.speed import MeasuredSpeed

_LABEL_WIDTH = 9
_LINE_WIDTH = 79
MAX_FILES_SHOWN = 10  # in the table of files; so the sentences after it are on the same screen
_MAX_NAME_WIDTH = 38


def print_config(description: ConfigDescription, weights: WeightsDescription) -> None:
    """Print the facts about a config, one on each line."""
    _print_fact("config", escape_control_characters(description.config))
    _print_fact("input", f"{format_shape(description.input_shape)}, which are frames x bins x channels")
    for number in description.input_sources:
        _print_fact("", f"{number.value:<5} {number.source}")
    _print_fact("clips", f"{description.clip_s:.4g} s, one every {description.clip_hop_s:.4g} s")
    _print_fact("rows", _format_rows(description))
    _print_fact("features", _format_features(description))
    _print_fact("network", _format_network(description))
    for index, line in enumerate(_format_weights(weights)):
        _print_fact("" if index else "weights", line)


def _print_fact(label: str, text: str) -> None:
    print(f"{label:{_LABEL_WIDTH}}{text}")


def _format_rows(description: ConfigDescription) -> str:
    if description.per == "file":
        return "one for each file"
    size = description.bytes_per_hour
    hour = "" if size is None else f", {format_bytes(size)} an hour"
    return f"{description.rows_per_minute:,} a minute{hour}"


def _format_features(description: ConfigDescription) -> str:
    if description.features is None or description.columns is None:
        return "only known when Keras builds the network; use --measure"
    names = []
    for column in description.columns:
        pooling = f" ({column.pool})" if column.pool else ""
        names.append(f"{escape_control_characters(column.layer)}{pooling}")
    return f"{description.features:,} in a row: {shorten_text(', '.join(names), 50)}"


def _format_network(description: ConfigDescription) -> str:
    if description.parameters is None or description.multiply_adds is None:
        return "only known when Keras builds it; use --measure"
    return (
        f"{description.parameters:,} parameters; "
        f"{format_large_number(description.multiply_adds)} multiply-adds (MACs) for a clip"
    )


def _format_weights(weights: WeightsDescription) -> list[str]:
    lines = []
    if weights.path is None:
        lines.append(f"random (seed {weights.random_seed}): the features of an untrained network")
    else:
        size = "" if weights.size is None else f", {format_bytes(weights.size)}"
        lines.append(f"{format_path(weights.path)}{size}")
        if weights.sha256 is not None:
            name = f" (published as {weights.published_as})" if weights.published_as else ""
            lines.append(f"sha256 {weights.sha256}")
            lines.append(f"licence: {weights.licence or 'not known to specfeat'}{name}")
    if weights.published_as is None and weights.licence is None:
        lines += [
            f"specfeat weights fetch {entry.name} downloads trained ones ({entry.licence.partition(' (')[0]})"
            for entry in find_published_entries(weights.fetchable)
        ]
    return lines


def print_layers(description: ConfigDescription) -> None:
    """Print the table of layers; a receptive field is the part of a clip that one value depends on."""
    rows = [("layer", "output", "parameters", "receptive field", "MACs")]
    rows += [_format_layer(layer, description) for layer in description.layers]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    print()
    for name, shape, parameters, field, multiply_adds in rows:
        line = (
            f"{name:{widths[0]}}  {shape:{widths[1]}}  {parameters:>{widths[2]}}  {field:>{widths[3]}}  "
            f"{multiply_adds:>{widths[4]}}"
        )
        print(line.rstrip())


def _format_layer(layer: LayerDescription, description: ConfigDescription) -> tuple[str, str, str, str, str]:
    name = shorten_text(escape_control_characters(layer.name), _MAX_NAME_WIDTH)
    if layer.output_shape is None or layer.field_ms is None:
        return name, "?", "?", "?", "?"
    time = "clip" if layer.sees_whole_clip else f"{layer.field_ms:,.0f} ms"
    if layer.field_bins == description.input_shape[1]:
        bins = "all"
    elif layer.field_hz is not None:
        bins = f"{layer.field_hz:,.0f} Hz"
    else:
        bins = str(layer.field_bins)
    return (
        name,
        format_shape(layer.output_shape),
        f"{layer.parameters or 0:,}",
        f"{time} x {bins}",
        format_large_number(layer.multiply_adds or 0),
    )


def print_survey(survey: AudioSurvey, notes: Sequence[str]) -> None:
    """Print the files that a run would read, those without rows first, and sentences about them."""
    print()
    _print_files(survey)
    size = survey.array_bytes
    array = "" if size is None else f", {format_bytes(size)}"
    good = sum(file.rows != 0 for file in survey.files)
    if good:
        files = format_count(len(survey.files), "file")
        print(
            f"{good} of {files} would give rows: {survey.rows:,} rows from "
            f"{_format_duration(survey.seconds)} of sound{array}"
        )
    elif survey.files:
        print("a run would give no rows, because no file gives any:")
    else:
        print("a run would give no rows, because there is no audio file that it reads:")
    for note in notes:
        print(
            textwrap.fill(
                escape_control_characters(note), _LINE_WIDTH, initial_indent="! ", subsequent_indent="  "
            )
        )


def _print_files(survey: AudioSurvey) -> None:
    files = sorted(survey.files, key=lambda file: file.status == "ok")
    shown = files[:MAX_FILES_SHOWN]
    if not shown:
        return
    rows = [("file", "seconds", "Hz", "channels", "rows", "")]
    rows += [_format_file(file) for file in shown]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    for name, *numbers, status in rows:
        columns = "  ".join(f"{text:>{width}}" for text, width in zip(numbers, widths[1:5], strict=True))
        print(f"{name:{widths[0]}}  {columns}  {status}".rstrip())
    if len(files) > len(shown):
        print(f"... and {format_count(len(files) - len(shown), 'more file')}; --json lists all")


def _format_file(file: SurveyedFile) -> tuple[str, str, str, str, str, str]:
    return (
        shorten_text(format_path(file.path), _MAX_NAME_WIDTH),
        "?" if file.seconds is None else f"{file.seconds:,.2f}",
        "?" if file.sample_rate is None else f"{file.sample_rate:,}",
        "?" if file.channels is None else str(file.channels),
        "?" if file.rows is None else f"{file.rows:,}",
        "" if file.status == "ok" else file.status,
    )


def _format_duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:,.1f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def print_speed(speed: "MeasuredSpeed", survey: AudioSurvey | None) -> None:
    """Print how fast this machine is with the config, and how long the files would take."""
    print()
    _print_fact("speed", f"{speed.sound_s_per_s:,.0f} s of sound in a second, on {speed.device}")
    _print_fact("", f"network {speed.clips_per_s:,.0f} clips a second")
    _print_fact("", f"reading and spectrogram {speed.spectrogram_s_per_s:,.0f} s of sound a second on a core")
    _print_fact("start", f"{speed.start_s:.1f} s to load TensorFlow and build the network")
    _print_fact("memory", f"{format_bytes(speed.peak_memory_bytes)} in the main process")
    if survey is not None:
        seconds = speed.start_s + survey.seconds / speed.sound_s_per_s
        _print_fact("expected", f"about {_format_duration(seconds)} for these files")
