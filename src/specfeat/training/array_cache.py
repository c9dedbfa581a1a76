"""Clips of sounds, or rows of a teacher, on the disk: made once and read in any order.

Clip and row are called array here. The arrays are kept in files of `CHUNK_SOUNDS` sounds each, called chunks:
the values one after another, and beside them a JSON file with the number of arrays of each sound.
A chunk counts as finished when its JSON file exists and the values have the size that follows from it. So a
training that is interrupted loses one chunk at most, and a chunk that is damaged is made again.
"""

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from specfeat.atomic_file import AtomicFile, write_atomically
from specfeat.errors import AudioError
from specfeat.files import read_size, wrap_os_errors
from specfeat.sound import Sound
from specfeat.training.clip_space import ClipSpace

CHUNK_SOUNDS = 256
BLOCK_ARRAYS = 1024  # the number of arrays in one block of `iterate_blocks`

Array = NDArray[np.float32]
# Yields for each sound, in order, the sound and an iterator of its arrays.
ArrayStreams = Generator[tuple[Sound, Iterator[Array]], None, None]


@dataclass(frozen=True, slots=True)
class CachedArrays:
    """The arrays of a group of sounds, in one variant.

    The group is the sounds for training, or those for validation and test. Its sounds are numbered from 0.

    Attributes:
        counts: the number of arrays of each sound; 0 for a sound that failed.
        failures: the messages about the sounds that failed, by the number of the sound.
        function: the function that converts the values when they are read; None if they stay as they are.
    """

    counts: NDArray[np.int64]
    failures: dict[int, str]
    _starts: NDArray[np.int64]
    _chunks: tuple[NDArray[np.floating], ...]
    _chunk_starts: NDArray[np.int64]
    function: Callable[[Array], Array] | None = None

    def with_function(self, function: Callable[[Array], Array]) -> "CachedArrays":
        """Return the same arrays with a function that converts the values when they are read."""
        return replace(self, function=function)

    def iterate_blocks(self) -> Iterator[Array]:
        """Yield all arrays, in blocks."""
        for chunk in self._chunks:
            for start in range(0, len(chunk), BLOCK_ARRAYS):
                yield self._convert(np.asarray(chunk[start : start + BLOCK_ARRAYS], np.float32))

    def _convert(self, values: Array) -> Array:
        return values if self.function is None else self.function(values)

    def read(self, sound_numbers: NDArray[np.int64], positions: NDArray[np.int64]) -> Array:
        """Return arrays, float32, shape (n, ...).

        Args:
            sound_numbers: the number of the sound of each array, shape (n,).
            positions: the position of each array in its sound, shape (n,).
        """
        rows = self._starts[sound_numbers] + positions
        chunk_numbers = np.searchsorted(self._chunk_starts, rows, side="right") - 1
        values = np.empty((len(rows), *self._chunks[0].shape[1:]), np.float32)
        # The arrays are read in their order on the disk. This is faster if the files are not in the memory.
        for k in np.argsort(rows).tolist():
            chunk = chunk_numbers[k]
            values[k] = self._chunks[chunk][rows[k] - self._chunk_starts[chunk]]
        return self._convert(values)


class ArrayCache:
    """The files with the arrays of a group of sounds, in one variant.

    Args:
        folder: the folder, which exists.
        name: the beginning of the names of the files, e.g. "clips-0".
        shape: the shape of one array.
        dtype: the type in which values are stored: "float32" or "float16".
        space: counts and limits the bytes of this cache and of others.
    """

    def __init__(self, folder: Path, name: str, shape: tuple[int, ...], dtype: str, space: ClipSpace) -> None:
        self._folder = folder
        self._name = name
        self._shape = shape
        self._dtype = np.dtype(dtype)
        self._space = space

    def fill(
        self,
        sounds: Sequence[Sound],
        open_streams: Callable[[Sequence[Sound]], ArrayStreams],
        on_sound: Callable[[Sound], None],
    ) -> CachedArrays:
        """Make the arrays of the sounds, except the chunks that are finished already, and open them.

        Args:
            sounds: the sounds.
            open_streams: a function that begins to make the arrays of sounds, and returns them in order.
            on_sound: called after each sound, and for each sound whose arrays are there already.

        Raises:
            OutputError: the arrays take more space than is allowed or free, or the disk cannot be written.
        """
        chunks = [
            range(start, min(start + CHUNK_SOUNDS, len(sounds)))
            for start in range(0, len(sounds), CHUNK_SOUNDS)
        ]
        missing: list[int] = []
        for number, chunk in enumerate(chunks):
            if not self._is_finished(number, len(chunk)):
                missing.append(number)
                continue
            finished = [sounds[k] for k in chunk]
            size = read_size(self._get_values_path(number))
            self._space.add_clips(len(finished), sum(sound.file.size or 0 for sound in finished), size)
            for sound in finished:
                on_sound(sound)
        remaining = [sounds[k] for number in missing for k in chunks[number]]
        if remaining:
            with closing(open_streams(remaining)) as streams:
                for number in missing:
                    self._write_chunk(number, chunks[number], streams, on_sound)
        return self._open(chunks)

    def _is_finished(self, number: int, sounds: int) -> bool:
        """Return whether a chunk is on the disk and complete."""
        try:
            counts = json.loads(self._get_counts_path(number).read_bytes())["counts"]
            size = self._get_values_path(number).stat().st_size
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return len(counts) == sounds and size == self._compute_size(sum(counts))

    def _write_chunk(
        self, number: int, sound_numbers: range, streams: ArrayStreams, on_sound: Callable[[Sound], None]
    ) -> None:
        counts: list[int] = []
        failures: dict[str, str] = {}
        path = self._get_values_path(number)
        with AtomicFile(path) as values:
            for k in sound_numbers:
                sound, arrays = next(streams)
                with wrap_os_errors(path):
                    count, error = self._write_arrays(values.file, arrays)
                counts.append(count)
                if error:
                    failures[str(k)] = error
                self._space.add_clips(1, sound.file.size or 0, self._compute_size(count))
                on_sound(sound)
            values.sync()
            values.finish()
        content = json.dumps({"counts": counts, "failures": failures}).encode()
        write_atomically(self._get_counts_path(number), content)

    def _write_arrays(self, file: BinaryIO, arrays: Iterator[Array]) -> tuple[int, str]:
        """Write the arrays of one sound; return their number, and why the sound failed ("" if it did not)."""
        position, count = file.tell(), 0
        try:
            for array in arrays:
                file.write(np.ascontiguousarray(array, self._dtype).data)
                count += len(array)
        except AudioError as e:
            file.seek(position)
            file.truncate()
            return 0, str(e)
        return count, ""

    def _compute_size(self, count: int) -> int:
        """Return the size of `count` arrays on the disk, in bytes."""
        return self._dtype.itemsize * count * int(np.prod(self._shape))

    def _open(self, chunks: Sequence[range]) -> CachedArrays:
        counts: list[int] = []
        failures: dict[int, str] = {}
        arrays: list[NDArray[np.floating]] = []
        for number in range(len(chunks)):
            content = json.loads(self._get_counts_path(number).read_bytes())
            counts += content["counts"]
            failures |= {int(k): text for k, text in content["failures"].items()}
            arrays.append(self._map_values(number, sum(content["counts"])))
        sound_counts = np.asarray(counts, np.int64)
        lengths = [len(array) for array in arrays]
        return CachedArrays(
            sound_counts,
            failures,
            np.concatenate([[0], np.cumsum(sound_counts)[:-1]]).astype(np.int64),
            tuple(arrays),
            np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64),
        )

    def _map_values(self, number: int, count: int) -> NDArray[np.floating]:
        shape = (count, *self._shape)
        if not count:
            return np.empty(shape, self._dtype)
        mapped: NDArray[np.floating] = np.memmap(self._get_values_path(number), self._dtype, "r", shape=shape)
        return mapped

    def _get_values_path(self, number: int) -> Path:
        return self._folder / f"{self._name}-{number:05d}.bin"

    def _get_counts_path(self, number: int) -> Path:
        return self._folder / f"{self._name}-{number:05d}.json"


def remove_caches(folder: Path) -> None:
    """Remove all clips and rows: first the JSON files, so that no chunk seems to be finished."""
    for pattern in ("clips-*.json", "rows-*.json", "clips-*.bin", "rows-*.bin"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
