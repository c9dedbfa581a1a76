"""Which layer of the file is which of ours, by name.

Names agree exactly, but for four things that frameworks do to them: a dot for a slash, a scope around
the whole network ("vggish/conv1", "module.conv1"), Keras' own numbers for layers without a name
(conv2d, conv2d_1, ... or from conv2d_1, or from conv2d_12 when others were made before), and a "_1" behind
the name of a layer that was made twice. Each is undone only where one answer is left; the "_1" only where
no other layer, of the file or of ours, has the name but for its number.
"""

import re
from collections import Counter
from collections.abc import Iterable

from specfeat.architecture.kinds import LAYER_KINDS
from specfeat.architecture.kinds.base import Family
from specfeat.weights.files.array_names import natural_sort_key, to_slash_path
from specfeat.weights.matching.slots import to_snake_case

# Keras' own names for a layer of a class: of Keras 2 and 3, of specfeat, of Keras 1.
_STEMS = {stem: kind for kind in LAYER_KINDS for stem in (to_snake_case(kind), kind.lower())}
_STEMS |= {
    stem.replace("conv", "convolution"): kind
    for stem, kind in list(_STEMS.items())
    if LAYER_KINDS[kind].family is Family.CONVOLUTION
}
_AUTOMATIC = re.compile(r"(.*?)(?:_\d+)?")

Pairs = dict[str, str]


def pair_by_name(ours: Iterable[str], theirs: Iterable[str]) -> Pairs:
    """Find for each of our layers the file's.

    Args:
        ours: names as the YAML has them, in order.
        theirs: names as the file has them.

    Returns:
        Our name to theirs, for as many as could be found; one of theirs is never given twice.
    """
    wanted, known = list(ours), list(dict.fromkeys(theirs))
    return max((_pair(wanted, known, scope) for scope in _scopes(known)), key=len)


def _scopes(theirs: list[str]) -> list[str]:
    """The scopes that all names lie in: the empty one, "a/", "a/b/", ..."""
    parts = [to_slash_path(name).split("/")[:-1] for name in theirs]
    scopes = [""]
    for level in zip(*parts, strict=False) if parts else ():
        if len(set(level)) > 1:
            break
        scopes.append(f"{scopes[-1]}{level[0]}/")
    return scopes


def _pair(ours: list[str], theirs: list[str], scope: str) -> Pairs:
    by_path = {to_slash_path(name).removeprefix(scope): name for name in theirs}
    found = _numbered(ours, list(by_path)) | {
        name: to_slash_path(name) for name in ours if not _kind(name) and to_slash_path(name) in by_path
    }
    sharing = Counter(stem for name in ours for stem in {to_slash_path(name), _stem(to_slash_path(name))})
    numbered: dict[str, list[str]] = {}
    for path in by_path:
        numbered.setdefault(_stem(path), []).append(path)
    for name in ours:
        twice = numbered.get(to_slash_path(name), ())
        if name not in found and not _kind(name) and len(twice) == sharing[to_slash_path(name)] == 1:
            found[name] = twice[0]
    return {name: by_path[path] for name, path in found.items()}


def _stem(path: str) -> str:
    return re.sub(r"_\d+$", "", path)


def _numbered(ours: list[str], theirs: list[str]) -> Pairs:
    """Pair layers that have their class for a name: the same names, or as many, by number."""
    found: Pairs = {}
    for kind in dict.fromkeys(filter(None, map(_kind, ours))):
        mine = [name for name in ours if _kind(name) == kind]
        yours = sorted((name for name in theirs if _kind(name) == kind), key=natural_sort_key)
        if set(map(to_slash_path, mine)) <= set(yours):
            found |= {name: to_slash_path(name) for name in mine}
        elif len(mine) == len(yours):
            found |= dict(zip(mine, yours, strict=True))
    return found


def _kind(name: str) -> str | None:
    """The class that a layer without a name of its own is named after."""
    match = _AUTOMATIC.fullmatch(name)
    return _STEMS.get(match[1]) if match else None
