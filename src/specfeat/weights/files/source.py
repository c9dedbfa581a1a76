"""Finds the files that a path of weights stands for, and computes their hash and identity."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from specfeat.errors import CHECK_PATH_HINT, WeightsError
from specfeat.files import (
    compute_sha256_of_files,
    describe_os_error,
    identify_file_state,
    identify_weights_file,
    is_regular_file,
    read_file_size,
)
from specfeat.weights.files.array_names import format_names

_INDEX_ENDING = ".index"  # of the file that lists the arrays of a checkpoint


@dataclass(frozen=True, slots=True)
class WeightsSource:
    """The files that a path of weights stands for.

    Attributes:
        path: the path to open: a file, the .index file of a checkpoint, or the folder of a SavedModel.
        files: all files that are read, sorted by name.
        is_checkpoint: whether the weights are several files: a checkpoint of TensorFlow 2, alone or in a
            SavedModel.
    """

    path: Path
    files: tuple[Path, ...]
    is_checkpoint: bool = False

    def compute_sha256(self) -> str:
        """Return the SHA-256 of the file, in hexadecimal.

        For several files, this is the SHA-256 of the text that `sha256sum FILES` prints in the folder of the
        files, with the files sorted by name.

        Raises:
            WeightsError: a file cannot be read.
        """
        with _wrap_os_errors():
            return compute_sha256_of_files(self.files)

    def identify_file(self) -> dict[str, object]:
        """Return path, size in bytes, times and inode of a single file; an empty dict for several files."""
        return identify_weights_file(str(self.files[0])) if len(self.files) == 1 else {}

    @property
    def size(self) -> int:
        """The size of all files together, in bytes."""
        return sum(read_file_size(str(file)) for file in self.files)


@contextmanager
def _wrap_os_errors() -> Iterator[None]:
    try:
        yield
    except OSError as e:
        hint = f"; {CHECK_PATH_HINT}" if isinstance(e, FileNotFoundError) else ""
        raise WeightsError(f"the weights cannot be read: {describe_os_error(e)}{hint}") from e


@contextmanager
def prefix_errors_with(name: str) -> Iterator[None]:
    """Put the path that the user gave in front of the message of each `WeightsError`."""
    try:
        yield
    except WeightsError as e:
        raise WeightsError(f"{name}: {e}", remedy=e.remedy) from e


def compute_weights_hash(name: str) -> str:
    """Return the SHA-256 of the weights at a path, in hexadecimal.

    Raises:
        WeightsError: there are no weights at the path, or they cannot be read; the message begins with the
            path.
    """
    with prefix_errors_with(name):
        return locate_weights(name).compute_sha256()


def locate_weights(name: str) -> WeightsSource:
    """Find the files that a path of weights stands for, without opening any.

    Args:
        name: a file; the prefix of a TensorFlow checkpoint, or its .index file; or the folder of a SavedModel
            or of a checkpoint whose files have no name before their endings.

    Raises:
        WeightsError: nothing is there, or it is a pipe, a device or a folder of another kind.
    """
    if "://" in name or name.startswith(("http:/", "https:/", "ftp:/")):
        raise WeightsError("is an address, but nothing is downloaded here; fetch the file and give its path")
    with _wrap_os_errors():
        return _find_weights_files(name, Path(name))


def _find_weights_files(name: str, path: Path) -> WeightsSource:
    if path.is_dir():
        return _find_files_in_folder(path)
    if path.name.endswith(_INDEX_ENDING) and path.exists():
        return _find_checkpoint_files(path, path)
    index_file = Path(f"{name}{_INDEX_ENDING}")
    if not path.exists() and index_file.exists():
        return _find_checkpoint_files(index_file, index_file)
    # This must be known before the file is opened, because opening a pipe waits for a writer.
    if not is_regular_file(path):
        raise WeightsError("is not a regular file; wanted a weights file")
    return WeightsSource(path, (path,))


def _find_files_in_folder(folder: Path) -> WeightsSource:
    """Find the files of a SavedModel, or of a checkpoint that was saved with an empty prefix ("folder/")."""
    if (folder / "saved_model.pb").is_file():
        return _find_checkpoint_files(folder / "variables" / f"variables{_INDEX_ENDING}", folder)
    index_file = folder / _INDEX_ENDING
    if index_file.is_file():
        return _find_checkpoint_files(index_file, index_file)
    index_files = sorted(path.name for path in folder.glob(f"*{_INDEX_ENDING}"))
    if index_files:
        raise WeightsError(f"is a folder with checkpoints; give one of them: {format_names(index_files)}")
    raise WeightsError("is a folder, but not a SavedModel (it has no saved_model.pb); wanted a file")


def _find_checkpoint_files(index_file: Path, path: Path) -> WeightsSource:
    """Find the files of a checkpoint: PREFIX.index and PREFIX.data-00000-of-00001, ...; PREFIX may be empty.

    Args:
        index_file: the path of the .index file.
        path: the path that the reader opens: the .index file, or the folder of a SavedModel.
    """
    prefix = index_file.name.removesuffix(_INDEX_ENDING)
    data_files = sorted(index_file.parent.glob(f"{_escape_glob(prefix)}.data-[0-9]*-of-[0-9]*"))
    files = (index_file, *data_files)
    if not data_files or not all(file.is_file() for file in files):
        raise WeightsError(f"wanted {index_file} and the .data files beside it, all regular files")
    return WeightsSource(path, tuple(sorted(files)), is_checkpoint=True)


def _escape_glob(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


@contextmanager
def check_unchanged(source: WeightsSource) -> Iterator[None]:
    """Check at the end of the block that the files have not changed since its beginning.

    The block computes the hash and then reads the arrays. The hash is that of the arrays only if the files do
    not change in between.

    Raises:
        WeightsError: another program has written to a file or replaced it.
    """
    states = _identify_states(source)
    yield
    if _identify_states(source) != states:
        raise WeightsError("was written to while it was read; run again when the file is complete")


def _identify_states(source: WeightsSource) -> list[tuple[int, ...]]:
    with _wrap_os_errors():
        return [identify_file_state(file) for file in source.files]
