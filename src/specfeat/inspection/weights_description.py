"""Describes the weights of a config: the file, its hash and its licence. The file is not read as weights."""

from dataclasses import dataclass
from pathlib import Path

from specfeat.config import Config
from specfeat.config.config_files import find_shipped_weights
from specfeat.config.weights_file import describe_unreadable_file
from specfeat.errors import WeightsError
from specfeat.published.table import PUBLISHED_WEIGHTS, PublishedWeights
from specfeat.weights.files.source import locate_weights

OWN_LICENCE = "Apache-2.0"  # of the weights that come with specfeat; see README.md


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsDescription:
    """The weights of a config.

    Attributes:
        random_seed: the seed of random weights; None if the weights are in a file.
        path: the path of the file; None for random weights.
        size: the size of the file in bytes; None if it cannot be read.
        sha256: the SHA-256 of the file; None if it cannot be read.
        published_as: the name of these weights in `specfeat weights fetch`; None if they have none.
        licence: the licence of the weights; None if it is not known.
        problem: why the file cannot be used, as a sentence; "" if nothing is known against it.
        fetchable: the names of published weights for the network of the config.
    """

    random_seed: int | None = None
    path: str | None = None
    size: int | None = None
    sha256: str | None = None
    published_as: str | None = None
    licence: str | None = None
    problem: str = ""
    fetchable: tuple[str, ...] = ()


def describe_weights(config: Config) -> WeightsDescription:
    """Return the description of the weights of a config.

    Args:
        config: the checked config.
    """
    weights = config.settings.model.weights
    networks = {config.name, weights.trained_with}
    fetchable = tuple(entry.name for entry in PUBLISHED_WEIGHTS if entry.config in networks)
    if weights.file is None:
        return WeightsDescription(random_seed=weights.random, fetchable=fetchable)
    problem = describe_unreadable_file(weights.file) or ""
    if problem:
        return WeightsDescription(path=weights.file, problem=problem, fetchable=fetchable)
    try:
        source = locate_weights(weights.file)
        sha256, size = source.compute_sha256(), source.size
    except WeightsError as e:
        return WeightsDescription(path=weights.file, problem=f"{weights.file}: {e}", fetchable=fetchable)
    if weights.sha256 and weights.sha256.lower() != sha256:
        problem = f"{weights.file}: has the SHA-256 {sha256}; the config wants {weights.sha256.lower()}"
    published = _find_published(sha256)
    return WeightsDescription(
        path=weights.file,
        size=size,
        sha256=sha256,
        published_as=published.name if published else None,
        licence=published.licence if published else _find_own_licence(weights.file),
        problem=problem,
        fetchable=fetchable,
    )


def find_published_entries(names: tuple[str, ...]) -> list[PublishedWeights]:
    """Return the entries of the table of published weights with these names."""
    return [entry for entry in PUBLISHED_WEIGHTS if entry.name in names]


def _find_published(sha256: str) -> PublishedWeights | None:
    return next((entry for entry in PUBLISHED_WEIGHTS if entry.sha256 == sha256), None)


def _find_own_licence(path: str) -> str | None:
    """Return the licence of a weights file that comes with specfeat; None for any other file."""
    own_files = find_shipped_weights()
    return OWN_LICENCE if Path(path).resolve() in own_files else None
