"""A function for the `map` of Hugging Face datasets.

from datasets import Audio, Dataset

from specfeat.integrations.hugging_face import FeatureFunction

dataset = Dataset.from_dict({"audio": ["a.wav", "b.wav"]})
dataset = dataset.map(FeatureFunction("yamnet"), batched=True, batch_size=32)
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from specfeat.config.overrides import list_row_overrides
from specfeat.errors import UsageError
from specfeat.integrations.shared_extractor import get_shared_extractor


@dataclass(frozen=True, slots=True, kw_only=True)
class _Samples:
    """The samples of one sound.

    Attributes:
        values: the samples from -1 to 1, shape (n,) or (n, channels).
        sample_rate: their sample rate in Hz.
    """

    values: Any
    sample_rate: int


class FeatureFunction:
    """Add a column of features to the batches of a dataset.

    An object can be pickled, so `map(..., num_proc=N)` works: each process builds the network once. The
    fingerprint that `datasets` uses for its cache follows from the arguments.

    Args:
        config: the name of a shipped config, or the path of a YAML file.
        column: the column with the sounds. A sound is a path; a dictionary with `array` and `sampling_rate`,
            or with `path`; or a decoder of `datasets.Audio`.
        output: the column for the features.
        pool: the statistics of the features of all clips that make the vector of a sound, e.g. "mean+std";
            None keeps one row for each clip.
        overrides: values that replace those of the config, each as `KEY.PATH=VALUE`.
        device: "auto", "cpu", "gpu" or "gpu:N".
    """

    def __init__(
        self,
        config: str = "default",
        *,
        column: str = "audio",
        output: str = "features",
        pool: str | None = "mean",
        overrides: Sequence[str] = (),
        device: str = "auto",
    ) -> None:
        self._config = config
        self._column = column
        self._output = output
        self._has_one_row = pool is not None
        self._overrides = [*overrides, *list_row_overrides("file" if self._has_one_row else "clip", pool)]
        self._device = device

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Return the new column for a batch of the dataset.

        Args:
            batch: for each column, the values of the batch.

        Returns:
            The output column: for each sound a vector of float32, or a matrix of shape (clips, features).

        Raises:
            UsageError: the column does not exist, or has values of another kind.
            AudioError: a sound cannot be read.
        """
        if self._column not in batch:
            raise UsageError(
                f"the dataset has no column {self._column!r}; it has {', '.join(sorted(map(str, batch)))}"
            )
        sounds = [_read_value(value, self._column) for value in batch[self._column]]
        extractor = get_shared_extractor(self._config, self._overrides, self._device)
        features = []
        for sound in sounds:
            if isinstance(sound, _Samples):
                rows = extractor.extract(sound.values, sound.sample_rate).rows
            else:
                rows = extractor.extract(sound).rows
            features.append(rows[0] if self._has_one_row else rows)
        return {self._output: features}


def _read_value(value: Any, column: str) -> "_Samples | str":
    """Return the path or the samples of one value of the column."""
    if isinstance(value, str | os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        if value.get("array") is not None:
            # Arrays of `datasets` have the shape (n,) or (channels, n), as those of librosa.
            return _Samples(
                values=np.asarray(value["array"], np.float32).T, sample_rate=value["sampling_rate"]
            )
        if value.get("path"):
            return os.fspath(value["path"])
    if hasattr(value, "get_all_samples"):  # torchcodec's AudioDecoder, which `datasets.Audio` gives
        samples = value.get_all_samples()
        return _Samples(values=np.asarray(samples.data, np.float32).T, sample_rate=samples.sample_rate)
    raise UsageError(
        f"the column {column!r} has a value of the type {type(value).__name__}; wanted a path, a dictionary "
        "with array and sampling_rate, or a decoder of datasets.Audio"
    )
