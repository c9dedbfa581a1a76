"""Imports libraries in a process of its own, and prints a JSON object about each of them.

    python -m specfeat.inspection.library_probe NAME...

A library that is broken can end this process; then there is no line about it. `libraries` starts this module
and reads the lines.
"""

import importlib
import json
import sys
from collections.abc import Callable
from typing import Any


def _describe_numpy(numpy: Any) -> str:
    numpy.zeros(2, numpy.float32).sum()  # a broken BLAS is noticed here
    return str(numpy.__version__)


def _describe_soundfile(soundfile: Any) -> str:
    formats = soundfile.available_formats()
    rare = [name for name in ("FLAC", "OGG", "MP3") if name not in formats]
    missing = f", without {', '.join(rare)}" if rare else ""
    library = f"{soundfile.__version__} with {soundfile.__libsndfile_version__}"
    return f"{library}: {', '.join(sorted(formats))}{missing}"


def _describe_av(av: Any) -> str:
    libraries = getattr(av, "library_meta", None) or {}
    codec = libraries.get("libavcodec", {})
    licence = codec.get("license", "unknown")
    ffmpeg = getattr(av, "ffmpeg_version_info", "") or "unknown"
    return f"{av.__version__} with FFmpeg {ffmpeg}; licence of the libraries: {licence}"


def _describe_tensorflow(runtime: Any) -> str:
    keras, tf = runtime.keras, runtime.tf
    tf.constant([1.0]) + 1.0  # some broken installations import, and cannot compute
    return f"{tf.__version__} with Keras {keras.__version__}, backend {keras.backend.backend()}"


def _describe_gpus(runtime: Any) -> str:
    tf = runtime.tf
    names = [
        tf.config.experimental.get_device_details(device).get("device_name", device.name)
        for device in tf.config.list_physical_devices("GPU")
    ]
    return ", ".join(map(str, names))


def _describe_version(module: Any) -> str:
    return str(getattr(module, "__version__", "imported"))


# For each name: the module, and the function that describes it.
PROBES: dict[str, tuple[str, Callable[[Any], str]]] = {
    "numpy": ("numpy", _describe_numpy),
    "libsndfile": ("soundfile", _describe_soundfile),
    "soxr": ("soxr", _describe_version),
    "h5py": ("h5py", _describe_version),
    "pydantic": ("pydantic", _describe_version),
    "PyAV": ("av", _describe_av),
    "tensorflow import": ("specfeat.tensorflow_runtime", _describe_tensorflow),
    "gpu": ("specfeat.tensorflow_runtime", _describe_gpus),
}


def _probe(name: str) -> dict[str, str]:
    module, describe = PROBES[name]
    try:
        return {"name": name, "text": describe(importlib.import_module(module))}
    except BaseException as e:  # a broken library can raise anything, and it must become a finding
        return {"name": name, "error": " ".join(str(e).split()) or type(e).__name__, "type": type(e).__name__}


def _print_probes() -> None:
    for name in sys.argv[1:]:
        sys.stdout.write(json.dumps({"name": name, "begins": True}) + "\n")
        sys.stdout.write(json.dumps(_probe(name)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _print_probes()
