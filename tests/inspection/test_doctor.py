"""`specfeat doctor` says in a line what is broken and what helps, and does not fail itself, in real broken environments."""

import importlib.metadata
import json
import os
import re
import signal
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from helpers.broken_environments import (
    link_packages,
    run_specfeat_in,
    write_own_metadata,
    write_package,
)
from helpers.specfeat_command import FinishedRun, run_in_this_process, run_specfeat, write_noise
from specfeat.inspection.finding import Finding
from specfeat.inspection.installation import (
    compare_versions,
    find_installation_problem,
    inspect_installation,
    list_requirements,
    normalize_name,
)
from specfeat.inspection.libraries import inspect_libraries
from specfeat.inspection.machine import inspect_cache, inspect_memory, inspect_processor

EXTRACT = ("extract", "a.wav", "out.npy", "-c", "minimal", "-q", "--workers", "1")
CURE_OF_KERAS, CURE_OF_NUMPY = "pip install 'keras>=3.14,<4'", "pip install 'numpy>=2.0,<3'"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that Python searches first, here and in new processes, with the metadata of specfeat."""
    folder = tmp_path / "environment"
    folder.mkdir()
    write_own_metadata(folder)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", os.fspath(folder))
    return folder


def find(findings: list[Finding], name: str) -> Finding:
    (found,) = [finding for finding in findings if finding.name == name]
    return found


def list_problems(done: FinishedRun) -> dict[str, dict[str, str]]:
    """Return the problems that `doctor --json` has printed, after checking the rest of its answer."""
    report: dict[str, Any] = json.loads(done.stdout)
    problems = {one["name"]: one for one in report["findings"] if one["status"] == "problem"}
    assert (done.stderr, report["schema"]) == ("", 1)
    assert report["ok"] == (not problems) == (done.returncode == 0)
    assert all(one["cure"] and "\n" not in one["text"] for one in problems.values())
    return problems


def test_versions_are_compared_as_pip_compares_them() -> None:
    """Compared with `packaging` for the versions that occur."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    versions = ["1.26.4", "2", "2.0", "2.0.0", "2.0.1", "2.10", "2.9.1", "3.0", "3.14.0", "3.2"]
    for one in versions:
        for other in versions:
            wanted = (Version(one) > Version(other)) - (Version(one) < Version(other))
            assert compare_versions(one, other) == wanted
    for requirement in list_requirements():
        bounds = SpecifierSet(requirement.bounds)
        assert [requirement.is_met_by(version) for version in versions] == [v in bounds for v in versions]


@pytest.mark.parametrize(
    ("name", "version", "cure"), [("keras", "2.15.0", CURE_OF_KERAS), ("numpy", "1.26.4", CURE_OF_NUMPY)]
)
def test_a_version_that_does_not_fit_is_a_problem(
    name: str, version: str, cure: str, environment: Path
) -> None:
    """Keras 2 or NumPy 1: the metadata says it, and nothing is imported."""
    write_package(environment, name, version, "raise SystemExit('imported')")
    finding = find(inspect_installation(), name)

    assert finding.status == "problem"
    assert finding.text.startswith(f"{version} does not fit, wanted >=")
    assert finding.cure == cure
    assert find_installation_problem() == finding


def test_two_tensorflows_are_a_problem(environment: Path) -> None:
    """TensorFlow and tensorflow-cpu overwrite each other's files; both are named with their versions."""
    write_package(environment, "tensorflow", "2.21.0")
    write_package(environment, "tensorflow-cpu", "2.16.1")
    finding = find(inspect_installation(), "tensorflow packages")

    assert (finding.status, finding.text) == (
        "problem",
        "tensorflow 2.21.0 and tensorflow-cpu 2.16.1 are both installed, and overwrite each other's files",
    )
    assert (
        finding.cure == "pip uninstall tensorflow tensorflow-cpu, then pip install 'tensorflow>=2.20,<2.22'"
    )


def test_what_is_installed_is_ok_and_extras_are_notes(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing extra is no problem; the text says what it is for, and that PyAV's wheels have code under the GPL."""
    found = importlib.metadata.distributions

    def list_without_av(**arguments: Any) -> Any:
        return [one for one in found(**arguments) if one.metadata["Name"] != "av"]

    monkeypatch.setattr(importlib.metadata, "distributions", list_without_av)
    write_package(environment, "tensorflow-cpu", "2.21.0")
    findings = inspect_installation()

    assert (find(findings, "numpy").status, find(findings, "python").status) == ("ok", "ok")
    av = find(findings, "av")
    assert (av.status, av.cure) == ("note", "pip install 'specfeat[av]'")
    assert "M4A" in av.text
    assert "GPL" in av.text
    (environment / "specfeat-0.1.0.dist-info" / "METADATA").write_text("Name: specfeat\n")
    assert list_requirements() == []


@pytest.mark.usefixtures("environment")
def test_every_extra_for_users_is_known() -> None:
    """Each extra of pyproject.toml has a line, but for those of developers, and what Python has itself."""
    pyproject = Path(__file__).parents[2] / "pyproject.toml"
    extras = tomllib.loads(pyproject.read_text())["project"]["optional-dependencies"]
    names = [
        normalize_name(re.split(r"[\[<>=~;]", package)[0])
        for extra in set(extras) - {"test", "readers", "benchmark", "dev"}
        for package in extras[extra]
    ]
    found = {finding.name for finding in inspect_installation()}
    wanted = {name for name in names if name != "backports-zstd" or sys.version_info < (3, 14)}

    assert len(extras) == 14
    assert wanted - found == set()


@pytest.mark.slow
def test_a_library_that_ends_its_process_is_one_problem(environment: Path) -> None:
    """The other libraries are examined nevertheless, and what a library prints does not disturb."""
    code = "import os\nprint('{\"name\": 1}')\nprint('{broken')\nos.kill(os.getpid(), {})"
    write_package(environment, "soxr", "1.0.0", code.replace("{}", str(int(signal.SIGILL))))
    write_package(environment, "h5py", "3.14.0", f"import os\nos.kill(os.getpid(), {int(signal.SIGSEGV)})")
    write_package(environment, "pydantic", "2.11.0", "print('hello')")
    write_package(environment, "keras", "3.14.0", "raise ImportError('first line\\nsecond line')")
    findings = inspect_libraries(has_av=False)

    assert find(findings, "soxr").text.startswith("ends the process with an illegal instruction")
    assert find(findings, "h5py").text == "ends the process when it is loaded (SIGSEGV)"
    assert find(findings, "h5py").cure == "pip uninstall h5py, then pip install h5py"
    assert (find(findings, "pydantic").status, find(findings, "pydantic").text) == ("ok", "2.11.0")
    assert "FLAC" in find(findings, "libsndfile").text
    assert "first line second line" in find(findings, "tensorflow import").text
    assert find(findings, "gpu").status == "note"


@pytest.mark.slow
def test_without_tensorflow(tmp_path: Path) -> None:
    """TensorFlow is not installed: doctor names it twice, for its metadata and its import, and extract is one sentence."""
    environment = tmp_path / "environment"
    environment.mkdir()
    write_own_metadata(environment)
    link_packages(environment, without=("tensorflow",))
    write_noise(tmp_path / "a.wav", 2.0)

    problems = list_problems(run_specfeat_in(environment, tmp_path, "doctor", "--json"))
    done = run_specfeat_in(environment, tmp_path, *EXTRACT)

    assert {*problems} == {"tensorflow", "tensorflow import"}
    assert problems["tensorflow"]["text"] == "is not installed"
    assert problems["tensorflow"]["cure"] == "pip install 'tensorflow>=2.20,<2.22'"
    assert "No module named 'tensorflow'" in problems["tensorflow import"]["text"]
    assert done.returncode == 1
    assert done.stderr.startswith("specfeat: TensorFlow and Keras cannot be imported in ")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_with_numpy_1(tmp_path: Path) -> None:
    """NumPy 1 has no such functions: doctor and extract say the version and the command, and no traceback."""
    environment = tmp_path / "environment"
    environment.mkdir()
    write_own_metadata(environment)
    write_package(environment, "numpy", "1.26.4", "")
    link_packages(environment, without=("numpy", "tensorflow", "keras"))
    write_package(environment, "tensorflow", "2.21.0", "raise AttributeError('_ARRAY_API not found')")
    write_package(environment, "keras", "3.14.0", "")
    write_noise(tmp_path / "a.wav", 2.0)

    problems = list_problems(run_specfeat_in(environment, tmp_path, "doctor", "--json"))
    done = run_specfeat_in(environment, tmp_path, *EXTRACT)

    assert problems["numpy"]["cure"] in (CURE_OF_NUMPY, "pip uninstall numpy, then pip install numpy")
    assert "AttributeError: _ARRAY_API not found" in problems["tensorflow import"]["text"]
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"specfeat: the installation is broken: numpy 1.26.4 does not fit, wanted >=2.0,<3; {CURE_OF_NUMPY} (after "
    )
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_with_keras_2(environment: Path, tmp_path: Path) -> None:
    """Keras 2 beside a new TensorFlow: the sentence names the version, in doctor and in extract."""
    write_package(environment, "keras", "2.15.0", "")
    write_package(environment, "tensorflow", "2.21.0", "")
    write_noise(tmp_path / "a.wav", 2.0)

    problems = list_problems(run_in_this_process(tmp_path, "doctor", "--json"))
    done = run_specfeat(tmp_path, *EXTRACT)

    assert problems["tensorflow import"]["text"] == "Keras 2.15.0 is too old"
    assert problems["tensorflow import"]["cure"] == "wanted 3.14 or newer: pip install 'keras>=3.14'"
    assert problems["keras"]["cure"] == CURE_OF_KERAS
    assert (done.returncode, done.stderr) == (
        1,
        "specfeat: Keras 2.15.0 is too old; wanted 3.14 or newer: pip install 'keras>=3.14'\n",
    )


@pytest.mark.slow
def test_without_typer_there_is_one_sentence(tmp_path: Path) -> None:
    """Not even the command can be read; the sentence says to install specfeat again."""
    done = run_specfeat_in(tmp_path, tmp_path, "doctor")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "specfeat: the package typer is missing; install specfeat again: pip install --force-reinstall specfeat\n"
    )


def test_the_text_has_a_line_for_each_finding_and_each_cure(environment: Path, tmp_path: Path) -> None:
    """Without --json: status, name and text in a line, the cure below it; exit code 1 if there is a problem."""
    write_package(environment, "keras", "2.15.0")
    done = run_in_this_process(tmp_path, "doctor", "--quick")
    lines = done.stdout.splitlines()

    assert (done.returncode, done.stderr) == (1, "")
    place = lines.index("problem  keras: 2.15.0 does not fit, wanted >=3.14,<4")
    assert lines[place + 1] == f"         cure: {CURE_OF_KERAS}"
    assert all(line.split()[0] in ("ok", "note", "problem", "cure:") for line in lines)
    names = [line.split()[1] for line in lines if not line.startswith(" ")]
    assert {"specfeat:", "python:", "processor:", "cores:", "memory:", "cache:"} <= {*names}


def test_the_machine_is_examined_without_a_library(tmp_path: Path) -> None:
    """A processor without AVX, a small control group, and a cache that cannot be written."""
    info = tmp_path / "cpuinfo"
    info.write_text("model name\t: Old\nflags\t\t: fpu sse4_2\n\nmodel name\t: Old\nflags\t\t: fpu sse4_2\n")
    if os.uname().machine == "x86_64":
        assert inspect_processor(info).status == "problem"
    info.write_text("model name\t: New\nflags\t\t: fpu avx avx2 fma\n")
    assert inspect_processor(info) == Finding("processor", "ok", "New; avx avx2 fma")
    assert inspect_processor(tmp_path / "none").status == "ok"

    (tmp_path / "meminfo").write_text("MemTotal:       16384000 kB\n")
    (tmp_path / "memory.max").write_text("536870912\n")
    finding = inspect_memory(tmp_path / "meminfo", [tmp_path])
    assert (finding.status, finding.text) == ("note", "0.5 GiB allowed by the control group")
    (tmp_path / "memory.max").write_text("max\n")
    assert inspect_memory(tmp_path / "meminfo", [tmp_path]).text == "15.6 GiB of the machine"

    assert inspect_cache(tmp_path / "new" / "specfeat").status == "ok"
    assert inspect_cache(info / "specfeat").status == "note"
