"""What has a hand in the numbers: two sets of rows belong together if it is the same for both."""

import importlib.metadata
import json
import os
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import soundfile
import soxr

import specfeat
from specfeat.config import Config
from specfeat.config.settings import WEIGHTS_FILE_KEYS

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

PROVENANCE_SECTIONS = (
    "config",
    "weights",
    "device",
    "versions",
    "processor",
    "environment",
    "keep_partial",
)  # of a record


def collect_provenance(config: Config, *, keep_partial: bool = False) -> dict[str, Any]:
    """Return what is known before the network is built: config, versions and processor, as in the record."""
    return {
        "config": {
            "name": config.name,
            "sha256": config.settings.digest,
            "resolved": config.settings.model_dump(mode="json"),
        },
        "versions": collect_versions(),
        "processor": _processor(),
        "environment": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        "keep_partial": keep_partial,
    }


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


def describe_differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say what is not the same, e.g. "model.batch: 64 then, 32 now"; nothing if all is that both know.

    Args:
        then: the record of an output, or the header of a journal.
        now: what `provenance` gives, with more of a record's keys if they are known.
    """
    found = []
    for section in PROVENANCE_SECTIONS:
        if section not in then or section not in now:
            continue
        old, new = (dict(_flat(section, _relevant(section, known[section]))) for known in (then, now))
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                name = key.removeprefix("config.").removeprefix("versions.")
                found.append(f"{name}: {_shown(old.get(key))} then, {_shown(new.get(key))} now")
    more = f" and {len(found) - 2} more" if len(found) > 2 else ""
    return ", ".join(found[:2]) + more


def _relevant(section: str, known: Any) -> Any:
    """Leave out what moves no bit: names, and where a file of weights lies."""
    if section == "config":
        known = json.loads(json.dumps(known["resolved"]))
        for name in WEIGHTS_FILE_KEYS:
            known["model"]["weights"].pop(name, None)
    if section == "weights":
        return {name: known[name] for name in ("random", "sha256") if name in known}
    if section == "versions":
        python = ".".join(known["python"].split(".")[:2])
        return {name: known[name] for name in known if name != "platform"} | {"python": python}
    return known


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
