"""How many cores this process may use."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_MOUNT = Path("/sys/fs/cgroup")
_MINE = Path("/proc/self/cgroup")


def count_available_cores(mount: Path = _MOUNT, mine: Path = _MINE) -> int:
    """Return the cores that the process may run on, and that the quotas of its cgroups leave it; at least 1.

    TensorFlow and BLAS count the machine's, and make too many threads in a container.

    Args:
        mount: where the cgroups are (Linux, versions 1 and 2).
        mine: the file that names those of this process.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min([cores, *_quotas(mount, mine)])))


def _quotas(mount: Path, mine: Path) -> Iterator[float]:
    """Yield what each cgroup that the process is in, and each above it, allows, in cores."""
    for group in _groups(mount, mine):
        with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
            quota, period = (group / "cpu.max").read_text().split()  # version 2; "max" is no number
            yield int(quota) / int(period)
        with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
            quota, period = ((group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
            if int(quota) > 0:  # -1: none
                yield int(quota) / int(period)


def _groups(mount: Path, mine: Path) -> Iterator[Path]:
    """Yield the folders of the process's groups, and those above them up to the mount."""
    try:
        lines = mine.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines or ["0::/"]:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = mount / ("cpu" if controllers else "")
        inside = Path(path.lstrip("/"))
        for folder in (inside, *inside.parents):  # in a container, only the last of them is there
            yield top / folder
