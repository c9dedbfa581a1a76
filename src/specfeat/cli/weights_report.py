"""Prints the results of `specfeat weights show`: a summary of the file, and tables of its arrays."""

from specfeat.architecture.shapes import UnknownShapeError
from specfeat.cli.messages import print_message
from specfeat.config import Config
from specfeat.errors import WeightsError, escape_control_characters
from specfeat.process_state import hide_optional_packages
from specfeat.text import format_shape
from specfeat.weights.files.arrays import FileArray
from specfeat.weights.fitting_configs import (
    ConfigComparison,
    compare_with_shipped_configs,
    describe_fitting_configs,
    format_config_and_rule,
)
from specfeat.weights.inspection import OpenWeightsFile, compare_with_config, pair_arrays
from specfeat.weights.matching.ignored_arrays import list_ignored_arrays
from specfeat.weights.matching.slots import Slot, derive_slots


def list_config_slots(config: Config) -> list[Slot]:
    """Return the arrays that the config's network needs. If only Keras knows them, the network is built."""
    try:
        return derive_slots(config.settings)
    except UnknownShapeError:
        with hide_optional_packages():
            from specfeat.network.compose import list_network_slots

        return list_network_slots(config)


def compare_with_one_config(
    config: Config, file: str, open_file: OpenWeightsFile, slots: list[Slot]
) -> ConfigComparison:
    """Compare a weights file with one config.

    If it does not fit, print to stderr why, and which shipped configs it fits.

    Args:
        config: the config.
        file: the path of the file.
        open_file: the file.
        slots: the arrays that the config's network needs.
    """
    match, problem = compare_with_config(config.settings, open_file.contents, slots)
    if match and not problem:
        return ConfigComparison([format_config_and_rule(config, match)], [])
    shipped = compare_with_shipped_configs(config.settings, open_file.contents)
    print_message(f"{file}: {problem}{describe_fitting_configs(shipped)}")
    return ConfigComparison([], [])


def print_summary(file: str, open_file: OpenWeightsFile, comparison: ConfigComparison) -> None:
    """Print the facts about the file as a whole, one on each line."""
    arrays = open_file.weights
    numbers = sum(array.size for array in arrays)
    print(f"file    {escape_control_characters(file)}")
    print(f"format  {open_file.contents.format}")
    print(f"size    {open_file.size:,} bytes")
    print(f"sha256  {open_file.sha256}")
    print(f"holds   {len(arrays):,} arrays, {numbers:,} numbers")
    print(f"fits    {', '.join(comparison.fitting_configs) or 'none of the configs compared'}")
    if comparison.unknown_configs:
        names = ", ".join(comparison.unknown_configs)
        print(f"unknown {names} (has a network of keras.applications; compare with -c)")


def print_arrays(open_file: OpenWeightsFile) -> None:
    """Print the file's arrays in columns: name, shape, type and note.

    The arrays that are not weights of a network come last.
    """
    rows = [_format_array(array, array.note) for array in open_file.weights]
    rows += _format_ignored_arrays(open_file)
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    print()
    for name, shape, dtype, note in rows:
        print(f"{name:{widths[0]}}  {shape:>{widths[1]}}  {dtype:{widths[2]}}  {note}".rstrip())


def print_pairs(config: Config, open_file: OpenWeightsFile, slots: list[Slot]) -> bool:
    """Print a table of the arrays that the network needs, each with the array of the file that matches it.

    If one of the two is missing, the table has "-" instead.

    Returns:
        False if nothing is printed, because the arrays of the file cannot be distinguished.
    """
    match, _ = compare_with_config(config.settings, open_file.contents, slots)
    try:
        matching = pair_arrays(config.settings, open_file.contents, match, slots)
    except WeightsError:
        return False
    file_arrays = {slot.name: (array, array.note) for slot, array in matching.pairs}
    file_arrays |= {slot.name: (array, "differs") for slot, array in matching.shape_mismatches}
    rows = [("network", "", "file", "", "", "")]
    for slot in matching.network_slots:
        slot_columns = (escape_control_characters(slot.name), format_shape(slot.shape) or "1")
        if slot.name in file_arrays:
            rows.append((*slot_columns, *_format_array(*file_arrays[slot.name])))
        else:
            rows.append((*slot_columns, "-", "", "", "missing"))
    rows += [("-", "", *_format_array(array, "unused")) for array in matching.unused]
    ignored = list_ignored_arrays(slots, open_file.contents, config.settings.model.weights)
    weight_names = {array.name for array in open_file.weights}
    rows += [
        ("-", "", *_format_array(array, "ignored: by the config (model.weights.ignore)"))
        for array in ignored
        if array.name in weight_names
    ]
    rows += [("-", "", *columns) for columns in _format_ignored_arrays(open_file)]
    _print_pair_rows(rows)
    return True


def _print_pair_rows(rows: list[tuple[str, str, str, str, str, str]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    print()
    for slot_name, slot_shape, array_name, array_shape, dtype, note in rows:
        columns = (
            f"{slot_name:{widths[0]}}",
            f"{slot_shape:>{widths[1]}}",
            f"{array_name:{widths[2]}}",
            f"{array_shape:>{widths[3]}}",
            f"{dtype:{widths[4]}}",
            note,
        )
        print("  ".join(columns).rstrip())


def _format_ignored_arrays(open_file: OpenWeightsFile) -> list[tuple[str, str, str, str]]:
    return [_format_array(array, f"ignored: {reason}") for array, reason in open_file.ignored_arrays]


def _format_array(array: FileArray, note: str) -> tuple[str, str, str, str]:
    """Return the columns of an array: name, shape, type and note."""
    return escape_control_characters(array.name), format_shape(array.shape) or "1", array.dtype, note
