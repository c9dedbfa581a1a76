"""The formats of the array: `.npy`, and that another one is a single new file."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.sample_records import WIDTH, make_entry, make_provenance, make_record
from specfeat.errors import UsageError
from specfeat.output import formats
from specfeat.output.feature_table import ArrayLayout, Rows
from specfeat.output.formats import _find_name_by_extension, find_format_name, get_format, list_format_names
from specfeat.output.formats.npy import FORMAT as NPY
from specfeat.output.formats.npy import read_header, read_rows_between
from specfeat.output.paths import OutputPaths
from specfeat.output.previous_run import FinishedSound, UnfinishedRun, read_previous_output, verify_output
from specfeat.output.records import SoundEntry
from specfeat.output.rows_file import FLOAT32
from specfeat.output.work_folder import WorkFolder

PROVENANCE = make_provenance()


@pytest.fixture
def toy_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package of formats with one module more, as if its file had been added there."""
    (tmp_path / "formats").mkdir()
    shutil.copy(Path(__file__).with_name("toy_format.py"), tmp_path / "formats/toy.py")
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path / "formats")])
    forget_found_formats()
    yield
    forget_found_formats()
    sys.modules.pop("specfeat.output.formats.toy", None)


def forget_found_formats() -> None:
    """Search for formats again, as a new process does."""
    for function in (list_format_names, _find_name_by_extension, get_format):
        function.cache_clear()


def make_array_layout(rows: Rows) -> ArrayLayout:
    """Return the layout of an array without sounds."""
    return ArrayLayout(rows=len(rows), width=rows.shape[1], dtype=rows.dtype, entries=())


def _write_rows(work: WorkFolder, name: str, rows: int, value: float) -> FinishedSound:
    work.rows.append(np.full((rows, WIDTH), value, np.float32))
    return work.finish_sound(make_entry(name, rows))


def _commit(work: WorkFolder, sounds: list[FinishedSound]) -> tuple[SoundEntry, ...]:
    digests = work.prepare_output(sounds, lambda file: None)
    record = make_record(*(sound.entry for sound in sounds), digests=digests)
    work.commit(record)
    return record.files


def _read_first_column(path: Path) -> list[float]:
    layout = ArrayLayout(rows=0, width=WIDTH, dtype=FLOAT32, entries=())
    blocks = get_format(find_format_name(path)).read_rows(path, layout)
    return [float(row[0]) for block in blocks for row in block]


def test_the_name_asks_for_the_format() -> None:
    """`.npy` and every name without a known suffix are NumPy's."""
    for name in ("out.npy", "OUT.NPY", "out", "v1.2", "out.toy", "a.b/out"):
        assert get_format(find_format_name(name)) is NPY


@pytest.mark.usefixtures("toy_format")
def test_a_new_format_is_one_file(tmp_path: Path) -> None:
    """A commit writes it, a resumed run writes it, and an update reads rows of it."""
    paths = OutputPaths(tmp_path / "out.toy")
    names = [path.name for path in (paths.index, paths.record, paths.work_folder)]
    assert names == ["out.toy.index.csv", "out.toy.run.json", "out.toy.partial"]
    paths.check_writable()
    with WorkFolder(paths) as work:
        work.start(PROVENANCE, is_update=False)
        _write_rows(work, "a.wav", 2, 0.1)
    with WorkFolder(paths) as work:
        assert isinstance(work.unfinished_run, UnfinishedRun)
        unfinished = list(work.unfinished_run.list_finished_sounds())
        work.start(PROVENANCE, is_update=False)
        entries = _commit(work, [*unfinished, _write_rows(work, "b.wav", 3, 2)])

    assert paths.array.read_text().startswith(f"toy 5 {WIDTH}\n0x1.99999a0000000p-4 ")
    assert sorted(path.name for path in tmp_path.glob("out*")) == [
        "out.toy",
        "out.toy.index.csv",
        "out.toy.run.json",
    ]
    paths.check_replaceable()
    output = read_previous_output(paths)
    verify_output(output, paths)
    assert output.entries == entries
    with WorkFolder(paths) as work:
        a, b = output.list_finished_sounds()
        work.start(PROVENANCE, is_update=True)
        _commit(work, [b, _write_rows(work, "c.wav", 1, 3), a])

    assert _read_first_column(paths.array) == [2, 2, 2, 3, np.float32(0.1), np.float32(0.1)]


@pytest.mark.usefixtures("toy_format")
def test_rows_can_change_their_format(tmp_path: Path) -> None:
    """Rows of an output in one format can be taken into an output of another, bit by bit."""
    toy, npy = OutputPaths(tmp_path / "old.toy"), OutputPaths(tmp_path / "new.npy")
    with WorkFolder(toy) as work:
        work.start(PROVENANCE, is_update=False)
        _commit(work, [_write_rows(work, "a.wav", 2, 0.1), _write_rows(work, "b.wav", 1, 0.3)])
    with WorkFolder(npy) as work:
        a, b = read_previous_output(toy).list_finished_sounds()
        work.start(PROVENANCE, is_update=False)
        _commit(work, [b, a])

    np.testing.assert_array_equal(np.load(npy.array)[:, 0], np.array([0.3, 0.1, 0.1], np.float32))


@pytest.mark.usefixtures("toy_format")
def test_a_file_of_another_format_is_not_replaced(tmp_path: Path) -> None:
    """What does not begin as the format does is no array; what a run prepared in another format is removed."""
    (tmp_path / "out.toy").write_bytes(b"\x93NUMPY")
    with pytest.raises(UsageError, match=r"out.toy: is not an array, so it is not replaced"):
        OutputPaths(tmp_path / "out.toy").check_replaceable()
    paths = OutputPaths(tmp_path / "out.npy")
    with WorkFolder(paths) as work:
        work.start(PROVENANCE, is_update=False)
        (paths.work_folder / "array.toy").write_text("left by a run that was killed")

    assert not paths.work_folder.exists()


def test_a_commit_of_ordered_rows_copies_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows file becomes the array by a rename, if all rows are in it and in order."""
    monkeypatch.setattr(type(NPY), "write_table", None)
    with WorkFolder(OutputPaths(tmp_path / "out.npy")) as work:
        work.start(PROVENANCE, is_update=False)
        _commit(work, [_write_rows(work, f"{value}.wav", 2, value) for value in range(3)])

    np.testing.assert_array_equal(np.load(tmp_path / "out.npy")[:, 0], [0, 0, 1, 1, 2, 2])


def test_npy_reads_and_writes_what_numpy_does(tmp_path: Path) -> None:
    """Pieces of any size give one array; any rows of it can be read; more than there are is an error."""
    rows = np.random.default_rng(0).normal(size=(70, 5)).astype(np.float32)
    path = tmp_path / "out.npy"
    layout = make_array_layout(rows)
    NPY.write_rows(path, (rows[start : start + 9] for start in range(0, 70, 9)), layout)

    np.testing.assert_array_equal(np.load(path), rows)
    assert NPY.has_layout(path, layout)
    for other in (replace(layout, rows=71), replace(layout, width=4), replace(layout, dtype=np.dtype("<f2"))):
        assert not NPY.has_layout(path, other)
    for first, count in ((0, 70), (3, 4), (69, 1), (5, 0)):
        pieces = [np.empty((0, 5), np.float32), *read_rows_between(path, first, count)]
        np.testing.assert_array_equal(np.concatenate(pieces), rows[first : first + count])
    with pytest.raises(RuntimeError, match="ends before its last row"):
        list(read_rows_between(path, 70, 1))


@pytest.mark.parametrize(
    "array", [np.zeros(3, np.float32), np.zeros((2, 2)), np.zeros((3, 2), np.float32, order="F"), None]
)
def test_other_arrays_have_no_shape(tmp_path: Path, array: np.ndarray | None) -> None:
    """Only float32 or float16 of two axes, row after row, is an array of features."""
    path = tmp_path / "out.npy"
    path.write_bytes(b"text") if array is None else np.save(path, array)

    with path.open("rb") as file:
        assert read_header(file) is None


def _flip_each_bit(data: bytes) -> Iterator[bytes]:
    """Yield the data once for each of its bits, with this bit changed."""
    for k in range(8 * len(data)):
        changed = bytearray(data)
        changed[k // 8] ^= 1 << k % 8
        yield bytes(changed)


@pytest.mark.slow
def test_a_header_with_any_wrong_bit_raises_nothing(tmp_path: Path) -> None:
    """It is no header, or states another size; where a shape is read, NumPy reads the same."""
    path = tmp_path / "out.npy"
    np.save(path, np.zeros((12, 34), np.float32))
    data = path.read_bytes()
    header, rows = data[:128], data[128:]
    shapes = set()
    for changed_header in _flip_each_bit(header):
        path.write_bytes(changed_header + rows)
        with path.open("rb") as file:
            read = read_header(file)
        if read is None:
            with pytest.raises(RuntimeError, match="is not an array of features"):
                list(read_rows_between(path, 0, 1))
        else:
            with path.open("rb") as file:
                np.lib.format.read_magic(file)
                assert np.lib.format.read_array_header_1_0(file)[0] == read[:2]
            shapes.add(read[:2])

    assert (12, 34) not in shapes
    assert 12 <= len(shapes) <= 32  # four digits, of which some bits give another digit
