"""Applies overrides: single values that replace values of a config, each written as `KEY.PATH=VALUE`."""

from typing import Any, Literal

from specfeat.config.config_tree import ConfigTree
from specfeat.config.seconds import list_keys_of_same_length
from specfeat.config.yaml_scalars import has_lone_surrogate
from specfeat.config.yaml_tree import MAX_DEPTH, parse_override_value
from specfeat.config.yaml_writer import quote_yaml
from specfeat.key_path import Key, KeyPath, format_key_path
from specfeat.text import format_value, suggest_name

_WEIGHTS = ("model", "weights")
_COMPRESS = ("spectrogram", "compress")
# The keys of the weights that are removed if an override gives a new file or seed. The SHA-256 and the format
# are facts about the old file. The keys for the matching of arrays (match, map, ignore, flatten) stay,
# because the new file is often another version of the old one.
_KEYS_REPLACED_BY_WEIGHTS = {"file": {"random", "sha256", "format"}, "random": {"file", "sha256", "format"}}


def apply_override(tree: ConfigTree, override: str) -> None:
    """Replace one value of the tree, and remove the values that the new value excludes.

    Args:
        tree: the config, which is changed.
        override: `KEY.PATH=VALUE`, where VALUE is YAML. The items of a list have numbers, as in
            `model.layers.0.Conv2D.filters=8` or `model.layers[0].Conv2D.filters=8`. Sections that are not in
            the config are added.

    Raises:
        ConfigError: the config has no such place, or VALUE is not YAML.
    """
    if has_lone_surrogate(override):  # Python makes these from bytes on the command line that are not UTF-8
        raise tree.make_override_error(override.encode(errors="replace").decode(), "is not UTF-8 text")
    dotted_path, equals_sign, text = override.partition("=")
    path = _parse_path(dotted_path)
    if not equals_sign or "" in path or len(path) > MAX_DEPTH:
        raise tree.make_override_error(override, "wanted KEY.PATH=VALUE, e.g. model.batch=32")
    _remove_replaced_values(tree, path)
    parent: Any = tree.data
    for i, key in enumerate(path[:-1]):
        if isinstance(parent, dict) and isinstance(key, str) and parent.get(key) is None:
            parent[key] = {}
            tree.mark_overridden(path[: i + 1], override)
        _check_item(tree, override, parent, path[: i + 1])
        parent = parent[key]
    # The last key may be new if it is a key of a mapping. An item of a list must exist.
    if not (isinstance(parent, dict) and isinstance(path[-1], str)):
        _check_item(tree, override, parent, path)
    parent[path[-1]] = parse_override_value(text, override, tree.override_prefix)
    tree.mark_overridden(path, override)


def list_train_overrides(labels: str | None, epochs: int | None) -> list[str]:
    """Return the overrides that set the table of labels and the number of epochs; None for no override."""
    overrides = [] if labels is None else [f"train.labels.file={quote_yaml(labels)}"]
    return overrides if epochs is None else [*overrides, f"train.epochs={epochs}"]


def list_row_overrides(
    per: Literal["clip", "file"] | None, pool: str | None, dtype: str | None = None
) -> list[str]:
    """Return the overrides that set what has a row of its own, and the type of its numbers.

    Args:
        per: whether each clip or each file has a row; None for no override.
        pool: the statistics of the clips that make the row of a file; None for no override. A row of a clip
            has none.
        dtype: the type of the numbers; None for no override.
    """
    overrides = [] if per is None else [f"rows.per={per}"]
    if per == "clip":
        pool = "mean"  # the default, so that the statistics of the config are removed
    overrides += [] if pool is None else [f"rows.pool={pool}"]
    return overrides if dtype is None else [*overrides, f"rows.dtype={dtype}"]


def _parse_path(dotted_path: str) -> KeyPath:
    keys = dotted_path.replace("[", ".").replace("]", "").split(".")
    # No list has an item of ten digits, and Python refuses to convert thousands of them.
    return tuple(int(key) if key.isdecimal() and len(key) < 10 else key for key in keys)


def _remove_replaced_values(tree: ConfigTree, path: KeyPath) -> None:
    """Remove the values that the value of an override at `path` excludes.

    Without this, a config would have, for example, two lengths, or two kinds of compression, after an
    override.
    """
    parent = tree.data.get(str(path[0]))
    if not isinstance(parent, dict):
        return
    for key in list_keys_of_same_length(path):  # the old length, in seconds or as an integer
        parent.pop(key, None)
    if len(path) < 3 or parent.get(path[1]) is None:
        return
    section, new_key = parent[path[1]], str(path[2])
    if path[:2] == _WEIGHTS:
        # `weights: PATH` is short for `weights: {file: PATH}`.
        values = section if isinstance(section, dict) else {"file": section}
        replaced_keys = _KEYS_REPLACED_BY_WEIGHTS.get(new_key, set())
        parent[path[1]] = {key: value for key, value in values.items() if key not in replaced_keys}
    elif path[:2] == _COMPRESS and isinstance(path[2], int):  # one step in a list of steps
        if isinstance(section, list) and path[2] < len(section) and len(path) > 3:
            section[path[2]] = _keep_kind(section[path[2]], path[3])
    elif path[:2] == _COMPRESS:
        parent[path[1]] = _keep_kind(section, path[2])


def _keep_kind(compress: object, kind: Key) -> dict[str, Any]:
    """Return one step of the compression with only the kind that an override sets."""
    values = compress if isinstance(compress, dict) else {}
    return {key: value for key, value in values.items() if key == kind}


def _check_item(tree: ConfigTree, override: str, parent: object, path: KeyPath) -> None:
    """Refuse an override whose path leads to an item that does not exist.

    Args:
        tree: the config, which makes the error.
        override: the override as the user wrote it.
        parent: the value that should contain the item.
        path: the path of the item.

    Raises:
        ConfigError: the parent has no such item.
    """
    key, parent_name = path[-1], format_key_path(path[:-1]) or "the config"
    if _has_item(parent, key):
        return
    if isinstance(parent, list):
        text = f"is a list of {len(parent)}; wanted a number from 0 to {len(parent) - 1}, not {key!r}"
    elif isinstance(parent, dict):
        text = f"has no {key!r} inside{suggest_name(key, parent)}"
    else:
        text = f"is {format_value(parent)} and has nothing inside; set it as a whole"
    raise tree.make_override_error(override, f"{parent_name} {text}")


def _has_item(parent: object, key: Key) -> bool:
    if isinstance(parent, list):
        return isinstance(key, int) and key < len(parent)
    return isinstance(parent, dict) and key in parent
