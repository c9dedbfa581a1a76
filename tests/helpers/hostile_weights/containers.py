"""Writes the containers of weights files piece by piece, so that a test can put wrong values in them."""

import functools
import json
import struct
import zipfile
import zlib
from functools import cache
from pathlib import Path

from helpers.weights_files import make_arrays, write_keras_2


def write_archive(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> None:
    """Write a zip archive."""
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)


def make_good_hdf5(folder: Path) -> bytes:
    """Return an HDF5 file that loads."""
    return write_keras_2(folder / "good.h5", make_arrays()).read_bytes()


def pack_zeros(megabytes: int) -> bytes:
    """Return zeros as deflate compresses them: one megabyte is compressed, and the result is repeated."""
    compressor = zlib.compressobj(9, wbits=-15)
    one_megabyte = compressor.compress(bytes(2**20)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return one_megabyte * megabytes + zlib.compressobj(9, wbits=-15).flush()


@cache
def compute_zeros_checksum(megabytes: int) -> int:
    """Return the CRC-32 of zeros."""
    return functools.reduce(lambda crc, _: zlib.crc32(bytes(2**20), crc), range(megabytes), 0)


def write_archive_of_zeros(path: Path, name: str, megabytes: int) -> None:
    """Write an archive with one member of zeros, without having them in memory."""
    data, text = pack_zeros(megabytes), name.encode()
    sizes = (compute_zeros_checksum(megabytes), len(data), megabytes * 2**20, len(text))
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0, *sizes, 0) + text + data
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 0, *sizes, 0, 0, 0, 0, 0, 0) + text
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(local), 0)
    path.write_bytes(local + entry + end)


def make_npy(header: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """Return an .npy file with the given header."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2 if version[0] == 1 else 4, "little") + text + data


def write_header(path: Path, header: object, data: bytes = b"", length: int | None = None) -> None:
    """Write a safetensors file, perhaps with a wrong length of its header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)


def make_header_entry(begin: int, end: int, shape: list[object], kind: str = "F32") -> dict[str, object]:
    """Return an array's entry in the header of a safetensors file."""
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


def encode_field(number: int, value: int | bytes) -> bytes:
    """Return a field of a protocol buffer."""
    if isinstance(value, int):
        return encode_varint(number << 3) + encode_varint(value)
    return encode_varint(number << 3 | 2) + encode_varint(len(value)) + value


def encode_varint(value: int) -> bytes:
    """Return a number of a protocol buffer."""
    encoded = b""
    while value > 0x7F:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def encode_constant(name: str, shape: list[int], tensor: bytes) -> bytes:
    """Return a frozen graph of one constant, given fields of its TensorProto."""
    dims = b"".join(encode_field(2, encode_field(1, size)) for size in shape)
    value = encode_field(8, encode_field(1, 1) + encode_field(2, dims) + tensor)
    attribute = encode_field(5, encode_field(1, b"value") + encode_field(2, value))
    return encode_field(1, encode_field(1, name.encode()) + encode_field(2, b"Const") + attribute)
