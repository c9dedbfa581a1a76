"""The clips on the disk: interrupted and damaged chunks, and failures."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers.training_data import make_space
from specfeat.errors import AudioError
from specfeat.sound import Sound
from specfeat.training import array_cache
from specfeat.training.array_cache import ArrayCache, ArrayStreams, CachedArrays, remove_caches

SHAPE = (2, 3)


def _make_sounds(count: int) -> list[Sound]:
    return [Sound(str(number)) for number in range(count)]


class Source:
    """Makes arrays of sounds: sound n has n % 4 arrays filled with n; some sounds fail, or stop everything.

    Attributes:
        made: the sounds whose arrays were asked for.
    """

    def __init__(self, *, bad: Sequence[int] = (), stop_at: int | None = None) -> None:
        self.made: list[int] = []
        self._bad = bad
        self._stop_at = stop_at

    def __call__(self, sounds: Sequence[Sound]) -> ArrayStreams:
        """Yield the arrays of each sound."""
        for sound in sounds:
            number = int(sound.path)
            if number == self._stop_at:
                raise KeyboardInterrupt
            self.made.append(number)
            yield sound, self._make_arrays(number)

    def _make_arrays(self, number: int) -> Iterator[NDArray[np.float32]]:
        for _ in range(number % 4):
            yield np.full((1, *SHAPE), number, np.float32)
        if number in self._bad:
            raise AudioError("is broken")


def _fill(folder: Path, source: Source, count: int = 10) -> CachedArrays:
    space = make_space(folder)
    cache = ArrayCache(folder, "clips-0", SHAPE, "float32", space)
    return cache.fill(_make_sounds(count), source, lambda sound: None)


@pytest.fixture(autouse=True)
def _chunks_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_cache, "CHUNK_SOUNDS", 4)


def _check(arrays: CachedArrays, count: int = 10) -> None:
    assert arrays.counts.tolist() == [number % 4 for number in range(count)]
    numbers = np.array([7, 1, 9, 7], np.int64)
    assert arrays.read(numbers, np.array([2, 0, 0, 1]))[:, 1, 2].tolist() == [7, 1, 9, 7]


def test_arrays_are_read_in_any_order(tmp_path: Path) -> None:
    """Each array is that of its sound and position, whatever chunk it is in; a second call makes nothing."""
    _check(_fill(tmp_path, Source()))
    again = Source()
    _check(_fill(tmp_path, again))

    assert again.made == []


def test_a_sound_that_fails_has_no_arrays(tmp_path: Path) -> None:
    """The arrays before the failure are dropped, the reason is kept, also for the next call."""
    for _ in range(2):
        arrays = _fill(tmp_path, Source(bad=[3, 4]))
        assert arrays.counts.tolist() == [0, 1, 2, 0, 0, 1, 2, 3, 0, 1]
        assert arrays.failures == {3: "is broken", 4: "is broken"}
        assert arrays.read(np.array([5]), np.array([0]))[0, 0, 0] == 5


def test_an_interruption_loses_one_chunk(tmp_path: Path) -> None:
    """The finished chunk is not made again, and nothing of the interrupted one stays."""
    with pytest.raises(KeyboardInterrupt):
        _fill(tmp_path, Source(stop_at=6))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips-0-00000.bin", "clips-0-00000.json"]
    rest = Source()
    _check(_fill(tmp_path, rest))

    assert rest.made == [4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("damage", ["short values", "no values", "no JSON", "cut JSON", "other JSON"])
def test_a_damaged_chunk_is_made_again(tmp_path: Path, damage: str) -> None:
    """A chunk whose two files do not fit together counts as not finished."""
    _fill(tmp_path, Source())
    values, counts = tmp_path / "clips-0-00001.bin", tmp_path / "clips-0-00001.json"
    if damage == "short values":
        values.write_bytes(values.read_bytes()[:-1])
    elif damage == "no values":
        values.unlink()
    elif damage == "no JSON":
        counts.unlink()
    elif damage == "cut JSON":
        counts.write_bytes(counts.read_bytes()[:-1])
    else:
        counts.write_text(json.dumps({"counts": [1]}))
    source = Source()
    _check(_fill(tmp_path, source))

    assert source.made == [4, 5, 6, 7]


def test_half_precision_takes_half_of_the_space(tmp_path: Path) -> None:
    """Values are read as float32 again."""
    cache = ArrayCache(tmp_path, "clips-0", SHAPE, "float16", make_space(tmp_path))
    arrays = cache.fill(_make_sounds(4), Source(), lambda sound: None)

    assert (tmp_path / "clips-0-00000.bin").stat().st_size == 6 * 6 * 2
    assert arrays.read(np.array([3]), np.array([0])).dtype == np.float32


def test_clips_are_removed_and_nothing_else(tmp_path: Path) -> None:
    """Checkpoints stay."""
    _fill(tmp_path, Source())
    (tmp_path / "checkpoint-1.npz").touch()
    remove_caches(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-1.npz"]
