"""Measures how fast this machine computes the rows of a config. Importing this module loads TensorFlow."""

import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

import numpy as np

from specfeat.audio.clips import ClipMaker
from specfeat.config import Settings
from specfeat.cpu_count import count_available_cores
from specfeat.network.build import Network

MEASURED_S = 1.0  # how long each of the two measurements takes
_BLOCK_SAMPLES = 65_536
_BYTES_PER_KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSpeed:
    """The speed of this machine with a config, and the memory of this process.

    Attributes:
        device: the device that runs the network, as records have it.
        cores: the number of cores that decode.
        clips_per_s: how many clips the network computes in a second.
        spectrogram_s_per_s: one core needs a second to make the clips of this many seconds of sound, without
            decoding and resampling.
        sound_s_per_s: a run would need about a second for this many seconds of sound.
        start_s: how long it took to load TensorFlow and to build the network, in seconds.
        peak_memory_bytes: the largest memory of this process so far. Each worker of a run needs its own.
        parameters: the number of weights of the network.
        features: the number of features that the network computes from a clip.
    """

    device: str
    cores: int
    clips_per_s: float
    spectrogram_s_per_s: float
    sound_s_per_s: float
    start_s: float
    peak_memory_bytes: int
    parameters: int
    features: int


def measure_speed(network: Network, settings: Settings, start_s: float) -> MeasuredSpeed:
    """Let the network compute noise for a second, and make clips of noise for a second.

    Args:
        network: the network.
        settings: the settings from which it was built.
        start_s: how long it took to load TensorFlow and to build the network, in seconds.
    """
    cores = count_available_cores()
    clips_per_s = _measure_network(network)
    spectrogram_s_per_s = _measure_spectrogram(settings)
    hop_s = settings.clip_grid.hop_samples / settings.audio.sample_rate
    # The network and the workers share the cores of a CPU, so their times add up. A GPU works beside them.
    times = (1 / (clips_per_s * hop_s), 1 / (spectrogram_s_per_s * cores))
    is_on_gpu = "GPU" in network.device.name.upper()
    return MeasuredSpeed(
        device=network.device.description,
        cores=cores,
        clips_per_s=clips_per_s,
        spectrogram_s_per_s=spectrogram_s_per_s,
        sound_s_per_s=1 / (max(times) if is_on_gpu else sum(times)),
        start_s=start_s,
        peak_memory_bytes=_read_peak_memory(),
        parameters=network.parameters,
        features=network.width,
    )


def _measure_network(network: Network) -> float:
    """Return how many clips the network computes in a second, with as many threads as a run has."""
    noise = np.random.default_rng(0).standard_normal((network.batch, *network.input_shape), np.float32)
    network.compute_rows(noise)
    deadline = time.perf_counter() + MEASURED_S

    def run_batches(_: int) -> int:
        for batches in count(1):
            network.compute_rows(noise)
            if time.perf_counter() >= deadline:
                return batches
        raise AssertionError  # count() has no end

    started_at = time.perf_counter()
    with ThreadPoolExecutor(network.parallel_batches) as threads:
        batches = sum(threads.map(run_batches, range(network.parallel_batches)))
    return batches * network.places / (time.perf_counter() - started_at)


def _measure_spectrogram(settings: Settings) -> float:
    """Return for how many seconds of sound one core can make the clips in a second."""
    maker = ClipMaker(settings)
    channels = settings.audio.stacked_channels
    shape = (_BLOCK_SAMPLES, channels) if channels else (_BLOCK_SAMPLES,)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, shape).astype(np.float32)
    samples = 0

    def make_blocks() -> Iterator[np.ndarray]:
        nonlocal samples
        deadline = time.perf_counter() + MEASURED_S
        while time.perf_counter() < deadline:
            yield noise
            samples += _BLOCK_SAMPLES

    started_at = time.perf_counter()
    for _ in maker.make_clips(make_blocks()):
        pass
    return samples / settings.audio.sample_rate / (time.perf_counter() - started_at)


def _read_peak_memory() -> int:
    """Return the largest memory that this process has had, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * _BYTES_PER_KIB  # getrusage(2) of macOS and of Linux
