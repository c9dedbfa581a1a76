"""Lists the shipped configs, the layers, the file formats, and the classes of a config."""

import importlib.util
from dataclasses import dataclass
from typing import get_args

from specfeat.architecture.kinds import LAYER_KINDS
from specfeat.audio.audio_extensions import list_audio_extensions
from specfeat.audio.ffmpeg_formats import is_ffmpeg_installed
from specfeat.config import Config, load_config, shipped_names
from specfeat.config.config_files import find_config_file
from specfeat.config.model import WeightsFormat
from specfeat.convertible_files import CONVERTIBLE_EXTENSIONS
from specfeat.errors import UsageError
from specfeat.inspection.config_description import list_columns
from specfeat.output.formats import get_format, list_format_names
from specfeat.published.table import PUBLISHED_WEIGHTS


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedConfig:
    """A shipped config.

    Attributes:
        name: its name.
        input_shape: the shape of the network's input: (frames, bins, channels).
        features: the number of features in a row; None if only Keras knows it.
        weights: "trained" if it comes with trained weights, "fetch" if trained weights can be downloaded,
            "none" if the weights are random.
        summary: the first sentence of the comment at its beginning.
    """

    name: str
    input_shape: tuple[int, int, int]
    features: int | None
    weights: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedLayer:
    """A layer kind.

    Attributes:
        name: the name of Keras' class.
        family: the family of layers that it belongs to.
        required: the arguments that a config must give.
        optional: the arguments that a config may give.
    """

    name: str
    family: str
    required: tuple[str, ...]
    optional: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFormat:
    """A file format.

    Attributes:
        name: its name, or the extension of audio files.
        kind: what is in such files: "output", "weights" or "audio".
        extra: the extra of specfeat that it needs; "" if none.
        is_usable: whether everything that it needs is installed.
    """

    name: str
    kind: str
    extra: str = ""
    is_usable: bool = True


def list_configs() -> list[ListedConfig]:
    """Return the shipped configs in alphabetical order."""
    fetchable = {entry.config for entry in PUBLISHED_WEIGHTS}
    listed = []
    for name in shipped_names():
        config = load_config(name)
        settings = config.settings
        columns = list_columns(config, settings.graph)
        has_file = settings.model.weights.file is not None
        listed.append(
            ListedConfig(
                name=name,
                input_shape=settings.input_shape,
                features=None if columns is None else settings.rows.count_features(columns[-1].end),
                weights="trained" if has_file else "fetch" if name in fetchable else "none",
                summary=_read_summary(name),
            )
        )
    return listed


def _read_summary(name: str) -> str:
    """Return the first sentence of the comment at the beginning of a shipped config."""
    words = []
    for line in find_config_file(name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("# "):
            break
        if not line.startswith("# yaml-language-server:"):
            words.append(line.removeprefix("# "))
    return " ".join(words).partition(". ")[0].rstrip(".")


def list_layers() -> list[ListedLayer]:
    """Return the layer kinds, in the order of their families."""
    return [
        ListedLayer(
            name=kind.name,
            family=kind.family.value,
            required=tuple(kind.required),
            optional=tuple(kind.optional),
        )
        for kind in LAYER_KINDS.values()
    ]


def list_formats() -> list[ListedFormat]:
    """Return the file formats: of outputs, of weights, and the extensions of audio files."""
    formats = []
    for name in sorted(list_format_names()):
        output_format = get_format(name)
        package = output_format.package
        is_usable = not package or importlib.util.find_spec(package) is not None
        formats.append(ListedFormat(name=name, kind="output", extra=output_format.extra, is_usable=is_usable))
    formats += [ListedFormat(name=name, kind="weights") for name in get_args(WeightsFormat) if name != "auto"]
    own_extensions = list_audio_extensions() - CONVERTIBLE_EXTENSIONS
    formats += [ListedFormat(name=name, kind="audio") for name in sorted(own_extensions)]
    has_ffmpeg = is_ffmpeg_installed()
    formats += [
        ListedFormat(name=name, kind="audio", extra="av", is_usable=has_ffmpeg)
        for name in sorted(CONVERTIBLE_EXTENSIONS)
    ]
    return formats


def list_classes(config: Config) -> tuple[str, ...]:
    """Return the names of the classes of a config, in the order of its columns.

    Args:
        config: the checked config.

    Raises:
        UsageError: the config has no names of classes.
    """
    labels = config.settings.model.labels
    if not labels:
        raise UsageError(
            f"{config.name}: has no names of classes; name them in model.labels, as a list or a file, "
            "e.g. model.labels=classes.csv"
        )
    return labels
