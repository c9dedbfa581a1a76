"""The three layouts in which Keras has written HDF5, and the .keras archive around the third.

Keras 1 and 2 (`save_weights`, `save`): a group a layer, named by the attribute `layer_names`, whose
attribute `weight_names` names the arrays; a whole model has them below `model_weights`. Keras 3
(`.weights.h5`, and `model.weights.h5` in a .keras archive): `layers/conv2d_1/vars/0`, by the class of the
layer and its number; `vars` has the layer's name as an attribute. A model's config is never built or run:
that of a .keras archive is looked at for which of gamma and beta its norms have.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import h5py

from specfeat.architecture.kinds import get_layer_kind
from specfeat.errors import WeightsError
from specfeat.weights.files import hdf5, zip_archive
from specfeat.weights.files.array_names import assign_layouts, split_array_name
from specfeat.weights.files.arrays import FileArray, FileContents

SOUND_ATTRIBUTE = "specfeat"  # the attribute in which `specfeat weights convert` writes of the sound
ROLE_ATTRIBUTE = "role"  # the attribute in which it writes what each array is to its layer
MEMBER, CONFIG = "model.weights.h5", "config.json"  # of a .keras archive
MAX_CONFIG_BYTES = 2**22

Norms = Mapping[str, tuple[str, ...]]

_KERAS_3 = re.compile(r"(?:.*/)?((?:layers|_layer_checkpoint_dependencies)/.+)/vars/(\d+)")


@contextmanager
def read_hdf5(path: Path) -> Iterator[FileContents]:
    """Open an HDF5 file of any Keras."""
    with h5py.File(path, "r", locking="best-effort") as file:
        yield _contents(file)


@contextmanager
def read_keras(path: Path) -> Iterator[FileContents]:
    """Open the weights in a .keras archive; of the config beside them, what arrays its norms have."""
    with zip_archive.open_members(path) as members, tempfile.TemporaryFile() as copy:
        if MEMBER not in members:
            raise WeightsError(f"has no {MEMBER}, so it is no .keras archive")
        with members[MEMBER].open() as source:
            shutil.copyfileobj(source, copy, 2**20)
        copy.seek(0)
        with h5py.File(copy, "r") as file:
            yield _contents(file, _norms(members.get(CONFIG)))


def _norms(config: zip_archive.Member | None) -> Norms:
    """Read from a model's config, as data, the roles of its norms' arrays, by the names of the layers."""
    if config is None or config.size > MAX_CONFIG_BYTES:
        return {}
    pending: list[object] = []
    with config.open() as file, suppress(ValueError, RecursionError):  # then it says nothing
        pending.append(json.loads(file.read()))
    found: dict[str, tuple[str, ...]] = {}
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            options = part.get("config")
            kind = get_layer_kind(str(part.get("class_name")))
            if isinstance(options, dict) and kind.has_gamma_and_beta:
                named = tuple(array.role for array in kind.list_arrays(options))
                if found.setdefault(str(options.get("name")), named) != named:
                    found[str(options.get("name"))] = ()  # two of a name, in networks within the network
            pending += part.values()
        elif isinstance(part, list):
            pending += part
    return found


def _contents(file: h5py.File, norms: Norms | None = None) -> FileContents:
    found = dict(hdf5.iterate_datasets(file))
    if not found:
        raise WeightsError("holds no array")
    if any(_KERAS_3.fullmatch(name) for name in found):
        numbered = [_keras_3(file, name, dataset, norms or {}) for name, dataset in found.items()]
        return FileContents(
            format="Keras 3 weights (HDF5)",
            arrays=tuple(numbered),
            stamp=hdf5.read_text(file, SOUND_ATTRIBUTE, 2**20),
        )
    _check_backend(file)
    by_keras = hdf5.read_name_list(file.get("model_weights", file), "layer_names") is not None
    arrays = assign_layouts(_keras_2(file, found), "unclear" if by_keras else "torch")
    whole = "model_weights" in file
    return FileContents(
        format="Keras 1 or 2 whole model, its arrays alone (HDF5)"
        if whole
        else "Keras 1 or 2 weights (HDF5)",
        arrays=arrays,
    )


def _array(name: str, dataset: h5py.Dataset, layer: str, role: str, place: str = "") -> FileArray:
    return FileArray(
        name=name,
        shape=tuple(dataset.shape),
        dtype=str(dataset.dtype),
        layer=layer,
        role=role,
        place=place,
        read=partial(hdf5.read_dataset, dataset),
    )


def _keras_3(file: h5py.File, name: str, dataset: h5py.Dataset, norms: Norms) -> FileArray:
    match = _KERAS_3.fullmatch(name)
    if not match:
        return _array(name, dataset, name, "")
    place = match[1].replace("_layer_checkpoint_dependencies/", "layers/")
    named = hdf5.read_text(file[name.rpartition("/")[0]], "name", 10_000)
    roles, number = norms.get(named or "", ()), int(match[2])
    role = hdf5.read_text(dataset, ROLE_ATTRIBUTE, 100) or (
        roles[number] if number < len(roles) else match[2]
    )
    return _array(name, dataset, named or place, role, place)


def _check_backend(file: h5py.File) -> None:
    top = file.get("model_weights", file)
    backend = hdf5.read_text(top, "backend") or hdf5.read_text(file, "backend") or "tensorflow"
    if backend in ("theano", "cntk"):
        raise WeightsError(
            f"was written by Keras on {backend}, whose kernels are turned round; save it again on TensorFlow"
        )


def _keras_2(file: h5py.File, found: dict[str, h5py.Dataset]) -> list[FileArray]:
    """Take the arrays in the order of `layer_names` and `weight_names`, then those that neither names."""
    top = file.get("model_weights", file)
    prefix = "model_weights/" if "model_weights" in file else ""
    rest, arrays = dict(found), []
    for layer in hdf5.read_name_list(top, "layer_names") or []:
        group = top.get(layer)
        weights = (hdf5.read_name_list(group, "weight_names") or []) if isinstance(group, h5py.Group) else []
        scopes = {_parts(weight, 2)[0] for weight in weights}
        for weight in weights:
            dataset = rest.pop(f"{prefix}{layer}/{weight}", None)
            if dataset is None:
                raise WeightsError(f"names {layer}/{weight} in weight_names, but has no such array")
            scope, role = _parts(weight, len(dataset.shape))
            # A network inside the network is one layer here; its arrays name the layers within.
            arrays.append(_array(f"{layer}/{weight}", dataset, scope if len(scopes) > 1 else layer, role))
    return arrays + [_by_path(name.removeprefix(prefix), dataset) for name, dataset in rest.items()]


def _parts(weight: str, rank: int) -> tuple[str, str]:
    layer, role, _ = split_array_name(weight, rank) or (weight, "", False)
    return layer, role


def _by_path(name: str, dataset: h5py.Dataset) -> FileArray:
    """Read layer and role from a path such as `conv1/conv1/kernel`."""
    layer, role = _parts(name, len(dataset.shape))
    # The layer's group, then the scope of its arrays: the same name, but for the number of one made twice.
    twice = re.fullmatch(r"(.+)/\1(_\d+)?", layer)
    return _array(name, dataset, twice[1] if twice else layer, role)
