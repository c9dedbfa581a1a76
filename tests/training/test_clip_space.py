"""The space that clips take: what is estimated, and when a training is stopped."""

import shutil
from pathlib import Path

import pytest

from specfeat.errors import OutputError
from specfeat.training.clip_space import ClipSpace

MB = 10**6


def _make_space(folder: Path, notes: list[str], *, max_mb: float = 1000, sounds: int = 100) -> ClipSpace:
    """Make the counter for sounds of which 64 have files of 1 MB, and the others files of 0.1 MB."""
    file_bytes = 64 * MB + (sounds - 64) * MB // 10
    return ClipSpace(folder, max_mb * MB, sounds, file_bytes, notes.append)


def test_long_files_at_the_beginning_do_not_count_for_all(tmp_path: Path) -> None:
    """The estimate follows the sizes of the files; it refuses nothing, even if it is above the limit."""
    notes: list[str] = []
    space = _make_space(tmp_path, notes, max_mb=140, sounds=1064)
    for _ in range(64):
        space.add_clips(1, MB, 2 * MB)

    # 64 files of 1 MB have 128 MB of clips, so the 100 MB of the other 1,000 files have 200 MB more.
    assert notes == [
        f"the clips take about 328 MB in {tmp_path} until the training ends; train.cache.max_gb allows 0.14 GB, "
        "and the training stops with an error if they take more"
    ]


def test_the_size_is_told_once(tmp_path: Path) -> None:
    """Chunks that are there already count; with fewer than 64 sounds, the size is told after the last."""
    notes: list[str] = []
    space = _make_space(tmp_path, notes)
    space.add_clips(63, 63 * MB, 0)
    assert notes == []
    for _ in range(100):
        space.add_clips(1, MB, MB)
    assert len(notes) == 1
    small = ClipSpace(tmp_path, MB, 2, 1, notes.append)
    small.add_clips(2, 1, 1000)

    assert notes[1] == f"the clips take about 0.001 MB in {tmp_path} until the training ends"


def test_the_note_about_the_size_is_one_line(tmp_path: Path) -> None:
    """The name of the folder can have a line break."""
    folder = tmp_path / "two\nlines"
    folder.mkdir()
    notes: list[str] = []
    ClipSpace(folder, MB, 1, 1, notes.append).add_clips(1, 1, 1000)

    assert len(notes) == 1
    assert r"two\nlines until the training ends" in notes[0]
    assert "\n" not in notes[0]


def test_clips_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    """Exactly the limit is allowed; one byte more is not. The sentence gives both sizes and what to do."""
    space = _make_space(tmp_path, [], max_mb=2)
    space.add_clips(1, MB, 2 * MB)
    with pytest.raises(
        OutputError,
        match=r": the clips take 2 MB, but train\.cache\.max_gb allows 0\.002 GB; use train\.cache\.dtype: float16",
    ):
        space.add_clips(1, MB, 1)


def test_clips_that_are_certain_to_come_are_refused_before(tmp_path: Path) -> None:
    """Three more variants of 50 MB each do not fit into 199 MB, and fit into 200 MB."""
    for max_mb, message in (
        (199, r"will take 200 MB or more, but train\.cache\.max_gb allows 0\.199 GB"),
        (200, ""),
    ):
        space = _make_space(tmp_path, [], max_mb=max_mb)
        space.add_clips(100, 64 * MB, 50 * MB)
        if message:
            with pytest.raises(OutputError, match=message):
                space.check_future_bytes(150 * MB)
        else:
            space.check_future_bytes(150 * MB)


def test_a_disk_that_is_too_small_is_refused_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The space that finished clips take is not free any more, so only the clips to come are compared with it."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100 * MB))
    notes: list[str] = []
    space = _make_space(tmp_path, notes, sounds=64)
    space.add_clips(64, 64 * MB, 500 * MB)
    space.check_future_bytes(95 * MB)
    with pytest.raises(
        OutputError,
        match=r"the clips will take 96 MB or more beside those that are there, but only 100 MB are free",
    ):
        space.check_future_bytes(96 * MB)
    assert notes == [f"the clips take about 500 MB in {tmp_path} until the training ends"]
