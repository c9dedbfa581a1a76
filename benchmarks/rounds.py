"""One network over one corpus, in rounds: in each of them everything once, a moment apart."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from benchmarks.stages import STAGES, Before, measure_before, measure_clip, measure_plain
from benchmarks.whole import Run, run_naive, run_specfeat
from specfeat.audio.discovery import find_audio_files


@dataclass(frozen=True)
class Limit:
    """What the machine needs at the least.

    Attributes:
        before: the stages before the network, on one core that has the machine for itself.
        clip: seconds of the network for a clip, as many batches at once as in a run.
        seconds: of the stages on all cores, and then of the network.
    """

    before: Before
    clip: float
    seconds: float


@dataclass(frozen=True)
class Round:
    """Everything once.

    Attributes:
        limits: just before the run and, of several rounds, just after it, for a machine's speed drifts
            within a minute.
        run: specfeat's.
        ahead: seconds of all cores that the stages had been given before the work began.
        single: seconds of the network for a clip, without batches side by side.
        keras: of Keras' plain `tf.function` over the same layers.
        naive: the naive script's run, if it was wanted.
    """

    limits: tuple[Limit, Limit]
    run: Run
    ahead: float
    single: float
    keras: float
    naive: Run | None

    @property
    def limit(self) -> float:
        """Seconds: the mean of both."""
        return mean(limit.seconds for limit in self.limits)

    @property
    def rest(self) -> float:
        """Seconds of the limit that are left when the work begins."""
        return self.limit - self.ahead

    @property
    def share(self) -> float:
        """Of the rest of the limit in the work."""
        return self.rest / self.run.work

    @property
    def clip(self) -> float:
        """Seconds of the network for a clip: the mean of both."""
        return mean(limit.clip for limit in self.limits)

    @property
    def over_naive(self) -> float:
        """How many times as long the naive script works as specfeat, with what that has done ahead."""
        return self.naive.work / (self.run.work + self.ahead) if self.naive else 0.0


def measure_pair(config: str, path: str, runs: int, cores: int, *, naive: bool) -> dict[str, Any]:
    """Measure one network over one corpus.

    Returns:
        For JSON: the round whose share is the median, whole, so that its numbers belong together; how much
        faster the network alone is, as the median of all rounds; and the most memory of any.
    """
    rounds: list[Round] = []
    for _ in range(runs):
        rounds.append(_round(config, path, cores, naive=naive, twice=runs > 1))
        naive = rounds[-1].naive is not None
    middle = sorted(rounds, key=lambda each: each.share)[runs // 2]
    files, run = len(find_audio_files([path]).paths), middle.run
    befores = [limit.before for limit in middle.limits]
    pair = {
        "files": files,
        "audio_seconds": befores[0].audio_seconds,
        "rows": run.rows,
        "stages": {name: mean(before.seconds[name] for before in befores) for name in STAGES},
        "alone": {
            "specfeat": middle.clip,
            "single": middle.single,
            "keras": middle.keras,
            "speed_up": median(each.keras / each.clip for each in rounds),
            "folding": median(each.keras / each.single for each in rounds),
        },
        "limit": middle.limit,
        "limits": [limit.seconds for limit in middle.limits],
        "rest": middle.rest,
        "work": run.work,
        "share": middle.limit / run.work,
        "share_of_rest": middle.share,
        "shares_of_rest": sorted(each.share for each in rounds),
        "overhead_ms_a_file": 1000 * (run.work - middle.rest) / files,
        "wall": run.wall,
        "peak_mb": max(each.run.peak_mb for each in rounds),
    }
    if middle.naive:
        pair["naive"] = middle.naive.work
        pair["over_naive"] = median(each.over_naive for each in rounds if each.naive)
    return pair


def _round(config: str, path: str, cores: int, *, naive: bool, twice: bool) -> Round:
    earlier = _limit(config, path, cores)
    run = run_specfeat(config, [path])
    later = _limit(config, path, cores) if twice else earlier
    single, keras = measure_plain(config)
    script = _naive(config, run.files) if naive else None  # no file that is broken: it would end there
    counts = {run.rows, earlier.before.clips, later.before.clips, script.rows if script else run.rows}
    if len(counts) > 1:
        raise RuntimeError(f"not the same rows: {counts}")
    # What a start took is taken off as a whole, so a small corpus could seem to be more than done.
    most = min(sum(limit.before.seconds.values()) for limit in (earlier, later))
    return Round((earlier, later), run, min(run.ahead, most) / cores, single, keras, script)


def _naive(config: str, files: Sequence[str]) -> Run | None:
    try:
        return run_naive(config, files)
    except RuntimeError as e:
        print(f"the naive script cannot do {config}: {str(e).splitlines()[-1]}", file=sys.stderr)
        return None


def _limit(config: str, path: str, cores: int) -> Limit:
    before = measure_before(config, [path])
    clip = measure_clip(config)
    return Limit(before, clip, sum(before.seconds.values()) / cores + before.clips * clip)
