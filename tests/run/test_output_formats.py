"""Outputs in every format: resumed and updated like `.npy`, and refused where the name and the format differ."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.handmade_runs import HandmadeRuns
from helpers.specfeat_command import run_in_this_process
from specfeat.errors import InstallError, UsageError
from specfeat.output.feature_table import ArrayLayout, Rows
from specfeat.output.formats import OutputFormat, get_format, list_format_names
from specfeat.output.paths import OutputPaths

FORMATS = [*sorted(list_format_names()), "npy-files"]


def make_runs(folder: Path, format_name: str) -> HandmadeRuns:
    """Make runs that write this format; skip the test if its package is missing."""
    if package := get_format(format_name).package:
        pytest.importorskip(package, reason=f"the format {format_name} needs {package}")
    is_named = format_name in list_format_names()
    return HandmadeRuns(folder, f"out.{format_name}" if is_named else "out", "" if is_named else format_name)


def read_files(runs: HandmadeRuns) -> dict[str, bytes]:
    """Return the bytes of array and index, and check that there is no other file of the output."""
    paths = runs.paths
    assert sorted(runs.folder.glob("out*")) == sorted(paths.files)
    files = [path for path in paths.array.rglob("*") if path.is_file()] or [paths.array]
    return {str(path): path.read_bytes() for path in [*files, paths.index]}


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_resumed_and_updated_runs_give_the_bytes_of_one_run(name: str, tmp_path: Path) -> None:
    """Whatever a run finds, the array has the bytes of a run that computes everything; also in another order."""
    runs = make_runs(tmp_path, name)
    files = runs.write_files(5)
    order = [files[k] for k in (3, 0, 4, 1, 2)]
    assert runs.run(order)
    wanted = read_files(runs)
    assert runs.run(order, stop_after=2, force=True) is None
    assert runs.run(order, resume=True, force=True)
    resumed = read_files(runs)
    assert runs.run(files[:4], force=True)
    assert runs.run(files, update=True)  # one file more at the end
    assert runs.run(order, update=True)  # all rows in another order
    updated = read_files(runs)

    assert resumed == wanted
    assert updated == wanted
    assert runs.run(order, update=True) is None


def test_an_update_reads_an_old_array_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most formats can be read only from the start, so their rows are copied first if they change their order."""
    runs = HandmadeRuns(tmp_path, "out.csv")
    files = runs.write_files(5)
    runs.run(files)
    csv_format = get_format("csv")
    starts: list[Path] = []
    read_rows = type(csv_format).read_rows

    def note_start(self: OutputFormat, path: Path, layout: ArrayLayout) -> Iterator[Rows]:
        starts.append(path)
        return read_rows(self, path, layout)

    monkeypatch.setattr(type(csv_format), "read_rows", note_start)
    runs.run(files[::-1], update=True)

    assert starts == [runs.paths.array]


def test_a_changed_array_is_not_used(tmp_path: Path) -> None:
    """An array of another format is compared with its hash before its rows are used again."""
    runs = HandmadeRuns(tmp_path, "out.csv")
    files = runs.write_files(3)
    runs.run(files)
    text = runs.paths.array.read_text()
    runs.paths.array.write_text(text.replace("1.0", "1.5"))

    with pytest.raises(UsageError, match=r"out.csv: has been changed since it was written"):
        runs.run(files[:2], update=True)


def test_outputs_of_two_formats_stand_side_by_side(tmp_path: Path) -> None:
    """`out.npy` and `out.csv` have index, record and work folder of their own."""
    npy, csv = OutputPaths(tmp_path / "out.npy"), OutputPaths(tmp_path / "out.csv")

    assert not {*npy.files, npy.work_folder} & {*csv.files, csv.work_folder}
    assert csv.index.name == "out.csv.index.csv"


def test_the_format_can_be_named(tmp_path: Path) -> None:
    """Any name can have any format, and the record says which; a later run must name the same."""
    paths = OutputPaths(tmp_path / "features", "csv")
    paths.check_writable()

    assert (paths.format_name, paths.index.name) == ("csv", "features.index.csv")
    assert OutputPaths(tmp_path / "out.HDF5").format_name == "h5"
    with pytest.raises(
        UsageError, match=r"out.csv: is named like csv, and the format is npz; name it .*out.npz"
    ):
        OutputPaths(tmp_path / "out.csv", "npz").check_writable()
    with pytest.raises(
        UsageError, match=r"there is no output format 'xls'; known are ark, ark-text, arrow, csv, h5, "
    ):
        OutputPaths(tmp_path / "out", "xls").check_writable()


def test_a_missing_package_is_said_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the command that installs the package; exit code 1."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "pyarrow" else find_spec(name, *rest)
    )
    (tmp_path / "a.wav").write_bytes(b"")
    done = run_in_this_process(tmp_path, "extract", "a.wav", "out.parquet")

    assert done.returncode == InstallError.exit_code == 1
    assert done.stderr == (
        "specfeat: the format parquet needs the package pyarrow, which is not installed; "
        "install it with: pip install 'specfeat[parquet]'\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav"]


RUN_WITH_PLUGIN = """
import sys
from pathlib import Path
from specfeat.output.formats import find_format_name, get_format
from specfeat.output.paths import OutputPaths

loaded = "toy_package" in sys.modules
print(find_format_name("out.toy"), find_format_name("out"), find_format_name("out.npy"))
print(loaded, type(OutputPaths(Path("out.toy")).format).__name__, "toy_package" in sys.modules)
OutputPaths(Path("out.toy")).check_writable()
try:
    get_format("broken")
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.slow
def test_another_package_adds_a_format(tmp_path: Path) -> None:
    """An entry point of an installed package is a format; a broken one is a sentence that names the package."""
    (tmp_path / "toy_package.py").write_text(
        Path(__file__).parents[1].joinpath("output/toy_format.py").read_text()
    )
    about = tmp_path / "toy_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[specfeat.output_formats]\ntoy = toy_package:FORMAT\nbroken = toy_package:NOTHING\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    words = [sys.executable, "-c", RUN_WITH_PLUGIN]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)

    assert done.stdout.splitlines() == [
        "toy npy npy",
        "False ToyFormat True",
        "InstallError the package toy-package offers 'broken' to specfeat, and it cannot be loaded (module "
        "'toy_package' has no attribute 'NOTHING'); repair or remove this package",
    ]
