"""Which processor runs the network."""

from dataclasses import dataclass

from specfeat.config.device import parse_device
from specfeat.errors import DeviceError
from specfeat.network.runtime import tf


@dataclass(frozen=True, slots=True)
class Device:
    """Where network and data are placed.

    Attributes:
        name: TensorFlow's, e.g. "/CPU:0".
        description: for the record, e.g. "cpu" or "gpu:0 NVIDIA H200".
    """

    name: str
    description: str


def choose(wanted: str) -> Device:
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
