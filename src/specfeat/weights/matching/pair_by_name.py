"""Pairs the layers of the network with the layers of the file by their names.

The names must be equal, except for four changes that frameworks make to names:

- PyTorch has a dot where the config has a slash: "conv_block1.conv1" is "conv_block1/conv1".
- A scope stands before the names of all layers: "vggish/conv1" and "module.conv1" are both "conv1".
- Keras numbers layers that the user has not named: conv2d, conv2d_1, ... Keras 2 begins with conv2d_1, and
  both begin with a higher number if the process has made other layers of the class before. Layers with such
  names are paired in the order of their numbers, if the network and the file have the same number of layers
  of the class. Equal numbers alone do not show that two layers are the same.
- Keras 2 adds "_1" to the name of a layer that is made a second time in a process.

A change is reversed only if exactly one match is then possible. In particular, "_1" is removed only if no
other layer, of the file or of the network, has the same name with another number. For example, the network
has `fc` and `fc_1`, and the file has `fc_1` and `fc_2`. Equal names would then pair the second layer of the
network with the first layer of the file.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from specfeat.architecture.kinds import LAYER_KINDS
from specfeat.architecture.kinds.base import Family
from specfeat.weights.files.array_names import natural_sort_key, split_part, to_slash_path
from specfeat.weights.files.arrays import FileArray
from specfeat.weights.matching.slots import Slot, to_snake_case

# The names that unnamed layers of each class get, without their numbers: in Keras 2 and 3 (depthwise_conv2d),
# in specfeat (depthwiseconv2d), and in Keras 1 (convolution2d).
_AUTOMATIC_NAMES = {name: kind for kind in LAYER_KINDS for name in (to_snake_case(kind), kind.lower())}
_AUTOMATIC_NAMES |= {
    name.replace("conv", "convolution"): kind
    for name, kind in list(_AUTOMATIC_NAMES.items())
    if LAYER_KINDS[kind].family is Family.CONVOLUTION
}
_NUMBERED_NAME_PATTERN = re.compile(r"(.*?)(?:_\d+)?")

LayerPairs = dict[str, str]  # the network's layer -> the file's layer


def pair_by_name_and_path(
    network_layers: Mapping[str, Sequence[Slot]], file_layers: Mapping[str, Mapping[str, FileArray]]
) -> LayerPairs:
    """Return the file's layer for each layer of the network, by its name or, in a Keras 3 file, by its path.

    The paths decide if they pair at least as many layers as the names, and if they do not contradict a name
    that the user has chosen. Keras itself loads by path. Layers without a name in the config have a path as
    well, so the paths may pair more layers than the names.

    Args:
        network_layers: the slots of each layer by its name, in the order of the config.
        file_layers: the arrays of each layer by its name and their role.
    """
    unnamed_layers = {name for name, slots in network_layers.items() if not slots[0].is_named}
    pairs_by_name = pair_by_name(network_layers, file_layers, unnamed_layers)
    pairs_by_path = _pair_by_keras_path(network_layers, file_layers)
    # An automatic name in the file ("conv2d_3") contradicts no path, because its number says nothing.
    reliable_pairs = {
        name: file_layer
        for name, file_layer in pairs_by_name.items()
        if name not in unnamed_layers and (not _find_kind(file_layer) or name == file_layer)
    }
    is_by_path = len(pairs_by_path) >= len(pairs_by_name) and reliable_pairs.items() <= pairs_by_path.items()
    return pairs_by_path if is_by_path else pairs_by_name


def _pair_by_keras_path(
    network_layers: Mapping[str, Sequence[Slot]], file_layers: Mapping[str, Mapping[str, FileArray]]
) -> LayerPairs:
    """Pair each layer of the network with the layer of a Keras 3 file that has its path."""
    file_names = {
        array.keras_path: name
        for name, roles in file_layers.items()
        for array in roles.values()
        if array.keras_path
    }
    paths = {name: slots[0].keras_path for name, slots in network_layers.items()}
    return {name: file_names[path] for name, path in paths.items() if path in file_names}


def pair_by_name(
    network_layers: Iterable[str], file_layers: Iterable[str], unnamed_layers: Collection[str] = ()
) -> LayerPairs:
    """Return the file's layer for each layer of the network whose name is in the file.

    Args:
        network_layers: the names of the network's layers, in the order of the config.
        file_layers: the names in the file.
        unnamed_layers: the layers of the network that have no name in the config. specfeat numbers them, and
            its numbers say nothing about the file.

    Returns:
        The pairs; no layer of the file is in two of them.
    """
    network_names, file_names = list(network_layers), list(dict.fromkeys(file_layers))
    # The scope with which the most names are equal is the right one. Of several, max returns the shortest.
    attempts = (
        _pair_within_scope(network_names, file_names, unnamed_layers, scope)
        for scope in _list_scopes(file_names)
    )
    return max(attempts, key=len)


def _list_scopes(file_names: list[str]) -> list[str]:
    """Return the scopes that all names have in common, the shortest first: "", "a/", "a/b/", ..."""
    parts = [to_slash_path(name).split("/")[:-1] for name in file_names]
    scopes = [""]
    for level in zip(*parts, strict=False):
        if len(set(level)) > 1:
            break
        scopes.append(f"{scopes[-1]}{level[0]}/")
    return scopes


def _pair_within_scope(
    network_names: list[str], file_names: list[str], unnamed_layers: Collection[str], scope: str
) -> LayerPairs:
    """Pair the layers whose names are equal after `scope` is removed from the names in the file."""
    by_path = {to_slash_path(name).removeprefix(scope): name for name in file_names}
    paths = _pair_automatic_names(network_names, list(by_path), unnamed_layers)
    chosen_names = {name: to_slash_path(name) for name in network_names if not _find_kind(name)}
    paths |= {name: path for name, path in chosen_names.items() if path in by_path}
    paths |= _pair_repeated_layers(network_names, list(by_path), paths)
    return {name: by_path[path] for name, path in paths.items()}


def _pair_automatic_names(
    network_names: list[str], file_paths: list[str], unnamed_layers: Collection[str]
) -> LayerPairs:
    """Pair the layers of each class that have names as Keras gives them to unnamed layers ("conv2d_1").

    They are paired in the order of their numbers, if the file has the same number of layers of the class. If
    the config itself has such names and all of them are in the file, equal names decide. If the config names
    only some of the layers, and the numbers give these layers the same pairs as equal names, the numbers
    decide for all layers of the class.

    Args:
        network_names: the names of the network's layers, in the order of the config.
        file_paths: the names in the file, with slashes and without the scope.
        unnamed_layers: the layers of the network that have no name in the config.
    """
    pairs: LayerPairs = {}
    for kind in dict.fromkeys(filter(None, map(_find_kind, network_names))):
        names = [name for name in network_names if _find_kind(name) == kind]
        paths = sorted((path for path in file_paths if _find_kind(path) == kind), key=natural_sort_key)
        by_number = dict(zip(names, paths, strict=False)) if len(names) == len(paths) else {}
        named = {name: to_slash_path(name) for name in names if name not in unnamed_layers}
        if not named or not set(named.values()) <= set(paths):
            pairs |= by_number
        elif len(named) == len(names) or not named.items() <= by_number.items():
            pairs |= named
        else:
            pairs |= by_number
    return pairs


def _pair_repeated_layers(network_names: list[str], file_paths: list[str], paired: LayerPairs) -> LayerPairs:
    """Pair layers whose name in the file has a number added ("fc" with "fc_1"), if only one layer fits.

    Args:
        network_names: the names in the config.
        file_paths: the names in the file, with slashes and without the scope.
        paired: the layers that have been paired before.
    """
    # For each name, the number of layers of the network that have it, with or without a number.
    uses = Counter(
        stem for name in network_names for stem in {to_slash_path(name), _remove_number(to_slash_path(name))}
    )
    numbered: dict[str, list[str]] = {}
    for path in file_paths:
        numbered.setdefault(_remove_number(path), []).append(path)
    pairs: LayerPairs = {}
    for name in network_names:
        candidates = numbered.get(to_slash_path(name), [])
        is_single = len(candidates) == 1 and uses[to_slash_path(name)] == 1
        if is_single and name not in paired and not _find_kind(name):
            pairs[name] = candidates[0]
    return pairs


def _remove_number(path: str) -> str:
    return re.sub(r"_\d+$", "", path)


def _find_kind(name: str) -> str | None:
    """Return the class of a layer whose name Keras has chosen, and of its part CLASS/PART.

    For a name that the user has chosen, this is None.
    """
    layer, part = split_part(name)
    match = _NUMBERED_NAME_PATTERN.fullmatch(layer)
    kind = _AUTOMATIC_NAMES.get(match[1]) if match else None
    return f"{kind}/{part}" if kind and part else kind
