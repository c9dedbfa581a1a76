"""The kinds of layers, a module for each family; a new module here is found by itself.

Each module has a tuple `KINDS`. Names, defaults and meanings of arguments are Keras' own. A class that runs
code from data (Lambda, a custom object) is not among them. Two are not Keras' classes: `Picture`, and
`Application`, which stands for the layers of one of keras.applications.
"""

import importlib
import pkgutil

from specfeat.architecture.kinds.application import PREPROCESSING
from specfeat.architecture.kinds.base import Family, LayerKind


def collect_layer_kinds() -> dict[str, LayerKind]:
    """Return the layer kinds of all modules of this package by name, family by family.

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
ARRAY_ROLES = tuple(dict.fromkeys(role for kind in LAYER_KINDS.values() for role in kind.roles))


def get_layer_kind(name: str) -> LayerKind:
    """Return the kind of a layer, also of a layer that only an application contains.

    Such a layer has no record (Normalization, InputLayer), since a config cannot name it. It counts as one
    that keeps the axes, that no batch normalisation is folded into, and that has no kernel.
    """
    if name == PREPROCESSING.name:
        return PREPROCESSING
    return LAYER_KINDS.get(name) or LayerKind(name=name, family=Family.PICTURE)
