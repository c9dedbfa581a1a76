"""Each stage alone, as a process: what a second of audio, and a clip, cost.

    python -m benchmarks.stages before CONFIG PATH...     decode, mono, resample, spectrogram in a worker
    python -m benchmarks.stages network CONFIG SECONDS    the network on full batches held in memory
    python -m benchmarks.stages plain CONFIG SECONDS      the same, one batch after another, in turn with the
                                                          layers as Keras' plain `tf.function`

All print JSON.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from specfeat.audio.worker_process import WORKER_ENVIRONMENT

if TYPE_CHECKING:
    from specfeat.audio.clips import ClipMaker
    from specfeat.network.build import Network

STAGES = ("decode", "mono", "resample", "spectrogram")


@dataclass
class Before:
    """CPU seconds of the stages before the network, over a corpus.

    Attributes:
        audio_seconds: of sound.
        clips: of it.
        seconds: CPU seconds of one core by stage.
    """

    audio_seconds: float = 0.0
    clips: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))


def measure_before(config: str, inputs: Sequence[str]) -> Before:
    """Measure the stages before the network over all files below `inputs`, on one core, as in a worker."""
    return Before(**_child(["before", config, *inputs], WORKER_ENVIRONMENT))


def measure_clip(config: str) -> float:
    """Measure the network alone; return seconds a clip."""
    return float(_child(["network", config, "2"], {}))


def measure_plain(config: str) -> tuple[float, float]:
    """Return the seconds a clip of the network, one batch after the other, and of Keras' `tf.function`."""
    single, keras = _child(["plain", config, "4"], {})
    return float(single), float(keras)


def _child(arguments: list[str], environment: dict[str, str]) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.stages", *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


class _Meter:
    """Tells apart what each generator of a chain costs: the time of its `next`, its source's left out."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds = seconds
        self._inner = 0.0

    def stage(self, name: str, items: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        source = iter(items)
        while True:
            outer, self._inner = self._inner, 0.0
            begun = time.process_time()
            item = next(source, None)
            spent = time.process_time() - begun
            self.seconds[name] += spent - self._inner
            self._inner = outer + spent
            if item is None:
                return
            yield item


def _before(config: str, inputs: Sequence[str]) -> Before:
    from specfeat.audio.clips import ClipMaker
    from specfeat.audio.discovery import find_audio_files
    from specfeat.config import load_config
    from specfeat.errors import AudioError

    maker = ClipMaker(load_config(config).settings)
    result = Before()
    for path in find_audio_files(inputs).paths:
        try:
            seconds, clips, samples = _file(path, maker)
        except AudioError:  # it gives no row in a run either
            continue
        for name in STAGES:
            result.seconds[name] += seconds[name]
        result.clips += clips
        result.audio_seconds += samples / maker.settings.audio.sample_rate
    return result


def _file(path: str, maker: "ClipMaker") -> tuple[dict[str, float], int, int]:
    """Return CPU seconds by stage, clips and samples of one file: `decode.read`, taken apart."""
    from specfeat.audio import decode

    audio = maker.settings.audio
    meter = _Meter(dict.fromkeys(STAGES, 0.0))
    begun = time.process_time()
    with decode._open(path) as file:
        meter.seconds["decode"] += time.process_time() - begun
        rate = file.samplerate
        frames = decode.BLOCK_VALUES * rate // (file.channels * max(rate, audio.sample_rate))
        blocks = decode._true(path, file, decode._decoded(file, max(1, frames)))
        mono = decode.mix_to_mono(meter.stage("decode", blocks), audio.channel)
        resampled = decode.resample_blocks(meter.stage("mono", mono), rate, audio)
        clips = maker.clips(meter.stage("resample", resampled))
        count = sum(1 for _ in meter.stage("spectrogram", clips))
    return meter.seconds, count, clips.samples


def _network(config: str, seconds: float) -> float:
    """Return the seconds that a clip takes, as many batches at once as in a run."""
    from specfeat.cpu_count import count_available_cores

    network = _built(config, count_available_cores())
    clips = _noise((network.batch, *network.input_shape))
    with ThreadPoolExecutor(network.parallel_batches) as threads:

        def run(count: int) -> float:
            begun = time.perf_counter()
            list(threads.map(network.compute_rows, [clips] * count))
            return time.perf_counter() - begun

        run(network.parallel_batches)  # to warm up
        once = run(network.parallel_batches)
        # All at once, for at their end the threads wait for the slowest, as a run does but once.
        count = network.parallel_batches * max(4, round(seconds / once))
        return run(count) / count / network.batch


def _plain(config: str, seconds: float) -> tuple[float, float]:
    """Return it for one batch after the other, with TensorFlow's own threads: ours, and Keras' plain way."""
    from specfeat.architecture.graph import to_keras_name
    from specfeat.config import load_config

    network = _built(config)
    from specfeat.tensorflow_runtime import keras, tf

    name = to_keras_name(load_config(config).settings.model.feature_layer)
    made = [layer.output for layer in network.model.layers if layer.name == name]
    # An application's layers stand in its own place, and the last of them gives the row.
    feature = made[0] if made else network.model.outputs[0]
    plain = keras.Model(network.model.inputs[0], feature)
    shape = (network.batch, *network.input_shape)
    function = tf.function(
        lambda clips: plain(clips, training=False),
        input_signature=[tf.TensorSpec(shape, tf.float32)],
        autograph=False,
    ).get_concrete_function()
    clips = _noise(shape)
    ways = (lambda: network.compute_rows(clips), lambda: function(tf.constant(clips)).numpy())
    single, keras_own = _medians(ways, seconds)
    return single / network.batch, keras_own / network.batch


def _built(config: str, threads: int | None = None) -> "Network":
    from specfeat.config import load_config
    from specfeat.process_state import (
        hide_optional_packages,
        pause_garbage_collection,
        resume_garbage_collection,
    )

    with pause_garbage_collection():
        with hide_optional_packages():
            from specfeat.network.build import build_network

        network = build_network(load_config(config), threads=threads)
        resume_garbage_collection()
    return network


def _noise(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def _medians(programs: Sequence[Callable[[], object]], seconds: float) -> list[float]:
    """Run programs in turn for about so many seconds, once more to warm up; return their median seconds."""
    times: list[list[float]] = []
    while len(times) < 4 or sum(map(sum, times)) < seconds:
        times.append([])
        for program in programs:
            begun = time.perf_counter()
            program()
            times[-1].append(time.perf_counter() - begun)
    return [statistics.median(each) for each in zip(*times[1:], strict=True)]


def main(what: str, config: str, *rest: str) -> None:
    """Measure and print JSON."""
    if what == "before":
        print(json.dumps(asdict(_before(config, rest))))
    else:
        program = {"network": _network, "plain": _plain}[what]
        print(json.dumps(program(config, float(rest[0]))))


if __name__ == "__main__":
    main(*sys.argv[1:])
