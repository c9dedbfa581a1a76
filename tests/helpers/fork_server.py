"""Runs `specfeat` commands in children of a process that has loaded TensorFlow.

    python -m helpers.fork_server

Each command is a new process: it has its own folder, environment, streams, signal handlers and exit code. Only the
import of TensorFlow, which takes five seconds, has been done before. `helpers.forked_commands` starts this program.

The program reads one JSON object from each line of stdin: `words` of the command line, `folder`, `environment`, and
`streams`, the paths of three files for stdin, stdout and stderr. After each command, it writes the exit code and a
newline; if a signal ended the command, minus the number of the signal.
"""

import contextlib
import gc
import json
import os
import sys
from typing import Any

from specfeat.process_state import hide_optional_packages

with hide_optional_packages():  # as the command line does
    from specfeat.cli import main
    from specfeat.network import build
    from specfeat.tensorflow_runtime import tf

LOADED = (build, tf)  # before the fork, so that no child loads them
STREAM_FLAGS = (os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)


def run_command(request: dict[str, Any]) -> int:
    """Run a command in a child process, and return its exit code."""
    child = os.fork()
    if not child:
        try:
            for descriptor, (path, flags) in enumerate(zip(request["streams"], STREAM_FLAGS, strict=True)):
                os.dup2(os.open(path, flags), descriptor)
            os.chdir(request["folder"])
            os.environ.clear()
            os.environ.update(request["environment"])
            sys.argv = ["specfeat", *request["words"]]
            code = main()
            with contextlib.suppress(OSError):
                sys.stdout.flush()
            os._exit(code)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    # Descriptors 0 to 2 become those of a child. So the requests and the answers get other ones, which no child has.
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)
    gc.freeze()
    answers.write("ready\n")
    answers.flush()
    while line := requests.readline():
        answers.write(f"{run_command(json.loads(line))}\n")
        answers.flush()
