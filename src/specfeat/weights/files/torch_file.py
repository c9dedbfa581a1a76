"""PyTorch's .pth and .pt: a state dict, through torch's own reader of tensors alone (`weights_only=True`)."""

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

TORCH_LEAST = (2, 6)  # before it, weights_only could be made to run code (CVE-2025-32434)
# Where training scripts put the state dict: PANNs "model", Lightning "state_dict".
_INSIDE = ("state_dict", "model_state_dict", "model", "net")


@contextmanager
def read_torch(path: Path) -> Iterator[FileContents]:
    """Open a state dict, or a training checkpoint that has one."""
    torch = _torch()
    is_zip = zip_archive.is_archive(path)
    if is_zip:
        with zip_archive.open_members(path):
            pass  # they have passed
    try:
        with torch.serialization.safe_globals(_numpy_arrays()):
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except pickle.UnpicklingError as e:
        raise WeightsError(
            "holds more than arrays, and to read that would run code; save model.state_dict() instead"
        ) from e
    tensors = _state_dict(torch, loaded)
    arrays = [_array(torch, name, tensor) for name, tensor in tensors.items()]
    named = (replace(array, layout="torch") for array in assign_roles(arrays))
    yield FileContents(format="PyTorch state dict", arrays=tuple(named))


def _torch() -> Any:
    try:
        torch = importlib.import_module("torch")
    except ModuleNotFoundError as e:
        raise InstallError("PyTorch's files are read by PyTorch: pip install 'specfeat[torch]'") from e
    found = tuple(int(n) for n in torch.__version__.split(".")[:2])
    if found < TORCH_LEAST:
        raise InstallError(
            f"PyTorch {torch.__version__} is too old to read files safely; wanted 2.6 or newer"
        )
    return torch


def _numpy_arrays() -> list[Any]:
    """What NumPy's arrays are made of: PANNs' checkpoints hold some, of the sampler, beside the weights.

    Under NumPy 1 the module had another name, which old files give.
    """
    multiarray = importlib.import_module("numpy._core.multiarray")
    makers = [
        (getattr(multiarray, function), f"numpy.{core}.multiarray.{function}")
        for core in ("core", "_core")
        for function in ("_reconstruct", "scalar")
    ]
    types = [type(np.dtype(code)) for code in "?bBhHiIlLqQefd"]
    return [*makers, np.ndarray, np.dtype, *types]


def _state_dict(torch: Any, loaded: object) -> dict[str, Any]:
    """Take what stands under one of the known names; where none does, what is given is the state dict."""
    named = {key: _tensors(torch, loaded.get(key)) for key in _INSIDE} if isinstance(loaded, Mapping) else {}
    found = [key for key in named if named[key]]
    if len(found) > 1:
        raise WeightsError(f"has a state dict under {' and under '.join(found)}; wanted one: save it alone")
    tensors = named[found[0]] if found else _tensors(torch, loaded)
    if not tensors:
        raise WeightsError(f"holds no state dict, nor has one under {', '.join(_INSIDE)}")
    return tensors


def _tensors(torch: Any, place: object) -> dict[str, Any]:
    """The tensors of a mapping, and of the mappings in it, so that none is passed over."""
    tensors: dict[str, Any] = {}
    pending = [("", place)]
    while pending:
        path, value = pending.pop()
        if torch.is_tensor(value):
            tensors[path] = value
        elif isinstance(value, Mapping):
            inner = [(f"{path}.{name}" if path else str(name), each) for name, each in value.items()]
            pending += reversed(inner)
    return tensors


def _array(torch: Any, name: str, tensor: Any) -> FileArray:
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex() or tensor.is_meta:
        raise WeightsError(f"{name} is not a plain array of numbers")
    return FileArray(
        name=name,
        shape=tuple(tensor.shape),
        dtype=str(tensor.dtype).removeprefix("torch."),
        layer="",
        role="",
        read=partial(_read, torch, tensor),
    )


def _read(torch: Any, tensor: Any) -> NDArray[Any]:
    values: NDArray[Any] = tensor.detach().to(torch.float32).contiguous().numpy()
    return values
