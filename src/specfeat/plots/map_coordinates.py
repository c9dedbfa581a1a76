"""Computes a map of rows, in which similar rows are near each other, by PCA or UMAP."""

import importlib.util
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from specfeat.analysis.pca import fit_components
from specfeat.errors import InstallError, UsageError
from specfeat.process_state import hide_packages

MapMethod = Literal["pca", "umap"]
MAP_METHODS: tuple[MapMethod, ...] = get_args(MapMethod)
UMAP_SEED = 0
MAX_UMAP_ROWS = 50_000
_UMAP_NEIGHBORS, _MIN_UMAP_ROWS = 15, 5  # 15 is umap-learn's default
_UMAP_FEATURES = 50  # rows with more features are projected to their first principal components


@dataclass(frozen=True, slots=True)
class MapCoordinates:
    """The place of rows on a map.

    Attributes:
        rows: the numbers of the rows that are on the map.
        places: their places, shape (rows, 2); NaN for a row with a value that is not finite.
        labels: the labels of the two axes.
        facts: how the map was computed, as names and values.
    """

    rows: NDArray[np.int64]
    places: NDArray[np.float32]
    labels: tuple[str, str]
    facts: Mapping[str, str]


def check_map_method(method: MapMethod) -> None:
    """Check that the package of a method is installed, without importing it.

    Raises:
        InstallError: the package is missing.
    """
    if method == "umap" and importlib.util.find_spec("umap") is None:
        raise InstallError(
            "a map by UMAP needs the package umap-learn, which is not installed; install it with: "
            "pip install 'specfeat[umap]', or use PCA, which needs nothing"
        )


def compute_map(array: NDArray[Any], method: MapMethod) -> MapCoordinates:
    """Compute the map of an array.

    Args:
        array: the rows, shape (rows, features); a memory map is read by blocks.
        method: "pca" for the two principal components of all rows; "umap" for UMAP with a fixed seed, for at
            most 50,000 rows that are spread evenly over the array.

    Raises:
        InstallError: umap-learn is missing.
        UsageError: there are too few rows for UMAP.
    """
    if method == "pca":
        components = fit_components(array, 2)
        first, second = (f"component {k + 1} ({components.shares[k]:.0%} of the variance)" for k in (0, 1))
        rows = np.arange(len(array))
        return MapCoordinates(rows, components.project(array), (first, second), {"Method": "PCA"})
    return _compute_umap(array)


def spread_rows(count: int, limit: int) -> NDArray[np.int64]:
    """Return the numbers of at most `limit` of `count` rows, spread evenly."""
    return np.arange(count) if count <= limit else np.arange(limit) * count // limit


def _compute_umap(array: NDArray[Any]) -> MapCoordinates:
    check_map_method("umap")
    rows = spread_rows(len(array), MAX_UMAP_ROWS)
    features: Any = array
    if array.shape[1] > _UMAP_FEATURES:
        features = fit_components(array, _UMAP_FEATURES).project(array)
    features = np.asarray(features[rows], np.float32)
    is_finite = np.isfinite(features).all(axis=1)
    if is_finite.sum() < _MIN_UMAP_ROWS:
        raise UsageError(f"a map by UMAP needs at least {_MIN_UMAP_ROWS} rows with finite values; use PCA")
    with warnings.catch_warnings():
        # umap-learn warns about its own use of scikit-learn, that a seed means one thread, and that there is
        # no TensorFlow. It would load TensorFlow for a form of UMAP that is not used here.
        warnings.simplefilter("ignore")
        with hide_packages("tensorflow", "keras"):
            import umap  # here, because it is an extra, and takes seconds to load

        neighbors = min(_UMAP_NEIGHBORS, int(is_finite.sum()) - 1)
        model = umap.UMAP(n_components=2, n_neighbors=neighbors, random_state=UMAP_SEED, n_jobs=1)
        places = np.full((len(rows), 2), np.nan, np.float32)
        places[is_finite] = model.fit_transform(features[is_finite])
    facts = {"Method": f"UMAP (umap-learn {umap.__version__})", "Seed": str(UMAP_SEED)}
    return MapCoordinates(rows, places, ("UMAP 1", "UMAP 2"), facts)
