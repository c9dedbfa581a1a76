"""Describes the conditions of a measurement, which are stored with its results."""

import datetime
import platform
import subprocess
from pathlib import Path

import specfeat
from specfeat.cpu_count import count_available_cores


def describe_conditions() -> dict[str, str]:
    """Return the machine, the version of specfeat and the date."""
    return {"machine": describe_machine(), "of": _get_version(), "on": datetime.date.today().isoformat()}


def describe_machine() -> str:
    """Return the name of the processor, and how many cores this process may use."""
    return f"{_get_processor_name()}, {count_available_cores()} cores"


def _get_version() -> str:
    """Return the commit of specfeat if this is a git checkout; otherwise the version of specfeat."""
    words = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() or specfeat.__version__


def _get_processor_name() -> str:
    cpu_info = Path("/proc/cpuinfo")
    for line in cpu_info.read_text().splitlines() if cpu_info.exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
