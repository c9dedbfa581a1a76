"""What a path of weights stands for: which files, of which format, with which hash."""

import hashlib
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from specfeat.config.model import WeightsFormat
from specfeat.errors import WeightsError
from specfeat.files import compute_sha256, describe_os_error, identify_weights_file
from specfeat.weights.files import zip_archive

_HDF5 = b"\x89HDF\r\n\x1a\n"
_TABLE = bytes.fromhex(
    "57fb808b247547db"
)  # ends a table of TensorFlow's checkpoints (leveldb's table format)
_TORCH_BEFORE_ZIP = (
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # the magic number as PyTorch < 1.6 pickles it
)
_PACKED = {b"\x1f\x8b": "gzip", b"BZ": "bzip2", b"\xfd7": "xz", b"7z": "7z", b"(\xb5": "zstd"}


@dataclass(frozen=True, slots=True)
class WeightsSource:
    """The files that a path of weights stands for.

    Attributes:
        path: to be opened: a file, a checkpoint's prefix, or a SavedModel's folder.
        files: all that are read, in order.
        is_checkpoint: the path is a prefix (TensorFlow 2 checkpoints are several files).
    """

    path: Path
    files: tuple[Path, ...]
    is_checkpoint: bool = False

    def sha256(self) -> str:
        """The file's SHA-256, in hexadecimal.

        Of several files it is that of `sha256sum FILES` in the order of their names, written by base name.

        Raises:
            WeightsError: a file cannot be read.
        """
        if len(self.files) == 1:
            return _sha256(self.files[0])
        lines = "".join(f"{_sha256(file)}  {file.name}\n" for file in self.files)
        return hashlib.sha256(lines.encode()).hexdigest()

    def stamp(self) -> dict[str, object]:
        """Return by what one file is known again without reading it; nothing for several."""
        return identify_weights_file(str(self.files[0])) if len(self.files) == 1 else {}

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.stat().st_size for file in self.files)


def _sha256(path: Path) -> str:
    try:
        return compute_sha256(path)
    except OSError as e:
        raise WeightsError(f"the weights cannot be read: {describe_os_error(e)}") from e


@contextmanager
def prefix_errors_with(name: str) -> Iterator[None]:
    """Begin whatever is wrong with the weights with the name that the user gave."""
    try:
        yield
    except WeightsError as e:
        raise WeightsError(f"{name}: {e}") from e


def compute_weights_hash(name: str) -> str:
    """Return the SHA-256 of what a path of weights means, in hexadecimal.

    Raises:
        WeightsError: one sentence that begins with the path: it is not there, or cannot be read.
    """
    with prefix_errors_with(name):
        return locate_weights(name).sha256()


def locate_weights(name: str) -> WeightsSource:
    """Find the files that a path of weights means, without opening any.

    Args:
        name: a file; the prefix of a TensorFlow checkpoint, or its .index; or a SavedModel's folder.

    Raises:
        WeightsError: there is no such thing, or it is a pipe, a device or another kind of folder.
    """
    if "://" in name or name.startswith(("http:/", "https:/", "ftp:/")):
        raise WeightsError("is an address, and nothing is downloaded here; fetch it first and give its path")
    try:
        return _located(name, Path(name))
    except OSError as e:
        raise WeightsError(f"the weights cannot be read: {describe_os_error(e)}") from e


def _located(name: str, path: Path) -> WeightsSource:
    if path.is_dir():
        if not (path / "saved_model.pb").is_file():
            raise WeightsError("is a folder and no SavedModel (it has no saved_model.pb); wanted a file")
        return _checkpoint(path / "variables" / "variables", path)
    if path.suffix == ".index" and path.exists():
        return _checkpoint(path.with_suffix(""))
    if not path.exists() and Path(f"{name}.index").exists():
        return _checkpoint(path)
    if not stat.S_ISREG(path.stat().st_mode):  # before it is opened: a pipe would wait for a writer
        raise WeightsError("is not a regular file; wanted a file of weights")
    return WeightsSource(path, (path,))


def _checkpoint(prefix: Path, folder: Path | None = None) -> WeightsSource:
    index = Path(f"{prefix}.index")
    data = sorted(prefix.parent.glob(f"{_literally(prefix.name)}.data-[0-9]*-of-[0-9]*"))
    files = (index, *data)
    if not all(file.is_file() for file in files) or not data:
        raise WeightsError(f"wanted {index} and its .data files beside it, regular files")
    return WeightsSource(folder or prefix, tuple(sorted(files)), is_checkpoint=True)


def _literally(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


@contextmanager
def check_unchanged(source: WeightsSource) -> Iterator[None]:
    """Hold that nobody writes to the files meanwhile, so that the hash is that of what is read.

    Raises:
        WeightsError: somebody did.
    """
    before = _identity(source)
    yield
    if _identity(source) != before:
        raise WeightsError("was written to while it was read; wanted a file at rest")


def _identity(source: WeightsSource) -> list[tuple[int, ...]]:
    """What changes when a file is written to or replaced."""
    try:
        found = [file.stat() for file in source.files]
    except OSError as e:
        raise WeightsError(f"the weights cannot be read: {describe_os_error(e)}") from e
    return [(s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for s in found]


def detect_format(source: WeightsSource) -> WeightsFormat:
    """Tell the format by what the file begins and ends with; its name has no say.

    Raises:
        WeightsError: it is none that is read here.
    """
    if source.is_checkpoint:
        return "savedmodel" if source.path.is_dir() else "checkpoint"
    with source.path.open("rb") as file:
        head = file.read(64)
        file.seek(max(0, source.size - 8))
        tail = file.read(8)
    if not head:
        raise WeightsError("is empty")
    return _by_bytes(head, tail) or (
        _zip(source.path) if zip_archive.is_archive(source.path) else _unknown(source, head)
    )


def _by_bytes(head: bytes, tail: bytes) -> WeightsFormat | None:
    if head.startswith(_HDF5):
        return "hdf5"
    if head[4:8] == b"TFL3":
        return "tflite"
    if tail == _TABLE:
        return "checkpoint"
    if head.startswith(_TORCH_BEFORE_ZIP):
        return "torch"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**32:
        return "safetensors"
    return None


def _zip(path: Path) -> WeightsFormat:
    with zip_archive.open_members(path) as members:
        names = list(members)
    if "model.weights.h5" in names:
        return "keras"
    if any(name.endswith("/data.pkl") or name == "data.pkl" for name in names):
        return "torch"
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    raise WeightsError("is a zip archive of no known kind; wanted .keras, .npz or PyTorch's")


def _unknown(source: WeightsSource, head: bytes) -> WeightsFormat:
    if packed := _PACKED.get(head[:2]):
        raise WeightsError(f"is packed ({packed}); unpack it first")
    if ".data-" in source.path.name:
        raise WeightsError("is one of a checkpoint's several files; give the one that ends in .index")
    if head[:1] == b"\n" and source.path.suffix in (".pb", ".graphdef"):
        return "graph"
    if source.path.name == "saved_model.pb":
        raise WeightsError("is a SavedModel's graph, without its weights; give its folder")
    raise WeightsError(
        "is no file of weights that is known here; wanted one of Keras, TensorFlow, TFLite, NumPy (.npz), "
        "safetensors or PyTorch"
    )
