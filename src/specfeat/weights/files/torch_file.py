"""Reads PyTorch's .pth and .pt files, which are pickles, with torch's own reader in its safe mode.

`weights_only=True` makes torch build nothing but tensors, containers and the types that are listed here.
"""

import importlib
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import InstallError, WeightsError
from specfeat.weights.files import zip_archive
from specfeat.weights.files.array_names import assign_roles
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.files.file_format import FileFormat
from specfeat.weights.files.limits import ArrayCounter
from specfeat.weights.files.torch_pickle import check_pickles

# In older versions, a file can run code although `weights_only` is set (CVE-2025-32434).
MIN_TORCH_VERSION = (2, 6)
# The names under which training scripts store the state dict: Lightning "state_dict", PANNs "model".
STATE_DICT_KEYS = ("state_dict", "model_state_dict", "model", "net")
# The pickled magic number at the start of files of PyTorch before 1.6; newer files are zip archives.
_OLD_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."

_OLD_PICKLES = 5  # of such a file: magic number, version, system, contents, and the names of the numbers


@contextmanager
def read_torch(path: Path) -> Iterator[FileContents]:
    """Open a state dict, or a training checkpoint that contains one."""
    is_zip = zip_archive.is_archive(path)
    if is_zip:
        with zip_archive.open_members(path) as members:  # only for the checks; torch opens the archive itself
            _check_members(path, members)
    else:
        with path.open("rb") as file:
            check_pickles(file, _OLD_PICKLES)
    torch = _import_torch()
    try:
        with torch.serialization.safe_globals(_list_numpy_globals()):
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except pickle.UnpicklingError as e:
        raise WeightsError(
            "contains more than arrays, and reading that would run code; save model.state_dict() instead"
        ) from e
    tensors = find_state_dict(torch, loaded)
    arrays = assign_roles(_describe_array(torch, name, tensor) for name, tensor in tensors.items())
    # All arrays have PyTorch's order of axes, also in layers without one of PyTorch's words.
    yield FileContents(
        format="PyTorch state dict", arrays=tuple(replace(array, layout="torch") for array in arrays)
    )


def _check_members(path: Path, members: Mapping[str, zip_archive.Member]) -> None:
    """Check that the archive is a pickle of a limited size with its numbers, stored plainly.

    torch maps the values into memory and does not unpack them.
    """
    if any(name.rpartition("/")[2] == "constants.pkl" for name in members):
        raise WeightsError(
            "is TorchScript, which is a program; save its arrays alone, in Python: "
            f"torch.save(torch.jit.load({path.name!r}).state_dict(), {f'{path.stem}.state_dict.pt'!r})"
        )
    for name, member in members.items():
        if name.rpartition("/")[2] == "data.pkl":
            with member.open() as file:
                check_pickles(file, 1)
        if "/data/" in f"/{name}" and member.is_compressed:
            raise WeightsError(f"has the compressed member {name!r}; wanted a file as torch.save writes it")


def _import_torch() -> Any:
    try:
        torch = importlib.import_module("torch")
    except ModuleNotFoundError as e:
        raise InstallError("files of PyTorch are read by PyTorch: pip install 'specfeat[torch]'") from e
    version = tuple(int(n) for n in torch.__version__.split(".")[:2])
    if version < MIN_TORCH_VERSION:
        raise InstallError(
            f"PyTorch {torch.__version__} is too old to read files safely; wanted 2.6 or newer"
        )
    return torch


def _list_numpy_globals() -> list[Any]:
    """Return the functions and classes that pickles of NumPy arrays need, so that torch accepts them.

    The checkpoints of PANNs contain the state of a sampler in NumPy arrays, in addition to the weights. Files
    that were written with NumPy 1 have the old name of the module, numpy.core.
    """
    multiarray = importlib.import_module("numpy._core.multiarray")
    constructors = [
        (getattr(multiarray, function), f"numpy.{core}.multiarray.{function}")
        for core in ("core", "_core")
        for function in ("_reconstruct", "scalar")
    ]
    dtypes = [type(np.dtype(code)) for code in "?bBhHiIlLqQefd"]
    return [*constructors, np.ndarray, np.dtype, *dtypes]


def find_state_dict(torch: Any, loaded: object) -> dict[str, Any]:
    """Return the tensors of the state dict in the contents of a file, by name.

    Args:
        torch: the module torch, or an object that has its function `is_tensor`.
        loaded: the contents of the file: a state dict, or a mapping that has one under a key of
            `STATE_DICT_KEYS`. Other entries of the mapping are ignored.

    Raises:
        WeightsError: there is no state dict, or more than one.
    """
    candidates: dict[str, dict[str, Any]] = {}
    if isinstance(loaded, Mapping):
        candidates = {key: _collect_tensors(torch, loaded.get(key)) for key in STATE_DICT_KEYS}
    keys = [key for key, tensors in candidates.items() if tensors]
    if len(keys) > 1:
        raise WeightsError(f"has a state dict under {' and under '.join(keys)}; wanted one: save it alone")
    tensors = candidates[keys[0]] if keys else _collect_tensors(torch, loaded)
    if not tensors:
        raise WeightsError(f"has no state dict, neither by itself nor under {', '.join(STATE_DICT_KEYS)}")
    return tensors


def _collect_tensors(torch: Any, value: object) -> dict[str, Any]:
    """Return the tensors of a mapping and of the mappings within it, named by their dotted path, in order."""
    tensors: dict[str, Any] = {}
    counter = ArrayCounter()
    pending = [("", value)]
    while pending:
        path, item = pending.pop()
        counter.add(path)  # also for a mapping, because mappings may contain each other without end
        if torch.is_tensor(item):
            tensors[path] = item
        elif isinstance(item, Mapping):
            inner = [(f"{path}.{key}" if path else str(key), child) for key, child in item.items()]
            pending += reversed(inner)
    return tensors


def _describe_array(torch: Any, name: str, tensor: Any) -> FileArray:
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex() or tensor.is_meta:
        raise WeightsError(f"{name} is not a plain array of numbers")
    return FileArray(
        name=name,
        shape=tuple(tensor.shape),
        dtype=str(tensor.dtype).removeprefix("torch."),
        read=partial(_read_values, torch, tensor),
    )


def _read_values(torch: Any, tensor: Any) -> NDArray[Any]:
    values: NDArray[Any] = tensor.detach().to(torch.float32).contiguous().numpy()
    return values


TORCH = FileFormat(
    name="torch",
    family="PyTorch",
    read=read_torch,
    matches_bytes=lambda head, tail: head.startswith(_OLD_MAGIC),
    matches_members=lambda names: any(name.endswith("/data.pkl") or name == "data.pkl" for name in names),
)
