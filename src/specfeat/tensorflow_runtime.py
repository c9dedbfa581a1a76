"""Loads TensorFlow and Keras once, quietly, and without the user's Keras settings.

Importing this module takes seconds. No other module imports TensorFlow and Keras: all of them take `keras`
and `tf` from here.

The environment that Keras and TensorFlow read while they are imported is set for the time of the import and
restored after it. What stays changed is TensorFlow's own state, which has no way back: its logger reports
errors only, TensorFloat-32 is off, oneDNN computes on the CPU, and each operation runs in one thread.

Raises:
    InstallError: on import, if TensorFlow or Keras is missing, too old, or Keras uses another backend; or if
        /proc is not mounted.
"""

import contextlib
import os
import sys
from types import ModuleType

from specfeat.errors import InstallError
from specfeat.native_stderr import capture_native_stderr
from specfeat.onednn import ONEDNN_VARIABLE, get_onednn_setting
from specfeat.process_state import set_environment

# the first whose weight readers resist hostile files; pyproject.toml says the same
MIN_KERAS_VERSION = (3, 14)
MIN_TENSORFLOW_VERSION = (2, 20)


def _check_system() -> None:
    """Refuse a system on which TensorFlow would end the process when it builds its first graph."""
    if sys.platform == "linux" and not os.path.lexists("/proc/self/exe"):
        raise InstallError(
            "TensorFlow needs /proc, and it is not mounted here; mount it (mount -t proc proc /proc)"
        )


def _import_libraries() -> tuple[ModuleType, ModuleType]:
    environment = {
        "KERAS_BACKEND": "tensorflow",  # Keras reads it on import only
        "KERAS_HOME": os.devnull,  # a file has no folder in it, so Keras finds no keras.json and writes none
        # TensorFlow imports the tests of absl, which look for a temporary folder unless this names one; there
        # may be none, and nothing is written there.
        "TEST_TMPDIR": os.environ.get("TEST_TMPDIR", os.devnull),
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3"),  # errors only
    }
    if (onednn := get_onednn_setting()) is not None:
        environment[ONEDNN_VARIABLE] = onednn
    try:
        with capture_native_stderr(), set_environment(environment):
            import keras
            import tensorflow as tf
    except ImportError as e:
        reason = f"TensorFlow and Keras cannot be imported in {sys.prefix} ({' '.join(str(e).split())})"
        if isinstance(e, ModuleNotFoundError):
            reason += "; install them with: pip install tensorflow 'keras>=3.14'"
        raise InstallError(reason) from e
    return keras, tf


def _check_versions(keras: ModuleType, tf: ModuleType) -> None:
    for name, module, minimum in (
        ("Keras", keras, MIN_KERAS_VERSION),
        ("TensorFlow", tf, MIN_TENSORFLOW_VERSION),
    ):
        version = tuple(int(n) for n in module.__version__.split(".")[:2])
        if version < minimum:
            wanted = ".".join(map(str, minimum))
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


_check_system()
keras, tf = _import_libraries()
_check_versions(keras, tf)
tf.get_logger().setLevel("ERROR")
# TensorFloat-32 keeps 10 bits of the mantissa instead of 23, which would be silent noise in the features of a
# GPU.
tf.config.experimental.enable_tensor_float_32_execution(False)
# Where an operation is split between threads, the last bits of its result depend on their number.
with contextlib.suppress(RuntimeError):  # the host program has computed already; the engine warns
    tf.config.threading.set_intra_op_parallelism_threads(1)


def set_training_threads(count: int) -> None:
    """Let each operation use several threads, because a training has one step at a time.

    The number of threads decides the last bits of the weights, so it is part of what a training is.

    Raises:
        InstallError: TensorFlow has computed already with another number of threads.
    """
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(count)
    if tf.config.threading.get_intra_op_parallelism_threads() != count:
        raise InstallError(
            f"TensorFlow was used before with another number of threads than {count}; "
            "train in a process of its own"
        )
