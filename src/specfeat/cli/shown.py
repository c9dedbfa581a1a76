"""What `specfeat weights show` prints."""

from collections.abc import Iterator

from specfeat.cli.lean import without_optional
from specfeat.cli.progress import Voice
from specfeat.config import Config
from specfeat.config.shapes import UnknownLayerError
from specfeat.config.words import times
from specfeat.errors import WeightsError, one_line
from specfeat.network.weights.arrays import Array
from specfeat.network.weights.match import Matching
from specfeat.network.weights.show import Shown, fit, side_by_side
from specfeat.network.weights.slots import Slot, expected_slots


def slots_of(config: Config) -> list[Slot]:
    """List what the network wants; where only Keras knows, the network is built for it."""
    try:
        return expected_slots(config.settings)
    except UnknownLayerError:
        with without_optional():
            from specfeat.network.build import network_slots

        return network_slots(config)


def fitting(configs: list[Config], found: Shown) -> tuple[list[str], list[str]]:
    """Name the configs whose networks the file fits, and those that only Keras could compare."""
    named, unknown = [], []
    for config in configs:
        try:
            match, problem = fit(config.settings, found.contents, expected_slots(config.settings))
        except UnknownLayerError:
            unknown.append(config.name)
            continue
        if match and not problem:
            named.append(_named(config, match))
    return named, unknown


def fits(config: Config, found: Shown, slots: list[Slot]) -> str | None:
    """Name the config if the file fits its network; say on stderr why it does not."""
    match, problem = fit(config.settings, found.contents, slots)
    if match and not problem:
        return _named(config, match)
    Voice(quiet=False, verbose=False).say(f"{config.name}: {problem}")
    return None


def _named(config: Config, match: str) -> str:
    as_written = match == config.settings.model.weights.match
    return config.name + ("" if as_written else f" (with model.weights.match={match})")


def print_head(file: str, found: Shown, named: list[str], unknown: list[str]) -> None:
    """Print what is true of the file as a whole, a line each."""
    arrays = found.weights
    numbers = sum(array.size for array in arrays)
    print(f"file    {one_line(file)}")
    print(f"format  {found.contents.format}")
    print(f"size    {found.size:,} bytes")
    print(f"sha256  {found.sha256}")
    print(f"holds   {len(arrays):,} arrays, {numbers:,} numbers")
    print(f"fits    {', '.join(named) or 'none of the configs compared'}")
    if unknown:
        print(f"unknown {', '.join(unknown)} (built of a keras.applications; compare with -c)")


def print_arrays(found: Shown) -> None:
    """Print the arrays in columns: name, shape, type and notes; those left over by rule come last."""
    rows = [_row(array, array.note) for array in found.weights]
    rows += [_row(array, f"left over: {reason}") for array, reason in found.left_over]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    print()
    for name, shape, dtype, note in rows:
        print(f"{name:{widths[0]}}  {shape:>{widths[1]}}  {dtype:{widths[2]}}  {note}".rstrip())


def print_pairs(config: Config, found: Shown, slots: list[Slot]) -> bool:
    """Print the network's arrays in order, each beside the file's for it, `-` where there is none.

    Returns:
        Whether it could be printed: not where the file's arrays cannot be told apart.
    """
    match, _ = fit(config.settings, found.contents, slots)
    try:
        matching = side_by_side(config.settings, found.contents, match, slots)
    except WeightsError:
        return False
    theirs = {slot.name: (array, note) for slot, array, note in _paired(matching)}
    rows = [("network", "", "file", "", "", "")]
    for slot in matching.slots:
        array, note = theirs.get(slot.name, (None, "missing"))
        ours = (one_line(slot.name), times(slot.shape) or "1")
        rows.append((*ours, *_row(array, note)) if array else (*ours, "-", "", "", note))
    rows += [("-", "", *_row(array, "left over")) for array in matching.left_over]
    rows += [("-", "", *_row(array, f"left over: {reason}")) for array, reason in found.left_over]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    print()
    for name, shape, *file in rows:
        their_name, their_shape, dtype, note = file
        line = (
            f"{name:{widths[0]}}  {shape:>{widths[1]}}  {their_name:{widths[2]}}  {their_shape:>{widths[3]}}"
        )
        print(f"{line}  {dtype:{widths[4]}}  {note}".rstrip())
    return True


def _paired(matching: Matching) -> Iterator[tuple[Slot, Array, str]]:
    for slot, array in matching.pairs:
        yield slot, array, array.note
    for slot, array in matching.differing:
        yield slot, array, "differs"


def _row(array: Array, note: str) -> tuple[str, str, str, str]:
    return one_line(array.name), times(array.shape) or "1", array.dtype, note
