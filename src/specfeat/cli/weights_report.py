"""What `specfeat weights show` prints."""

from collections.abc import Iterator

from specfeat.architecture.shapes import UnknownShapeError
from specfeat.cli.progress import ProgressReporter
from specfeat.config import Config
from specfeat.errors import WeightsError, escape_control_characters
from specfeat.process_state import hide_optional_packages
from specfeat.text import format_shape
from specfeat.weights.files.arrays import FileArray
from specfeat.weights.inspection import OpenWeightsFile, compare_with_config, pair_arrays
from specfeat.weights.matching.match_result import MatchResult
from specfeat.weights.matching.slots import Slot, derive_slots


def list_config_slots(config: Config) -> list[Slot]:
    """List what the network wants; where only Keras knows, the network is built for it."""
    try:
        return derive_slots(config.settings)
    except UnknownShapeError:
        with hide_optional_packages():
            from specfeat.network.compose import list_network_slots

        return list_network_slots(config)


def list_fitting_configs(configs: list[Config], found: OpenWeightsFile) -> tuple[list[str], list[str]]:
    """Name the configs whose networks the file fits, and those that only Keras could compare."""
    named, unknown = [], []
    for config in configs:
        try:
            match, problem = compare_with_config(
                config.settings, found.contents, derive_slots(config.settings)
            )
        except UnknownShapeError:
            unknown.append(config.name)
            continue
        if match and not problem:
            named.append(_named(config, match))
    return named, unknown


def name_fitting_config(config: Config, found: OpenWeightsFile, slots: list[Slot]) -> str | None:
    """Name the config if the file fits its network; say on stderr why it does not."""
    match, problem = compare_with_config(config.settings, found.contents, slots)
    if match and not problem:
        return _named(config, match)
    ProgressReporter(quiet=False, verbose=False).say(f"{config.name}: {problem}")
    return None


def _named(config: Config, match: str) -> str:
    as_written = match == config.settings.model.weights.match
    return config.name + ("" if as_written else f" (with model.weights.match={match})")


def print_head(file: str, found: OpenWeightsFile, named: list[str], unknown: list[str]) -> None:
    """Print what is true of the file as a whole, a line each."""
    arrays = found.weights
    numbers = sum(array.size for array in arrays)
    print(f"file    {escape_control_characters(file)}")
    print(f"format  {found.contents.format}")
    print(f"size    {found.size:,} bytes")
    print(f"sha256  {found.sha256}")
    print(f"holds   {len(arrays):,} arrays, {numbers:,} numbers")
    print(f"fits    {', '.join(named) or 'none of the configs compared'}")
    if unknown:
        print(f"unknown {', '.join(unknown)} (built of a keras.applications; compare with -c)")


def print_arrays(found: OpenWeightsFile) -> None:
    """Print the arrays in columns: name, shape, type and notes; those that are no weights come last."""
    rows = [_row(array, array.note) for array in found.weights]
    rows += [_row(array, f"ignored: {reason}") for array, reason in found.ignored_arrays]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    print()
    for name, shape, dtype, note in rows:
        print(f"{name:{widths[0]}}  {shape:>{widths[1]}}  {dtype:{widths[2]}}  {note}".rstrip())


def print_pairs(config: Config, found: OpenWeightsFile, slots: list[Slot]) -> bool:
    """Print the network's arrays in order, each beside the file's for it, `-` where there is none.

    Returns:
        Whether it could be printed: not where the file's arrays cannot be told apart.
    """
    match, _ = compare_with_config(config.settings, found.contents, slots)
    try:
        matching = pair_arrays(config.settings, found.contents, match, slots)
    except WeightsError:
        return False
    theirs = {slot.name: (array, note) for slot, array, note in _paired(matching)}
    rows = [("network", "", "file", "", "", "")]
    for slot in matching.network_slots:
        array, note = theirs.get(slot.name, (None, "missing"))
        ours = (escape_control_characters(slot.name), format_shape(slot.shape) or "1")
        rows.append((*ours, *_row(array, note)) if array else (*ours, "-", "", "", note))
    rows += [("-", "", *_row(array, "unused")) for array in matching.unused]
    rows += [("-", "", *_row(array, f"ignored: {reason}")) for array, reason in found.ignored_arrays]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    print()
    for name, shape, *file in rows:
        their_name, their_shape, dtype, note = file
        line = (
            f"{name:{widths[0]}}  {shape:>{widths[1]}}  {their_name:{widths[2]}}  {their_shape:>{widths[3]}}"
        )
        print(f"{line}  {dtype:{widths[4]}}  {note}".rstrip())
    return True


def _paired(matching: MatchResult) -> Iterator[tuple[Slot, FileArray, str]]:
    for slot, array in matching.pairs:
        yield slot, array, array.note
    for slot, array in matching.shape_mismatches:
        yield slot, array, "differs"


def _row(array: FileArray, note: str) -> tuple[str, str, str, str]:
    return escape_control_characters(array.name), format_shape(array.shape) or "1", array.dtype, note
