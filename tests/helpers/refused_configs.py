"""Run many hostile command lines of `specfeat` in one process, and print the outcome of each.

    python tests/helpers/refused_configs.py < CASES

CASES is JSON: a list of lists of words. The outcome of each is one line of JSON on stdout: the exit code, the
message on stderr, the most memory that the process has had until then, and whether TensorFlow was loaded.
"""

import contextlib
import io
import json
import resource
import sys
import traceback
from pathlib import Path
from typing import Any

# The most memory, in bytes of address space with all libraries, so that a case that fails does not stop the machine.
MAX_ADDRESSES = 2**32


def get_peak_bytes() -> int:
    """Return the most memory that this process has had, in bytes.

    The kernel's counter in /proc begins with the program; getrusage counts the process that started it as well.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def run_command(words: list[str]) -> dict[str, Any]:
    """Run `specfeat WORDS...` in this process, and return its outcome."""
    from specfeat.cli import main

    sys.argv = ["specfeat", *words]
    stderr = io.StringIO()
    with contextlib.redirect_stderr(stderr):
        try:
            code: object = main()
        except BaseException:
            code = traceback.format_exc()
    return {
        "code": code,
        "message": stderr.getvalue(),
        "peak_bytes": get_peak_bytes(),
        "tensorflow": "tensorflow" in sys.modules,
    }


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESSES, MAX_ADDRESSES))
    for case in json.load(sys.stdin):
        print(json.dumps(run_command(case)), flush=True)
