"""The network as a run needs it: a function from batches of clips to rows, and what the record says about it.

This module needs no TensorFlow, so a network that an earlier run has prepared (`network_cache`) can run
without it.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specfeat.architecture.axes import Shape
from specfeat.architecture.feature_sources import ColumnGroup
from specfeat.network.engines import Device, RowFunction, Rows
from specfeat.network.postprocess import Postprocess


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyNetwork:
    """A network that is ready to compute rows.

    Attributes:
        batch: the number of places for clips in every batch.
        places: the number of places that are filled with clips, from the first place on. The other places
            stay zero, because a clip would have a row with other bits there. Mostly the same number as
            `batch`.
        input_shape: the shape of one clip, without the batch: (frames, bins, channels).
        width: the number of features of a clip.
        columns: the columns of each layer and statistic, in order.
        parameters: the number of parameters of the Keras model.
        device: where the network runs.
        parallel_batches: the number of batches to run at the same time, each in its own thread.
        weights: the entry `weights` of the record: {"random": seed}, or {"file": path, "sha256": ...,
            "format": ...}; for a single file, also path, size in bytes, mtime_ns, ctime_ns and inode.
        seconds: the time that building took, in seconds.
        row_function: the function that the engine has made of the model.
        postprocess: what is done with the features after the network.
    """

    batch: int
    places: int
    input_shape: Shape
    width: int
    columns: tuple[ColumnGroup, ...] = field(repr=False)
    parameters: int
    device: Device
    parallel_batches: int
    weights: dict[str, object]
    seconds: float
    row_function: RowFunction = field(repr=False)
    postprocess: Postprocess = field(repr=False)

    def compute_rows(self, clips: NDArray[np.float32]) -> Rows:
        """Return the rows of one batch; several threads may call this at the same time.

        Args:
            clips: float32, shape (batch, *input_shape); only the rows of the first `places` clips are valid.

        Returns:
            float32, shape (batch, width).
        """
        return self.postprocess.apply(self.row_function(clips))
