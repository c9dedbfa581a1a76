"""The Python interface that returns features: the same settings, network and pipeline as the command line."""

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from specfeat.audio import decode
from specfeat.audio.clip_stream import LocalClipStream
from specfeat.audio.clips import ClipMaker
from specfeat.config import Config, Settings
from specfeat.config.audio import SAMPLE_RATE_LIMITS
from specfeat.config.weights_file import check_weights_file
from specfeat.errors import AudioError, UsageError
from specfeat.events import RowsEvent
from specfeat.network.build import Network, build_network
from specfeat.pipeline import extract_rows
from specfeat.python_config import load_any_config, warn_of_random_weights
from specfeat.sound import Sound

MAX_CHANNELS = 1024  # libsndfile's limit; an array with more has its samples along the wrong axis

PathLike = str | os.PathLike[str]


class Features(NamedTuple):
    """The features of one file or array.

    Attributes:
        rows: float32, shape (clips, features).
        times: float64, shape (clips, 2): start and end of each clip in seconds.
    """

    rows: NDArray[np.float32]
    times: NDArray[np.float64]


class Extractor:
    """A network that is ready to compute features, and the settings of the sound that it takes.

    To make an Extractor takes seconds, and either succeeds or raises: there is no half-made state. Make one
    and use it for everything, in one thread at a time.

    TensorFlow's settings belong to the whole process. Importing this module loads Keras on TensorFlow: it
    sets KERAS_BACKEND, and sets TF_CPP_MIN_LOG_LEVEL to 3 unless it is set; Keras reads no keras.json and
    makes no folder of its own, TensorFlow's logger reports errors only, and TensorFloat-32 is off. On a CPU,
    oneDNN computes, each operation runs in one thread, and one batch runs on each core. On a GPU, operations
    are deterministic, and memory grows as needed unless TensorFlow has been used before.

    Args:
        config: a shipped name ("yamnet"), the path of a YAML file, a loaded `Config`, or `Settings`.
        overrides: values that replace those of the config, each as `KEY.PATH=VALUE`, e.g. "model.batch=8".
        device: "auto" (the first GPU, or the CPU), "cpu", "gpu" or "gpu:N".

    Raises:
        ConfigError: the config or its network is wrong, or its weights file does not exist; names the line.
        WeightsError: the weights do not match the network, or cannot be read.
        DeviceError: the device does not exist.
        InstallError: TensorFlow or Keras is missing, or has the wrong version.

    Warns:
        UserWarning: the network's weights are random, so its features are those of an untrained network; or
            TensorFlow was used before with other threads, so the last bits of the rows may differ.
    """

    def __init__(
        self,
        config: PathLike | Config | Settings = "default",
        *,
        overrides: Iterable[str] = (),
        device: str = "auto",
    ) -> None:
        self.config = load_any_config(config, overrides)
        check_weights_file(self.config)
        self.network: Network = build_network(self.config, device)
        warn_of_random_weights(self.config)
        self._maker = ClipMaker(self.config.settings)

    @property
    def settings(self) -> Settings:
        """The settings, checked and complete."""
        return self.config.settings

    @property
    def width(self) -> int:
        """Number of features in a row."""
        return self.network.width

    def extract(self, source: PathLike | ArrayLike, sample_rate: int | None = None) -> Features:
        """Extract the features of one file, or of samples.

        Args:
            source: a path; or samples as floats in -1..1, shape (n,) or (n, channels).
            sample_rate: the sample rate of the samples in Hz; they are resampled to the config's rate. A file
                has its own.

        Raises:
            AudioError: the file cannot be read, or a sample is not finite.
            UsageError: the samples are not such an array, or their rate is missing.
        """
        if isinstance(source, str | os.PathLike):
            if sample_rate is not None:
                raise UsageError("sample_rate applies only to samples; a file has its own")
            return next(self.stream([source]))[1]
        blocks = partial(self._read_blocks, _check_samples(source), _check_sample_rate(sample_rate))
        return next(self._stream_features([LocalClipStream(Sound("samples"), self._maker, blocks)], None))[1]

    def stream(
        self, paths: Iterable[PathLike], on_error: Callable[[str, AudioError], None] | None = None
    ) -> Iterator[tuple[str, Features]]:
        """Extract the features of many files, one after another; batches are filled across files.

        Args:
            paths: the files, in any order.
            on_error: called with the path and the error of each file that fails; the file is then left out.
                Without it, the error is raised when the file's turn comes.

        Yields:
            The path, as text, and its features, in the order of `paths`.

        Raises:
            AudioError: a file cannot be read, and there is no `on_error`; has `stage`, `cause` and `at_s`.
            UsageError: `paths` is a single path, or `on_error` is not a function.
        """
        if isinstance(paths, str | os.PathLike):
            raise UsageError(f"stream wants a list of paths, not {os.fspath(paths)!r}; extract takes one")
        if not (on_error is None or callable(on_error)):
            raise UsageError(f"on_error is {on_error!r}; wanted a function of a path and its error")
        return self._stream_features((self._open_stream(os.fspath(path)) for path in paths), on_error)

    def _open_stream(self, path: str) -> LocalClipStream:
        sound = Sound(path)
        return LocalClipStream(sound, self._maker, partial(decode.read_samples, sound, self.settings.audio))

    def _stream_features(
        self, streams: Iterable[LocalClipStream], on_error: Callable[[str, AudioError], None] | None
    ) -> Iterator[tuple[str, Features]]:
        pieces = [np.empty((0, self.width), np.float32)]
        for event in extract_rows(streams, self.network):
            if isinstance(event, RowsEvent):
                pieces.append(event.rows)
                continue
            rows, pieces = np.concatenate(pieces), pieces[:1]
            path, error = event.sound.path, event.error
            if error is None:
                yield path, Features(rows, self._compute_times(event.samples))
            elif on_error is None:
                raise AudioError(f"{path}: {error}", error.stage, error.cause, error.at_s) from error
            else:
                on_error(path, error)

    def _compute_times(self, samples: int) -> NDArray[np.float64]:
        spans = list(self.settings.clip_grid.iterate_spans(samples))
        return np.array(spans, np.float64).reshape(-1, 2) / self.settings.audio.sample_rate

    def _read_blocks(self, samples: NDArray[np.float32], sample_rate: int) -> Iterator[NDArray[np.float32]]:
        audio = self.settings.audio
        # Blocks of the size in which a file is read, so that an array takes no more memory than a file.
        step = max(1, decode.BLOCK_VALUES // samples.shape[1])
        blocks = (samples[i : i + step] for i in range(0, len(samples), step))
        return decode.resample_blocks(
            decode.mix_to_mono(blocks, audio.channel, sample_rate), sample_rate, audio
        )


def _check_samples(samples: ArrayLike) -> NDArray[np.float32]:
    try:
        array = np.asarray(samples)
    except ValueError as e:  # lists of unequal length
        raise UsageError("the samples are no array; wanted floats in -1..1, (n,) or (n, channels)") from e
    if array.dtype.kind != "f":
        raise UsageError(
            f"the samples are {array.dtype}; wanted floats in -1..1, so divide integers by their full scale"
        )
    if array.ndim not in (1, 2) or (array.ndim == 2 and not 1 <= array.shape[1] <= MAX_CHANNELS):
        hint = "; transpose an array of shape (channels, n), as librosa has it: samples.T"
        raise UsageError(
            f"the samples have the shape {array.shape}; wanted (n,) or (n, channels)"
            f"{hint if array.ndim == 2 else ''}"
        )
    return array.astype(np.float32, copy=False).reshape(len(array), -1 if array.size else 1)


def _check_sample_rate(sample_rate: int | None) -> int:
    minimum, maximum = SAMPLE_RATE_LIMITS
    if sample_rate is None:
        raise UsageError("samples need their sample_rate in Hz, e.g. extract(samples, 16000)")
    number: object = sample_rate  # callers may pass anything
    if isinstance(number, bool) or not isinstance(number, int | float | np.number):
        is_valid = False
    else:
        is_valid = bool(minimum <= number <= maximum and number == int(number))
    if not is_valid:
        raise UsageError(
            f"sample_rate is {sample_rate!r}; wanted a whole number of Hz from {minimum} to {maximum}"
        )
    return int(sample_rate)
