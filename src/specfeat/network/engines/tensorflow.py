"""TensorFlow as the engine: one traced graph, on the CPU or a GPU."""

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.architecture.shapes import UnknownShapeError, count_multiplications
from specfeat.config.device import parse_device
from specfeat.config.settings import Settings
from specfeat.errors import DeviceError, Remedy
from specfeat.library_messages import summarize_keras_error
from specfeat.network.engines import Device, Rows
from specfeat.tensorflow_runtime import tf

# Multiplications of a batch in one layer, from which on the layer keeps several cores busy. Measured on two
# cores: yamnet (1e8) is 1.15 times as fast with one thread for each batch; vggish (6e9) and cnn14 (1e10) are
# as fast either way.
HEAVY_MULTIPLICATIONS = 1e9


class TensorFlowRowFunction:
    """One traced graph with one constant shape of batch.

    Attributes:
        trace_count: the number of times that the graph was traced; it stays 1, because tracing again would
            take seconds for each new shape.
    """

    def __init__(
        self, model: Any, clips_shape: tuple[int, ...], device: Device, *, jit_compile: bool
    ) -> None:
        self.trace_count = 0
        self._device = device

        def compute_rows(clips: Any) -> Any:
            self.trace_count += 1  # runs while TensorFlow traces, not when the graph runs
            return model(clips, training=False)

        function = tf.function(
            compute_rows,
            input_signature=[tf.TensorSpec(clips_shape, tf.float32)],
            autograph=False,
            jit_compile=jit_compile or None,
        )
        try:
            self._graph = function.get_concrete_function()
            self._graph(tf.zeros(clips_shape))  # an error of a kernel must come now, not with the first clip
        except (ValueError, TypeError, tf.errors.OpError) as e:
            raise ValueError(summarize_keras_error(e)) from e

    def __call__(self, clips: NDArray[np.float32]) -> Rows:
        """Return the rows of one batch; see `RowFunction`."""
        with tf.device(self._device.name):
            rows: Rows = self._graph(tf.constant(clips)).numpy()
        return rows


class TensorFlowEngine:
    """Runs the network with TensorFlow; see `Engine`.

    Making one sets TensorFlow's devices and threads, which are the whole process's and cannot be set back.

    Args:
        settings: the config's settings, from which the load of one batch follows.
        device: "auto" (the first GPU if there is one, else the CPU), "cpu", "gpu" or "gpu:N".
        threads: the number of threads on a CPU; None leaves TensorFlow's own choice.

    Raises:
        DeviceError: there is no such device.
    """

    name = "tensorflow"

    def __init__(self, settings: Settings, device: str, threads: int | None) -> None:
        self.device = select_device(device)
        self.parallel_batches = _assign_threads(self.device, settings, threads)

    def place_variables(self) -> AbstractContextManager[object]:
        """Return the context in which layers are made and weights are set."""
        context: AbstractContextManager[object] = tf.device(self.device.name)
        return context

    def make_row_function(
        self, model: Any, clips_shape: tuple[int, ...], *, jit_compile: bool
    ) -> TensorFlowRowFunction:
        """Trace the model's graph and run it once; see `Engine`."""
        return TensorFlowRowFunction(model, clips_shape, self.device, jit_compile=jit_compile)


def select_device(text: str) -> Device:
    """Find the device that is asked for.

    Args:
        text: "auto" (the first GPU if there is one, else the CPU), "cpu", "gpu" or "gpu:N".

    Raises:
        DeviceError: there is no such device, or the text is none of these.
    """
    kind, index = parse_device(text)
    gpus = [] if kind == "cpu" else tf.config.list_physical_devices("GPU")
    if kind == "cpu" or (kind == "auto" and not gpus):
        return Device("/CPU:0", "cpu")
    if index >= len(gpus):
        count = f"{len(gpus)} GPUs" if gpus else "no GPU"
        raise DeviceError(
            f"device {text}: TensorFlow finds {count} on this machine", remedy=Remedy.CHOOSE_OTHER_DEVICE
        )
    for gpu in gpus:
        try:
            tf.config.experimental.set_memory_growth(gpu, enable=True)
        except RuntimeError:  # the host program has used TensorFlow before and has chosen already
            break
    # Convolutions on a GPU otherwise choose their algorithm by measuring, and the bits of the rows with it.
    tf.config.experimental.enable_op_determinism()
    name = tf.config.experimental.get_device_details(gpus[index]).get("device_name", "unnamed")
    return Device(f"/GPU:{index}", f"gpu:{index} {name}")


def _assign_threads(device: Device, settings: Settings, threads: int | None) -> int:
    """Set TensorFlow's threads, and return how many batches run at once.

    On a CPU each batch of a light network runs in one thread, with as many batches at once as there are
    threads: no layer is split between cores, which would wait for each other after every layer. Batches of a
    heavy network share all threads, two batches at a time, so that a few clips do not wait for one core. The
    bits of the rows are the same either way.
    """
    if threads is None or not device.name.startswith("/CPU"):
        return 1
    is_heavy = _is_heavy(settings)
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads if is_heavy else 1)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:  # TensorFlow has computed already, so its threads cannot be changed any more
        return 1
    return min(2, threads) if is_heavy else threads


def _is_heavy(settings: Settings) -> bool:
    try:
        return settings.model.batch * count_multiplications(settings.graph) > HEAVY_MULTIPLICATIONS
    except (UnknownShapeError, ArithmeticError, LookupError, TypeError, ValueError):
        return True  # a keras.applications network; or layers that do not fit, which `compose` reports better
