"""The engine ONNX Runtime: runs the network on the CPU, without TensorFlow once it is converted.

The measured speed and the differences to TensorFlow are in docs/engines.md.
"""

import importlib.metadata
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.config.device import parse_device
from specfeat.config.settings import Settings
from specfeat.cpu_count import count_available_cores
from specfeat.errors import DeviceError, InstallError, Remedy
from specfeat.library_messages import summarize_onnx_error
from specfeat.network.engines import Device, Rows

NAME = "onnxruntime"
CPU = Device("cpu", "cpu")
_INPUT = "clips"
_CURE = "install it with: pip install 'specfeat[onnxruntime]'"


class OnnxRowFunction:
    """Computes rows with a converted network, for batches of one shape.

    Each batch runs in the thread that asks for it. So the number of threads does not affect the bits.

    Args:
        content: the network as an ONNX file.

    Attributes:
        content: the network as an ONNX file.

    Raises:
        InstallError: the package is missing.
        ValueError: ONNX Runtime cannot run the network; the message says why.
    """

    def __init__(self, content: bytes) -> None:
        runtime = _import_runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # errors are raised; the runtime need not print them as well
        options.use_deterministic_compute = True
        try:
            self._session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as e:  # Its errors have no common class but Exception.
            raise ValueError(summarize_onnx_error(e)) from e
        self.content = content

    def __call__(self, clips: NDArray[np.float32]) -> Rows:
        """Return the rows of one batch; see `RowFunction`."""
        try:
            (rows,) = self._session.run(None, {_INPUT: clips})
        except Exception as e:  # see above
            raise ValueError(summarize_onnx_error(e)) from e
        return np.asarray(rows, np.float32)


class OnnxRuntimeEngine:
    """Runs the network with ONNX Runtime; see `Engine`.

    Args:
        settings: the config's settings; not needed.
        device: "auto" or "cpu".
        threads: the number of batches that run at the same time, each in one thread; None for the number of
            cores.

    Raises:
        DeviceError: another device is wanted.
        InstallError: the package is missing.
    """

    name = NAME

    def __init__(self, settings: Settings, device: str, threads: int | None) -> None:
        del settings
        check_device(device)
        _import_runtime()
        self.device = CPU
        self.parallel_batches = threads or count_available_cores()

    def count_uncertain_places(self, model: Any) -> int:
        """Return 0: the test when the network is built shows all places that differ; see `Engine`."""
        del model
        return 0

    def place_variables(self) -> AbstractContextManager[object]:
        """Return the context in which layers are made and weights are set."""
        from specfeat.tensorflow_runtime import tf  # a cached network is used without TensorFlow

        context: AbstractContextManager[object] = tf.device("/CPU:0")
        return context

    def make_row_function(
        self, model: Any, clips_shape: tuple[int, ...], *, jit_compile: bool
    ) -> OnnxRowFunction:
        """Convert the model; see `Engine`. XLA belongs to TensorFlow, so `jit_compile` is refused."""
        if jit_compile:
            raise ValueError("compile.jit_compile is true, and only the engine tensorflow compiles with XLA")
        from specfeat.network.engines.onnx_conversion import convert_model  # it loads TensorFlow

        return OnnxRowFunction(convert_model(model, clips_shape))


def check_device(device: str) -> None:
    """Refuse a device other than the CPU.

    Raises:
        DeviceError: the device is a GPU.
    """
    kind, _ = parse_device(device)
    if kind == "gpu":
        raise DeviceError(
            f"device {device}: the engine onnxruntime runs on the CPU only", remedy=Remedy.CHOOSE_OTHER_DEVICE
        )


def get_version() -> str:
    """Return the version of ONNX Runtime, without loading it.

    Raises:
        InstallError: the package is missing.
    """
    try:
        return importlib.metadata.version(NAME)
    except importlib.metadata.PackageNotFoundError as e:
        raise InstallError(f"the engine onnxruntime needs the package onnxruntime; {_CURE}") from e


def _import_runtime() -> Any:
    try:
        import onnxruntime  # takes time to load, and is an extra
    except ImportError as e:
        raise InstallError(f"the engine onnxruntime needs the package onnxruntime; {_CURE}") from e
    return onnxruntime
