"""Reads the three layouts in which Keras has written HDF5 files, and the .keras archive.

Keras 1 and 2 (`save_weights`): each layer is a group. The attribute `layer_names` lists the groups, and the
attribute `weight_names` of a group lists its arrays. In a file with a whole model (`save`), these groups are
in the group `model_weights`. Keras 3 (`.weights.h5`, and `model.weights.h5` in a .keras archive): an array
has a path such as `layers/conv2d_1/vars/0`. It consists of the class of the layer, the layer's number in its
class, and the array's number in the layer. The attribute `name` of the group `vars` is the layer's name.

The config of a model is never built or run, because it may contain code (CVE-2024-3660, CVE-2025-1550). Only
one thing is read from the config in a .keras archive: which of gamma and beta each norm has.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import h5py

from specfeat.anonymous_file import open_temporary_file
from specfeat.architecture.kinds import PARTS_BY_PATH, ROLES_BY_PART_PATH, get_layer_kind
from specfeat.errors import WeightsError
from specfeat.weights.files import hdf5, zip_archive
from specfeat.weights.files.array_names import assign_layouts, is_one_layer, split_layer_and_role, split_part
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.files.file_format import FileFormat
from specfeat.weights.files.hdf5_names import has_variable_texts, read_name_list
from specfeat.weights.files.hdf5_values import read_dataset
from specfeat.weights.files.limits import MAX_NAME_BYTES

SOUND_ATTRIBUTE = "specfeat"  # where `specfeat weights convert` writes the sound settings
ROLE_ATTRIBUTE = "role"  # where it writes Keras' name of an array in its layer
WEIGHTS_MEMBER, CONFIG_MEMBER = "model.weights.h5", "config.json"  # of a .keras archive
MAX_CONFIG_BYTES = 2**22

_PART_PATHS = sorted(PARTS_BY_PATH, key=len, reverse=True)

NormRoles = Mapping[str, tuple[str, ...]]  # layer name -> the roles of its arrays, in Keras' order

_KERAS_3_PATH_PATTERN = re.compile(r"(?:.*/)?((?:layers|_layer_checkpoint_dependencies)/.+)/vars/(\d+)")


@contextmanager
def read_hdf5(path: Path) -> Iterator[FileContents]:
    """Open an HDF5 file of any version of Keras."""
    # "best-effort" also reads the file if the file system has no locks.
    with h5py.File(path, "r", locking="best-effort") as file:
        yield _describe_file(file, {})


@contextmanager
def read_keras_archive(path: Path) -> Iterator[FileContents]:
    """Open the weights in a .keras archive."""
    with zip_archive.open_members(path) as members, open_temporary_file() as copy:
        if WEIGHTS_MEMBER not in members:
            raise WeightsError(f"has no {WEIGHTS_MEMBER}, so it is not a .keras archive")
        with members[WEIGHTS_MEMBER].open() as member_file:
            shutil.copyfileobj(member_file, copy, 2**20)  # HDF5 seeks, which is slow within an archive
        copy.seek(0)
        with h5py.File(copy, "r") as file:
            yield _describe_file(file, _read_norm_roles(members.get(CONFIG_MEMBER)))


def _read_norm_roles(config: zip_archive.Member | None) -> NormRoles:
    """Read from a model's config which arrays its norms have; {} if there is no config that can be read."""
    if config is None or config.size > MAX_CONFIG_BYTES:
        return {}
    pending: list[object] = []
    with config.open() as file, suppress(ValueError, RecursionError):
        pending.append(json.loads(file.read()))
    norms: dict[str, tuple[str, ...]] = {}
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending += part
        elif isinstance(part, dict):
            pending += part.values()
            options, kind = part.get("config"), get_layer_kind(str(part.get("class_name")))
            if isinstance(options, dict) and kind.has_gamma_and_beta:
                name = str(options.get("name"))
                roles = tuple(array.role for array in kind.list_arrays(options))
                if norms.setdefault(name, roles) != roles:
                    norms[name] = ()  # networks within the network have norms of this name that differ
    return norms


def _describe_file(file: h5py.File, norms: NormRoles) -> FileContents:
    datasets = dict(hdf5.iterate_datasets(file))
    if not datasets:
        raise WeightsError("holds no array")
    if any(_KERAS_3_PATH_PATTERN.fullmatch(path) for path in datasets):
        arrays = [_describe_keras_3_array(file, path, dataset, norms) for path, dataset in datasets.items()]
        return FileContents(
            format="Keras 3 weights (HDF5)",
            arrays=tuple(arrays),
            sound_settings=hdf5.read_text(file, SOUND_ATTRIBUTE),
        )
    _check_backend(file)
    is_whole_model = "model_weights" in file
    # A file without Keras' list of layers may be a PyTorch state dict that was converted to HDF5. In a file
    # of Keras, a class that is not Keras' own may use PyTorch's word "weight" for an array in Keras' order.
    is_from_keras = read_name_list(file.get("model_weights", file), "layer_names") is not None
    return FileContents(
        format=f"Keras 1 or 2 {'whole model, its arrays alone' if is_whole_model else 'weights'} (HDF5)",
        arrays=assign_layouts(
            _describe_keras_2_arrays(file, datasets), "unclear" if is_from_keras else "torch"
        ),
    )


def _describe_array(
    name: str, dataset: hdf5.StoredArray, layer: str, role: str, keras_path: str = ""
) -> FileArray:
    return FileArray(
        name=name,
        shape=dataset.shape,
        dtype=str(dataset.dtype),
        layer=layer,
        role=role,
        keras_path=keras_path,
        unordered_in="a Keras 3 weights file" if keras_path else "",
        read=partial(read_dataset, dataset),
    )


def _describe_keras_3_array(
    file: h5py.File, path: str, dataset: hdf5.StoredArray, norms: NormRoles
) -> FileArray:
    match = _KERAS_3_PATH_PATTERN.fullmatch(path)
    if not match:
        return _describe_array(path, dataset, path, "")
    keras_path = match[1].replace("_layer_checkpoint_dependencies/", "layers/")
    group_path = path.rpartition("/")[0]
    # All parts of one kind have the same name; the group of the whole layer has the layer's own.
    part_path = next((path for path in _PART_PATHS if keras_path.endswith(f"/{path}")), "")
    if part_path:
        group_path = f"{group_path.removesuffix(f'/{part_path}/vars')}/vars"
    layer_name = hdf5.read_text(file[group_path], "name", MAX_NAME_BYTES) if group_path in file else None
    roles = ROLES_BY_PART_PATH.get(part_path) or norms.get(layer_name or "", ())
    index = int(match[2])
    own_role = hdf5.read_text(dataset.open(), ROLE_ATTRIBUTE, 100) if dataset.has_attributes else None
    role = own_role or (roles[index] if index < len(roles) else match[2])
    layer = layer_name or keras_path
    part = PARTS_BY_PATH.get(part_path)
    return _describe_array(path, dataset, f"{layer}/{part}" if part else layer, role, keras_path)


def _check_backend(file: h5py.File) -> None:
    group = file.get("model_weights", file)
    backend = hdf5.read_text(group, "backend") or hdf5.read_text(file, "backend") or "tensorflow"
    if backend in ("theano", "cntk"):
        raise WeightsError(
            f"was written by Keras on {backend}, whose kernels are rotated by 180 degrees; "
            "save it again with Keras on TensorFlow"
        )


def _describe_keras_2_arrays(file: h5py.File, datasets: dict[str, hdf5.StoredArray]) -> list[FileArray]:
    """Return the arrays in the order of `layer_names` and `weight_names`, then the arrays in no list."""
    group = file.get("model_weights", file)
    prefix = "model_weights/" if "model_weights" in file else ""
    # Keras 3 does not always list the right names for a network within the network. So in its files, only the
    # order comes from the lists, and the names come from the paths.
    is_named_by_path = has_variable_texts(group, "layer_names")
    layer_names = read_name_list(group, "layer_names")
    unnamed, arrays = dict(datasets), []
    for layer in layer_names or []:
        layer_group = group.get(layer)
        is_group = isinstance(layer_group, h5py.Group)
        weights = (read_name_list(layer_group, "weight_names") or []) if is_group else []
        scopes = {split_layer_and_role(weight, 2)[0] for weight in weights}
        is_network = not is_one_layer(scopes)
        # For a network within the network, Keras lists the trained arrays first and then the frozen ones.
        unordered_in = f"the network {layer!r} in the file" if is_network else ""
        for weight in weights:
            dataset = unnamed.pop(f"{prefix}{layer}/{weight}", None)
            if dataset is None:
                raise WeightsError(f"names {layer}/{weight} in weight_names, but has no such array")
            scope, role = split_layer_and_role(weight, len(dataset.shape))
            # A network within the network is one group; only the names of its arrays tell its layers apart.
            part = split_part(scope)[1]
            name = scope if is_network else f"{layer}/{part}" if part else layer
            array = _describe_array(f"{layer}/{weight}", dataset, name, role)
            if is_named_by_path:
                array = _describe_array_by_path(f"{layer}/{weight}", dataset)
            arrays.append(replace(array, unordered_in=unordered_in))
    unordered_in = "what its list of layers leaves out" if layer_names else "an HDF5 file without such a list"
    return arrays + [
        replace(_describe_array_by_path(path.removeprefix(prefix), dataset), unordered_in=unordered_in)
        for path, dataset in unnamed.items()
    ]


def _describe_array_by_path(path: str, dataset: hdf5.StoredArray) -> FileArray:
    """Find layer and role in a path such as `conv1/conv1/kernel`.

    The first part is the layer's group, the second one the scope of its arrays: the same name, perhaps with
    the number that Keras 2 gives to a second layer of that name (`conv1/conv1_1/kernel`). Keras 3 puts the
    name of a Sequential model between the two (`conv1/sequential/conv1/kernel`).
    """
    layer, role = split_layer_and_role(path, len(dataset.shape))
    layer, part = split_part(layer)
    repeated = re.fullmatch(r"(.+)/(?:[^/]+/)?\1(_\d+)?", layer)
    name = repeated[1] if repeated else layer
    return _describe_array(path, dataset, f"{name}/{part}" if part else name, role)


HDF5 = FileFormat(
    name="hdf5",
    family="Keras",
    read=read_hdf5,
    matches_bytes=lambda head, tail: head.startswith(b"\x89HDF\r\n\x1a\n"),
)
KERAS_ARCHIVE = FileFormat(
    name="keras",
    family="Keras",
    read=read_keras_archive,
    matches_members=lambda names: WEIGHTS_MEMBER in names,
)
