"""The unpacked bytes of a tar archive, which are read within limits."""

import gzip
import importlib
import tarfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, cast

from specfeat.audio.inputs.copies import BLOCK_BYTES
from specfeat.audio.inputs.members import MAX_BYTES_AT_ANY_RATIO, MAX_RATIO, REFUSED
from specfeat.errors import AudioError, InstallError
from specfeat.files import format_path

# tarfile reads the names and values of one header into memory at once, and no real header is so long.
MAX_READ_BYTES = BLOCK_BYTES
_COMPRESSIONS = {".tar": "", ".tar.gz": "gzip", ".tgz": "gzip", ".tar.zst": "zstd", ".tzst": "zstd"}
_ZSTD_MODULES = ("compression.zstd", "backports.zstd")  # the first is part of Python from 3.14 on


def find_compression(name: str) -> str | None:
    """Return "gzip", "zstd" or "" (none) for a tar archive, by its name; None for another file."""
    lower_name = name.lower()
    return next((value for ending, value in _COMPRESSIONS.items() if lower_name.endswith(ending)), None)


class TarBytes:
    """The unpacked bytes of an open tar archive, with the methods by which tarfile reads a file.

    Args:
        name: the path of the archive, which tells its compression.

    Attributes:
        is_compressed: whether the archive is compressed. Then seeking backwards reads it from its beginning.
        packed_file: the file of the archive.
        last_block: the bytes that the last `read` has returned.

    Raises:
        InstallError: the archive is compressed with zstd, and no module that reads it is installed.
        OSError: the archive cannot be opened.
    """

    def __init__(self, name: str) -> None:
        compression = find_compression(name)
        zstd = _load_zstd(name) if compression == "zstd" else None
        self.is_compressed = bool(compression)
        self.last_block = b""
        self.packed_file: IO[bytes] = open(name, "rb")  # noqa: SIM115  `close` closes it
        self._file: IO[bytes] = self.packed_file
        self._errors: tuple[type[Exception], ...] = (EOFError, zlib.error, gzip.BadGzipFile)
        if compression == "gzip":
            self._file = cast("IO[bytes]", gzip.GzipFile(fileobj=self.packed_file))
        elif zstd is not None:
            self._file = zstd.ZstdFile(self.packed_file)
            self._errors = (EOFError, zstd.ZstdError)

    def close(self) -> None:
        """Close the archive."""
        self._file.close()
        self.packed_file.close()

    def __enter__(self) -> "TarBytes":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def tell(self) -> int:
        """Return the position in the unpacked bytes."""
        return self._file.tell()

    def seek(self, position: int) -> None:
        """Move to a position of the unpacked bytes.

        Raises:
            AudioError: see `read`.
            tarfile.ReadError: see `read`.
        """
        if self.is_compressed and position >= self.tell():
            for _ in self.read_blocks(position - self.tell()):
                pass  # read, because only what is read counts for the limit
        else:
            self._file.seek(position)

    def read(self, size: int) -> bytes:
        """Return the next bytes; fewer at the end.

        Raises:
            AudioError: there are more bytes than an archive has that is not made to cause harm.
            tarfile.ReadError: the compressed bytes are damaged, or break off.
        """
        if size > MAX_READ_BYTES:
            text = f"has a header of {size:,} bytes, more than the {MAX_READ_BYTES:,} that are read"
            raise AudioError(f"{text}; make the archive again", "open", REFUSED)
        try:
            self.last_block = self._file.read(size)
        except self._errors as e:
            raise tarfile.ReadError(" ".join(str(e).split()).rstrip(".")) from e
        if self.is_compressed:
            self._check_ratio()
        return self.last_block

    def read_blocks(self, size: int) -> Iterator[bytes]:
        """Yield the next bytes in blocks; fewer bytes at the end of the archive.

        Raises:
            AudioError: see `read`.
            tarfile.ReadError: see `read`.
        """
        while size > 0 and (block := self.read(min(MAX_READ_BYTES, size))):
            size -= len(block)
            yield block

    def _check_ratio(self) -> None:
        size, packed_size = self.tell(), self.packed_file.tell()
        if size > max(MAX_BYTES_AT_ANY_RATIO, MAX_RATIO * packed_size):
            raise AudioError(
                f"unpacks from {packed_size:,} to more than {size:,} bytes, as an archive that is made to "
                "fill a disk; if you trust it, unpack it, and give the folder",
                "open",
                REFUSED,
            )


def _load_zstd(name: str) -> Any:
    for module in _ZSTD_MODULES:
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError:
            continue
    raise InstallError(
        f"{format_path(name)}: is compressed with zstd, which this Python does not read; "
        "install it with: pip install 'specfeat[zstd]'"
    )
