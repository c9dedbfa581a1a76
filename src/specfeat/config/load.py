"""From a shipped name or a path, and `--set` overrides, to checked settings."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from specfeat.architecture.check import check_network
from specfeat.architecture.graph import LayerMismatchError
from specfeat.config.layer_errors import make_layer_error
from specfeat.config.overrides import apply_override
from specfeat.config.settings import Settings
from specfeat.config.sound import convert_to_samples
from specfeat.config.training_sound import find_first_difference, flatten_sound_settings
from specfeat.config.validation_errors import KEYS_IN_SECONDS, ValidationProblem
from specfeat.config.yaml_tree import ConfigTree, read_tree
from specfeat.errors import CHECK_PATH_HINT, ConfigError, escape_control_characters
from specfeat.key_path import KeyPath
from specfeat.text import format_value, suggest_name

# In the wheel the configs lie in the package; in a checkout, at its top.
_SHIPPED = (Path(__file__).parents[1] / "configs", Path(__file__).parents[3] / "configs")


@dataclass(frozen=True)
class Config:
    """Checked settings and where they were written.

    Attributes:
        name: the shipped name or the path, as given.
        settings: the settings.
        tree: the text's values with their places, for errors that only building can find.

    Raises:
        ConfigError: the settings name the sound that their weights were trained on, and it is another.
    """

    name: str
    settings: Settings
    tree: ConfigTree

    def __post_init__(self) -> None:
        """Hold what can be wrong however the settings were made."""
        _check_trained(self)


def shipped_names() -> list[str]:
    """List the configs that come with specfeat."""
    return sorted(path.stem for folder in _SHIPPED for path in folder.glob("*.yaml"))


def load_config(source: str | Path = "default", overrides: Iterable[str] = ()) -> Config:
    """Read a config, apply the overrides, check everything.

    Args:
        source: a shipped name ("yamnet") or the path of a YAML file.
        overrides: `KEY.PATH=VALUE` each, VALUE being YAML.

    Raises:
        ConfigError: one line, `FILE:LINE:COL: key.path: what is wrong; what is wanted`; a ModelError if it is
            a layer that does not fit those before it.
    """
    path = _find(source)
    tree = read_tree(path)
    for override in overrides:
        apply_override(tree, override)
    _check_sections(tree)
    _seconds_to_integers(tree)
    _weights_path(tree, path.parent)
    settings = _validate(tree)
    try:
        check_network(settings.graph, batch=settings.model.batch, features=settings.model.features)
    except LayerMismatchError as e:
        raise make_layer_error(tree, e.layer, e.reason) from e
    return Config(str(source), settings, tree)


def compare_training_sound(settings: Settings) -> tuple[str, str] | None:
    """Compare the sound with that of the shipped config whose weights are to be used, `trained_with`.

    Returns:
        The key that differs, and a sentence about its value; None if the two are the same, or none is named.
    """
    name = settings.model.weights.trained_with
    if name is None:
        return None
    trained = load_config(name).settings
    mine = flatten_sound_settings(settings.audio.sample_rate, settings.spectrogram)
    theirs = flatten_sound_settings(trained.audio.sample_rate, trained.spectrogram)
    key = find_first_difference(mine, theirs)
    if key is None:
        return None
    text = f"is {json.dumps(mine.get(key))}; the weights were trained with {name}'s, "
    return key, f"{text}{json.dumps(theirs.get(key))}, and the features would be wrong"


def _check_trained(config: Config) -> None:
    path: KeyPath = ("model", "weights", "trained_with")
    weights = config.settings.model.weights
    if weights.trained_with not in (None, *shipped_names()):
        hint = suggest_name(weights.trained_with, shipped_names())
        listed = hint or f"; shipped are {', '.join(shipped_names())}"
        raise config.tree.error(path, f"is {format_value(weights.trained_with)}, no shipped config{listed}")
    difference = compare_training_sound(config.settings) if weights.file is not None else None
    if difference:
        key, text = difference
        raise config.tree.error(tuple(key.split(".")), f"{text} (model.weights.trained_with)")


def _find(source: str | Path) -> Path:
    path, name = Path(source), escape_control_characters(str(source))
    is_name = isinstance(source, str) and path.name == source and not path.suffix
    try:
        shipped = [folder / f"{source}.yaml" for folder in _SHIPPED if is_name]
        found = next((place for place in shipped if place.is_file()), path)
        is_folder, exists = found.is_dir(), found.exists()
    except (OSError, ValueError) as e:  # too long a name, or a zero byte in it
        raise ConfigError(f"{name[:300]}: cannot be read: {getattr(e, 'strerror', None) or e}") from e
    if is_folder:
        raise ConfigError(f"{name}: is a folder; wanted a YAML file")
    if exists:
        return found
    names = shipped_names()
    if is_name:
        raise ConfigError(
            f"{name}: no such config{suggest_name(name, names)}; "
            f"shipped are {', '.join(names)}, or give a path to a YAML file"
        )
    hint = suggest_name(path.stem, names) or f"; {CHECK_PATH_HINT}"
    raise ConfigError(f"{name}: no such file{hint}")


def _check_sections(tree: ConfigTree) -> None:
    """A section that is not a mapping is caught here, so that what follows may look inside."""
    data = tree.data
    for name in Settings.model_fields:
        if name in data and not isinstance(data[name], dict):
            raise tree.error(
                (name,), f"is {format_value(data[name])}; wanted a mapping, its keys indented below"
            )


def _seconds_to_integers(tree: ConfigTree) -> None:
    """Replace each length in seconds by the integer that it stands for, once."""
    data = tree.data
    for (section, key), integer in KEYS_IN_SECONDS.items():
        values = data.get(section, {})
        if key not in values or "audio" not in data:
            continue
        rate = _rate(tree)
        path = (section, key)
        if section == "clips" and values.get("cut") == "samples" and key == "seconds":
            integer = "samples"
        if integer in values:
            raise tree.error(path, f"and {integer} are both given; keep one", at_key=True)
        samples = _whole_samples(tree, path, values[key], rate, integer)
        if section == "clips" and (values.get("cut", "frames") == "frames" or "frames" in values):
            samples = _whole_hops(tree, path, samples, data)
        values[integer] = samples
        del values[key]
        tree.places[section, integer] = tree.places.get(path, (1, 1))
        if path in tree.overrides:
            tree.overrides[section, integer] = tree.overrides[path]


def _rate(tree: ConfigTree) -> int:
    """Return the sample rate, without which seconds mean nothing."""
    data = tree.data
    audio = data.get("audio", {})
    rate = audio.get("sample_rate")
    if type(rate) is not int or rate < 1:
        known = [key for key in audio if suggest_name(key, ["sample_rate"])]
        if "sample_rate" not in audio and known:
            hint = "is not known here (did you mean 'sample_rate'?)"
            raise tree.error(("audio", known[0]), hint, at_key=True)
        if "sample_rate" not in audio:
            raise tree.error(("audio",), "has no 'sample_rate'; it is required", at_key=True)
        raise tree.error(
            ("audio", "sample_rate"), f"is {format_value(rate)}; wanted a whole number, 1,000 or more"
        )
    return rate


def _whole_samples(tree: ConfigTree, path: KeyPath, seconds: object, rate: int, integer: str) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < 1e9:
        raise tree.error(path, f"is {format_value(seconds)}; wanted seconds, a number above 0")
    samples = convert_to_samples(seconds, rate)
    if samples is None:
        raise tree.error(
            path,
            f"is {seconds:g} s, {seconds * rate:g} samples at {rate} Hz; wanted a whole number of samples"
            f"{_rounded(seconds * rate, integer)}",
        )
    return samples


def _rounded(samples: float, integer: str) -> str:
    """Papers write 23 ms where their programs have 1024 samples."""
    power = 2 ** round(math.log2(max(1.0, samples)))
    if integer not in ("win_length", "hop_length") or not 0.95 <= samples / power <= 1.05:
        return ""
    return f"; if it is rounded, give the samples: {integer}: {power}"


def _whole_hops(tree: ConfigTree, path: KeyPath, samples: int, data: Any) -> int:
    hop = data.get("spectrogram", {}).get("hop_length")
    if type(hop) is not int or hop < 1:
        return samples  # the schema says what is wrong with the hop
    if samples % hop:
        raise tree.error(
            path,
            f"is {samples} samples, {samples / hop:g} hops of {hop}; wanted a whole number of hops"
            f"{', or their number in frames' if path[-1] == 'seconds' else ''}",
        )
    return samples // hop


def _weights_path(tree: ConfigTree, folder: Path) -> None:
    """A weights file is named relative to the config that names it, or, by `--set`, to where the user is."""
    data = tree.data
    weights = data.get("model", {}).get("weights")
    path: KeyPath = ("model", "weights", "file")
    if isinstance(weights, str) and weights != "random":
        weights = data["model"]["weights"] = {"file": weights}
        path = ("model", "weights")
        tree.places["model", "weights", "file"] = tree.places.get(path, (1, 1))
    if not isinstance(weights, dict) or not isinstance(weights.get("file"), str) or not weights["file"]:
        return
    if "://" in weights["file"]:
        cure = "fetch it first (specfeat weights fetch, or a browser) and give its path"
        raise tree.error(path, f"is an address, {weights['file'][:60]!r}, and nothing is downloaded; {cure}")
    try:
        file = Path(weights["file"]).expanduser()
    except RuntimeError as e:
        raise tree.error(path, f"is {format_value(weights['file'])}: there is no such user's folder") from e
    by_user = any(path[:n] in tree.overrides for n in range(1, 4))
    weights["file"] = str(file if by_user else folder / file)


def _validate(tree: ConfigTree) -> Settings:
    data = tree.data
    compress = data.get("spectrogram", {}).get("compress")
    if isinstance(compress, dict) and all(value is None for value in compress.values()):
        compress.update({key: {} for key in compress})  # `{db: }` is `{db: {}}`; beside another, null is none
    try:
        # JSON's strictness is the one wanted: a list may be a tuple, a text is never a number.
        return Settings.model_validate_json(json.dumps(data))
    except ValidationError as e:
        errors = [
            error for error in e.errors(include_url=False) if error["type"] != "default_factory_not_called"
        ]
        problems = [ValidationProblem(tree, error) for error in errors]
    misspelt = {problem.path[:-1] for problem in problems if problem.unknown and problem.near}
    told = [p for p in problems if not (p.missing and p.path in misspelt)]
    raise min(told, key=lambda problem: problem.place).error()
