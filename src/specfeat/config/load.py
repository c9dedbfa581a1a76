"""From a shipped name or a path, and `--set` overrides, to checked settings."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from specfeat.config.layers import did_you_mean, shown
from specfeat.config.settings import Settings
from specfeat.config.sound import exact_samples
from specfeat.config.tree import KeyPath, Tree, parse_value, read_tree
from specfeat.errors import ConfigError

# In the wheel the configs lie in the package; in a checkout, at its top.
_SHIPPED = (Path(__file__).parents[1] / "configs", Path(__file__).parents[3] / "configs")

# Sections of which exactly one key is given: `--set` of another one takes its place.
_ONE_OF: tuple[KeyPath, ...] = (("model", "weights"), ("spectrogram", "compress"))

# Where the config may speak seconds: (section, key) -> the key that keeps the integer.
_SECONDS = {
    ("spectrogram", "win_seconds"): "win_length",
    ("spectrogram", "hop_seconds"): "hop_length",
    ("clips", "seconds"): "frames",
    ("clips", "hop_seconds"): "hop",
}


@dataclass(frozen=True)
class Config:
    """Checked settings and where they were written.

    Attributes:
        name: the shipped name or the path, as given.
        settings: the settings.
        tree: the text's values with their places, for errors that only building can find.
    """

    name: str
    settings: Settings
    tree: Tree

    def where(self, path: KeyPath) -> str:
        """Say where `path` was written: `FILE:LINE:COL`."""
        return self.tree.where(path)


def shipped_names() -> list[str]:
    """List the configs that come with specfeat."""
    return sorted(path.stem for folder in _SHIPPED for path in folder.glob("*.yaml"))


def load_config(source: str | Path = "default", overrides: Iterable[str] = ()) -> Config:
    """Read a config, apply the overrides, check everything.

    Args:
        source: a shipped name ("yamnet") or the path of a YAML file.
        overrides: `KEY.PATH=VALUE` each, VALUE being YAML.

    Raises:
        ConfigError: one line, `FILE:LINE:COL: key.path: what is wrong; what is wanted`.
    """
    path = _find(source)
    tree = read_tree(path)
    for override in overrides:
        _override(tree, override)
    _check_sections(tree)
    _seconds_to_integers(tree)
    _weights_path(tree, path.parent)
    return Config(str(source), _validate(tree), tree)


def _find(source: str | Path) -> Path:
    path, name = Path(source), str(source)
    is_name = isinstance(source, str) and path.name == name and not path.suffix
    if is_name:
        for folder in _SHIPPED:
            if (folder / f"{name}.yaml").is_file():
                return folder / f"{name}.yaml"
    if path.is_dir():
        raise ConfigError(f"{name}: is a folder; wanted a YAML file")
    if path.exists():
        return path
    names = shipped_names()
    if is_name:
        raise ConfigError(
            f"{name}: no such config{did_you_mean(name, names)}; "
            f"shipped are {', '.join(names)}, or give a path to a YAML file"
        )
    raise ConfigError(f"{name}: no such file{did_you_mean(path.stem, names)}")


def _override(tree: Tree, override: str) -> None:
    """Apply one `a.b=c`: lists are reached by number, as in `model.layers.0.Conv2D.filters=8`."""
    dotted, equals, text = override.partition("=")
    keys: list[str | int] = [
        int(k) if k.isdecimal() else k for k in dotted.replace("[", ".").replace("]", "").split(".")
    ]
    if not equals or not all(k != "" for k in keys):
        raise ConfigError(f"--set {override}: wanted KEY.PATH=VALUE, e.g. model.batch=32")
    at: Any = tree.data
    for i, key in enumerate(keys[:-1]):
        if isinstance(at, dict) and isinstance(key, str) and at.get(key) is None:
            at[key] = {}
        at = _step(at, key, override, ".".join(map(str, keys[:i])))
    path = tuple(keys)
    if path[:-1] in _ONE_OF and isinstance(at, dict):
        at.clear()
    last = keys[-1]
    if isinstance(at, dict) and isinstance(last, str):
        at[last] = None
    else:
        _step(at, last, override, ".".join(map(str, keys[:-1])))
    at[last] = parse_value(text, f"--set {override}")
    tree.overrides[path] = override


def _step(at: Any, key: str | int, override: str, inside: str) -> Any:
    if isinstance(at, dict) and key in at:
        return at[key]
    if isinstance(at, list) and isinstance(key, int) and key < len(at):
        return at[key]
    if isinstance(at, list):
        raise ConfigError(
            f"--set {override}: {inside} is a list of {len(at)}; "
            f"wanted a number from 0 to {len(at) - 1}, not {key!r}"
        )
    hint = did_you_mean(key, at if isinstance(at, dict) else ())
    raise ConfigError(f"--set {override}: {inside or 'the config'} has no {key!r} inside{hint}")


def _check_sections(tree: Tree) -> None:
    """A section that is not a mapping is caught here, so that what follows may look inside."""
    data = tree.data
    assert isinstance(data, dict)  # noqa: S101  parse_tree saw to it
    for name in Settings.model_fields:
        if name in data and not isinstance(data[name], dict):
            raise tree.error((name,), f"is {shown(data[name])}; wanted a mapping, its keys indented below")


def _seconds_to_integers(tree: Tree) -> None:
    """Replace each length in seconds by the integer that it stands for, once."""
    data: Any = tree.data
    rate = data.get("audio", {}).get("sample_rate")
    for (section, key), integer in _SECONDS.items():
        values = data.get(section, {})
        if key not in values:
            continue
        if type(rate) is not int or rate < 1:
            continue  # the schema says what is wrong with the rate
        path = (section, key)
        if section == "clips" and values.get("cut") == "samples" and key == "seconds":
            integer = "samples"
        if integer in values:
            raise tree.error(path, f"and {integer} are both given; keep one", at_key=True)
        samples = _whole_samples(tree, path, values[key], rate)
        if section == "clips" and values.get("cut", "frames") == "frames":
            samples = _whole_hops(tree, path, samples, data)
        values[integer] = samples
        del values[key]
        tree.places[section, integer] = tree.places.get(path, (1, 1))
        if path in tree.overrides:
            tree.overrides[section, integer] = tree.overrides[path]


def _whole_samples(tree: Tree, path: KeyPath, seconds: object, rate: int) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < 1e9:
        raise tree.error(path, f"is {shown(seconds)}; wanted seconds, a number above 0")
    samples = exact_samples(seconds, rate)
    if samples is None:
        raise tree.error(
            path,
            f"is {seconds:g} s, {seconds * rate:g} samples at {rate} Hz; wanted a whole number of samples",
        )
    return samples


def _whole_hops(tree: Tree, path: KeyPath, samples: int, data: Any) -> int:
    hop = data.get("spectrogram", {}).get("hop_length")
    if type(hop) is not int or hop < 1:
        return samples  # the schema says what is wrong with the hop
    if samples % hop:
        raise tree.error(
            path, f"is {samples} samples, {samples / hop:g} hops of {hop}; wanted a whole number of hops"
        )
    return samples // hop


def _weights_path(tree: Tree, folder: Path) -> None:
    """A weights file is named relative to the config that names it, or, by `--set`, to where the user is."""
    weights = tree.data.get("model", {}).get("weights") if isinstance(tree.data, dict) else None
    path: KeyPath = ("model", "weights", "file")
    if isinstance(weights, str) and weights != "random":
        weights = tree.data["model"]["weights"] = {"file": weights}  # type: ignore[index]  # a dict, just read
        path = ("model", "weights")
    if not isinstance(weights, dict) or not isinstance(weights.get("file"), str):
        return
    if not any(path[:n] in tree.overrides for n in range(1, 4)):
        weights["file"] = str(folder / Path(weights["file"]).expanduser())


def _validate(tree: Tree) -> Settings:
    try:
        # JSON's strictness is the one wanted: a list may be a tuple, a text is never a number.
        return Settings.model_validate_json(json.dumps(tree.data))
    except ValidationError as e:
        problems = [_problem(tree, error) for error in e.errors(include_url=False)]
    raise min(problems, key=lambda p: p[0])[1]


def _problem(tree: Tree, error: Any) -> tuple[tuple[int, int], ConfigError]:
    """Turn one of pydantic's errors into ours, with its place, so that the first in the file is told."""
    context = error.get("ctx", {})
    path, text, at_key = _path(tree, error["loc"]), "", False
    if error["type"] == "specfeat":
        path, text, at_key = (*path, *context["path"]), context["text"], context["at_key"]
    elif error["type"] == "extra_forbidden":
        at_key = True
        names = _fields(path[:-1])
        text = f"is not known here{did_you_mean(path[-1], names) or '; known: ' + ', '.join(names)}"
    elif error["type"] == "missing":
        path, missing = path[:-1], path[-1]
        text, at_key = f"has no {missing!r}; it is required", True
    else:
        text = f"is {shown(error['input'])}; wanted {_wanted(error)}"
    place = tree.places.get(path) or (0, 0)
    return place, tree.error(path, text, at_key=at_key)


def _path(tree: Tree, loc: tuple[str | int, ...]) -> KeyPath:
    """Keep of pydantic's location the part that the YAML has: it adds the names of union members."""
    at: Any = tree.data
    path: list[str | int] = []
    for key in loc:
        inside = (isinstance(at, dict) and key in at) or (isinstance(at, list) and isinstance(key, int))
        if inside:
            at = at[key]
            path.append(key)
        elif isinstance(at, dict) and key == loc[-1]:
            path.append(key)  # a missing key
    return tuple(path)


def _wanted(error: Any) -> str:
    """Pydantic's "Input should be a valid integer" as the end of our sentence."""
    if error["type"] in ("int_type", "int_parsing", "int_from_float"):
        return "a whole number"
    if error["type"] in ("float_type", "float_parsing", "finite_number"):
        return "a number"
    if error["type"] == "bool_type":
        return "true or false"
    if error["type"] == "model_type" or error["type"] == "model_attributes_type":
        return "a mapping, its keys indented below"
    text = str(error["msg"]).removeprefix("Input should be ").removeprefix("Input should ")
    expected = error.get("ctx", {}).get("expected")
    if error["type"] == "literal_error" and expected:
        names = [name.strip("'") for name in expected.replace(" or ", ", ").split(", ")]
        return f"one of {', '.join(names)}{did_you_mean(error['input'], names)}"
    return text


def _fields(path: KeyPath) -> list[str]:
    """List the keys that the section at `path` knows."""
    model: Any = Settings
    for key in path:
        if isinstance(key, int) or model is None:
            return []
        model = _section(model.model_fields[key].annotation)
    names = list(model.model_fields) if model else []
    return names + [key for (section, key) in _SECONDS if path == (section,)]


def _section(annotation: Any) -> type[BaseModel] | None:
    """Find the section in an annotation such as `Annotated[Mel, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return next(filter(None, map(_section, get_args(annotation))), None)
    return None
