"""Kills runs that write some format at many steps, continues them, and compares the output with an unbroken run's.

    PYTHONPATH=tests python -m helpers.kill_format_runs FOLDER FORMAT EVERY

Only every EVERY-th step is tried. A step is a block of rows that the format takes, or an action of Python that
changes something in the folder. Each run is a forked child of this process, without decoder and network. The
program prints how many runs were killed.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from helpers.handmade_runs import HandmadeRuns
from specfeat.output import table_source, work_folder
from specfeat.output.digests import digest_file
from specfeat.output.formats import get_format
from specfeat.output.tree_files import remove_tree

FILES = 4
BLOCK_EVENT = "specfeat.tests.block"
STEP_EVENTS = frozenset({
    "open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", BLOCK_EVENT,
})  # fmt: skip


def kill_at_step(number: int, folder: str) -> None:
    """Kill this process at its `number`-th step in a folder."""
    steps = iter(range(1, 1_000_000))

    def count_step(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in STEP_EVENTS or not str(arguments[0]).startswith(folder):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        if next(steps) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count_step)


def announce_blocks(folder: str) -> None:
    """Make each block of rows that a format takes a step, and the blocks small."""
    add_index = table_source._add_index

    def announce(*arguments: Any) -> Iterator[Any]:
        for block in add_index(*arguments):
            sys.audit(BLOCK_EVENT, folder)
            yield block

    vars(table_source)["_add_index"] = announce
    table_source._MAX_BLOCK_ROWS = 4


def run_child(action: Callable[[], object]) -> int:
    """Call a function in a child process, and return the exit code; minus the number of the signal, if any."""
    process = os.fork()
    if not process:
        try:
            action()
            os._exit(0)
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def read_output(runs: HandmadeRuns) -> tuple[object, ...]:
    """Return what must be equal: the array, the index, and the names of all files beside the array."""
    name = runs.array_name.partition(".")[0]
    names = sorted(path.name for path in runs.folder.glob(f"{name}*"))
    return digest_file(runs.paths.array), runs.paths.index.read_bytes(), names


def remove_output(runs: HandmadeRuns) -> None:
    """Remove the output and its work folder."""
    for path in runs.folder.glob(f"{runs.array_name}*"):
        remove_tree(path)


def main(folder: str, format_name: str, every: int) -> None:
    """See the docstring of the module."""
    work_folder.SYNC_INTERVAL_S = 0.0  # every sound is brought to the disk
    announce_blocks(folder)
    get_format(format_name)
    __import__(get_format(format_name).package or "h5py")  # once, and not in each child
    runs = HandmadeRuns(Path(folder), f"out.{format_name}")
    files = runs.write_files(FILES)
    assert run_child(lambda: runs.run(files)) == 0
    expected = read_output(runs)
    for kills, step in enumerate(range(1, 10_000, every)):
        remove_output(runs)

        def run_until_step(step: int = step) -> None:
            kill_at_step(step, folder)
            runs.run(files)

        exit_code = run_child(run_until_step)
        if exit_code != -signal.SIGKILL:
            assert exit_code == 0
            assert read_output(runs) == expected
            print(kills)
            return
        assert run_child(lambda: runs.run(files, resume=True)) == 0, f"after step {step}"
        assert read_output(runs) == expected, f"after step {step}"
    raise AssertionError("every run was killed")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
