"""Damaged inputs, some hundreds of them; `PYTHONPATH=tests python -m fuzz` runs as many as are wanted."""

from pathlib import Path

import pytest

from fuzz import audio, configs

pytestmark = pytest.mark.slow


def test_a_damaged_file_costs_only_itself(tmp_path: Path) -> None:
    """Each damaged file of every container has an end, and the good files among them have their own clips."""
    campaign = audio.Campaign(tmp_path, seed=0)
    for number in range(2):
        campaign.run_batch(number, 200)

    assert campaign.findings == []
    assert sum(campaign.outcomes.values()) == 400
    assert len(campaign.by_container) >= 20
    assert {"ok", "not audio", "broken", "partial"} <= set(campaign.outcomes)


def test_damaged_configs_are_read_or_are_errors_of_one_line(tmp_path: Path) -> None:
    """Damage of bytes, and of keys and values; each config takes little time."""
    campaign = configs.Campaign(tmp_path, seed=0)
    for _ in range(300):
        campaign.run_one()

    assert campaign.findings == []
    assert all(
        campaign.outcomes[f"{kind}: {end}"] for kind in ("grammar", "bytes") for end in ("read", "refused")
    )
