"""What numbers were measured with, to be written beside them."""

import datetime
import platform
import subprocess
from pathlib import Path

import specfeat
from specfeat.cpu_count import count_available_cores


def sitting() -> dict[str, str]:
    """Return machine, specfeat's version and date."""
    return {"machine": machine(), "of": _version(), "on": datetime.date.today().isoformat()}


def machine() -> str:
    """Return the processor and how many of its cores we have."""
    return f"{_processor()}, {count_available_cores()} cores"


def _version() -> str:
    """Return specfeat's commit, if this is a checkout, else its version."""
    words = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() or specfeat.__version__


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    for line in known.read_text().splitlines() if known.exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
