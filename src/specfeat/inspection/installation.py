"""Compares the installed packages with those that specfeat needs, by their metadata alone.

No package is imported, because the import of a broken package can fail in any way. This module needs nothing
but Python's standard library.
"""

import importlib.metadata
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from specfeat.inspection.finding import Finding

# From pyproject.toml (requires-python). TensorFlow has no wheels for other versions.
_MIN_PYTHON, _END_PYTHON = (3, 11), (3, 14)
# Distributions that all install the package `tensorflow`. Two of them overwrite each other's files.
_TENSORFLOW_NAMES = (
    *("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tensorflow-intel", "tensorflow-rocm"),
    *("tf-nightly", "tf-nightly-cpu", "intel-tensorflow"),
)
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*\(?([<>=!~0-9.,\s]*)\)?\s*(?:;\s*(.*))?")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
_END_OF_PYTHON = re.compile(r"""python_version\s*<\s*['"](\d+)\.(\d+)['"]""")
_BOUND = re.compile(r"(>=|<)\s*(\d+(?:\.\d+)*)")
# What a user gets with each extra. The others are for people who change specfeat.
_EXTRA_USES = {
    "plot": "pictures",
    "parquet": "Parquet and Arrow files",
    "zarr": "Zarr folders",
    "torch": "weights files of PyTorch",
    "umap": "maps by UMAP",
    "zstd": "audio in .tar.zst archives",
    "onnxruntime": "the engine ONNX Runtime",
    "remote": "files at addresses",
    "av": "M4A, AAC, WMA, WebM and other sound that libsndfile does not read",
    "tensorboard": "the values of a training in TensorBoard",
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package that specfeat needs.

    Attributes:
        name: the name of the distribution, in the form of PEP 503.
        bounds: the versions that fit, e.g. ">=2.0,<3".
        extra: the extra that the package belongs to; "" if specfeat always needs it.
    """

    name: str
    bounds: str
    extra: str

    def is_met_by(self, version: str) -> bool:
        """Return whether a version is within the bounds."""
        return all(
            (compare_versions(version, limit) >= 0) == (sign == ">=")
            for sign, limit in _BOUND.findall(self.bounds)
        )

    def format_install_command(self) -> str:
        """Return the command that installs a version that fits."""
        if self.extra:
            return f"pip install 'specfeat[{self.extra}]'"
        return f"pip install '{self.name}{self.bounds}'"


def compare_versions(version: str, other: str) -> int:
    """Return 1 if a version is later than another one, -1 if it is earlier, 0 if both are equal.

    Only the numbers before the first letter are compared, so `2.0rc1` is equal to `2.0`.
    """
    numbers, other_numbers = (
        [int(part) for part in re.findall(r"\d+", re.split(r"[^0-9.]", text)[0])] for text in (version, other)
    )
    length = max(len(numbers), len(other_numbers))
    padded, other_padded = (one + [0] * (length - len(one)) for one in (numbers, other_numbers))
    return (padded > other_padded) - (padded < other_padded)


def list_requirements() -> list[Requirement]:
    """Return the packages that specfeat needs, from its own metadata; none if it is not installed."""
    try:
        lines = importlib.metadata.requires("specfeat") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    requirements = []
    for line in lines:
        match = _REQUIREMENT.fullmatch(line.strip())
        if match is None:
            continue
        name, bounds, marker = match.groups()
        end = _END_OF_PYTHON.search(marker or "")
        if end and sys.version_info[:2] >= (int(end[1]), int(end[2])):
            continue  # this Python has the package itself
        extra = _EXTRA.search(marker or "")
        # Lower bounds first, as people write them.
        parts = sorted((part.strip() for part in bounds.split(",")), reverse=True)
        requirements.append(
            Requirement(normalize_name(name), ",".join(filter(None, parts)), extra[1] if extra else "")
        )
    return requirements


def normalize_name(name: str) -> str:
    """Return the name of a distribution in the form of PEP 503: lower case, with hyphens."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """A distribution that is installed.

    Attributes:
        version: its version.
        folder: the folder in which it is installed.
    """

    version: str
    folder: str


def list_installed_packages() -> dict[str, list[InstalledPackage]]:
    """Return all installed distributions by their names. Of several with one name, Python uses the first."""
    found: dict[str, list[InstalledPackage]] = {}
    for distribution in importlib.metadata.distributions():
        try:
            metadata = distribution.metadata
            if "Name" not in metadata:  # a folder that a broken installation has left
                continue
            name, version = metadata["Name"], str(distribution.version)
            package = InstalledPackage(version, str(distribution.locate_file("")))
        except (OSError, ValueError):  # Python also does not find a package whose metadata cannot be read
            continue
        packages = found.setdefault(normalize_name(name), [])
        if package not in packages:
            packages.append(package)
    return found


def inspect_installation() -> list[Finding]:
    """Return what the metadata says about Python, and about each package that specfeat needs or can use."""
    installed = list_installed_packages()
    requirements = list_requirements()
    findings = [_inspect_python()]
    if not requirements:
        findings.append(
            Finding(
                "specfeat",
                "problem",
                "its metadata is missing",
                "pip uninstall specfeat, then pip install specfeat",
            )
        )
    findings += [
        _inspect_package(requirement, installed) for requirement in requirements if not requirement.extra
    ]
    findings += _inspect_tensorflows(installed)
    for requirement in requirements:
        if requirement.extra in _EXTRA_USES:
            findings.append(_inspect_optional_package(requirement, installed))
    return findings


def find_installation_problem() -> Finding | None:
    """Return the first problem of the installation that its metadata shows; None if there is none."""
    return next((finding for finding in inspect_installation() if finding.status == "problem"), None)


def _inspect_python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    text = f"{version} ({sys.executable})"
    if _MIN_PYTHON <= sys.version_info[:2] < _END_PYTHON:
        return Finding("python", "ok", text)
    wanted = f"{_format_version(_MIN_PYTHON)} to {_END_PYTHON[0]}.{_END_PYTHON[1] - 1}"
    return Finding("python", "problem", f"{text} does not fit", f"use Python {wanted} in a new environment")


def _format_version(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _inspect_package(requirement: Requirement, installed: dict[str, list[InstalledPackage]]) -> Finding:
    packages = installed.get(requirement.name, [])
    command = requirement.format_install_command()
    if not packages:
        if requirement.name == "tensorflow" and any(name in installed for name in _TENSORFLOW_NAMES):
            other = next(name for name in _TENSORFLOW_NAMES if name in installed)
            return _inspect_package(Requirement(other, requirement.bounds, ""), {other: installed[other]})
        return Finding(requirement.name, "problem", "is not installed", command)
    first = packages[0]
    if not requirement.is_met_by(first.version):
        text = f"{first.version} does not fit, wanted {requirement.bounds}"
        return Finding(requirement.name, "problem", text, command)
    others = sorted({package.version for package in packages[1:]} - {first.version})
    if others:
        text = f"{first.version} in {first.folder}; another folder has {', '.join(others)}, which is not used"
        return Finding(requirement.name, "note", text, f"pip uninstall {requirement.name}, then {command}")
    return Finding(requirement.name, "ok", first.version)


def _inspect_tensorflows(installed: dict[str, list[InstalledPackage]]) -> Iterator[Finding]:
    """Yield a problem if several distributions install the package `tensorflow`."""
    names = [name for name in _TENSORFLOW_NAMES if name in installed]
    if len(names) > 1:
        versions = " and ".join(f"{name} {installed[name][0].version}" for name in names)
        text = f"{versions} are both installed, and overwrite each other's files"
        command = next(
            (one.format_install_command() for one in list_requirements() if one.name == "tensorflow"), ""
        )
        cure = f"pip uninstall {' '.join(names)}, then {command}"
        yield Finding("tensorflow packages", "problem", text, cure)


def _inspect_optional_package(
    requirement: Requirement, installed: dict[str, list[InstalledPackage]]
) -> Finding:
    use, command = _EXTRA_USES[requirement.extra], requirement.format_install_command()
    packages = installed.get(requirement.name, [])
    if not packages:
        licence = "; its wheels contain code under the GPL" if requirement.extra == "av" else ""
        return Finding(requirement.name, "note", f"is not installed; it is for {use}{licence}", command)
    if not requirement.is_met_by(packages[0].version):
        text = f"{packages[0].version} does not fit, wanted {requirement.bounds}; it is for {use}"
        return Finding(requirement.name, "note", text, command)
    return Finding(requirement.name, "ok", f"{packages[0].version}, for {use}")
