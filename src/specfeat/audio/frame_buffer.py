"""Frames or samples that are kept until the end of a sound, because a value of the whole sound decides."""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import AudioError

FloatArray = NDArray[np.float32]

MEMORY_BYTES = 32 * 2**20  # of one sound; at 100 frames of 64 bands a second, 22 minutes


class FrameBuffer:
    """Keeps the blocks of a stream, to read them several times.

    Up to `MEMORY_BYTES` are kept in memory, more in a temporary file that has no name, so that it cannot
    outlive the process.

    Args:
        blocks: float32, shape (frames, ...) or (samples,); only the first number may differ. All are read
            when the buffer is entered, as a context.

    Raises:
        AudioError: there is no room for the temporary file.
    """

    def __init__(self, blocks: Iterable[FloatArray]) -> None:
        self._blocks = blocks
        self._file = tempfile.SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115  closed in `__exit__`
        self._shapes: list[tuple[int, ...]] = []

    def __enter__(self) -> "FrameBuffer":
        try:
            for block in self._blocks:
                with _temporary_folder_errors():
                    self._file.write(np.ascontiguousarray(block, np.float32).data)
                self._shapes.append(block.shape)
            with _temporary_folder_errors():
                self._file.flush()
        except BaseException:
            with contextlib.suppress(OSError):  # to close flushes what could not be written, again
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
        """Yield the blocks from the first one, in the shapes in which they came; they cannot be written to.

        Args:
            frames: how many frames to read; the last block is then cut. None for all.
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
def _temporary_folder_errors() -> Iterator[None]:
    """Turn an error of the temporary file into one that says what needs the room."""
    try:
        yield
    except OSError as e:
        raise AudioError(
            "values of the whole file need room for all its frames in the temporary folder "
            f"({e.strerror or e}); make room there, or set TMPDIR to another folder",
            "spectrogram",
            "temporary folder",
        ) from e
