"""The type of a setting that names statistics, as `pool: mean+std`."""

from typing import Annotated

from pydantic import AfterValidator

from specfeat.architecture.feature_sources import PoolError, parse_pool
from specfeat.config.section import make_rule_error


def _check_pool(pool: str) -> str:
    try:
        parse_pool(pool)
    except PoolError as e:
        raise make_rule_error((), str(e)) from e
    return pool


# One statistic, or several that are joined by "+". Each gives its own columns, in the order of the names.
Pool = Annotated[str, AfterValidator(_check_pool)]
