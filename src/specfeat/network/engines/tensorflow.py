"""The engine TensorFlow: runs the network as one traced graph, on the CPU or a GPU."""

import contextlib
import math
import warnings
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.architecture.shapes import UnknownShapeError, compute_network_shapes
from specfeat.config.device import parse_device
from specfeat.config.settings import Settings
from specfeat.cpu_count import count_available_cores
from specfeat.errors import DeviceError, Remedy
from specfeat.library_messages import summarize_keras_error
from specfeat.network.engines import Device, Rows
from specfeat.network.engines.even_batches import count_convolution_places, pad_uneven_layers
from specfeat.onednn import get_onednn_setting
from specfeat.tensorflow_runtime import tf

MAX_PARALLEL_BYTES = (
    4 * 2**30
)  # of all batches that run at the same time; a batch of cnn14 takes about 0.3 GB

_LATE_THREADS = (
    "TensorFlow was used before specfeat could set its threads, so the last bits of the rows may differ from "
    "those of the command line; import Extractor first, or call "
    "tf.config.threading.set_intra_op_parallelism_threads(1) at the start"
)


class TensorFlowRowFunction:
    """Computes rows with a traced graph, for batches of one shape.

    Attributes:
        trace_count: the number of times that the graph was traced. It stays 1, because all batches have the
            same shape; tracing takes seconds for each new shape.
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
        except tf.errors.ResourceExhaustedError as e:
            raise MemoryError(summarize_keras_error(e)) from e
        except (ValueError, TypeError, tf.errors.OpError) as e:
            raise ValueError(summarize_keras_error(e)) from e

    def __call__(self, clips: NDArray[np.float32]) -> Rows:
        """Return the rows of one batch; see `RowFunction`."""
        try:
            with tf.device(self._device.name):
                rows: Rows = self._graph(tf.constant(clips)).numpy()
        except tf.errors.ResourceExhaustedError as e:
            raise MemoryError(summarize_keras_error(e)) from e
        except tf.errors.OpError as e:
            raise ValueError(summarize_keras_error(e)) from e
        return rows


class TensorFlowEngine:
    """Runs the network with TensorFlow; see `Engine`.

    Making an engine sets TensorFlow's devices and threads for the whole process. They cannot be restored.

    Args:
        settings: the config's settings, from which the memory of one batch follows.
        device: "auto" (the first GPU if there is one, else the CPU), "cpu", "gpu" or "gpu:N".
        threads: the number of batches that run at the same time on a CPU, each in one thread; None for the
            number of cores.

    Raises:
        DeviceError: the machine does not have the device.

    Warns:
        UserWarning: the program that uses specfeat has already run TensorFlow with other threads.
    """

    name = "tensorflow"

    def __init__(self, settings: Settings, device: str, threads: int | None) -> None:
        self.device = select_device(device)
        self.parallel_batches = _assign_threads(self.device, settings, threads)

    def count_uncertain_places(self, model: Any) -> int:
        """Return how many places must stay empty: none on a GPU or with oneDNN; see `Engine`.

        TensorFlow's own convolutions round differently in only a few values at the end of a batch, so that a
        test clip may not show it.
        """
        is_safe = get_onednn_setting() == "1" or not self.device.name.startswith("/CPU")
        return 0 if is_safe else count_convolution_places(model)

    def place_variables(self) -> AbstractContextManager[object]:
        """Return the context in which layers are made and weights are set."""
        context: AbstractContextManager[object] = tf.device(self.device.name)
        return context

    def make_row_function(
        self, model: Any, clips_shape: tuple[int, ...], *, jit_compile: bool
    ) -> TensorFlowRowFunction:
        """Trace the model's graph; see `Engine`."""
        even_model = pad_uneven_layers(model, clips_shape[0])
        return TensorFlowRowFunction(even_model, clips_shape, self.device, jit_compile=jit_compile)


def select_device(text: str) -> Device:
    """Find a device, and prepare TensorFlow for it.

    Args:
        text: "auto" (the first GPU if there is one, else the CPU), "cpu", "gpu" or "gpu:N".

    Raises:
        DeviceError: the machine does not have the device, or the text has another form.
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
        except RuntimeError:  # TensorFlow has run before; the program that uses specfeat has set this
            break
    # Without this, TensorFlow measures the algorithms for convolutions on a GPU and chooses the fastest one.
    # The bits of the rows would then depend on the measurement.
    tf.config.experimental.enable_op_determinism()
    name = tf.config.experimental.get_device_details(gpus[index]).get("device_name", "unnamed")
    return Device(f"/GPU:{index}", f"gpu:{index} {name}")


def _assign_threads(device: Device, settings: Settings, threads: int | None) -> int:
    """Set TensorFlow's threads, and return how many batches run at the same time.

    On a CPU, each batch runs in one thread, and as many batches run at the same time as there are threads. If
    several threads computed one layer, the last bits of the rows could depend on the number of threads.
    Compared with two threads for each layer, on two cores (AMD EPYC), yamnet takes 0.8 to 0.95 times as long,
    cnn14 1.04 times, and vggish 1.12 times (measured).
    """
    if not device.name.startswith("/CPU"):
        return 1
    count = threads or count_available_cores()
    # TensorFlow raises this error if it has run before. Its own number of threads is that of the cores.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_inter_op_parallelism_threads(count)
    # `tensorflow_runtime` sets this to 1 when it is imported, but not if TensorFlow has run before.
    if tf.config.threading.get_intra_op_parallelism_threads() != 1:
        warnings.warn(_LATE_THREADS, UserWarning, stacklevel=2)
    return max(1, min(count, MAX_PARALLEL_BYTES // _estimate_bytes(settings)))


def _estimate_bytes(settings: Settings) -> int:
    """Estimate the bytes of memory for one batch in the network: twice its largest array."""
    try:
        shapes = list(compute_network_shapes(settings.graph).values())
    except (UnknownShapeError, ArithmeticError, LookupError, TypeError, ValueError):
        # A keras.applications network, whose first layers have about 32 channels of the picture's size; or
        # layers that do not fit, which `compose` reports better.
        shapes = [(*settings.input_shape, 32)]
    return 2 * 4 * settings.model.batch * max(math.prod(shape) for shape in shapes)
