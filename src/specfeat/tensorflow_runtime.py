"""Loads TensorFlow and Keras once, quietly, and without the user's Keras settings.

Importing this module is what takes the seconds; everything in `network` takes `keras` and `tf`
from here.

Raises:
    InstallError: on import, if TensorFlow or Keras is missing, too old, or of another backend.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from types import ModuleType

from specfeat.errors import InstallError

KERAS_LEAST = (3, 14)  # the first with the readers of weights hardened; pyproject.toml says the same
TENSORFLOW_LEAST = (2, 20)


@contextlib.contextmanager
def capture_native_stderr() -> Iterator[None]:
    """Keep what C++ code writes to stderr away from the terminal; a failure shows it again."""
    try:
        kept = os.dup(2)
    except OSError:  # stderr is closed: nothing can reach a terminal
        yield
        return
    with tempfile.TemporaryFile() as hidden:
        os.dup2(hidden.fileno(), 2)
        try:
            yield
        except BaseException as e:
            hidden.seek(0)
            e.add_note(hidden.read(10_000).decode(errors="replace"))
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@contextlib.contextmanager
def _without_keras_home() -> Iterator[None]:
    """Have Keras find no keras.json and write none: a file cannot hold a folder.

    The variable is the caller's again afterwards, for the programs that the caller starts; Keras itself reads
    it on import alone.
    """
    kept = os.environ.get("KERAS_HOME")
    os.environ["KERAS_HOME"] = os.devnull
    try:
        yield
    finally:
        del os.environ["KERAS_HOME"]
        if kept is not None:
            os.environ["KERAS_HOME"] = kept


def _load() -> tuple[ModuleType, ModuleType]:
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with capture_native_stderr(), _without_keras_home():
            import keras
            import tensorflow as tf
    except ImportError as e:
        reason = f"TensorFlow and Keras cannot be imported in {sys.prefix} ({' '.join(str(e).split())})"
        if isinstance(e, ModuleNotFoundError):
            reason += "; install them with: pip install tensorflow 'keras>=3.14'"
        raise InstallError(reason) from e
    return keras, tf


def _check(keras: ModuleType, tf: ModuleType) -> None:
    for name, module, least in (("Keras", keras, KERAS_LEAST), ("TensorFlow", tf, TENSORFLOW_LEAST)):
        found = tuple(int(n) for n in module.__version__.split(".")[:2])
        if found < least:
            wanted = ".".join(map(str, least))
            raise InstallError(
                f"{name} {module.__version__} is too old; "
                f"wanted {wanted} or newer: pip install '{name.lower()}>={wanted}'"
            )
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise InstallError(
            f"Keras was loaded with the backend {backend}; "
            "wanted tensorflow: import specfeat first, or set KERAS_BACKEND=tensorflow"
        )


keras, tf = _load()
_check(keras, tf)
tf.get_logger().setLevel("ERROR")
# 19 bits of mantissa would be silent noise in the features of a GPU that has TF32.
tf.config.experimental.enable_tensor_float_32_execution(False)
