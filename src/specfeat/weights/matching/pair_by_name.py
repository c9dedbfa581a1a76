"""Pairs the layers of the network with the layers of the file by their names.

The names must be equal, except for four things that frameworks do to names:

- PyTorch has a dot where the config has a slash: "conv_block1.conv1" is "conv_block1/conv1".
- A scope stands before the names of all layers: "vggish/conv1" is "conv1", "module.conv1" as well.
- Keras numbers layers that the user has not named: conv2d, conv2d_1, ...; in Keras 2 from conv2d_1; and from
  any number if the session has made other layers before. Such names are paired in the order of their numbers,
  if the network and the file have equally many of a class. Equal numbers alone say nothing.
- Keras 2 adds "_1" to the name of a layer that is made a second time in a session.

Each of them is undone only where one answer is left. In particular, "_1" is removed only if no other layer,
of the file or of the network, has the same name except for a number: with `fc` and `fc_1` here, and `fc_1`
and `fc_2` in the file, names alone would pair them crosswise.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from specfeat.architecture.kinds import LAYER_KINDS
from specfeat.architecture.kinds.base import Family
from specfeat.weights.files.array_names import natural_sort_key, to_slash_path
from specfeat.weights.files.arrays import FileArray
from specfeat.weights.matching.slots import Slot, to_snake_case

# The names that Keras gives to unnamed layers of each class: in Keras 2 and 3 (conv2d), in specfeat
# (depthwise_conv2d is depthwiseconv2d), and in Keras 1 (convolution2d).
_AUTOMATIC_NAMES = {name: kind for kind in LAYER_KINDS for name in (to_snake_case(kind), kind.lower())}
_AUTOMATIC_NAMES |= {
    name.replace("conv", "convolution"): kind
    for name, kind in list(_AUTOMATIC_NAMES.items())
    if LAYER_KINDS[kind].family is Family.CONVOLUTION
}
_NUMBERED = re.compile(r"(.*?)(?:_\d+)?")

LayerPairs = dict[str, str]  # the network's layer -> the file's layer


def pair_by_name_and_path(
    network_layers: Mapping[str, Sequence[Slot]], file_layers: Mapping[str, Mapping[str, FileArray]]
) -> LayerPairs:
    """Return the file's layer for each layer of the network, by its name, or by its path in a Keras 3 file.

    Layers without a name of their own have a path, too, so the paths may pair more layers than the names.
    Keras itself loads by path. Only a name that the config gives speaks against the paths.

    Args:
        network_layers: the slots of each layer by its name, in order.
        file_layers: the arrays of each layer by its name and their role.
    """
    numbered = {name for name, slots in network_layers.items() if not slots[0].is_named}
    pairs = pair_by_name(network_layers, file_layers, numbered)
    pairs_by_path = _pair_by_keras_path(network_layers, file_layers)
    chosen = {
        name: file_layer
        for name, file_layer in pairs.items()
        if name not in numbered and (not _find_kind(file_layer) or name == file_layer)
    }
    is_by_path = len(pairs_by_path) >= len(pairs) and chosen.items() <= pairs_by_path.items()
    return pairs_by_path if is_by_path else pairs


def _pair_by_keras_path(
    network_layers: Mapping[str, Sequence[Slot]], file_layers: Mapping[str, Mapping[str, FileArray]]
) -> LayerPairs:
    """Pair layers that have the same path in a Keras 3 file."""
    file_names = {
        array.keras_path: name
        for name, roles in file_layers.items()
        for array in roles.values()
        if array.keras_path
    }
    paths = {name: slots[0].keras_path for name, slots in network_layers.items()}
    return {name: file_names[path] for name, path in paths.items() if path in file_names}


def pair_by_name(
    network_layers: Iterable[str], file_layers: Iterable[str], numbered_layers: Collection[str] = ()
) -> LayerPairs:
    """Return the file's layer for each layer of the network, for as many layers as have one.

    Args:
        network_layers: the names of the network's layers, in order.
        file_layers: the names in the file.
        numbered_layers: those of the network's layers that the config does not name. Their names are numbers
            of specfeat, and say nothing about the file.

    Returns:
        The pairs; no layer of the file is in two of them.
    """
    network_names, file_names = list(network_layers), list(dict.fromkeys(file_layers))
    # The scope that makes the most names equal is the right one: the empty scope if names agree as they are.
    attempts = (
        _pair_within_scope(network_names, file_names, numbered_layers, scope)
        for scope in _list_scopes(file_names)
    )
    return max(attempts, key=len)


def _list_scopes(file_names: list[str]) -> list[str]:
    """Return the scopes that all names have in common: "", "a/", "a/b/", ..."""
    parts = [to_slash_path(name).split("/")[:-1] for name in file_names]
    scopes = [""]
    for level in zip(*parts, strict=False):
        if len(set(level)) > 1:
            break
        scopes.append(f"{scopes[-1]}{level[0]}/")
    return scopes


def _pair_within_scope(
    network_names: list[str], file_names: list[str], numbered_layers: Collection[str], scope: str
) -> LayerPairs:
    by_path = {to_slash_path(name).removeprefix(scope): name for name in file_names}
    paths = _pair_automatic_names(network_names, list(by_path), numbered_layers)
    chosen_names = {name: to_slash_path(name) for name in network_names if not _find_kind(name)}
    paths |= {name: path for name, path in chosen_names.items() if path in by_path}
    paths |= _pair_repeated_layers(network_names, list(by_path), paths)
    return {name: by_path[path] for name, path in paths.items()}


def _pair_automatic_names(
    network_names: list[str], file_paths: list[str], numbered_layers: Collection[str]
) -> LayerPairs:
    """Pair the layers with names such as Keras gives to unnamed layers, class by class.

    They are paired by number, if there are as many in the file. Equal names are another way only if the
    config gives them: the numbers that specfeat gives count other layers than those of the program.
    """
    pairs: LayerPairs = {}
    for kind in dict.fromkeys(filter(None, map(_find_kind, network_names))):
        names = [name for name in network_names if _find_kind(name) == kind]
        paths = sorted((path for path in file_paths if _find_kind(path) == kind), key=natural_sort_key)
        by_number = dict(zip(names, paths, strict=False)) if len(names) == len(paths) else {}
        named = {name: to_slash_path(name) for name in names if name not in numbered_layers}
        if not named or not set(named.values()) <= set(paths):
            pairs |= by_number
        elif len(named) == len(names) or not named.items() <= by_number.items():
            pairs |= named
        else:
            pairs |= by_number
    return pairs


def _pair_repeated_layers(network_names: list[str], file_paths: list[str], paired: LayerPairs) -> LayerPairs:
    """Pair layers with a name in the file that has a number behind it, where only one name is meant.

    Args:
        network_names: the names in the config.
        file_paths: the names in the file, with slashes and without the scope.
        paired: the layers that have been paired before.
    """
    # How many layers of the network have a name, when numbers are removed or not.
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
    """Return the class of a layer whose name Keras has chosen; None for a name that the user has chosen."""
    match = _NUMBERED.fullmatch(name)
    return _AUTOMATIC_NAMES.get(match[1]) if match else None
