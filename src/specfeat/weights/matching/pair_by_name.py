"""Pairs the layers of the network with the layers of the file by their names.

The names must be equal, except for four things that frameworks do to names:

- PyTorch has a dot where the config has a slash: "conv_block1.conv1" is "conv_block1/conv1".
- A scope stands before the names of all layers: "vggish/conv1" is "conv1", "module.conv1" as well.
- Keras numbers layers that the user has not named: conv2d, conv2d_1, ...; in Keras 2 from conv2d_1; and from
  any number if the session has made other layers before. Such names are paired in the order of their numbers.
- Keras 2 adds "_1" to the name of a layer that is made a second time in a session.

Each of them is undone only where one answer is left. In particular, "_1" is removed only if no other layer,
of the file or of the network, has the same name except for a number: with `fc` and `fc_1` here, and `fc_1`
and `fc_2` in the file, names alone would pair them crosswise.
"""

import re
from collections import Counter
from collections.abc import Iterable

from specfeat.architecture.kinds import LAYER_KINDS
from specfeat.architecture.kinds.base import Family
from specfeat.weights.files.array_names import natural_sort_key, to_slash_path
from specfeat.weights.matching.slots import to_snake_case

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


def pair_by_name(network_layers: Iterable[str], file_layers: Iterable[str]) -> LayerPairs:
    """Return the file's layer for each layer of the network, for as many layers as have one.

    Args:
        network_layers: the names in the config, in order.
        file_layers: the names in the file.

    Returns:
        The pairs; no layer of the file is in two of them.
    """
    network_names, file_names = list(network_layers), list(dict.fromkeys(file_layers))
    # The scope that makes the most names equal is the right one: the empty scope if names agree as they are.
    attempts = (_pair_within_scope(network_names, file_names, scope) for scope in _list_scopes(file_names))
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


def _pair_within_scope(network_names: list[str], file_names: list[str], scope: str) -> LayerPairs:
    by_path = {to_slash_path(name).removeprefix(scope): name for name in file_names}
    paths = _pair_automatic_names(network_names, list(by_path))
    chosen_names = {name: to_slash_path(name) for name in network_names if not _find_kind(name)}
    paths |= {name: path for name, path in chosen_names.items() if path in by_path}
    paths |= _pair_repeated_layers(network_names, list(by_path), paths)
    return {name: by_path[path] for name, path in paths.items()}


def _pair_automatic_names(network_names: list[str], file_paths: list[str]) -> LayerPairs:
    """Pair the layers that the user has not named, class by class.

    The names are taken as they are if the file has all of them, and else by number, if there are as many.
    """
    pairs: LayerPairs = {}
    for kind in dict.fromkeys(filter(None, map(_find_kind, network_names))):
        names = [name for name in network_names if _find_kind(name) == kind]
        paths = sorted((path for path in file_paths if _find_kind(path) == kind), key=natural_sort_key)
        if set(map(to_slash_path, names)) <= set(paths):
            pairs |= {name: to_slash_path(name) for name in names}
        elif len(names) == len(paths):
            pairs |= dict(zip(names, paths, strict=True))
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
