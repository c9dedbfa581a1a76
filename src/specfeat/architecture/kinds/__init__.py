"""The layer kinds, in one or more modules for each family.

A module has its kinds in a tuple `KINDS`. A new module in this folder needs no other entry; a new family also
needs a line in `base.Family`. The names,
defaults and meanings of arguments are those of Keras. Classes that run code from the config (Lambda, custom
objects) are left out. Two kinds are not classes of Keras: `Picture`, and `Application`, which stands for the
layers of one of keras.applications.
"""

import importlib
import pkgutil

from specfeat.architecture.kinds.application import PREPROCESSING
from specfeat.architecture.kinds.base import Family, LayerKind


def collect_layer_kinds() -> dict[str, LayerKind]:
    """Return the layer kinds of all modules of this package by name, in the order of the families.

    Raises:
        ValueError: two modules have a kind of the same name.
    """
    kinds: list[LayerKind] = []
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        kinds += getattr(importlib.import_module(module.name), "KINDS", ())
    families = list(Family)
    kinds.sort(key=lambda kind: families.index(kind.family))
    by_name = {kind.name: kind for kind in kinds}
    if len(by_name) < len(kinds):
        raise ValueError(f"a layer kind is there twice: {sorted(kind.name for kind in kinds)}")
    return by_name


LAYER_KINDS = collect_layer_kinds()  # the layers that a config may name
# The parts of layers that have arrays, by their paths in a Keras 3 file.
PARTS_BY_PATH = {path: part for kind in LAYER_KINDS.values() for part, path in kind.part_paths.items()}
# The roles of the arrays of these parts, in Keras' order.
ROLES_BY_PART_PATH = {
    path: tuple(role.rpartition("/")[2] for role in kind.roles if role.rpartition("/")[0] == part)
    for kind in LAYER_KINDS.values()
    for part, path in kind.part_paths.items()
}
ARRAY_ROLES = tuple(dict.fromkeys(role for kind in LAYER_KINDS.values() for role in kind.roles))


def get_layer_kind(name: str) -> LayerKind:
    """Return the layer kind with a name.

    For a class that has no record, because only an application contains it (Normalization, InputLayer), this
    is a kind with the default values: it keeps the axes, it has no arrays, and no batch normalisation is
    folded into it.
    """
    if name == PREPROCESSING.name:
        return PREPROCESSING
    return LAYER_KINDS.get(name) or LayerKind(name=name, family=Family.PICTURE)
