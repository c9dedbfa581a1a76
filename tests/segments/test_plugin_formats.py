"""A format of segment tables that another package adds, as docs/segments.md shows it."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from specfeat import plugins
from specfeat.errors import InstallError, UsageError
from specfeat.segments.formats import find_segment_format
from specfeat.sound import SoundPart

PAGE = Path(__file__).parents[2] / "docs" / "segments.md"
RTTM = "SPEAKER a.wav 1 0.5 2.0 <NA> <NA> ann <NA> <NA>\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install a package with the code of the page, and yield the folder that it is installed in."""
    (code,) = (text for text in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S) if "Rttm" in text)
    site = tmp_path / "site"
    (site / "my_package").mkdir(parents=True)
    (site / "my_package/__init__.py").touch()
    (site / "my_package/rttm.py").write_text(code)
    (site / "my_package-1.0.dist-info").mkdir()
    (site / "my_package-1.0.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n"
    )
    (site / "my_package-1.0.dist-info/entry_points.txt").write_text(
        "[specfeat.segment_formats]\nrttm = my_package.rttm:FORMAT\nwrong = my_package.rttm:RttmFormat\n"
    )
    monkeypatch.syspath_prepend(str(site))
    for function in (plugins.find_plugin, plugins.list_plugins):
        function.cache_clear()
    yield site
    for function in (plugins.find_plugin, plugins.list_plugins):
        function.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_package"]:
        del sys.modules[name]  # another test has a package of this name


def test_a_format_of_another_package(package: Path, tmp_path: Path) -> None:
    """The format is found by its name, and recognises its tables; specfeat's own formats need no search."""
    table = tmp_path / "a.rttm"
    table.write_text(RTTM)
    (line,) = find_segment_format(table, "rttm").read_table(table, {}).lines
    assert (line.paths, line.part, line.values) == (("a.wav",), SoundPart(None, 0.5, 2.5), ("ann",))

    with pytest.raises(InstallError, match="'wrong' of another package is no `SegmentFormat`"):
        find_segment_format(table, "wrong")
    with pytest.raises(UsageError, match=r"give one of kaldi, lhotse, .*, rttm and wrong"):
        find_segment_format(table, "none")
    # The broken package is not asked, because the first one recognises the table.
    assert type(find_segment_format(table, None)).__name__ == "RttmFormat"


def test_entry_points_are_searched_only_when_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that a format of specfeat recognises, or the name of such a format, needs no search."""

    def fail(**_: object) -> None:
        raise AssertionError("searched")

    monkeypatch.setattr("importlib.metadata.entry_points", fail)
    table = tmp_path / "t.csv"
    table.write_text("path\na.wav\n")
    find_segment_format(table, None)
    find_segment_format(table, "raven")
