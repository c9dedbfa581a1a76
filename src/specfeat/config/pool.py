"""The names of statistics that pool several values to one, as `pool: mean+std` in a config has them."""

from typing import Annotated

from pydantic import AfterValidator

from specfeat.config.section import make_rule_error
from specfeat.text import format_value, suggest_name

STATISTICS = ("mean", "std", "max", "min", "first", "last")


def _check_pool(pool: str) -> str:
    names = pool.split("+")
    for name in names:
        if name not in STATISTICS:
            hint = suggest_name(name, STATISTICS) or f"; wanted one of {', '.join(STATISTICS)}"
            many = " or several of them, e.g. mean+std" if hint.startswith(";") else ""
            raise make_rule_error((), f"is {format_value(pool)}, and {name!r} is not a statistic{hint}{many}")
    if len(set(names)) < len(names):
        raise make_rule_error((), f"is {format_value(pool)}, which has a statistic twice; give each once")
    return pool


# One statistic, or several that are joined by "+". Each gives its own columns, in the order of the names.
Pool = Annotated[str, AfterValidator(_check_pool)]


def list_statistics(pool: str) -> tuple[str, ...]:
    """Return the names of the statistics in a checked `Pool`, in order."""
    return tuple(pool.split("+"))
