"""Checks the chunks of an array of an HDF5 file, and reads its values."""

import math
import zlib
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from specfeat.errors import WeightsError
from specfeat.weights.files.hdf5 import DEFLATE, StoredArray

MAX_CHUNKS = 2**14  # of one array; HDF5 looks up each of them
_CHECKSUM_BYTES = 64  # the fletcher32 filter adds fewer bytes to a chunk


def read_dataset(array: StoredArray) -> NDArray[Any]:
    """Return the values of an array; the caller must have checked that the shape is not too large.

    Raises:
        WeightsError: there are too many chunks, or one unpacks to more bytes than a chunk has.
    """
    dataset = array.open()
    if dataset.chunks is not None:
        _check_chunks(dataset)
    values = np.empty(dataset.shape, dataset.dtype)
    if values.size:
        dataset.read_direct(values)
    return values


def _check_chunks(dataset: h5py.Dataset) -> None:
    """Check the number of chunks, and the unpacked size of each; HDF5 itself unpacks without a limit."""
    count = math.prod(
        -(-size // chunk_size) for size, chunk_size in zip(dataset.shape, dataset.chunks, strict=True)
    )
    if count > MAX_CHUNKS:
        raise WeightsError(
            f"{dataset.name} has {count:,} chunks; wanted {MAX_CHUNKS:,} or fewer "
            "(h5repack makes larger ones)"
        )
    properties = dataset.id.get_create_plist()
    if all(properties.get_filter(i)[0] != DEFLATE for i in range(properties.get_nfilters())):
        return
    chunk_bytes = int(math.prod(dataset.chunks) * dataset.dtype.itemsize)
    max_unpacked_bytes = chunk_bytes + _CHECKSUM_BYTES
    chunks: list[Any] = []
    dataset.id.chunk_iter(chunks.append)
    for chunk in chunks:
        # Data that cannot be compressed grows by less than a hundredth.
        if chunk.filter_mask or chunk.size > chunk_bytes + chunk_bytes // 100 + 1024:
            raise WeightsError(
                f"{dataset.name} has a chunk that is not compressed like the others; wanted plain or gzip"
            )
        _, packed = dataset.id.read_direct_chunk(chunk.chunk_offset)
        if len(zlib.decompressobj().decompress(packed, max_unpacked_bytes + 1)) > max_unpacked_bytes:
            raise WeightsError(
                f"{dataset.name} has a chunk that unpacks to more than its {chunk_bytes:,} bytes"
            )
