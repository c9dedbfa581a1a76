"""The learning rate of each step."""

import pytest

from specfeat.config.train import Schedule
from specfeat.training.schedule import compute_schedule


def test_the_rate_rises_and_falls() -> None:
    """Linear over the first tenth of 100 steps, then half a period of a cosine down to the final share."""
    schedule = Schedule(warmup=0.1, final=0.01)
    rates = [compute_schedule(schedule, step, 100) for step in range(101)]

    assert rates[:10] == pytest.approx([0.1 * k for k in range(1, 11)])
    assert rates[10] == 1.0
    assert rates[55] == pytest.approx(0.505)
    assert rates[100] == pytest.approx(0.01)
    assert sorted(rates[10:], reverse=True) == rates[10:]


def test_a_constant_rate_stays() -> None:
    """Without a warm-up, each step has the highest rate."""
    assert {compute_schedule(Schedule(kind="constant", warmup=0), step, 7) for step in range(9)} == {1.0}
