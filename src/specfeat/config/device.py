"""The words for a device: which of them exist on this machine, only TensorFlow knows."""

import re

from specfeat.errors import DeviceError


def parse_device(text: str) -> tuple[str, int]:
    """Return ("auto" | "cpu" | "gpu", number) of "auto", "cpu", "gpu" or "gpu:N".

    Raises:
        DeviceError: it is none of them.
    """
    match = re.fullmatch(r"(auto|cpu|gpu)|gpu:(\d{1,4})", text)
    if not match:
        raise DeviceError(f"--device {text}: wanted auto, cpu, gpu or gpu:N")
    return match[1] or "gpu", int(match[2] or 0)
