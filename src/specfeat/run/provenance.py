"""What has a hand in the numbers: two sets of rows belong together if it is the same for both."""

import importlib.metadata
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import soundfile
import soxr

import specfeat
from specfeat.config import Config
from specfeat.config.settings import WEIGHTS_FILE_KEYS
from specfeat.output.records import ConfigIdentity, Provenance

# These make TensorFlow's oneDNN, NumPy and its OpenBLAS (or MKL) compute otherwise.
_VARIABLES = (
    "TF_ENABLE_ONEDNN_OPTS",
    "ONEDNN_MAX_CPU_ISA",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "OPENBLAS_CORETYPE",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
)
# So does what the processor can do: each set of instructions has its own order of additions.
_INSTRUCTIONS = (
    "avx",
    "avx2",
    "fma",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_tile",
    "asimd",
    "sve",
)
_SHOWN = 64  # characters of a value

# The sections that are compared, in the order in which differences are named.
_COMPARED_SECTIONS = (
    "config",
    "weights",
    "device",
    "versions",
    "processor",
    "environment",
    "keep_partial",
)


def collect_provenance(config: Config, *, keep_partial: bool = False) -> Provenance:
    """Return what is known before the network is built."""
    return Provenance(
        config=ConfigIdentity(
            name=config.name,
            sha256=config.settings.digest,
            resolved=config.settings.model_dump(mode="json"),
        ),
        versions=collect_versions(),
        processor=_processor(),
        environment={name: os.environ[name] for name in _VARIABLES if name in os.environ},
        keep_partial=keep_partial,
    )


def collect_versions() -> dict[str, str]:
    """Return the versions of everything that has a hand in the numbers, without loading it."""
    packages = ("tensorflow", "keras", "numpy", "librosa", "soundfile")
    return {
        "specfeat": specfeat.__version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in packages},
        "libsndfile": soundfile.__libsndfile_version__,
        "soxr": soxr.__version__,
        "libsoxr": soxr.__libsoxr_version__,
        "platform": platform.platform(),
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # TensorFlow comes under several names
        names = importlib.metadata.packages_distributions().get(package, [])
        return importlib.metadata.version(names[0]) if names else "unknown"


def _processor(information: Path = Path("/proc/cpuinfo")) -> str:
    """Return the machine's kind, and those of its instructions that matter."""
    words: set[str] = set()
    try:
        with information.open() as lines:  # of many cores: the first will do
            flags = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
        words = set(flags.split())
    except OSError:
        pass
    return " ".join([platform.machine(), *(name for name in _INSTRUCTIONS if name in words)])


def describe_differences(then: Provenance, now: Provenance) -> str:
    """Say what is not the same, e.g. "model.batch: 64 then, 32 now"; nothing if all is that both know.

    Args:
        then: what an earlier run was made with.
        now: what this run is made with.
    """
    found = []
    for section in _COMPARED_SECTIONS:
        if getattr(then, section) is None or getattr(now, section) is None:
            continue
        old, new = (dict(_flat(section, _relevant(section, made_with))) for made_with in (then, now))
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                name = key.removeprefix("config.").removeprefix("versions.")
                found.append(f"{name}: {_shown(old.get(key))} then, {_shown(new.get(key))} now")
    more = f" and {len(found) - 2} more" if len(found) > 2 else ""
    return ", ".join(found[:2]) + more


def _relevant(section: str, made_with: Provenance) -> object:
    """Leave out what moves no bit: names, and where a file of weights lies."""
    if section == "config":
        resolved = json.loads(json.dumps(made_with.config.resolved))
        for name in WEIGHTS_FILE_KEYS:
            resolved["model"]["weights"].pop(name, None)
        return resolved
    if section == "weights":
        weights = made_with.weights or {}
        return {name: weights[name] for name in ("random", "sha256") if name in weights}
    if section == "versions":
        versions = made_with.versions
        python = ".".join(versions["python"].split(".")[:2])
        return {name: versions[name] for name in versions if name != "platform"} | {"python": python}
    return getattr(made_with, section)


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every value with its dotted key."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}", inner)
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for k, inner in enumerate(value):
            yield from _flat(f"{name}[{k}]", inner)
    else:
        yield name, value


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
