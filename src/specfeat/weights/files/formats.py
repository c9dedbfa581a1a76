"""The registry of formats: recognises the format of a weights file, and opens the file with its reader.

A new format is one new module with a `FileFormat`, one entry in `FORMATS`, and its name in the config's
`WeightsFormat`.
"""

import codecs
import os
import struct
import tokenize
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from specfeat.config.model import Weights, WeightsFormat
from specfeat.errors import WeightsError
from specfeat.files import describe_os_error
from specfeat.weights.files import zip_archive
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.files.file_format import FileFormat
from specfeat.weights.files.frozen_graph import FROZEN_GRAPH
from specfeat.weights.files.keras_files import HDF5, KERAS_ARCHIVE
from specfeat.weights.files.npz import NPZ
from specfeat.weights.files.onnx_file import ONNX
from specfeat.weights.files.safetensors import SAFETENSORS
from specfeat.weights.files.source import WeightsSource, locate_weights, prefix_errors_with
from specfeat.weights.files.tensorflow_checkpoint import CHECKPOINT, SAVED_MODEL
from specfeat.weights.files.tflite import TFLITE
from specfeat.weights.files.torch_attention import translate_attention_layers
from specfeat.weights.files.torch_file import TORCH
from specfeat.weights.files.torch_recurrent import translate_recurrent_layers
from specfeat.weights.files.weight_norm import merge_weight_norms

# If several formats match a file, the first one of this list is taken.
FORMATS: tuple[FileFormat, ...] = (
    HDF5, KERAS_ARCHIVE, TFLITE, CHECKPOINT, SAVED_MODEL, FROZEN_GRAPH, ONNX, TORCH, NPZ, SAFETENSORS,
)  # fmt: skip

# The first two bytes of files that are compressed as a whole.
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZ": "bzip2", b"\xfd7": "xz", b"7z": "7z", b"(\xb5": "zstd"}

# The errors that a reader and its library may raise for a damaged or hostile file. Any other error is a bug
# of specfeat and keeps its traceback. RuntimeError comes from zipfile (encryption), torch and h5py;
# SyntaxError and TokenError from NumPy's parser of .npy headers; struct.error from flat buffers and .npy;
# MemoryError from sizes that the file declares and does not have.
DAMAGE_ERRORS = (
    RuntimeError, LookupError, ValueError, TypeError, AttributeError, EOFError, OverflowError, SyntaxError,
    MemoryError, struct.error, tokenize.TokenError, zlib.error, zip_archive.DamagedArchiveError,
)  # fmt: skip


@contextmanager
def open_weights_file(
    source: WeightsSource, expected_format: WeightsFormat = "auto"
) -> Iterator[FileContents]:
    """Open a weights file and yield its contents.

    Args:
        source: the file, or the files of a checkpoint.
        expected_format: the format that the config names; "auto" accepts any.

    Raises:
        WeightsError: the format is unknown or not the expected one, or the file is damaged or hostile. The
            arrays of the contents raise the same error if the damage is found only when they are read.
    """
    with ExitStack() as stack:
        with _report_damage():
            file_format = _detect_expected_format(source, expected_format)
            contents = stack.enter_context(file_format.read(source.path))
        arrays = (replace(array, read=partial(_read_values, array)) for array in contents.arrays)
        translated = translate_recurrent_layers(merge_weight_norms(arrays))
        yield replace(contents, arrays=translate_attention_layers(translated))


def check_weights_format(weights: Weights) -> None:
    """Recognise the format of a config's weights file, which takes less time than to load TensorFlow.

    Args:
        weights: the config's weights; if they are random, nothing is checked.

    Raises:
        WeightsError: the format is unknown or not the expected one; the message begins with the path.
    """
    if weights.file is not None:
        with prefix_errors_with(weights.file), _report_damage():
            _detect_expected_format(locate_weights(weights.file), weights.format)


def _detect_expected_format(source: WeightsSource, expected_format: WeightsFormat) -> FileFormat:
    file_format = detect_format(source)
    if expected_format not in ("auto", file_format.name):
        raise WeightsError(f"has the format {file_format.name}, but the config says {expected_format}")
    return file_format


def _read_values(array: FileArray) -> NDArray[Any]:
    with _report_damage():
        return array.read()


@contextmanager
def _report_damage() -> Iterator[None]:
    """Turn the errors that the block raises for a damaged file into a `WeightsError`."""
    try:
        yield
    except OSError as e:
        # For a damaged file, h5py raises an OSError without an error number; its text is a list of C
        # functions.
        reason = describe_os_error(e) if e.strerror else "the file is damaged"
        raise WeightsError(f"the weights cannot be read: {reason}") from e
    except DAMAGE_ERRORS as e:
        raise WeightsError(f"the weights cannot be read: the file is damaged ({type(e).__name__})") from e


def detect_format(source: WeightsSource) -> FileFormat:
    """Recognise the format of a file by its first and last bytes, the members of an archive, or its name.

    Raises:
        WeightsError: the format is unknown.
    """
    if source.is_checkpoint:
        return SAVED_MODEL if source.path.is_dir() else CHECKPOINT
    path = source.path
    head, tail = _read_ends(path)
    if not head:
        raise WeightsError("is empty")
    for file_format in FORMATS:
        if file_format.matches_bytes(head, tail):
            return file_format
    if zip_archive.is_archive(path):
        return _detect_archive_format(path)
    return _detect_by_name(path, head)


def _read_ends(path: Path) -> tuple[bytes, bytes]:
    with path.open("rb") as file:
        head = file.read(64)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8))
        return head, file.read(8)


def _detect_archive_format(path: Path) -> FileFormat:
    with zip_archive.open_members(path) as members:
        names = list(members)
    families = []
    for file_format in FORMATS:
        if file_format.matches_members is not None:
            if file_format.matches_members(names):
                return file_format
            families.append(file_format.family)
    raise WeightsError(f"is a zip archive of an unknown kind; wanted one of {', '.join(families)}")


def _detect_by_name(path: Path, head: bytes) -> FileFormat:
    """Recognise the formats without a signature, and files that users often give by mistake.

    Args:
        path: the path of the file.
        head: the first 64 bytes of the file.
    """
    if compression := _COMPRESSED.get(head[:2]):
        raise WeightsError(f"is compressed ({compression}); unpack it first")
    if ".data-" in path.name:
        raise WeightsError("is one of several files of a checkpoint; give the file that ends in .index")
    for file_format in FORMATS:
        if file_format.matches_name(path, head):
            return file_format
    if path.name == "saved_model.pb":
        raise WeightsError("is the graph of a SavedModel, without its weights; give the folder instead")
    *families, last_family = dict.fromkeys(file_format.family for file_format in FORMATS)
    kind = "is a text file, and not" if _is_text(head) else "is not"
    raise WeightsError(
        f"{kind} a weights file of a known format; wanted one of {', '.join(families)} or {last_family}"
    )


def _is_text(head: bytes) -> bool:
    """Return whether the first bytes of a file are UTF-8 text; the last character may be cut off."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)
