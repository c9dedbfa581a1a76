"""Parses the names of devices. Whether a device exists is known only when TensorFlow is loaded."""

import re

from specfeat.errors import DeviceError, Remedy, escape_control_characters


def parse_device(name: str) -> tuple[str, int]:
    """Return the kind and the number of a device.

    Args:
        name: "auto" (the first GPU, or the CPU if there is no GPU), "cpu", "gpu" or "gpu:N", where N is
            counted from 0.

    Returns:
        The kind ("auto", "cpu" or "gpu"), and the number N, which is 0 if the name has no number.

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
