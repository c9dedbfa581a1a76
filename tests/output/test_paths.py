"""Where an output goes: its names, and what is refused before any work."""

import os
from pathlib import Path

import pytest

from specfeat.errors import UsageError
from specfeat.output.paths import OutputPaths, make_output_paths


@pytest.mark.parametrize(
    ("name", "index", "record"),
    [
        ("out.npy", "out.index.csv", "out.run.json"),
        ("out", "out.index.csv", "out.run.json"),
        ("v1.2", "v1.2.index.csv", "v1.2.run.json"),
        ("a.npy.npy", "a.npy.index.csv", "a.npy.run.json"),
        ("OUT.NPY", "OUT.index.csv", "OUT.run.json"),
    ],
)
def test_the_array_has_the_name_that_the_user_gives(name: str, index: str, record: str) -> None:
    """The name is exactly the one given; the other two stand beside it."""
    paths = OutputPaths(Path("folder") / name)

    assert (paths.array.name, paths.index.name, paths.record.name) == (name, index, record)
    assert paths.index.parent == paths.array.parent


def test_an_output_is_checked_before_any_work(tmp_path: Path) -> None:
    """What exists, is no file, or cannot be written is one sentence that says what to do."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "old.index.csv").write_text("")
    os.mkfifo(tmp_path / "fifo")
    for name, sentence in [
        ("no/out.npy", "no such folder for the output; make it first: mkdir -p "),
        ("folder", "is a folder; wanted the output's file name"),
    ]:
        with pytest.raises(UsageError, match=sentence):
            OutputPaths(tmp_path / name).check_writable()
    with pytest.raises(UsageError, match=r"old.index.csv: exists already"):
        OutputPaths(tmp_path / "old.npy").check_absent()
    OutputPaths(tmp_path / "old.npy").check_replaceable()
    OutputPaths(tmp_path / "new.npy").check_absent()
    for path in (tmp_path / "fifo", Path("/dev/null")):
        with pytest.raises(UsageError, match="is not a regular file"):
            OutputPaths(path).check_replaceable()


def test_the_outputs_of_one_work_folder(tmp_path: Path) -> None:
    """`out` and `out.npy` share their work folder; names that lead elsewhere do not belong to it."""
    paths = OutputPaths(tmp_path / "out.npy")

    assert paths.find_output("out") == OutputPaths(tmp_path / "out")
    assert paths.find_output("out.npy") == paths
    assert [paths.find_output(name) for name in ("other.npy", "../out.npy", "", ".", "a/out")] == [None] * 5


def test_own_files_are_recognised_however_they_are_reached(tmp_path: Path) -> None:
    """Through a link to their folder, they are the output's own; other files of the same names are not."""
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    paths = OutputPaths(tmp_path / "data/out.npy")
    others = [str(tmp_path / name) for name in ("link/notes.txt", "out.npy", "link/sub/out.run.json")]
    own = [f"{tmp_path}/link/{name}" for name in ("out.npy", "out.index.csv", "out.partial/rows.npy")]

    assert paths.exclude_own_files([*own, *others]) == others


def test_inputs_are_not_overwritten(tmp_path: Path) -> None:
    """An input that is a file of the output, or lies in the work folder, is refused, also through a link."""
    paths = OutputPaths(tmp_path / "out.npy")
    paths.work_folder.mkdir()
    for name in ("out.npy", "out.partial/x.wav", "a.wav"):
        (tmp_path / name).write_text("")
    (tmp_path / "link.wav").symlink_to("out.npy")
    paths.check_inputs([str(tmp_path / "a.wav"), str(tmp_path / "none.wav")])
    for name in ("out.npy", "link.wav"):
        with pytest.raises(UsageError, match=r"out.npy: would be written over the input"):
            paths.check_inputs([str(tmp_path / name)])
    with pytest.raises(UsageError, match=r"x.wav: lies in the work folder"):
        paths.check_inputs([str(tmp_path / "out.partial/x.wav")])


def test_a_link_is_not_replaced(tmp_path: Path) -> None:
    """What it leads to would stay as it is, and the user would not notice."""
    (tmp_path / "out.run.json").symlink_to("elsewhere")

    with pytest.raises(UsageError, match=r"out.run.json: is a link to elsewhere; name the file itself"):
        OutputPaths(tmp_path / "out.npy").check_writable()


@pytest.mark.parametrize(
    ("name", "example"),
    [
        ("o.npy.gz", "o.npy"),
        ("o.ZIP", "o.npy"),
        ("v1.2.zst", "v1.2.npy"),
        ("o.tar.xz", "o.tar.npy"),
        ("o.mat", "o.npy"),
    ],
)
def test_a_name_of_another_format_is_refused(tmp_path: Path, name: str, example: str) -> None:
    """Who reads a compressed file would try to decompress it; the error names the formats, and another name."""
    with pytest.raises(UsageError, match=r"specfeat does not write \.\w+ files, only .*\.npy") as caught:
        make_output_paths(tmp_path / name).check_writable()
    assert str(caught.value).endswith(f"name it {tmp_path / example}")
    make_output_paths(tmp_path / example.replace(".tar", "")).check_writable()


def test_the_name_of_an_output_is_that_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is not standard output, and a slash at the end is not dropped; `./-` is a file."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="-: the output cannot be written to stdout"):
        make_output_paths("-")
    for name in ("newdir/", "newdir//", "newdir/.", "out.npy/"):
        with pytest.raises(
            UsageError, match=r"names a folder; wanted the output's file name, e\.g\. .*/out.npy"
        ):
            make_output_paths(name)
    (tmp_path / "dir").mkdir()
    with pytest.raises(UsageError, match="dir: is a folder"):
        make_output_paths("dir/").check_writable()
    assert make_output_paths("./-").array.name == "-"
