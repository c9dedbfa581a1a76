"""Runs many hostile command lines of `specfeat` in one process, and prints the result of each.

    python tests/helpers/refused_configs.py < CASES

CASES is JSON: a list of lists of words. For each case, one line of JSON on stdout has the exit code, the message
on stderr, the peak memory of the process until then, and whether TensorFlow was loaded.
"""

import contextlib
import io
import json
import resource
import sys
import traceback
from pathlib import Path
from typing import Any

# The limit of the address space in bytes, including all libraries. It keeps a case that fails from filling the
# memory of the machine.
MAX_ADDRESSES = 2**32


def get_peak_bytes() -> int:
    """Return the peak memory of this process in bytes.

    It comes from /proc, because getrusage also counts the process that started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def run_command(words: list[str]) -> dict[str, Any]:
    """Run `specfeat WORDS...` in this process, and return exit code, message and memory."""
    from specfeat.cli import main

    sys.argv = ["specfeat", *words]
    stderr = io.StringIO()
    with contextlib.redirect_stderr(stderr):
        try:
            code: object = main()
        except BaseException:  # Every exception is a fault of specfeat, so its traceback is the result.
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
