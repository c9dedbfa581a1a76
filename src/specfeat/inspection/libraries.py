"""Imports, in other processes, the libraries that specfeat uses, and says what is wrong with them."""

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from specfeat.inspection.finding import Finding
from specfeat.text import shorten_text

_LIGHT_LIBRARIES = ("numpy", "libsndfile", "soxr", "h5py", "pydantic")
_TENSORFLOW = ("tensorflow import", "gpu")
_DISTRIBUTIONS = {"libsndfile": "soundfile", "tensorflow import": "tensorflow", "PyAV": "av"}
_TIMEOUT_S = 600  # a first import from a slow network drive takes minutes
_MAX_ERROR_CHARACTERS = 300


def inspect_libraries(*, has_av: bool) -> list[Finding]:
    """Return what happened when each library was imported in another process.

    Args:
        has_av: whether PyAV is installed.
    """
    names = (*_LIGHT_LIBRARIES, *(("PyAV",) if has_av else ()))
    return [*_inspect_group(names), *_inspect_group(_TENSORFLOW)]


def _inspect_group(names: Sequence[str]) -> list[Finding]:
    """Return a finding for each library. They are imported in one process, or in several if it dies."""
    results, reason = _run_probe(names)
    findings = []
    for name in names:
        result = results.get(name)
        if result is not None:
            findings.append(_make_finding(name, result))
            continue
        # The process has died while it imported this library. The others get a process of their own.
        findings.append(_make_finding(name, {"error": reason, "type": ""}))
        rest = names[names.index(name) + 1 :]
        if name not in _TENSORFLOW:
            findings += _inspect_group(rest) if rest else []
        break
    return findings


def _run_probe(names: Sequence[str]) -> tuple[dict[str, dict[str, Any]], str]:
    """Import libraries in one process.

    Returns:
        The object that the process has printed about each library, and why the process has ended.
    """
    command = [sys.executable, *_list_interpreter_flags(), "-m", "specfeat.inspection.library_probe", *names]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT_S)
        output, reason = done.stdout, _describe_end(done.returncode)
    except subprocess.TimeoutExpired as e:
        output, reason = e.stdout or b"", f"takes longer than {_TIMEOUT_S} seconds to load"
    except OSError as e:
        output, reason = b"", f"cannot be loaded, because no process can be started: {e.strerror or e}"
    results: dict[str, dict[str, Any]] = {}
    for line in output.decode("utf-8", "replace").splitlines():
        # A library can also print to stdout, but its lines are not JSON objects with a name.
        try:
            result = json.loads(line)
        except ValueError:
            continue
        if isinstance(result, dict) and result.get("name") in names and "begins" not in result:
            results[result["name"]] = result
    return results, reason


def _list_interpreter_flags() -> list[str]:
    """Return the flags with which this Python was started and that decide where packages are found."""
    flags = sys.flags
    if flags.isolated:
        return ["-I", *(["-S"] if flags.no_site else [])]
    pairs = ((flags.no_site, "-S"), (flags.no_user_site, "-s"), (flags.ignore_environment, "-E"))
    return [flag for is_set, flag in pairs if is_set]


def _describe_end(code: int) -> str:
    if code == -signal.SIGILL:
        return "ends the process with an illegal instruction: the processor lacks one that this build needs"
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"ends the process when it is loaded ({name})"
    return f"ends the process when it is loaded (exit code {code})"


def _make_finding(name: str, result: dict[str, Any]) -> Finding:
    if "text" in result:
        if name == "gpu":
            return _make_gpu_finding(str(result["text"]))
        return Finding(name, "ok", str(result["text"]))
    if name == "gpu":
        return Finding(name, "note", "is not known, because TensorFlow cannot be loaded")
    error, kind = shorten_text(str(result["error"]), _MAX_ERROR_CHARACTERS), result.get("type")
    distribution = _DISTRIBUTIONS.get(name, name)
    cure = f"pip uninstall {distribution}, then pip install {distribution}"
    if kind == "InstallError":  # the sentence of specfeat can end with a cure
        text, _, own_cure = error.rpartition("; ")
        return Finding(name, "problem", text or error, own_cure if text else cure)
    text = f"cannot be loaded: {kind}: {error}" if kind else error
    return Finding(name, "problem", text, cure)


def _make_gpu_finding(names: str) -> Finding:
    if names:
        return Finding("gpu", "ok", names)
    text = "TensorFlow finds none, so networks run on the CPU"
    if sys.platform == "linux" and _has_nvidia_driver():
        return Finding(
            "gpu", "note", f"{text}, but an NVIDIA driver is loaded", "pip install 'tensorflow[and-cuda]'"
        )
    return Finding("gpu", "note", text)


def _has_nvidia_driver() -> bool:
    return Path("/proc/driver/nvidia/version").is_file()
