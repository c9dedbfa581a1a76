"""Which processor runs the network."""

from dataclasses import dataclass

from specfeat.architecture.shapes import UnknownShapeError, count_multiplications
from specfeat.config.device import parse_device
from specfeat.config.settings import Settings
from specfeat.errors import DeviceError
from specfeat.tensorflow_runtime import tf


@dataclass(frozen=True, slots=True)
class Device:
    """Where network and data are placed.

    Attributes:
        name: TensorFlow's, e.g. "/CPU:0".
        description: for the record, e.g. "cpu" or "gpu:0 NVIDIA H200".
    """

    name: str
    description: str


def select_device(wanted: str) -> Device:
    """Find the device: "auto" (the first GPU if there is one), "cpu", "gpu" or "gpu:N".

    Raises:
        DeviceError: there is no such device, or no such word.
    """
    kind, index = parse_device(wanted)
    gpus = [] if kind == "cpu" else tf.config.list_physical_devices("GPU")
    if kind == "cpu" or (kind == "auto" and not gpus):
        return Device("/CPU:0", "cpu")
    if index >= len(gpus):
        have = f"{len(gpus)} GPUs" if gpus else "no GPU"
        raise DeviceError(
            f"--device {wanted}: TensorFlow finds {have} on this machine; use --device cpu or auto"
        )
    for gpu in gpus:
        try:
            tf.config.experimental.set_memory_growth(gpu, enable=True)
        except RuntimeError:  # the caller's program has used TensorFlow before; it has chosen
            break
    # Convolutions on a GPU otherwise choose their algorithm by a race, and the bits with it.
    tf.config.experimental.enable_op_determinism()
    name = tf.config.experimental.get_device_details(gpus[index]).get("device_name", "unnamed")
    return Device(f"/GPU:{index}", f"gpu:{index} {name}")


# Multiplications of a batch in one layer, from which on it keeps several cores busy. Measured on two cores:
# yamnet (1e8) runs 1.15 x as fast in a thread a batch, vggish (6e9) and cnn14 (1e10) as fast either way.
HEAVY = 1e9


def assign_threads(device: Device, settings: Settings, threads: int | None) -> int:
    """Give TensorFlow its threads, and return how many batches are to run at once.

    On a CPU the batches of a light network run in one thread each, as many at once as there are threads: no
    layer is split between cores, which would wait for each other after every one. Those of a heavy network
    share all threads, two at a time, so that a few clips do not wait for one core. The bits are the same.
    """
    if threads is None or not device.name.startswith("/CPU"):
        return 1
    split = _is_heavy(settings)
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads if split else 1)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:  # TensorFlow has computed already: its threads are what they are
        return 1
    return min(2, threads) if split else threads


def _is_heavy(settings: Settings) -> bool:
    try:
        return settings.model.batch * count_multiplications(settings.graph) > HEAVY
    except (UnknownShapeError, ArithmeticError, LookupError, TypeError, ValueError):
        return True  # a backbone; or a network that does not fit, which `build` has better words for
