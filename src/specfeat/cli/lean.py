"""Keeps TensorFlow and Keras from loading what they only offer to work with."""

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
