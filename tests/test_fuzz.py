"""The short form of the campaign against damaged inputs; `PYTHONPATH=tests python -m fuzz` is the long one."""

from pathlib import Path

import pytest

from fuzz import audio, configs

pytestmark = pytest.mark.slow


def test_damaged_audio_costs_itself(tmp_path: Path) -> None:
    """Damaged files of every container: each has an end, and the good ones among them their own clips."""
    campaign = audio.Campaign(tmp_path, seed=0)
    for number in range(2):
        campaign.batch(number, 200)

    assert campaign.findings == []
    assert sum(campaign.outcomes.values()) == 400
    assert len(campaign.by_container) >= 20
    assert {"ok", "not audio", "broken", "partial"} <= set(campaign.outcomes)


def test_damaged_configs_are_refused_in_a_line(tmp_path: Path) -> None:
    """By bytes and by grammar: each is read, or refused in one line, in little time."""
    campaign = configs.Campaign(tmp_path, seed=0)
    for _ in range(300):
        campaign.one()

    assert campaign.findings == []
    assert all(
        campaign.outcomes[f"{kind}: {end}"] for kind in ("grammar", "bytes") for end in ("read", "refused")
    )
