"""The rows of a run while it runs: an array that NumPy loads, and that grows and shrinks at its end."""

from pathlib import Path

import numpy as np

from specfeat.output.rows_file import RowsFile


def test_numpy_loads_the_rows(tmp_path: Path) -> None:
    """What is appended is what NumPy loads, for every number of rows, also by memory map."""
    expected = np.random.default_rng(0).normal(size=(1234, 5)).astype(np.float32)
    for count in (0, 1, 9, 10, 1234):
        rows = RowsFile(tmp_path / "rows.npy", 5)
        for start in range(0, count, 100):
            rows.append(expected[start : min(count, start + 100)])
        rows.finish()
        rows.close()

        np.testing.assert_array_equal(np.load(tmp_path / "rows.npy"), expected[:count])
        np.testing.assert_array_equal(
            np.load(tmp_path / "rows.npy", mmap_mode="r" if count else None), expected[:count]
        )


def test_rows_can_be_removed(tmp_path: Path) -> None:
    """The rows of a file that broke are gone, and those after it stand where they belong."""
    rows = RowsFile(tmp_path / "rows.npy", 2)
    rows.append(np.full((3, 2), 1, np.float32))
    rows.append(np.full((4, 2), 2, np.float32))
    rows.remove_last(4)
    rows.append(np.full((1, 2), 3, np.float32))
    rows.finish()
    rows.close()

    assert rows.count == 4
    np.testing.assert_array_equal(np.load(tmp_path / "rows.npy")[:, 0], [1, 1, 1, 3])


def test_a_rows_file_is_continued(tmp_path: Path) -> None:
    """Opened with a number of rows, it keeps these, drops what follows them, and grows from there."""
    rows = RowsFile(tmp_path / "rows.npy", 2)
    rows.append(np.full((5, 2), 1, np.float32))
    rows.close()
    rows = RowsFile(tmp_path / "rows.npy", 2, 3)
    rows.append(np.full((1, 2), 2, np.float32))
    rows.finish()
    rows.close()

    np.testing.assert_array_equal(np.load(tmp_path / "rows.npy")[:, 0], [1, 1, 1, 2])


def test_a_rows_file_that_was_replaced_is_noticed(tmp_path: Path) -> None:
    """Somebody may remove the work folder, and another run make its own."""
    rows = RowsFile(tmp_path / "rows.npy", 2)
    assert rows.is_at_its_path()
    (tmp_path / "rows.npy").unlink()
    assert not rows.is_at_its_path()
    (tmp_path / "rows.npy").write_bytes(b"")
    assert not rows.is_at_its_path()
    rows.close()
