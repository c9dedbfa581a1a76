"""The Python interface that returns features as arrays, with the same pipeline as the command line."""

import copy
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from specfeat.audio import decode
from specfeat.audio.channel_choice import choose_channels
from specfeat.audio.clip_stream import LocalClipStream
from specfeat.audio.clips import ClipMaker
from specfeat.config import Config, Settings
from specfeat.config.audio import SAMPLE_RATE_LIMITS
from specfeat.config.weights_file import check_weights_file
from specfeat.errors import AudioError, ConfigError, UsageError
from specfeat.events import RowsEvent
from specfeat.network.build import Network, build_network
from specfeat.pipeline import extract_rows
from specfeat.python_config import load_any_config, warn_of_random_weights
from specfeat.sound import Sound

MAX_CHANNELS = 1024  # libsndfile's limit; if an array seems to have more, its axes are swapped

PathLike = str | os.PathLike[str]


class Features(NamedTuple):
    """The features of one file or array.

    Attributes:
        rows: float32, shape (rows, features): a row for each clip, or with `rows: {per: file}` one row.
        times: start and end of each row in seconds, float64, shape (rows, 2).
    """

    rows: NDArray[np.float32]
    times: NDArray[np.float64]


class Extractor:
    """A network that is ready to compute features, together with the settings of a config.

    Creating an Extractor takes seconds. Create one, and use it for all files, in one thread at a time.

    TensorFlow's settings belong to the whole process. Importing this module loads Keras with TensorFlow. The
    import sets KERAS_BACKEND, and sets TF_CPP_MIN_LOG_LEVEL to 3 if it is not set. Keras does not read
    keras.json and does not create a folder, TensorFlow's logger reports only errors, and TensorFloat-32 is
    off. On a CPU, TensorFlow computes with oneDNN, each operation runs in one thread, and one batch runs on
    each core. On a GPU, operations are deterministic, and TensorFlow takes memory as it needs it, unless
    TensorFlow has been used before.

    Args:
        config: the name of a shipped config ("yamnet"), the path of a YAML file, a loaded `Config`, or
            `Settings`.
        overrides: values that replace those of the config, each as `KEY.PATH=VALUE`, e.g. "model.batch=8".
        device: the device of the network: "auto" (the first GPU, or the CPU if there is no GPU), "cpu", "gpu"
            or "gpu:N".

    Raises:
        ConfigError: the config or its network is wrong, or its weights file does not exist. The message names
            the line.
        WeightsError: the weights do not match the network, or cannot be read.
        DeviceError: the device does not exist.
        InstallError: TensorFlow or Keras is missing, or has the wrong version.

    Warns:
        UserWarning: the network's weights are random, so its features are those of an untrained network. Or
            TensorFlow was used before with another number of threads, so the last bits of the rows may
            differ.
    """

    def __init__(
        self,
        config: PathLike | Config | Settings = "default",
        *,
        overrides: Iterable[str] = (),
        device: str = "auto",
    ) -> None:
        self.config = load_any_config(config, overrides)
        if self.settings.audio.channels == "each":
            raise ConfigError(
                "audio.channels is each, which makes rows for each channel of a file, and an Extractor gives "
                "one array for a file; use extract_to, or choose another audio.channels"
            )
        check_weights_file(self.config)
        self.network: Network = build_network(self.config, device)
        warn_of_random_weights(self.config)
        self._maker = ClipMaker(self.config.settings)

    @property
    def settings(self) -> Settings:
        """The checked settings of the config, with all defaults."""
        return self.config.settings

    @property
    def width(self) -> int:
        """The number of features in a row."""
        return self.settings.rows.count_features(self.network.width)

    def change_settings(self, settings: Settings) -> "Extractor":
        """Return an extractor with the same network, and other settings for clips and rows.

        Args:
            settings: the new settings. Only the sections `clips` and `rows` may differ from those of this
                extractor, and the shape of a clip must be the same.

        Raises:
            UsageError: something else differs.
        """
        old = self.settings
        if (
            settings.input_shape != old.input_shape
            or settings.model_copy(update={"clips": old.clips, "rows": old.rows}).model_dump()
            != old.model_dump()
        ):
            raise UsageError("the new settings need another network; make another Extractor for them")
        changed = copy.copy(self)
        changed.config = replace(self.config, settings=settings)
        changed._maker = ClipMaker(settings)
        return changed

    def extract(self, source: PathLike | ArrayLike, sample_rate: int | None = None) -> Features:
        """Extract the features of one file, or of samples.

        Args:
            source: the path of a file; or samples as floats in -1..1, shape (n,) or (n, channels).
            sample_rate: the sample rate of the samples in Hz, from which they are resampled to the config's
                sample rate. It must be left out for a file.

        Raises:
            AudioError: the file cannot be read, or a sample is not finite.
            UsageError: the samples have a wrong type or shape, or their sample rate is missing.
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
        """Extract the features of many files in order. A batch can have clips of several files.

        Args:
            paths: the paths of the files.
            on_error: a function that is called with the path and the error of each file that fails. The file
                is then left out. Without this function, the error is raised when it is the file's turn.

        Yields:
            The path of each file, as text, and the features of the file, in the order of `paths`.

        Raises:
            AudioError: a file cannot be read, and there is no `on_error`. The error has the attributes
                `stage`, `cause` and `at_s`.
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
        for event in extract_rows(streams, self.network, self.settings.rows.statistics):
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
        times = [(span.start, span.end) for span in self.settings.iterate_row_spans(samples)]
        return np.array(times, np.float64).reshape(-1, 2) / self.settings.audio.sample_rate

    def _read_blocks(self, samples: NDArray[np.float32], sample_rate: int) -> Iterator[NDArray[np.float32]]:
        audio = self.settings.audio
        # The same size of blocks as for a file, so that an array needs no more working memory than a file.
        step = max(1, decode.BLOCK_VALUES // samples.shape[1])
        blocks = (samples[i : i + step] for i in range(0, len(samples), step))
        return decode.resample_blocks(choose_channels(blocks, audio, None, sample_rate), sample_rate, audio)


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
    number: object = sample_rate  # typed as object, because callers can pass any type
    if isinstance(number, bool) or not isinstance(number, int | float | np.number):
        is_valid = False
    else:
        is_valid = bool(minimum <= number <= maximum and number == int(number))
    if not is_valid:
        raise UsageError(
            f"sample_rate is {sample_rate!r}; wanted a whole number of Hz from {minimum} to {maximum}"
        )
    return int(sample_rate)
