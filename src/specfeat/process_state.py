"""Every change that specfeat makes to the state of the whole process, and how each is taken back.

State of the process is seen by all threads and, in a host program, by the host as well. So it is changed only
in this module, in `native_stderr` (descriptor 2), in `tensorflow_runtime` (settings of TensorFlow), in
`cli.signals` (signal handlers, hooks), in `cli.standard_streams` (descriptors 0 to 2 of the console script)
and in the worker process, which is ours alone. Each function here is a context manager that restores what it
changes, or belongs to one; its docstring says what cannot be restored.
"""

import gc
import os
import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

# Keras imports these if they are installed, to accept their objects. That takes 1.5 seconds that a run never
# uses, and matplotlib writes a font cache into the user's home folder.
OPTIONAL_PACKAGES = ("matplotlib", "pandas", "sklearn")


@contextmanager
def set_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables inside the block, and restore them afterwards.

    Threads that read the environment meanwhile see the change.
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
    """Keep pydantic from loading plugins inside the block, here and in the worker processes.

    Pydantic would open the metadata of every installed package, and a plugin could change our checks.
    """
    with set_environment({"PYDANTIC_DISABLE_PLUGINS": "1"}):
        yield


@contextmanager
def hide_optional_packages() -> Iterator[None]:
    """Make the optional packages look as if they were not installed while other packages are imported.

    Keras then works without them for the rest of the process, so this is for the command line only.
    """
    hidden = [name for name in OPTIONAL_PACKAGES if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's way to make an import fail
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


@contextmanager
def keep_random_state() -> Iterator[None]:
    """Restore the state of Python's `random` after the block: Keras draws seeds from it that nobody sets."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


@contextmanager
def pause_garbage_collection() -> Iterator[None]:
    """Stop the garbage collector inside the block, or until `resume_garbage_collection`.

    Loading TensorFlow and building a network creates half a million objects, nearly all of which stay.
    Looking through them again and again took a third of the time from the prompt to the last byte for one
    second of audio, and a fifth of the time from a typo in the config to its error (AMD EPYC, two cores).
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

    Objects that exist now are left out of its search; the few megabytes of garbage among them stay until the
    end of the block.
    """
    gc.freeze()
    gc.enable()
