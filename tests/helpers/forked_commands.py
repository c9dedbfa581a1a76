"""Runs `specfeat` commands that need TensorFlow in new processes, which do not have to load it.

Use it instead of `run_specfeat` where the start of the program does not matter. A command then takes five seconds of
CPU time less.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from helpers.specfeat_command import FinishedRun

TESTS = Path(__file__).parents[1]


class ForkServer:
    """A process of `helpers.fork_server`; it is started with the first command."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(self, folder: Path, words: list[str], text: str, environment: Mapping[str, str]) -> FinishedRun:
        """Run `specfeat WORDS...` in a folder, with `text` as stdin."""
        with tempfile.TemporaryDirectory() as temporary:
            streams = [Path(temporary, name) for name in ("stdin", "stdout", "stderr")]
            streams[0].write_text(text, errors="surrogateescape")
            request = {
                "words": words,
                "folder": str(folder),
                "environment": dict(environment),
                "streams": [*map(str, streams)],
            }
            try:
                code = int(self._exchange(json.dumps(request)))
            except BaseException:  # e.g. a timeout: the command may still be running
                self.stop()
                raise
            outputs = [path.read_text(errors="surrogateescape") for path in streams[1:]]
        return FinishedRun(words, code, *outputs)

    def _exchange(self, request: str) -> str:
        if self._process is None:
            command = [sys.executable, "-m", "helpers.fork_server"]
            environment = {**os.environ, "PYTHONPATH": str(TESTS)}
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
            )
            assert self._read_line() == "ready"
        assert self._process.stdin
        self._process.stdin.write(f"{request}\n")
        self._process.stdin.flush()
        return self._read_line()

    def _read_line(self) -> str:
        assert self._process
        assert self._process.stdout
        line = self._process.stdout.readline().strip()
        assert line, "the process that has loaded TensorFlow has ended"
        return line

    def stop(self) -> None:
        """End the process; the next command starts another one."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.kill()
        with contextlib.suppress(BrokenPipeError):
            process.communicate()


SERVER = ForkServer()  # one for each process of pytest; `conftest` stops it


def run_forked(
    folder: Path, *words: object, text: str = "", environment: Mapping[str, str] | None = None
) -> FinishedRun:
    """Run `specfeat WORDS...` in a folder, in a new process that has loaded TensorFlow, and wait for its end.

    Args:
        folder: the folder to run in.
        words: the words of the command line, which are converted to text.
        text: the text on stdin.
        environment: the environment variables of the command; None for those of this process.
    """
    return SERVER.run(folder, [*map(str, words)], text, os.environ if environment is None else environment)
