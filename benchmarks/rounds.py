"""One network over one corpus, in rounds: in each of them everything once, a moment apart."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from benchmarks.stages import STAGES, Before, measure_before, measure_clip
from benchmarks.whole import Run, run_naive, run_specfeat
from specfeat.audio.collect import collect


@dataclass
class Limit:
    """What the machine needs at the least.

    Attributes:
        before: the stages before the network, on one core.
        clip: seconds of the network for a clip, as in a run.
        seconds: of the stages on all cores, and of the network.
    """

    before: Before
    clip: float
    seconds: float


@dataclass
class Round:
    """Everything once.

    Attributes:
        limits: just before and just after the run, for a machine's speed drifts within a minute.
        run: specfeat's.
        single: seconds of the network for a clip, without batches side by side.
        keras: of Keras' plain `tf.function` over the same layers.
        naive: of the naive script's work; 0 if it was not wanted.
    """

    limits: tuple[Limit, Limit]
    run: Run
    single: float
    keras: float
    naive: float

    @property
    def limit(self) -> float:
        """Seconds: the mean of both."""
        return mean(limit.seconds for limit in self.limits)

    @property
    def clip(self) -> float:
        """Seconds: the mean of both."""
        return mean(limit.clip for limit in self.limits)

    def stage(self, name: str) -> float:
        """Return CPU seconds: the mean of both."""
        return mean(limit.before.seconds[name] for limit in self.limits)


def measure_pair(config: str, path: str, runs: int, cores: int, *, naive: bool) -> dict[str, Any]:
    """Measure one network over one corpus; return the medians of the rounds, for JSON."""
    files = len(collect([path]).paths)
    rounds = [_round(config, path, cores, naive=naive) for _ in range(runs)]

    def middle(number: Callable[[Round], float]) -> float:
        return median(map(number, rounds))

    pair = {
        "files": files,
        "audio_seconds": rounds[0].limits[0].before.audio_seconds,
        "rows": rounds[0].run.rows,
        "stages": {name: median(each.stage(name) for each in rounds) for name in STAGES},
        "alone": {
            "specfeat": middle(lambda each: each.clip),
            "keras": middle(lambda each: each.keras),
            "speed_up": middle(lambda each: each.keras / each.clip),
            "folding": middle(lambda each: each.keras / each.single),
        },
        "limit": middle(lambda each: each.limit),
        "work": middle(lambda each: each.run.work),
        "share": middle(lambda each: each.limit / each.run.work),
        "share_of_rest": middle(lambda each: (each.limit - each.run.ahead / cores) / each.run.work),
        "overhead_ms_a_file": middle(lambda each: 1000 * (each.run.work - each.limit) / files),
        "wall": middle(lambda each: each.run.wall),
        "peak_mb": max(each.run.peak_mb for each in rounds),
    }
    if naive:
        pair["naive"] = middle(lambda each: each.naive)
        pair["over_naive"] = middle(lambda each: each.naive / each.run.work)
    return pair


def _round(config: str, path: str, cores: int, *, naive: bool) -> Round:
    earlier = _limit(config, path, cores)
    run = run_specfeat(config, [path])
    later = _limit(config, path, cores)
    single, keras = measure_clip(config, "single"), measure_clip(config, "keras")
    script = run_naive(config, run.files) if naive else None  # none that is broken: it would end there
    if script and script.rows != run.rows:
        raise RuntimeError("the naive script makes other rows")
    return Round((earlier, later), run, single, keras, script.work if script else 0.0)


def _limit(config: str, path: str, cores: int) -> Limit:
    before = measure_before(config, [path])
    clip = measure_clip(config, "network")
    return Limit(before, clip, sum(before.seconds.values()) / cores + before.clips * clip)
