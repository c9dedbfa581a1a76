"""Post-processing: what is done with the features of each clip after the network."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specfeat.architecture.feature_sources import ColumnGroup
from specfeat.config import Config
from specfeat.config.postprocess import PostprocessStep
from specfeat.errors import WeightsError
from specfeat.files import describe_os_error
from specfeat.text import format_shape
from specfeat.weights.files.formats import DAMAGE_ERRORS
from specfeat.weights.files.npz import read_npz

Rows = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
_MEANS, _VECTORS = "pca_means", "pca_eigen_vectors"  # the names in VGGish's file
_LARGEST_LEVEL = 255  # of 8 bits


@dataclass(frozen=True, slots=True)
class Postprocess:
    """The steps after the network.

    Attributes:
        width: the number of features after the last step.
        functions: a function for each step, from the features of one clip to new features, in float64.
        mixes_columns: whether a step makes new columns from all columns, so that they belong to no layer.
    """

    width: int
    functions: tuple[Callable[[DoubleArray], DoubleArray], ...]
    mixes_columns: bool = False

    def list_columns(self, columns: tuple[ColumnGroup, ...]) -> tuple[ColumnGroup, ...]:
        """Return the columns of each layer and statistic after the last step.

        Args:
            columns: the columns before the first step.
        """
        return (ColumnGroup(layer="pca", first=0, count=self.width),) if self.mixes_columns else columns

    def apply(self, rows: Rows) -> Rows:
        """Return the processed features of some clips.

        The clips are processed one by one in float64, so that the result of a clip does not depend on the
        others, and is rounded to float32 once.

        Args:
            rows: float32, shape (clips, features).
        """
        if not self.functions:
            return rows
        return np.array([self._apply_to_clip(row) for row in rows], np.float32).reshape(len(rows), self.width)

    def _apply_to_clip(self, row: Rows) -> DoubleArray:
        values = row.astype(np.float64)
        for function in self.functions:
            values = function(values)
        return values


def make_postprocess(config: Config, width: int) -> Postprocess:
    """Return the steps of a config; read the files that they need.

    Args:
        config: the config.
        width: the number of features that the network gives for a clip.

    Raises:
        ConfigError: a file cannot be used, or is for another number of features.
    """
    functions: list[Callable[[DoubleArray], DoubleArray]] = []
    for number, step in enumerate(config.settings.model.postprocess):
        if step.pca is not None:
            try:
                means, vectors = read_pca(Path(step.pca.file), width)
            except WeightsError as e:
                path = ("model", "postprocess", number, "pca", "file")
                raise config.tree.make_error(path, f"is {step.pca.file!r}: {e}") from e
            width = len(vectors)
            functions.append(_make_pca(means, vectors))
        else:
            functions.append(_make_function(step))
    mixes_columns = any(step.pca for step in config.settings.model.postprocess)
    return Postprocess(width, tuple(functions), mixes_columns)


def _make_pca(means: DoubleArray, vectors: DoubleArray) -> Callable[[DoubleArray], DoubleArray]:
    # Not a matrix product, whose order of additions depends on the library and its threads.
    return lambda values: np.einsum("ij,j->i", vectors, values - means, optimize=False)


def _make_function(step: PostprocessStep) -> Callable[[DoubleArray], DoubleArray]:
    if step.clip is not None:
        low, high = step.clip
        return lambda values: np.clip(values, low, high)
    if step.quantize is not None:
        return _make_quantization(*step.quantize)
    return _normalize


def _make_quantization(low: float, high: float) -> Callable[[DoubleArray], DoubleArray]:
    # https://github.com/tensorflow/models/blob/master/research/audioset/vggish/vggish_postprocess.py
    scale = _LARGEST_LEVEL / (high - low)
    return lambda values: np.floor((np.clip(values, low, high) - low) * scale)


def _normalize(values: DoubleArray) -> DoubleArray:
    norm = np.sqrt(np.sum(values * values))
    return values / norm if norm > 0 else values


def read_pca(path: Path, width: int) -> tuple[DoubleArray, DoubleArray]:
    """Read means and vectors from a file with the arrays `pca_means` and `pca_eigen_vectors`.

    Args:
        path: the NumPy archive.
        width: the number of features to which the PCA is applied.

    Returns:
        The means, shape (width,), and the vectors, one in each line, shape (components, width).

    Raises:
        WeightsError: the file is no such archive, or is for another number of features; the message is the
            end of a sentence about the file.
    """
    try:
        with read_npz(path) as contents:
            arrays = {
                array.name: np.asarray(array.read(), np.float64)
                for array in contents.arrays
                if array.name in (_MEANS, _VECTORS)
            }
    except (OSError, *DAMAGE_ERRORS) as e:
        reason = describe_os_error(e) if isinstance(e, OSError) else "it is damaged, or no .npz archive"
        raise WeightsError(f"cannot be read: {reason}") from e
    if len(arrays) < 2:
        raise WeightsError(f"has no arrays {_MEANS} and {_VECTORS}")
    means, vectors = arrays[_MEANS], arrays[_VECTORS]
    if means.size != width or vectors.ndim != 2 or vectors.shape[1] != width:
        shapes = f"the shapes {format_shape(means.shape)} and {format_shape(vectors.shape)}"
        raise WeightsError(f"{_MEANS} and {_VECTORS} have {shapes}, but a clip has {width} features")
    if not (np.isfinite(means).all() and np.isfinite(vectors).all()):
        raise WeightsError("has values that are not finite")
    return means.reshape(-1), vectors
