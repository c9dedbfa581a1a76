"""Zip archives (.keras, .npz): bombs, paths that lead out, pickles and wrong headers."""

import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from helpers.hostile_weights.containers import (
    make_good_hdf5,
    make_npy,
    write_archive,
    write_archive_of_zeros,
)
from helpers.hostile_weights.hdf5 import external_link
from helpers.hostile_weights.registry import hostile
from helpers.weights_files import make_arrays


@hostile("keras", "has the member 'model.weights.h5', which unpacks from")
def zip_bomb(path: Path) -> None:
    write_archive_of_zeros(path, "model.weights.h5", 512)


@hostile("keras", "has the member 'model.weights.h5' of 10,000 bytes, which takes 265,474 packed")
def zip_that_declares_less_than_it_has(path: Path) -> None:
    write_archive_of_zeros(path, "model.weights.h5", 256)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 10_000)
    path.write_bytes(data)


@hostile("keras", "has a member named '../model.weights.h5', which leads out of the archive")
def path_upwards(path: Path) -> None:  # CVE-2025-12060
    write_archive(path, {"model.weights.h5": make_good_hdf5(path.parent), "../model.weights.h5": b""})


@hostile("keras", "has a member named '/etc/x', which leads out of the archive")
def path_from_the_root(path: Path) -> None:
    write_archive(path, {"model.weights.h5": make_good_hdf5(path.parent), "/etc/x": b""})


@hostile("keras", "has two members with the name 'model.weights.h5'")
def two_members_with_one_name(path: Path) -> None:
    good = make_good_hdf5(path.parent)
    write_archive(path, {"model.weights.h5": good, "model.weights.h6": good}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"weights.h6", b"weights.h5"))


@hostile("keras", "has the encrypted member 'model.weights.h5'")
def encrypted(path: Path) -> None:
    write_archive(path, {"model.weights.h5": make_good_hdf5(path.parent)})
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)


@hostile("keras", "which is not compressed by deflate")
def packed_by_another_method(path: Path) -> None:
    write_archive(path, {"model.weights.h5": make_good_hdf5(path.parent)}, zipfile.ZIP_LZMA)


@hostile("keras", "is an external link")
def keras_archive_around_a_link(path: Path) -> None:
    external_link(path.with_suffix(".h5"))
    write_archive(path, {"model.weights.h5": path.with_suffix(".h5").read_bytes()})


@hostile(
    "pt",
    "is TorchScript, which is a program; save its arrays alone, in Python: "
    "torch.save(torch.jit.load('torch_script.pt').state_dict(), 'torch_script.state_dict.pt')",
)
def torch_script(path: Path) -> None:
    """The members that torch.jit.save writes beside the arrays."""
    write_archive(path, {f"x/{name}": b"" for name in ("data/0", "data.pkl", "code/x.py", "constants.pkl")})


@hostile("npz", "has a list of its members of 5,900,000 bytes; wanted 4,194,304 or fewer")
def archive_of_members_without_end(path: Path) -> None:
    """The list of the members is repeated without the members; zip64, because there are so many."""
    write_archive(path, {f"{'x' * 8}.npy": b""})
    data = path.read_bytes()
    at = data.rindex(b"PK\x01\x02")
    entry = data[at : data.rindex(b"PK\x05\x06")].ljust(59, b"\0")
    entry = entry[:30] + struct.pack("<H", 59 - 46 - 12) + entry[32:]  # the rest is an extra field
    entries = entry * 100_000
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 100_000, 100_000, len(entries), at)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, at + len(entries), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    path.write_bytes(data[:at] + entries + end64 + locator + end)


@hostile("npz", "has the member 'b.npy', which overlaps another one")
def members_that_overlap(path: Path) -> None:
    """Two entries of the list have the same bytes."""
    npy = make_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9,)}", bytes(36))
    write_archive(path, {"a.npy": npy, "b.npy": npy})
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.rindex(b"PK\x01\x02") + 42, 0)
    path.write_bytes(data)


@hostile("pt", "has a pickle of more than 1,000,000 operations; wanted fewer")
def pickle_of_a_million_operations(path: Path) -> None:
    write_archive(path, {"x/data.pkl": b"\x80\x02" + b"(0" * 500_001 + b"."})


@hostile("pt", "has a pickle of more than 150,000 objects; wanted fewer")
def pickle_of_objects_without_end(path: Path) -> None:
    """One function is called with the same arguments again and again."""
    front = b"\x80\x02ccollections\nOrderedDict\nq\x00)q\x01"
    write_archive(path, {"x/data.pkl": front + b"h\x00h\x01R0" * 150_001 + b"."})


@hostile("pt", "has more than 67,108,864 bytes beside the numbers of its arrays; wanted fewer")
def old_pickle_of_a_text_of_a_gigabyte(path: Path) -> None:
    magic = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
    path.write_bytes(magic + b"\x80\x02M\xe9\x03." + b"\x80\x02}." + b"\x80\x02X" + struct.pack("<L", 2**30))


@hostile("npz", "row/kernel.npy holds objects (a pickle)")
def pickle_in_npz(path: Path) -> None:
    arrays: Any = make_arrays()
    arrays["row/kernel"] = np.array([[print]], object)
    with path.open("wb") as file:
        np.savez(file, **arrays)


@hostile("npz", "row/kernel.npy declares another size than it has")
def npz_shape_bomb(path: Path) -> None:
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,)}"
    write_archive(path, {"row/kernel.npy": make_npy(header)})


@hostile("npz", "has the member 'row/kernel.npy', which unpacks from")
def npz_bomb(path: Path) -> None:
    write_archive_of_zeros(path, "row/kernel.npy", 512)


@hostile("npz", "the weights cannot be read: the file is damaged")
def npz_header_of_a_megabyte(path: Path) -> None:
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1, " * 2**18 + ")}"
    write_archive(path, {"row/kernel.npy": make_npy(header, bytes(4), b"\x02\x00")})


@hostile("npz", "has more than 10,000 arrays; wanted fewer")
def npz_without_end(path: Path) -> None:
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': ()}"
    write_archive(path, {f"a{i}.npy": make_npy(header, bytes(4)) for i in range(10_001)}, zipfile.ZIP_STORED)


@hostile("npz", "a.npy has 100 axes; wanted 8 or fewer")
def npz_of_a_hundred_axes(path: Path) -> None:
    shape = "1, " * 100
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape})}}"
    write_archive(path, {"a.npy": make_npy(header, bytes(4))})


@hostile("npz", "has an array whose name has 60,004 bytes")
def npz_name_of_60_kilobytes(path: Path) -> None:
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': ()}"
    write_archive(path, {f"{'x' * 60_000}.npy": make_npy(header, bytes(4))})


@hostile("npz", "of 132 bytes, which takes 20,000,000 packed")
def member_that_is_larger_when_packed(path: Path) -> None:
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': ()}"
    npy = make_npy(header.ljust(117), bytes(4))
    write_archive(path, {"a.npy": npy + bytes(20_000_000 - len(npy))}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.rindex(b"PK\x01\x02") + 24, len(npy))
    path.write_bytes(data)


@hostile("npz", "the weights cannot be read: the file is damaged")
def npz_header_of_code(path: Path) -> None:
    write_archive(path, {"a.npy": make_npy("__import__('os').system('true')")})


@hostile("npz", "is in version 9.0 of NumPy's format")
def npz_of_the_future(path: Path) -> None:
    write_archive(path, {"a.npy": make_npy("{}", version=b"\x09\x00")})
