"""Provenance: everything that affects the numbers. Rows belong together only if it is the same for all."""

import importlib.metadata
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import soundfile
import soxr

import specfeat
from specfeat.config import Config
from specfeat.config.model import WEIGHTS_FILE_KEYS
from specfeat.config.postprocess import remove_file_paths
from specfeat.config.rows import Rows
from specfeat.network.engine_names import TENSORFLOW, describe_engine
from specfeat.onednn import ONEDNN_VARIABLE, get_onednn_setting
from specfeat.output.feature_columns import list_row_groups
from specfeat.output.records import ConfigIdentity, Provenance

if TYPE_CHECKING:
    from specfeat.network.ready_network import ReadyNetwork

# With these set, TensorFlow's oneDNN, NumPy, OpenBLAS or MKL add in another order or with another precision.
_ENVIRONMENT_VARIABLES = (
    ONEDNN_VARIABLE,
    "ONEDNN_MAX_CPU_ISA",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "OPENBLAS_CORETYPE",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
)
# The vector instructions of the processor have the same effect: each set has its own order of additions.
_INSTRUCTION_SETS = (
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
_PACKAGES = ("tensorflow", "keras", "numpy", "librosa", "soundfile")
_MAX_VALUE_LENGTH = 64  # characters of a value in a message
_MAX_DIFFERENCES = 2  # in a message
_ROW_PER_CLIP = Rows()

_COMPARED_SECTIONS = (  # in the order in which a message names differences
    "config",
    "weights",
    "device",
    "engine",
    "versions",
    "processor",
    "environment",
    "keep_partial",
)


def collect_provenance(config: Config, *, keep_partial: bool = False, engine: str = TENSORFLOW) -> Provenance:
    """Return the provenance as far as it is known before the network is built.

    Args:
        config: the checked config.
        engine: the name of the engine that runs the network.
        keep_partial: whether the rows before a break in a file are kept.
    """
    return Provenance(
        config=ConfigIdentity(
            name=config.name,
            sha256=config.settings.digest,
            resolved=config.settings.model_dump(mode="json", exclude={"train"}),
        ),
        versions=collect_versions(),
        processor=describe_processor(),
        environment=_collect_environment(),
        keep_partial=keep_partial,
        engine=describe_engine(engine),
    )


def _collect_environment() -> dict[str, str]:
    """Return the variables that affect the numbers, as TensorFlow and NumPy see them."""
    values = {name: os.environ.get(name) for name in _ENVIRONMENT_VARIABLES}
    values[ONEDNN_VARIABLE] = get_onednn_setting()
    return {name: value for name, value in values.items() if value is not None}


def add_network(provenance: Provenance, network: "ReadyNetwork", rows: Rows = _ROW_PER_CLIP) -> Provenance:
    """Return the whole provenance: what was known before, and the network's weights, device and width.

    Args:
        provenance: what is known before the network is built.
        network: the network.
        rows: the settings of the rows.
    """
    return replace(
        provenance,
        weights=network.weights,
        device=network.device.description,
        features=rows.count_features(network.width),
        feature_columns=list_row_groups(network.columns, rows.statistics),
    )


def copy_network_fields(provenance: Provenance, previous: Provenance) -> Provenance:
    """Return the whole provenance of a run that needs no network; a previous run has the rest of it.

    Args:
        provenance: what is known before the network is built.
        previous: the provenance of the previous run whose rows are reused.
    """
    return replace(
        provenance,
        weights=previous.weights,
        device=previous.device,
        features=previous.features,
        feature_columns=previous.feature_columns,
    )


def collect_versions() -> dict[str, str]:
    """Return the versions of everything that affects the numbers, without loading it."""
    return {
        "specfeat": specfeat.__version__,
        "python": platform.python_version(),
        **{name: _read_version(name) for name in _PACKAGES},
        "libsndfile": soundfile.__libsndfile_version__,
        "soxr": soxr.__version__,
        "libsoxr": soxr.__libsoxr_version__,
        "platform": platform.platform(),
    }


def _read_version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # TensorFlow is published under several names
        names = importlib.metadata.packages_distributions().get(package, [])
        return importlib.metadata.version(names[0]) if names else "unknown"


def describe_processor(cpu_info: Path = Path("/proc/cpuinfo")) -> str:
    """Return the kind of the processor and its instruction sets that affect the numbers.

    Args:
        cpu_info: the file in which Linux describes each core.
    """
    flags: set[str] = set()
    try:
        with cpu_info.open() as lines:  # the cores of one machine are alike, so the first is enough
            line = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
        flags = set(line.split())
    except OSError:
        pass
    return " ".join([platform.machine(), *(name for name in _INSTRUCTION_SETS if name in flags)])


def describe_differences(old: Provenance, new: Provenance) -> str:
    """Return what differs, e.g. "model.batch: 64, now 32"; "" if everything that both know is equal.

    Args:
        old: the provenance of an earlier run.
        new: the provenance of this run, as far as it is known.
    """
    differences = []
    for section in _COMPARED_SECTIONS:
        if getattr(old, section) is None or getattr(new, section) is None:
            continue
        old_values, new_values = (
            dict(_flatten_values(section, _select_relevant(section, provenance))) for provenance in (old, new)
        )
        for key in {**old_values, **new_values}:
            if old_values.get(key) != new_values.get(key):
                name = key.removeprefix("config.").removeprefix("versions.")
                old_text, new_text = (_format_value(values.get(key)) for values in (old_values, new_values))
                differences.append(f"{name}: {old_text}, now {new_text}")
    more = len(differences) - _MAX_DIFFERENCES
    return ", ".join(differences[:_MAX_DIFFERENCES]) + (f" and {more} more" if more > 0 else "")


def _select_relevant(section: str, provenance: Provenance) -> object:
    """Leave out what does not affect the numbers: names, the path of a weights file, the operating system."""
    if section == "config":
        resolved = json.loads(json.dumps(provenance.config.resolved))
        for name in WEIGHTS_FILE_KEYS:
            resolved["model"]["weights"].pop(name, None)
        resolved["model"].pop("labels", None)
        remove_file_paths(resolved["model"])
        return resolved
    if section == "weights":
        weights = provenance.weights or {}
        return {name: weights[name] for name in ("random", "sha256") if name in weights}
    if section == "versions":
        # A patch release of Python fixes bugs and does not change arithmetic.
        python = ".".join(provenance.versions["python"].split(".")[:2])
        return {k: v for k, v in provenance.versions.items() if k != "platform"} | {"python": python}
    if section == "engine":
        return provenance.engine or TENSORFLOW
    return getattr(provenance, section)


def _flatten_values(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield each value inside mappings and lists, with the dotted key that leads to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten_values(f"{name}.{key}", inner)
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for k, inner in enumerate(value):
            yield from _flatten_values(f"{name}[{k}]", inner)
    else:
        yield name, value


def _format_value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _MAX_VALUE_LENGTH else f"{text[: _MAX_VALUE_LENGTH - 3]}..."
