"""`--set KEY.PATH=VALUE`: one value of a config, from the command line."""

from typing import Any

from specfeat.config.yaml_tree import MAX_DEPTH, MAX_SAID, ConfigTree, format_override, parse_override_value
from specfeat.errors import ConfigError, escape_control_characters
from specfeat.key_path import KeyPath, format_key_path
from specfeat.text import format_value, shorten_text, suggest_name

# Sections of which one key is given: `--set` of another one takes its place.
_ONE_OF = (("model", "weights"), ("spectrogram", "compress"))
# How a file is matched (match, map) holds for the next file, too, but its hash and its format do not.
_WEIGHTS_GIVE_WAY = {"file": {"random", "sha256", "format"}, "random": {"file", "sha256", "format"}}


def apply_override(tree: ConfigTree, override: str) -> None:
    """Set one value of the tree, as `--set` gives it: `KEY.PATH=VALUE`.

    Lists are reached by number, as in `model.layers.0.Conv2D.filters=8`; VALUE is YAML. Sections that are not
    there are made.

    Raises:
        ConfigError: there is no such place, or VALUE is not YAML.
    """
    dotted, equals, text = override.partition("=")
    keys = [
        int(k) if k.isdecimal() and len(k) < 10 else k
        for k in dotted.replace("[", ".").replace("]", "").split(".")
    ]
    if any("\ud800" <= c <= "\udfff" for c in override):
        raise _bad_override(override.encode(errors="replace").decode(), "is not UTF-8 text")
    if not equals or not all(k != "" for k in keys) or len(keys) > MAX_DEPTH:
        raise _bad_override(override, "wanted KEY.PATH=VALUE, e.g. model.batch=32")
    path: KeyPath = tuple(keys)
    _make_room(tree, path)
    at: Any = tree.data
    for i, key in enumerate(path[:-1]):
        if isinstance(at, dict) and isinstance(key, str) and at.get(key) is None:
            at[key] = {}
            tree.replace(path[: i + 1], override)
        at = _step(at, key, override, path[:i])
    if not (isinstance(at, dict) and isinstance(path[-1], str)):
        _step(at, path[-1], override, path[:-1])
    at[path[-1]] = parse_override_value(text, override)
    tree.replace(path, override)


def _make_room(tree: ConfigTree, path: KeyPath) -> None:
    """Take out what cannot stand beside the value that is about to be set."""
    for section in _ONE_OF:
        at: Any = tree.data
        for key in section:
            at = at.get(key) if isinstance(at, dict) else None
        if path[: len(section)] == section and len(path) > len(section) and at is not None:
            kept = at if isinstance(at, dict) else {"file": at} if section[1] == "weights" else {}
            for other in [key for key in kept if _gives_way(section, key, path[len(section)])]:
                del kept[other]
            tree.data[section[0]][section[1]] = kept
    if len(path) == 2:  # a length: in seconds or as the integer, the new one counts
        values = tree.data.get(str(path[0]))
        if isinstance(values, dict):
            for key in _same_length(path):
                values.pop(key, None)


def _gives_way(section: KeyPath, key: str, new: str | int) -> bool:
    if section[1] == "weights":
        return key in _WEIGHTS_GIVE_WAY.get(str(new), ())
    return key != new


def _same_length(path: KeyPath) -> set[str]:
    """Name the other keys that give the length at `path`."""
    units = [{"win_seconds", "win_length"}, {"hop_seconds", "hop_length"}]
    if path[0] == "clips":
        units = [{"seconds", "frames", "samples"}, {"hop_seconds", "hop"}]
    return {key for unit in units if path[1] in unit for key in unit if key != path[1]}


def _step(at: Any, key: str | int, override: str, inside: KeyPath) -> Any:
    if isinstance(at, dict) and key in at:
        return at[key]
    if isinstance(at, list) and isinstance(key, int) and key < len(at):
        return at[key]
    where = format_key_path(inside) or "the config"
    if isinstance(at, list):
        raise _bad_override(
            override, f"{where} is a list of {len(at)}; wanted a number from 0 to {len(at) - 1}, not {key!r}"
        )
    if isinstance(at, dict):
        raise _bad_override(override, f"{where} has no {key!r} inside{suggest_name(key, at)}")
    raise _bad_override(override, f"{where} is {format_value(at)} and has nothing inside; set it as a whole")


def _bad_override(override: str, text: str) -> ConfigError:
    return ConfigError(
        escape_control_characters(f"{format_override(override)}: {shorten_text(text, MAX_SAID)}")
    )
