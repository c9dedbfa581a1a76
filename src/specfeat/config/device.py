"""The names of devices as users write them. Which of them exist, only TensorFlow knows."""

import re

from specfeat.errors import DeviceError, Remedy, escape_control_characters


def parse_device(name: str) -> tuple[str, int]:
    """Return the kind and the number of a device.

    Args:
        name: "auto" (the first GPU, or the CPU if there is none), "cpu", "gpu" or "gpu:N", N counted from 0.

    Returns:
        "auto", "cpu" or "gpu", and N, which is 0 if the name has none.

    Raises:
        DeviceError: the name is none of these.
    """
    match = re.fullmatch(r"(auto|cpu|gpu)|gpu:(\d{1,4})", name)
    if not match:
        raise DeviceError(
            f"device {escape_control_characters(name)}: is not known; wanted auto, cpu, gpu or gpu:N",
            remedy=Remedy.CHOOSE_OTHER_DEVICE,
        )
    return match[1] or "gpu", int(match[2] or 0)
