"""Counts the CPU cores that this process may use."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_CGROUP_MOUNT = Path("/sys/fs/cgroup")
_CGROUP_MEMBERSHIP = Path("/proc/self/cgroup")


def count_available_cores(mount: Path = _CGROUP_MOUNT, membership: Path = _CGROUP_MEMBERSHIP) -> int:
    """Return the number of cores that this process may use; at least 1.

    This is the smaller of two numbers: the cores on which the process may run, and the CPU quotas of its
    control groups (cgroups) in whole cores. TensorFlow and BLAS count all cores of the machine. So they would
    start too many threads in a container.

    Args:
        mount: the folder of the cgroups (Linux, versions 1 and 2).
        membership: the file that names the cgroups of this process.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min([cores, *_read_quotas(mount, membership)])))


def _read_quotas(mount: Path, membership: Path) -> Iterator[float]:
    """Yield the CPU quota of each cgroup that the process is in, and of each one above it, in cores."""
    for folder in list_cgroup_folders("cpu", mount, membership):
        with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
            # Version 2; the quota is "max" where there is none, which is a ValueError here.
            quota, period = (folder / "cpu.max").read_text().split()
            yield int(quota) / int(period)
        with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
            # Version 1; the quota is -1 where there is none.
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
            if int(quota) > 0:
                yield int(quota) / int(period)


def list_cgroup_folders(
    controller: str, mount: Path = _CGROUP_MOUNT, membership: Path = _CGROUP_MEMBERSHIP
) -> Iterator[Path]:
    """Yield the folders of the process's cgroups, each followed by those above it up to the mount.

    Args:
        controller: what the cgroups limit: "cpu" or "memory".
        mount: the folder of the cgroups (Linux, versions 1 and 2).
        membership: the file that names the cgroups of this process.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines or ["0::/"]:  # "hierarchy:controllers:path"; version 2 has no controllers
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and controller not in controllers.split(","):
            continue
        hierarchy = mount / (controller if controllers else "")
        relative = Path(path.lstrip("/"))
        # Inside a container the path is that of the host, so that only the last of these folders exists.
        for folder in (relative, *relative.parents):
            yield hierarchy / folder
