"""Arrays from a file into the network: all of them, once, with equal shapes, or an error."""

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from specfeat.config.graph import Layer, keras_name
from specfeat.errors import WeightsError


def sha256(path: str) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_weights(model: Any, layers: tuple[Layer, ...], path: str) -> None:
    """Set every array of the network from a file that Keras 3's `save_weights` wrote.

    Only arrays are read. Keras stores them by the kind and the order of the layers
    (`layers/conv2d_1/vars/0`), not by name, so the file must come from the same list of layers.

    Raises:
        WeightsError: the file cannot be read, or lacks, exceeds or differs from what the network has.
    """
    try:
        if not Path(path).is_file() and Path(path).exists():
            raise WeightsError(f"{path}: is not a regular file; wanted what save_weights wrote")
        if zipfile.is_zipfile(path):
            raise WeightsError(
                f"{path}: is a .keras archive of a whole model; wanted what save_weights wrote"
            )
        with h5py.File(path, "r") as file:
            _load(model, layers, file, path)
    except OSError as e:
        reason = e.strerror or "it is not an HDF5 file"
        raise WeightsError(f"{path}: the weights cannot be read: {reason}") from e
    except (
        RuntimeError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
    ) as e:  # what h5py says of damage
        raise WeightsError(
            f"{path}: the weights cannot be read: the file is damaged ({type(e).__name__})"
        ) from e


def _load(model: Any, layers: tuple[Layer, ...], file: h5py.File, path: str) -> None:
    everything = dict(_datasets(file, path))
    found = dict(everything)
    values = []
    for place, variable in _places(model, layers):
        if place not in found:
            raise WeightsError(
                f"{path}: has no {place} for {variable.path}, shape {_shown(variable.shape)}; "
                f"it holds {_examples(everything)}"
            )
        dataset = found.pop(place)
        if tuple(dataset.shape) != tuple(variable.shape):
            raise WeightsError(
                f"{path}: {place} has the shape {_shown(dataset.shape)}; "
                f"{variable.path} wants {_shown(variable.shape)}"
            )
        values.append((variable, dataset))
    if found:
        raise WeightsError(f"{path}: the network has no place for {_examples(found)}")
    for variable, dataset in values:
        with np.errstate(over="ignore"):  # what is too large becomes infinite and is refused
            array = np.asarray(dataset[()], np.float32)
        if not np.isfinite(array).all():
            raise WeightsError(f"{path}: {dataset.name} has values that are not finite")
        variable.assign(array)


def _datasets(group: h5py.Group, path: str) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield the layers' arrays, by name; refuse what could lead out of the file."""
    for name in group:
        place = f"{group.name.rstrip('/')}/{name}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise WeightsError(f"{path}: {place} is a link to elsewhere; wanted plain arrays")
        item = group[name]
        if isinstance(item, h5py.Group):
            if place != "/optimizer":
                yield from _datasets(item, path)
        elif item.external or item.is_virtual or item.dtype.kind not in "fiu":
            raise WeightsError(f"{path}: {place} is not a plain array of numbers")
        else:
            yield place.lstrip("/"), item


def _places(model: Any, layers: tuple[Layer, ...]) -> Iterator[tuple[str, Any]]:
    """Yield each variable of the network with its name in a file of Keras 3.

    Keras numbers the layers of a class in the model's own order, which `model.layers` has.
    """
    ours = {keras_name(layer.name): layer for layer in layers}
    counts: dict[str, int] = {}
    for made in model.layers:
        if made.name not in ours:
            continue
        name = _snake(ours[made.name].kind)
        number = counts.get(name, 0)
        counts[name] = number + 1
        group = f"{name}_{number}" if number else name
        for i, variable in enumerate(made.weights):
            yield f"layers/{group}/vars/{i}", variable


def _snake(kind: str) -> str:
    """Write a class name as Keras' files do: SeparableConv2D, separable_conv2d."""
    text = ""
    for i, c in enumerate(kind):
        starts = (
            c.isupper() and i and (kind[i - 1].islower() or (i + 1 < len(kind) and kind[i + 1].islower()))
        )
        text += ("_" if starts else "") + c.lower()
    return text


def _shown(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "one number"


def _examples(arrays: dict[str, h5py.Dataset]) -> str:
    names = sorted(arrays)
    many = f"{len(names)} array" + ("" if len(names) == 1 else "s")
    return f"{many} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})" if names else "no array"
