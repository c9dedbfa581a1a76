"""What `specfeat weights show` prints."""

from specfeat.cli.progress import Voice
from specfeat.config import Config
from specfeat.config.settings import times
from specfeat.errors import one_line
from specfeat.network.weights.arrays import Array
from specfeat.network.weights.show import Shown, fit


def fitting(configs: list[Config], found: Shown, *, told: bool) -> list[str]:
    """Name the configs whose networks the file fits; say on stderr why one that was asked for does not."""
    named = []
    for config in configs:
        match, problem = fit(config.settings, found.contents)
        if match and not problem:
            as_written = match == config.settings.model.weights.match
            named.append(config.name + ("" if as_written else f" (with model.weights.match={match})"))
        elif told:
            Voice(quiet=False, verbose=False).say(one_line(f"{config.name}: {problem}"))
    return named


def print_head(file: str, found: Shown, fits: list[str]) -> None:
    """Print what is true of the file as a whole, a line each."""
    arrays = found.weights
    numbers = sum(array.size for array in arrays)
    print(f"file    {one_line(file)}")
    print(f"format  {found.contents.format}")
    print(f"size    {found.size:,} bytes")
    print(f"sha256  {found.sha256}")
    print(f"holds   {len(arrays):,} arrays, {numbers:,} numbers")
    print(f"fits    {', '.join(fits) or 'none of the configs compared'}")


def print_arrays(found: Shown) -> None:
    """Print the arrays in columns: name, shape, type and notes; those left over by rule come last."""
    rows = [_row(array, array.note) for array in found.weights]
    rows += [_row(array, f"left over: {reason}") for array, reason in found.left_over]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    print()
    for name, shape, dtype, note in rows:
        print(f"{name:{widths[0]}}  {shape:>{widths[1]}}  {dtype:{widths[2]}}  {note}".rstrip())


def _row(array: Array, note: str) -> tuple[str, str, str, str]:
    return one_line(array.name), times(array.shape) or "1", array.dtype, note
