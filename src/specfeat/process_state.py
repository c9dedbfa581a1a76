"""Keeps a start short: looks for and loads nothing that nobody uses, and collects no garbage meanwhile."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Keras imports these if they are installed, to accept their objects: a second and a half that a run
# never uses, and matplotlib writes a font cache into the user's home.
OPTIONAL_PACKAGES = ("matplotlib", "pandas", "sklearn")


@contextmanager
def hide_optional_packages() -> Iterator[None]:
    """Have the optional packages seem not to be installed while others are imported.

    For a process that is ours alone: Keras then does without them for good.
    """
    hidden = [name for name in OPTIONAL_PACKAGES if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's own way to say: not to be had
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def disable_pydantic_plugins() -> Iterator[None]:
    """Have pydantic look for no plugins meanwhile, here and in the workers.

    It would open the metadata of every package that is installed, and let what it finds change our checks.
    """
    name = "PYDANTIC_DISABLE_PLUGINS"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        os.environ.pop(name, None)
        if before is not None:
            os.environ[name] = before


@contextmanager
def pause_garbage_collection() -> Iterator[None]:
    """Have Python look for no garbage meanwhile, or until `collect_again`; then it does so if it did before.

    To load TensorFlow and to build a network makes half a million objects, of which nearly all stay. To go
    through them again and again took a third of the time from the prompt to the last byte of one second of
    audio, and a fifth of the time from a typo in the config to its error (AMD EPYC, two cores).
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
    """Look for garbage among what comes from now on; the garbage that is here, some MB of it, stays."""
    gc.freeze()
    gc.enable()
