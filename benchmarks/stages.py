"""Each stage alone, in this process: what a second of audio, and a clip, cost."""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from specfeat.audio import decode
from specfeat.audio.clips import ClipMaker
from specfeat.config import load_config
from specfeat.errors import AudioError


@dataclass
class Stages:
    """CPU seconds of the stages before the network, over a corpus.

    Attributes:
        audio_seconds: of sound.
        clips: of it.
        seconds: CPU seconds of one core by stage: decode, mono, resample, spectrogram.
    """

    audio_seconds: float
    clips: int
    seconds: dict[str, float]


def measure_stages(config: str, paths: Sequence[str]) -> Stages:
    """Run the stages one after another, each over what the one before has left in memory."""
    settings = load_config(config).settings
    maker = ClipMaker(settings)
    result = Stages(0.0, 0, dict.fromkeys(("decode", "mono", "resample", "spectrogram"), 0.0))

    def timed(stage: str, work: Iterable[np.ndarray]) -> list[np.ndarray]:
        begun = time.process_time()
        done = list(work)  # the stages are generators: nothing is done before
        result.seconds[stage] += time.process_time() - begun
        return done

    for path in paths:
        try:
            with decode._open(path) as file:
                rate = file.samplerate
                decoded = timed("decode", decode._decoded(file))
        except AudioError:
            continue
        mono = timed("mono", decode.mono(decoded, settings.audio.channel))
        at_rate = timed("resample", decode.resample(mono, rate, settings.audio))
        clips = maker.clips(at_rate)
        begun = time.process_time()
        result.clips += sum(1 for _ in clips)
        result.seconds["spectrogram"] += time.process_time() - begun
        result.audio_seconds += clips.samples / settings.audio.sample_rate
    return result


def measure_network(config: str, runs: int) -> dict[str, float]:
    """Time full batches held in memory: seconds a clip, ours and Keras' plain tf.function, in turn."""
    from specfeat.config.graph import keras_name
    from specfeat.network.build import build
    from specfeat.network.runtime import keras, tf

    loaded = load_config(config)
    network = build(loaded)
    feature = network.model.get_layer(keras_name(loaded.settings.model.feature_layer)).output
    plain = keras.Model(network.model.inputs[0], feature)
    shape = (network.batch, *network.input_shape)
    function = tf.function(
        lambda clips: plain(clips, training=False),
        input_signature=[tf.TensorSpec(shape, tf.float32)],
        autograph=False,
    ).get_concrete_function()
    clips = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    programs: dict[str, Callable[[], object]] = {
        "specfeat": lambda: network.rows(clips),
        "keras": lambda: function(tf.constant(clips)).numpy(),
    }
    times: dict[str, list[float]] = {name: [] for name in programs}
    repeats = max(1, round(0.5 / _once(programs["specfeat"])))
    for _ in range(2 * runs + 1):
        for name, program in programs.items():
            begun = time.perf_counter()
            for _ in range(repeats):
                program()
            times[name].append((time.perf_counter() - begun) / repeats / network.batch)
    ratios = [k / s for k, s in zip(times["keras"], times["specfeat"], strict=True)]
    return {
        **{name: statistics.median(values) for name, values in times.items()},
        "speed-up": statistics.median(ratios),
    }


def _once(program: Callable[[], object]) -> float:
    program()
    begun = time.perf_counter()
    program()
    return max(1e-6, time.perf_counter() - begun)
