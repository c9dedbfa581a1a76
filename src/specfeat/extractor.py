"""The Python face: the same settings, network and journey as the command line, and the same bits."""

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from specfeat.audio import decode
from specfeat.audio.clip_stream import LocalClipStream
from specfeat.audio.clips import ClipMaker
from specfeat.config import Config, Settings, load_config
from specfeat.config.sound import SAMPLE_RATE_LIMITS
from specfeat.config.weights_file import check_weights_file
from specfeat.config.yaml_tree import ConfigTree
from specfeat.errors import AudioError, UsageError
from specfeat.network.build import Network, build_network
from specfeat.pipeline import SoundEndEvent, extract_rows
from specfeat.sound import Sound

MAX_CHANNELS = 1024  # libsndfile's; more are samples along the wrong axis

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
    """A network that is built, compiled, weighted and traced, and the sound that it wants.

    There is no other state: making one takes seconds and either succeeds or raises. Make one and use it
    for everything; one thread at a time.

    TensorFlow's settings are the whole process's. Importing this module loads Keras on TensorFlow: it sets
    KERAS_BACKEND, and TF_CPP_MIN_LOG_LEVEL to 3 unless that is set; Keras reads no keras.json and has no
    folder of its own, TensorFlow's logger says errors only, TensorFloat-32 is off. On a GPU it turns
    deterministic operations on and, unless TensorFlow has computed already, memory that grows with the need.

    Args:
        config: a shipped name ("yamnet"), the path of a YAML file, a loaded `Config`, or `Settings`.
        overrides: `KEY.PATH=VALUE` each, as `--set` takes them.
        device: "auto" (the first GPU, else the CPU), "cpu", "gpu" or "gpu:N".

    Raises:
        ConfigError: the config or the network in it is wrong, or its file of weights is not there; names the
            line.
        WeightsError: the weights do not fit, or cannot be read.
        DeviceError: there is no such device.
        InstallError: TensorFlow or Keras is missing or unfit.

    Warns:
        UserWarning: the network's weights are random, so its features are not those of a trained one.
    """

    def __init__(
        self,
        config: PathLike | Config | Settings = "default",
        *,
        overrides: Iterable[str] = (),
        device: str = "auto",
    ) -> None:
        self.config = _loaded(config, overrides)
        check_weights_file(self.config)
        self.network: Network = build_network(self.config, device)
        seed = self.config.settings.model.weights.random
        if seed is not None:
            warnings.warn(
                f"the network's weights are random (seed {seed}): "
                "its features are those of an untrained network",
                stacklevel=2,
            )
        self._maker = ClipMaker(self.config.settings)

    @property
    def settings(self) -> Settings:
        """The settings, as checked and completed."""
        return self.config.settings

    @property
    def width(self) -> int:
        """Features in a row."""
        return self.network.width

    def extract(self, source: PathLike | ArrayLike, sample_rate: int | None = None) -> Features:
        """Extract from one file, or from samples.

        Args:
            source: a path, or samples as floats in -1..1, shape (n,) or (n, channels).
            sample_rate: of the samples, in Hz; they are resampled to the config's.

        Raises:
            AudioError: the file cannot be read, or a sample is not finite.
            UsageError: the samples are no such array, or their rate is missing.
        """
        if isinstance(source, str | os.PathLike):
            if sample_rate is not None:
                raise UsageError("sample_rate goes with samples; a file knows its own")
            return next(self.stream([source]))[1]
        blocks = partial(self._from_samples, _checked(source), _checked_rate(sample_rate))
        return next(self._stream([LocalClipStream(Sound("samples"), self._maker, blocks)], None))[1]

    def stream(
        self, paths: Iterable[PathLike], on_error: Callable[[str, AudioError], None] | None = None
    ) -> Iterator[tuple[str, Features]]:
        """Extract from many files, one after another; batches are filled across them.

        Args:
            paths: the files, in the order wanted.
            on_error: called with the path and the error of a file that fails, which is then left out;
                without it the error is raised when the file's turn comes.

        Yields:
            The path, as text, and its features.

        Raises:
            AudioError: a file cannot be read, and there is no `on_error`; knows `stage`, `cause`, `at_s`.
            UsageError: `paths` is a single path, or `on_error` is no function.
        """
        if isinstance(paths, str | os.PathLike):
            raise UsageError(f"stream wants a list of paths, not {os.fspath(paths)!r}; extract takes one")
        if not (on_error is None or callable(on_error)):
            raise UsageError(f"on_error is {on_error!r}; wanted a function of a path and its error")
        return self._stream((self._track(os.fspath(path)) for path in paths), on_error)

    def _track(self, path: str) -> LocalClipStream:
        sound = Sound(path)
        return LocalClipStream(sound, self._maker, partial(decode.read_samples, sound, self.settings.audio))

    def _stream(
        self, tracks: Iterable[LocalClipStream], on_error: Callable[[str, AudioError], None] | None
    ) -> Iterator[tuple[str, Features]]:
        pieces = [np.empty((0, self.width), np.float32)]
        for event in extract_rows(tracks, self.network):
            if not isinstance(event, SoundEndEvent):
                pieces.append(event.rows)
                continue
            rows, pieces = np.concatenate(pieces), pieces[:1]
            if event.error is None:
                yield event.path, Features(rows, self._times(event.samples))
            elif on_error is None:
                e = event.error
                raise AudioError(f"{event.path}: {e}", e.stage, e.cause, e.at_s) from e
            else:
                on_error(event.path, event.error)

    def _times(self, samples: int) -> NDArray[np.float64]:
        spans = list(self.settings.clip_grid.spans(samples))
        return np.array(spans, np.float64).reshape(-1, 2) / self.settings.audio.sample_rate

    def _from_samples(self, samples: NDArray[np.float32], rate: int) -> Iterator[NDArray[np.float32]]:
        audio = self.settings.audio
        step = max(1, decode.BLOCK_VALUES // samples.shape[1])
        blocks = (samples[i : i + step] for i in range(0, len(samples), step))
        return decode.resample_blocks(decode.mix_to_mono(blocks, audio.channel, rate), rate, audio)


def _loaded(config: PathLike | Config | Settings, overrides: Iterable[str]) -> Config:
    if isinstance(config, Config | Settings) and list(overrides):
        raise UsageError("overrides go with a config's name or path; these settings are checked already")
    if isinstance(config, Config):
        return config
    if isinstance(config, Settings):
        return Config("settings", config, ConfigTree("settings"))
    if not isinstance(config, str | os.PathLike):
        raise UsageError(f"the config is a {type(config).__name__}; wanted a name, a path or Settings")
    if isinstance(overrides, str | Mapping):
        raise UsageError("overrides are a list of KEY.PATH=VALUE, e.g. ['model.batch=8']")
    return load_config(config if isinstance(config, str) else Path(config), overrides)


def _checked(samples: ArrayLike) -> NDArray[np.float32]:
    try:
        array = np.asarray(samples)
    except ValueError as e:  # lists of unequal length
        raise UsageError("the samples are no array; wanted floats in -1..1, (n,) or (n, channels)") from e
    if array.dtype.kind != "f":
        raise UsageError(
            f"the samples are {array.dtype}; wanted floats in -1..1, so divide integers by their full scale"
        )
    if array.ndim not in (1, 2) or (array.ndim == 2 and not 1 <= array.shape[1] <= MAX_CHANNELS):
        cure = "; librosa's (channels, n) has to be turned: samples.T" if array.ndim == 2 else ""
        raise UsageError(f"the samples have the shape {array.shape}; wanted (n,) or (n, channels){cure}")
    return array.astype(np.float32, copy=False).reshape(len(array), -1 if array.size else 1)


def _checked_rate(rate: int | None) -> int:
    least, most = SAMPLE_RATE_LIMITS
    if rate is None:
        raise UsageError("samples need their sample_rate in Hz, e.g. extract(samples, 16000)")
    number: object = rate  # whatever its type says
    if isinstance(number, bool) or not isinstance(number, int | float | np.number):
        fits = False
    else:
        fits = bool(least <= number <= most and number == int(number))
    if not fits:
        raise UsageError(f"sample_rate is {rate!r}; wanted a whole number of Hz from {least} to {most}")
    return int(rate)
