"""Measures each stage alone in a process of its own, and prints JSON.

python -m benchmarks.stages audio CONFIG PATH...      decode, mono, resample, spectrogram, as in a worker
python -m benchmarks.stages network CONFIG SECONDS    the network with full batches in memory
python -m benchmarks.stages keras CONFIG SECONDS      the network with one batch after another, alternating
                                                      with the same layers in Keras' `tf.function`
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
class AudioCost:
    """The CPU time that the stages before the network need for a corpus.

    Attributes:
        audio_seconds: the length of all sounds in seconds.
        clips: the number of clips of all sounds.
        stage_seconds: the CPU seconds of each stage on one core.
    """

    audio_seconds: float = 0.0
    clips: int = 0
    stage_seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))


def measure_audio_stages(config: str, inputs: Sequence[str]) -> AudioCost:
    """Measure the stages before the network with all sounds of the inputs, on one core, as in a worker."""
    return AudioCost(**_run_child(["audio", config, *inputs], WORKER_ENVIRONMENT))


def measure_network(config: str) -> float:
    """Measure the network alone, and return the seconds for one clip."""
    return float(_run_child(["network", config, "2"], {}))


def measure_keras(config: str) -> tuple[float, float]:
    """Return the seconds for one clip of the network and of Keras' `tf.function`, one batch after another."""
    single_s, keras_s = _run_child(["keras", config, "4"], {})
    return float(single_s), float(keras_s)


def _run_child(arguments: list[str], environment: dict[str, str]) -> Any:
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.stages", *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(process.stdout)


class _StageMeter:
    """Measures the CPU time of each generator in a chain, without the time of the generators before it.

    Each generator runs when the next one asks for an item. So its time is the time of `next`, minus the time
    that the generators before it have measured during this call.
    """

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._source_s = 0.0  # the time of all generators before the one that is measured now

    def measure(self, stage: str, items: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        source = iter(items)
        while True:
            outer_source_s, self._source_s = self._source_s, 0.0
            started_at = time.process_time()
            item = next(source, None)
            spent_s = time.process_time() - started_at
            self.seconds[stage] += spent_s - self._source_s
            self._source_s = outer_source_s + spent_s
            if item is None:
                return
            yield item


def _measure_corpus(config: str, inputs: Sequence[str]) -> AudioCost:
    from specfeat.audio.clips import ClipMaker
    from specfeat.audio.discovery import find_sounds
    from specfeat.config import load_config
    from specfeat.errors import AudioError

    maker = ClipMaker(load_config(config).settings)
    cost = AudioCost()
    for sound in find_sounds(inputs).sounds:
        try:
            stage_seconds, clips, samples = _measure_file(sound.path, maker)
        except AudioError:  # the file has no rows in a run
            continue
        for name in STAGES:
            cost.stage_seconds[name] += stage_seconds[name]
        cost.clips += clips
        cost.audio_seconds += samples / maker.settings.audio.sample_rate
    return cost


def _measure_file(path: str, maker: "ClipMaker") -> tuple[dict[str, float], int, int]:
    """Measure one file with the steps of `decode.read_samples`.

    Returns:
        The CPU seconds of each stage, the number of clips, and the number of samples at the config's sample
        rate.
    """
    from specfeat.audio import decode
    from specfeat.audio.audio_file import AudioFile
    from specfeat.audio.channel_choice import choose_channels

    audio = maker.settings.audio
    meter = _StageMeter()
    started_at = time.process_time()
    with AudioFile(path) as file:
        meter.seconds["decode"] += time.process_time() - started_at
        blocks = file.read_blocks(decode.compute_block_frames(file, audio, decode.BLOCK_VALUES))
        mono = choose_channels(meter.measure("decode", blocks), audio, None, file.rate)
        resampled = decode.resample_blocks(meter.measure("mono", mono), file.rate, audio)
        clips = maker.make_clips(meter.measure("resample", resampled))
        count = sum(1 for _ in meter.measure("spectrogram", clips))
    return meter.seconds, count, clips.samples


def _measure_network(config: str, seconds: float) -> float:
    """Return the seconds of the network for one clip, with as many batches at once as in a run."""
    from specfeat.cpu_count import count_available_cores

    network = _build_network(config, count_available_cores())
    clips = _make_noise((network.batch, *network.input_shape))
    with ThreadPoolExecutor(network.parallel_batches) as threads:

        def run(count: int) -> float:
            started_at = time.perf_counter()
            list(threads.map(network.compute_rows, [clips] * count))
            return time.perf_counter() - started_at

        run(network.parallel_batches)  # to warm up
        once = run(network.parallel_batches)
        # All batches in one call, because the threads wait for the slowest one at the end. A run waits once,
        # too.
        count = network.parallel_batches * max(4, round(seconds / once))
        return run(count) / count / network.batch


def _measure_keras(config: str, seconds: float) -> tuple[float, float]:
    """Return the seconds for one clip of the network and of Keras' tf.function, one batch after another."""
    from specfeat.architecture.graph import to_keras_name
    from specfeat.config import load_config

    network = _build_network(config)
    from specfeat.tensorflow_runtime import keras, tf

    name = to_keras_name(load_config(config).settings.model.feature_layer)
    outputs = [layer.output for layer in network.model.layers if layer.name == name]
    # An application of Keras is not one layer of the model: its inner layers are, and the last one gives the
    # row.
    feature = outputs[0] if outputs else network.model.outputs[0]
    plain = keras.Model(network.model.inputs[0], feature)
    shape = (network.batch, *network.input_shape)
    function = tf.function(
        lambda clips: plain(clips, training=False),
        input_signature=[tf.TensorSpec(shape, tf.float32)],
        autograph=False,
    ).get_concrete_function()
    clips = _make_noise(shape)
    programs = (lambda: network.compute_rows(clips), lambda: function(tf.constant(clips)).numpy())
    single_s, keras_s = _measure_medians(programs, seconds)
    return single_s / network.batch, keras_s / network.batch


def _build_network(config: str, threads: int | None = None) -> "Network":
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


def _make_noise(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def _measure_medians(programs: Sequence[Callable[[], object]], seconds: float) -> list[float]:
    """Run programs alternately, and return the median time of each in seconds.

    Args:
        programs: the programs. The first round of all programs is a warm-up, and is not measured.
        seconds: about how long to run.
    """
    times: list[list[float]] = []
    while len(times) < 4 or sum(map(sum, times)) < seconds:
        times.append([])
        for program in programs:
            started_at = time.perf_counter()
            program()
            times[-1].append(time.perf_counter() - started_at)
    return [statistics.median(program_times) for program_times in zip(*times[1:], strict=True)]


def main(stage: str, config: str, *arguments: str) -> None:
    """Measure one stage, and print JSON.

    Args:
        stage: "audio", "network" or "keras".
        config: the config.
        arguments: the paths of the sounds for "audio"; for the others, about how many seconds to run.
    """
    if stage == "audio":
        print(json.dumps(asdict(_measure_corpus(config, arguments))))
    else:
        program = {"network": _measure_network, "keras": _measure_keras}[stage]
        print(json.dumps(program(config, float(arguments[0]))))


if __name__ == "__main__":
    main(*sys.argv[1:])
