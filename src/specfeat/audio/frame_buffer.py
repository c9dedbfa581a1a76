"""Keeps the frames or samples of a sound until its end, for steps that need a value of the whole sound."""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import AudioError

FloatArray = NDArray[np.float32]

MEMORY_BYTES = 32 * 2**20  # for one sound: 22 minutes at 100 frames of 64 bands per second


class FrameBuffer:
    """Keeps the blocks of a stream, so that they can be read several times.

    The `with` statement reads the whole stream. Up to `MEMORY_BYTES` are kept in memory. A longer stream is
    written to a temporary file without a name, which the system removes with the process, however it ends.

    Args:
        blocks: float32 arrays, shape (frames, ...) or (samples,); only the first number of their shapes may
            differ.

    Raises:
        AudioError: there is no space for the temporary file.
    """

    def __init__(self, blocks: Iterable[FloatArray]) -> None:
        self._blocks = blocks
        self._file = tempfile.SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115  `__exit__` closes it
        self._shapes: list[tuple[int, ...]] = []

    def __enter__(self) -> "FrameBuffer":
        try:
            for block in self._blocks:
                with _convert_temporary_folder_errors():
                    self._file.write(np.ascontiguousarray(block, np.float32).data)
                self._shapes.append(block.shape)
            with _convert_temporary_folder_errors():
                self._file.flush()
        except BaseException:  # Python does not call `__exit__` after an error in `__enter__`
            with contextlib.suppress(OSError):  # closing tries again to write the rest
                self._file.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def read(self, frames: int | None = None) -> Iterator[FloatArray]:
        """Yield the blocks from the first one, as read-only arrays with their original shapes.

        Args:
            frames: how many frames to read, where the last block is cut if necessary; None for all frames.
        """
        self._file.seek(0)
        for shape in self._shapes:
            if frames is not None and frames <= 0:
                return
            size = int(np.prod(shape))
            block = np.frombuffer(self._file.read(4 * size), np.float32).reshape(shape)
            yield block if frames is None else block[:frames]
            frames = None if frames is None else frames - len(block)


@contextlib.contextmanager
def _convert_temporary_folder_errors() -> Iterator[None]:
    """Convert an error of the temporary file to one that says why the space is needed."""
    try:
        yield
    except OSError as e:
        raise AudioError(
            "values of the whole file need room for all its frames in the temporary folder "
            f"({e.strerror or e}); make room there, or set TMPDIR to another folder",
            "spectrogram",
            "temporary folder",
        ) from e
