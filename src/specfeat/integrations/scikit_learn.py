"""A scikit-learn transformer that turns sounds into features.

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from specfeat.integrations.scikit_learn import SoundFeatures

classifier = make_pipeline(SoundFeatures("yamnet"), LogisticRegression())
classifier.fit(["dog.wav", "cat.wav"], ["dog", "cat"])
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import validate_data

from specfeat.config.overrides import list_row_overrides
from specfeat.integrations.shared_extractor import get_shared_extractor


class SoundFeatures(TransformerMixin, BaseEstimator):
    """Compute one row of features for each sound.

    The network is built when it is first needed. It is not part of a pickle, and clones with the same
    arguments use the same network.

    Args:
        config: the name of a shipped config, or the path of a YAML file.
        pool: the statistics of the features of all clips that make the row of a sound, e.g. "mean+std".
        sample_rate: the sample rate of samples in Hz; None if the sounds are files, or have the sample rate
            of the config.
        overrides: values that replace those of the config, each as `KEY.PATH=VALUE`.
        device: "auto", "cpu", "gpu" or "gpu:N".
    """

    def __init__(
        self,
        config: str = "default",
        *,
        pool: str = "mean",
        sample_rate: int | None = None,
        overrides: Sequence[str] = (),
        device: str = "auto",
    ) -> None:
        self.config = config
        self.pool = pool
        self.sample_rate = sample_rate
        self.overrides = overrides
        self.device = device

    def fit(self, X: Any, y: Any = None) -> "SoundFeatures":  # noqa: N803  scikit-learn requires this name
        """Check the arguments and the sounds; nothing is learned.

        Args:
            X: the sounds, as for `transform`.
            y: ignored.

        Raises:
            ConfigError: an argument does not fit the config.
        """
        self._read_sounds(X, reset=True)
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:  # noqa: N803  scikit-learn requires this name
        """Return the features of sounds, float32, shape (sounds, features).

        Args:
            X: the paths of files; or samples from -1 to 1 with the shape (sounds, samples).

        Raises:
            AudioError: a file cannot be read.
            ValueError: `X` has another shape, or a sample is not finite.
        """
        sounds = self._read_sounds(X, reset=False)
        extractor = self._get_extractor()
        if not len(sounds):
            return np.empty((0, extractor.width), np.float32)
        if isinstance(sounds, list):
            features = [sound_features for _, sound_features in extractor.stream(sounds)]
        else:
            rate = self.sample_rate or extractor.settings.audio.sample_rate
            features = [extractor.extract(samples, rate) for samples in sounds]
        return np.concatenate([sound_features.rows for sound_features in features])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns: "feature0", "feature1" and so on.

        Args:
            input_features: ignored.
        """
        return np.array([f"feature{n}" for n in range(self._get_extractor().width)], object)

    def _get_extractor(self) -> Any:
        overrides = [*self.overrides, *list_row_overrides("file", self.pool)]
        return get_shared_extractor(self.config, overrides, self.device)

    def _read_sounds(self, sounds: Any, *, reset: bool) -> "list[str] | NDArray[np.float32]":
        """Return the paths as a list, or the samples as an array of shape (sounds, samples).

        Args:
            sounds: the sounds.
            reset: whether scikit-learn stores the number of samples of a sound, or compares with it.
        """
        if _are_paths(sounds):
            return [os.fspath(path) for path in sounds]
        samples: NDArray[np.float32] = validate_data(self, sounds, reset=reset, dtype=np.float32)
        return samples

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _are_paths(sounds: Any) -> bool:
    """Return whether sounds are given as a list, an array or a pandas Series of paths."""
    return (
        getattr(sounds, "ndim", 1) == 1
        and hasattr(sounds, "__iter__")
        and hasattr(sounds, "__len__")
        and len(sounds) > 0
        and all(isinstance(sound, str | os.PathLike) for sound in sounds)
    )
