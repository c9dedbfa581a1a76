"""Keeps a start short: loads nothing that nobody uses, and collects no garbage meanwhile."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Keras imports these if they are installed, to accept their objects: a second and a half that a run
# never uses, and matplotlib writes a font cache into the user's home.
OPTIONAL = ("matplotlib", "pandas", "sklearn")


@contextmanager
def without_optional() -> Iterator[None]:
    """Have the optional packages seem not to be installed while others are imported.

    For a process that is ours alone: Keras then does without them for good.
    """
    hidden = [name for name in OPTIONAL if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's own way to say: not to be had
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def pause_collector() -> None:
    """Have Python look for no garbage while it loads modules and builds.

    Half a million objects come, and nearly all of them stay. To go through them again and again, and at the
    end once more, took a third of the time from the prompt to the last byte of a short clip, and a fifth of
    that to an error in the config.
    """
    gc.disable()


def resume_collector() -> None:
    """Look for garbage again, among the objects that come from now on; those that are here stay."""
    gc.freeze()
    gc.enable()
