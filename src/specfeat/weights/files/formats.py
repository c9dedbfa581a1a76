"""The formats, and what reads each. A reader is a context: the values are read while it is open."""

import importlib
import struct
import tokenize
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from specfeat.config.model import WeightsFormat
from specfeat.errors import WeightsError
from specfeat.weights.files import zip_archive
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.files.frozen_graph import read_graph
from specfeat.weights.files.keras_files import read_hdf5, read_keras
from specfeat.weights.files.npz import read_npz
from specfeat.weights.files.safetensors import read_safetensors
from specfeat.weights.files.source import WeightsSource, detect_format
from specfeat.weights.files.tflite import read_tflite
from specfeat.weights.files.torch_file import read_torch

Reader = Callable[[Path], AbstractContextManager[FileContents]]


def _needs_tensorflow(name: str) -> Reader:
    """Load TensorFlow for the files that need it, when one comes."""

    def read(path: Path) -> AbstractContextManager[FileContents]:
        module = importlib.import_module("specfeat.weights.files.tensorflow_checkpoint")
        reader: Reader = getattr(module, name)
        return reader(path)

    return read


READERS: dict[WeightsFormat, Reader] = {
    "hdf5": read_hdf5,
    "keras": read_keras,
    "npz": read_npz,
    "safetensors": read_safetensors,
    "torch": read_torch,
    "tflite": read_tflite,
    "graph": read_graph,
    "checkpoint": _needs_tensorflow("read_checkpoint"),
    "savedmodel": _needs_tensorflow("read_saved_model"),
}

# What a reader may say of a file that is damaged, or lies; anything else is a bug and keeps its traceback.
_DAMAGE = (
    RuntimeError, LookupError, ValueError, TypeError, AttributeError, EOFError, OverflowError, SyntaxError,
    MemoryError, struct.error, tokenize.TokenError, zlib.error, zip_archive.DamagedArchiveError,
)  # fmt: skip


@contextmanager
def open_weights_file(source: WeightsSource, wanted: WeightsFormat = "auto") -> Iterator[FileContents]:
    """Open the files and give what they hold; all that is wrong with them comes out as one kind of error.

    Raises:
        WeightsError: the format is not known, not the one wanted, or the file is damaged or hostile; now, or
            when an array is read.
    """
    with ExitStack() as stack:
        with _damage_told():
            found = detect_format(source)
            if wanted not in ("auto", found):
                raise WeightsError(f"is of the format {found}; the config says {wanted}")
            contents = stack.enter_context(READERS[found](source.path))
        arrays = (replace(array, read=partial(_read, array)) for array in contents.arrays)
        yield replace(contents, arrays=tuple(arrays))


def _read(array: FileArray) -> NDArray[Any]:
    with _damage_told():
        return array.read()


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise WeightsError(f"the weights cannot be read: {e.strerror or 'the file is damaged'}") from e
    except _DAMAGE as e:
        raise WeightsError(f"the weights cannot be read: the file is damaged ({type(e).__name__})") from e
