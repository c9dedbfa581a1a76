"""How many CPU cores this process may use."""

import os
from pathlib import Path

import pytest

from specfeat.cpu_count import count_available_cores


def test_affinity_is_respected() -> None:
    """A process that is bound to one core may use one."""
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert count_available_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert 1 <= count_available_cores() <= len(allowed)


@pytest.fixture
def machine_with_16_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process run on 16 cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))


@pytest.mark.usefixtures("machine_with_16_cores")
@pytest.mark.parametrize(
    ("membership", "quotas", "cores"),
    [
        ("0::/\n", {"cpu.max": "max 100000\n"}, 16),
        ("0::/\n", {"cpu.max": "300000 100000\n"}, 3),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/a/b\n", {"a/cpu.max": "400000 100000\n", "a/b/cpu.max": "max 100000\n"}, 4),
        ("0::/a/b\n", {"a/cpu.max": "400000 100000\n", "a/b/cpu.max": "250000 100000\n"}, 2),
        ("0::/not/seen/from/inside\n", {"cpu.max": "700000 100000\n"}, 7),
        (
            "3:cpu,cpuacct:/a\n1:memory:/a\n",
            {"cpu/a/cpu.cfs_quota_us": "500000", "cpu/a/cpu.cfs_period_us": "100000"},
            5,
        ),
        ("3:cpu,cpuacct:/a\n", {"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"}, 16),
        ("0::/\n", {"cpu.max": "nonsense\n"}, 16),
        ("0::/\n", {"cpu.max": "100000 0\n"}, 16),
        ("", {}, 16),
    ],
)
def test_quotas_are_respected(membership: str, quotas: dict[str, str], cores: int, tmp_path: Path) -> None:
    """The smallest quota of the process's cgroups and those above them counts, in whole cores, in both versions."""
    (tmp_path / "membership").write_text(membership)
    for name, text in quotas.items():
        (tmp_path / "mount" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mount" / name).write_text(text)

    assert count_available_cores(tmp_path / "mount", tmp_path / "membership") == cores


@pytest.mark.usefixtures("machine_with_16_cores")
def test_without_cgroups_there_is_no_quota(tmp_path: Path) -> None:
    """Where these files do not exist (macOS), only the number of cores counts."""
    assert count_available_cores(tmp_path / "none", tmp_path / "nothing") == 16
