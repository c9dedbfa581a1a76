"""Each stage alone, as a process: what a second of audio, and a clip, cost.

    python -m benchmarks.stages before CONFIG PATH...     decode, mono, resample, spectrogram in a worker
    python -m benchmarks.stages network CONFIG SECONDS    the network on full batches held in memory
    python -m benchmarks.stages single CONFIG SECONDS     the same, one batch after another on all threads
    python -m benchmarks.stages keras CONFIG SECONDS      the layers as Keras' plain `tf.function`, likewise

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

from specfeat.audio.process import ENVIRONMENT

if TYPE_CHECKING:
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
    """Measure the stages before the network over all files below `inputs`, on one core, as a worker has it."""
    return Before(**_child(["before", config, *inputs], ENVIRONMENT))


def measure_clip(config: str, program: str) -> float:
    """Measure the network alone, by one of the programs above; return median seconds a clip."""
    return float(_child([program, config, "2"], {}))


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
        self._seconds = seconds
        self._inner = 0.0

    def stage(self, name: str, items: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        source = iter(items)
        while True:
            outer, self._inner = self._inner, 0.0
            begun = time.process_time()
            item = next(source, None)
            spent = time.process_time() - begun
            self._seconds[name] += spent - self._inner
            self._inner = outer + spent
            if item is None:
                return
            yield item


def _before(config: str, inputs: Sequence[str]) -> Before:
    from specfeat.audio import decode
    from specfeat.audio.clips import ClipMaker
    from specfeat.audio.collect import collect
    from specfeat.config import load_config
    from specfeat.errors import AudioError

    settings = load_config(config).settings
    maker = ClipMaker(settings)
    result = Before()
    meter = _Meter(result.seconds)
    for path in collect(inputs).paths:
        begun = time.process_time()
        try:
            file = decode._open(path)
        except AudioError:
            continue
        with file:
            result.seconds["decode"] += time.process_time() - begun
            decoded = meter.stage("decode", decode._decoded(file, decode.BLOCK_VALUES // file.channels))
            mono = meter.stage("mono", decode.mono(decoded, settings.audio.channel))
            resampled = meter.stage("resample", decode.resample(mono, file.samplerate, settings.audio))
            clips = maker.clips(resampled)
            result.clips += sum(1 for _ in meter.stage("spectrogram", clips))
            result.audio_seconds += clips.samples / settings.audio.sample_rate
    return result


def _network(config: str, seconds: float) -> float:
    """Return the seconds that a clip takes, as many batches at once as in a run."""
    from specfeat.cli.cores import available

    network = _built(config, available())
    batches = [_noise((network.batch, *network.input_shape))] * network.parallel
    with ThreadPoolExecutor(network.parallel) as threads:
        each = _median(lambda: list(threads.map(network.rows, batches)), seconds)
    return each / len(batches) / network.batch


def _single(config: str, seconds: float) -> float:
    """Return the same for one batch after the other, with TensorFlow's own threads."""
    network = _built(config)
    clips = _noise((network.batch, *network.input_shape))
    return _median(lambda: network.rows(clips), seconds) / network.batch


def _keras(config: str, seconds: float) -> float:
    """Return it for Keras' plain `tf.function`."""
    from specfeat.config import load_config
    from specfeat.config.graph import keras_name

    network = _built(config)
    from specfeat.network.runtime import keras, tf

    feature = network.model.get_layer(keras_name(load_config(config).settings.model.feature_layer)).output
    plain = keras.Model(network.model.inputs[0], feature)
    shape = (network.batch, *network.input_shape)
    function = tf.function(
        lambda clips: plain(clips, training=False),
        input_signature=[tf.TensorSpec(shape, tf.float32)],
        autograph=False,
    ).get_concrete_function()
    clips = _noise(shape)
    return _median(lambda: function(tf.constant(clips)).numpy(), seconds) / network.batch


def _built(config: str, threads: int | None = None) -> "Network":
    from specfeat.cli.lean import pause_collector, resume_collector, without_optional
    from specfeat.config import load_config

    pause_collector()
    with without_optional():
        from specfeat.network.build import build

    network = build(load_config(config), threads=threads)
    resume_collector()
    return network


def _noise(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def _median(program: Callable[[], object], seconds: float) -> float:
    """Run a program for about so many seconds, once more to warm up; return its median seconds."""
    program()
    times: list[float] = []
    while len(times) < 3 or sum(times) < seconds:
        begun = time.perf_counter()
        program()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def main(what: str, config: str, *rest: str) -> None:
    """Measure and print JSON."""
    if what == "before":
        print(json.dumps(asdict(_before(config, rest))))
    else:
        program = {"network": _network, "single": _single, "keras": _keras}[what]
        print(json.dumps(program(config, float(rest[0]))))


if __name__ == "__main__":
    main(*sys.argv[1:])
