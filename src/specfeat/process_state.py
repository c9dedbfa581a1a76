"""Changes the state of the whole process, and restores it.

All threads see the state of the process, and a program that uses specfeat sees it as well. Therefore only
these modules change it: this module, `native_stderr` (descriptor 2), `tensorflow_runtime` (settings of
TensorFlow), `cli.signals` (signal handlers, hooks), `cli.standard_streams` (descriptors 0 to 2 of the console
script), and the modules of the worker processes, which run no other program. Each function here is a context
manager that restores what it changes, or is called inside one. Its docstring says what cannot be restored.
"""

import gc
import os
import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

# Keras and TensorFlow import these packages if they are installed, so that they can accept their objects. A
# run never needs this. The import takes 1.5 seconds, matplotlib writes a font cache to the user's home
# folder, and dill cannot be imported where there is no folder for temporary files.
OPTIONAL_PACKAGES = ("dill", "matplotlib", "pandas", "sklearn")


@contextmanager
def set_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables inside the block, and restore them afterwards.

    Threads that read the environment during the block see the changed variables.
    """
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def disable_pydantic_plugins() -> Iterator[None]:
    """Prevent pydantic from loading plugins inside the block, in this process and in worker processes.

    To find plugins, pydantic opens the metadata of every installed package. A plugin could change our checks.
    """
    with set_environment({"PYDANTIC_DISABLE_PLUGINS": "1"}):
        yield


@contextmanager
def hide_optional_packages() -> Iterator[None]:
    """Make imports of the optional packages fail inside the block, as if they were not installed.

    If Keras is imported inside the block, it works without these packages until the end of the process. This
    cannot be restored, so only the command line uses this function.
    """
    with hide_packages(*OPTIONAL_PACKAGES):
        yield


@contextmanager
def hide_packages(*names: str) -> Iterator[None]:
    """Make imports of packages fail inside the block, except of those that are loaded already."""
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        # Python refuses to import a module whose entry is None, and the type of `sys.modules` has no None.
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


@contextmanager
def keep_random_state() -> Iterator[None]:
    """Restore the state of Python's `random` after the block, because Keras draws seeds from it."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


@contextmanager
def pause_garbage_collection() -> Iterator[None]:
    """Stop the garbage collector inside the block, or until `resume_garbage_collection` is called.

    TensorFlow and the network consist of half a million objects, and nearly all of them exist until the end
    of the process. The garbage collector examines them many times while they are created. This took a third
    of the whole time of a run over one second of audio, and a fifth of the time until the message about a
    mistake in a config (AMD EPYC, two cores).
    """
    was_enabled, was_frozen = gc.isenabled(), gc.get_freeze_count() > 0
    gc.disable()
    try:
        yield
    finally:
        (gc.enable if was_enabled else gc.disable)()
        if not was_frozen:
            gc.unfreeze()


def resume_garbage_collection() -> None:
    """Start the garbage collector again inside `pause_garbage_collection`.

    It does not examine the objects that exist now. The few megabytes of garbage among them are freed only
    after the block.
    """
    gc.freeze()
    gc.enable()
