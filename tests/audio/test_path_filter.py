"""The patterns of `--include` and `--exclude`, compared with pathlib and with what a user expects."""

import fnmatch
import os
from pathlib import Path
from typing import Any

import pytest

from specfeat.audio.discovery import find_sounds
from specfeat.audio.path_filter import PathFilter
from specfeat.errors import NoUsableAudioError, UsageError

PATHS = (
    "a.wav",
    "b.flac",
    "2024/a.wav",
    "2024/may/night_1.wav",
    "2024/may/day_1.wav",
    "noise/2024/x.wav",
    "[1].wav",
)


def choose(*, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> list[str]:
    path_filter = PathFilter(include, exclude)
    return [path for path in PATHS if path_filter.takes_file(path)]


@pytest.mark.parametrize(
    "pattern", ["*.wav", "a.*", "night_?.wav", "[ab].*", "x.wav", "[[]1].wav", "nothing"]
)
def test_a_pattern_without_a_slash_is_that_of_fnmatch(pattern: str) -> None:
    """It is compared with the name of each file at any depth, as `find -name` does it; no folder has such a name."""
    expected = [path for path in PATHS if fnmatch.fnmatchcase(path.rpartition("/")[2], pattern)]

    assert choose(include=(pattern,)) == expected
    assert choose(exclude=(pattern,)) == [path for path in PATHS if path not in expected]


@pytest.mark.parametrize(
    "pattern", ["*/*.wav", "**/*.wav", "2024/**/*.wav", "2024/*/*.wav", "**/may/*", "*/2024/*"]
)
def test_a_pattern_with_a_slash_is_that_of_pathlib(tmp_path: Path, pattern: str) -> None:
    """It is compared with the path below the folder; `*` stands for no slash, and `**` for any number of folders."""
    for path in PATHS:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    expected = {str(path.relative_to(tmp_path)) for path in tmp_path.glob(pattern) if path.is_file()}
    # A pattern that matches a folder stands for everything in it, which is not so in pathlib.
    folders = [path for path in tmp_path.glob(pattern) if path.is_dir()]
    expected |= {str(p.relative_to(tmp_path)) for folder in folders for p in folder.rglob("*") if p.is_file()}

    assert set(choose(include=(pattern,))) == expected


def test_a_folder_stands_for_everything_in_it() -> None:
    """`2024` and `2024/` are all folders with this name; `/2024` is only the one in the searched folder."""
    assert choose(include=("2024",)) == list(PATHS[2:6])
    assert choose(include=("2024/",)) == list(PATHS[2:6])
    assert choose(include=("/2024",)) == list(PATHS[2:5])
    assert choose(include=("a.wav/",)) == []
    assert choose(include=("2024",), exclude=("may", "x.*")) == ["2024/a.wav"]
    assert choose(include=("a.wav", "b.*")) == ["a.wav", "b.flac", "2024/a.wav"]


def test_an_empty_pattern_is_refused() -> None:
    """A shell variable that is not set must not choose everything or nothing."""
    for pattern in ("", "/", "//"):
        with pytest.raises(UsageError, match="a pattern for paths is empty"):
            PathFilter((pattern,))


def test_only_folders_are_filtered(tmp_path: Path) -> None:
    """A file that is named itself is taken; what is left out is no skipped file, and its folder is not entered."""
    for name in ("a.wav", "b.txt", "noise/c.wav", "noise/locked/d.wav", "night.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = find_sounds([tmp_path, f"{tmp_path}/noise/c.wav"], (), PathFilter(exclude=("noise/", "*.txt")))

    assert [sound.path for sound in found.sounds] == [
        f"{tmp_path}/a.wav",
        f"{tmp_path}/night.wav",
        f"{tmp_path}/noise/c.wav",
    ]
    assert found.skipped_files == ()


def test_an_excluded_folder_is_not_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of a million files that nobody wants takes no time, and one that cannot be read does not fail."""
    for name in ("a.wav", "noise/c.wav", "noise/more/d.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    listed: list[str] = []
    scandir = os.scandir

    def note_folder(path: str) -> Any:
        listed.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", note_folder)
    find_sounds([tmp_path], (), PathFilter(exclude=("noise",)))

    assert listed == [str(tmp_path)]


def test_patterns_that_choose_nothing_are_named(tmp_path: Path) -> None:
    """The error says that the patterns are the reason."""
    (tmp_path / "a.wav").write_bytes(b"x")

    with pytest.raises(
        NoUsableAudioError, match=r"no audio in .* that the patterns choose; check the patterns"
    ):
        find_sounds([tmp_path], (), PathFilter(("*.wvv",)))
