"""Environments in which a package is missing, has another version, or is broken; made of links in a moment."""

import os
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from helpers.specfeat_command import FinishedRun, run_program

ROOT = Path(__file__).parents[2]


def write_package(folder: Path, name: str, version: str, code: str | None = None) -> None:
    """Write the metadata of a distribution, and perhaps a package of this name.

    Args:
        folder: the folder in which it is installed.
        name: the name of the distribution.
        version: its version.
        code: the content of the package's `__init__.py`; None for no package.
    """
    about = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if code is not None:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"__version__ = {version!r}\n{code}\n")


def write_own_metadata(folder: Path) -> None:
    """Write the metadata of specfeat as pip writes it from pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    write_package(folder, "specfeat", "0.1.0")
    lines = [f"Requires-Dist: {line}\n" for line in project["dependencies"]]
    for extra, requirements in project["optional-dependencies"].items():
        lines += [f"Requires-Dist: {line}; extra == '{extra}'\n" for line in requirements]
    with (folder / "specfeat-0.1.0.dist-info" / "METADATA").open("a") as file:
        file.writelines(lines)


def link_packages(folder: Path, *, without: Sequence[str]) -> None:
    """Make links to everything that is installed here, except for some packages and their metadata.

    Args:
        folder: the folder of the links.
        without: the beginnings of the names that are left out, in lower case.
    """
    for place in sys.path:
        if Path(place).name != "site-packages":
            continue
        for entry in Path(place).iterdir():
            name = entry.name.lower()
            is_left_out = name.startswith(("specfeat", "__", *without))
            if not is_left_out and entry.suffix != ".pth" and not (folder / entry.name).exists():
                (folder / entry.name).symlink_to(entry)


def run_specfeat_in(environment: Path, folder: Path, *words: object) -> FinishedRun:
    """Run `specfeat WORDS...` in a folder, with the packages of an environment alone."""
    variables = {**os.environ, "PYTHONPATH": f"{environment}{os.pathsep}{ROOT / 'src'}"}
    return run_program(folder, sys.executable, "-S", "-m", "specfeat", *words, env=variables)
