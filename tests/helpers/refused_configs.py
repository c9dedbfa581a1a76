"""Put many hostile command lines through `specfeat` in one process, and say what each came to.

    python tests/helpers/refused_configs.py < CASES

CASES is JSON: a list of lists of words. A line of JSON for each goes to stdout: the exit code, what was said on
stderr, the most memory that the process has had until then (bytes), and whether TensorFlow was loaded.
"""

import contextlib
import io
import json
import resource
import sys
import traceback
from pathlib import Path
from typing import Any

MAX_ADDRESSES = (
    2**32
)  # of the process, libraries included: a case that fails is not to take the machine along


def peak() -> int:
    """The most memory that this process has had, in bytes.

    The kernel's counter in /proc begins at the program; getrusage's is also that of the process it came from.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def outcome(words: list[str]) -> dict[str, Any]:
    """Run `specfeat WORDS...` here."""
    from specfeat.cli import main

    sys.argv = ["specfeat", *words]
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            code: object = main()
        except BaseException:
            code = traceback.format_exc()
    return {
        "code": code,
        "said": said.getvalue(),
        "peak": peak(),
        "tensorflow": "tensorflow" in sys.modules,
    }


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESSES, MAX_ADDRESSES))
    for case in json.load(sys.stdin):
        print(json.dumps(outcome(case)), flush=True)
