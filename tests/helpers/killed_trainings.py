"""Kills a training at several points, continues it each time, and ends it; and trains once without a break.

    PYTHONPATH=tests python -m helpers.killed_trainings FOLDER POINT...

FOLDER has sounds in `in` and the config my.yaml. The trainings are in `whole` and `killed`. A point is one of

- EVENT:NUMBER, e.g. `sound:3` for the third sound. Events are `sound` (the clips of a sound are made), `step` (a step is
  done) and `sync` (a file is on the disk, but under its hidden name);
- `name:FILE`: the file FILE is on the disk, but under its hidden name;
- `time:SECONDS`;
- `full:BYTES`: the training is not killed, but no file can get larger.

The program prints a line for each training: the point, and how it ended.

Each training is a child of this process, forked after all modules are loaded, so that it takes seconds.
"""

import os
import resource
import signal
import sys
import threading
from collections.abc import Mapping
from typing import Any

from helpers.training_data import LocalPool
from specfeat import SpecfeatError, train
from specfeat.atomic_file import AtomicFile
from specfeat.tensorflow_runtime import tf
from specfeat.training import clip_sources, execution, results
from specfeat.training.listener import SilentTrainingListener

LOADED = (execution, tf)  # before the fork, so that no child loads them
OVERRIDES = ["train.checkpoint_s=0", "train.batch=8", "train.augment=[{shift: 2}, {mixup: 0.2}]"]


class Killer(SilentTrainingListener):
    """Kills this process at a point; "" for never."""

    def __init__(self, point: str) -> None:
        self._event, _, self._wanted = point.partition(":")
        self._count = 0
        real_sync = AtomicFile.sync

        def sync(file: AtomicFile) -> None:
            real_sync(file)
            self._hear("sync")
            if self._event == "name" and file.path.name == self._wanted:
                os.kill(os.getpid(), signal.SIGKILL)

        # This process does nothing but the training, so the method can be replaced for all files.
        AtomicFile.sync = sync  # type: ignore[method-assign, assignment]
        if self._event == "time":
            threading.Timer(float(self._wanted), os.kill, (os.getpid(), signal.SIGKILL)).start()
        if self._event == "full":
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(self._wanted), resource.RLIM_INFINITY))

    def _hear(self, event: str) -> None:
        if event == self._event:
            self._count += 1
            if self._count == int(self._wanted):
                os.kill(os.getpid(), signal.SIGKILL)

    def on_sound(self, sound: Any) -> None:
        """Count a sound."""
        self._hear("sound")

    def on_step(self, progress: Any, logs: Mapping[str, float]) -> None:
        """Count a step."""
        self._hear("step")


def train_in_child(folder: str, point: str) -> str:
    """Train in a child process, and return how it ended: "killed", "done", or the message of the error."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        message = "done"
        try:
            train(
                "in", folder, "my.yaml", overrides=OVERRIDES, threads=1, resume=True, listener=Killer(point)
            )
        except SpecfeatError as e:
            message = str(e)
        os.write(writing, message.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        message = file.read()
    _, status = os.waitpid(child, 0)
    return "killed" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL else message


def main(folder: str, *points: str) -> None:
    """Run all trainings, one after another."""
    os.chdir(folder)
    vars(clip_sources)["WorkerPool"] = LocalPool
    vars(results)["draw_pictures"] = lambda *_: {}
    print("whole:", train_in_child("whole", ""), flush=True)
    for point in (*points, "end"):
        print(f"{point}:", train_in_child("killed", "" if point == "end" else point), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
