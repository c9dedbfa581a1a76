"""Chooses between the short and the long form of tests.

The short form of a test runs by default. The long form runs if the environment variable SPECFEAT_LONG_TESTS is set:
more networks, more random examples, more points at which a run is interrupted. Each rule has a test in the short form.
"""

import os
from collections.abc import Iterable
from typing import Any

import pytest

VARIABLE = "SPECFEAT_LONG_TESTS"
IS_LONG_FORM = VARIABLE in os.environ

# Marks a test that runs only in the long form.
long_test = pytest.mark.skipif(not IS_LONG_FORM, reason=f"it is a long test; set {VARIABLE}=1 to run it")


def mark_long_cases(cases: Iterable[Any], short_cases: Iterable[Any]) -> list[Any]:
    """Return the cases of `pytest.mark.parametrize`; those that are not in `short_cases` run only in the long form.

    Args:
        cases: all cases; a tuple has the values of several parameters.
        short_cases: the cases that also run in the short form.

    Raises:
        ValueError: a short case is not among the cases.
    """
    all_cases, short = [*cases], [*short_cases]
    unknown = [case for case in short if case not in all_cases]
    if unknown:
        raise ValueError(f"{unknown} are not among the cases")
    return [
        case
        if case in short
        else pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=long_test)
        for case in all_cases
    ]
