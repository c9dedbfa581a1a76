"""Measures one network with one corpus in rounds. Each round measures everything once."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from benchmarks.stages import STAGES, AudioCost, measure_audio_stages, measure_keras, measure_network
from benchmarks.whole import ProgramRun, run_specfeat, run_typical_script
from specfeat.audio.discovery import find_sounds


@dataclass(frozen=True)
class Limit:
    """The least time that the machine needs for a corpus.

    Attributes:
        audio: the CPU time of the stages before the network, each run alone on one core.
        clip_s: the time of the network for one clip in seconds, with as many batches at once as in a run.
        seconds: the CPU time of each stage run alone, divided by the cores, plus the network's time.
    """

    audio: AudioCost
    clip_s: float
    seconds: float


@dataclass(frozen=True)
class Round:
    """The results of one round.

    Attributes:
        limits: the limits that are measured just before and just after the run, because the speed of a
            machine can change within a minute. If there is only one round, both are the limit before the run.
        run: the run of specfeat.
        ahead_s: the CPU time, divided by the cores, that the workers spent on sounds before the network was
            ready.
        single_clip_s: the time of the network for one clip in seconds, with one batch after another.
        keras_clip_s: the same time for Keras' `tf.function` with the same layers.
        script: the run of the typical script; None if it was not measured.
    """

    limits: tuple[Limit, Limit]
    run: ProgramRun
    ahead_s: float
    single_clip_s: float
    keras_clip_s: float
    script: ProgramRun | None

    @property
    def limit_s(self) -> float:
        """The mean of both limits in seconds."""
        return mean(limit.seconds for limit in self.limits)

    @property
    def corrected_limit_s(self) -> float:
        """The limit without the work that was done ahead."""
        return self.limit_s - self.ahead_s

    @property
    def share(self) -> float:
        """The corrected limit divided by the time of the run."""
        return self.corrected_limit_s / self.run.work_s

    @property
    def clip_s(self) -> float:
        """The time of the network for one clip in seconds: the mean of both limits."""
        return mean(limit.clip_s for limit in self.limits)

    @property
    def script_ratio(self) -> float:
        """The time of the script divided by that of specfeat, including the work that was done ahead."""
        return self.script.work_s / (self.run.work_s + self.ahead_s) if self.script else 0.0


def measure_pair(config: str, path: str, runs: int, cores: int, *, naive: bool) -> dict[str, Any]:
    """Measure one network with one corpus.

    Args:
        config: the name of the network's config.
        path: the path of the corpus, a file or a folder.
        runs: the number of rounds, an odd number.
        cores: the number of cores of the machine.
        naive: whether the typical script is measured as well.

    Returns:
        The results for JSON: all numbers of the round with the median share, so that they belong together;
        the medians of all rounds for the ratios to Keras and to the script; and the largest memory of all
        rounds.
    """
    rounds: list[Round] = []
    for _ in range(runs):
        rounds.append(_measure_round(config, path, cores, naive=naive, twice=runs > 1))
        naive = rounds[-1].script is not None
    median_round = sorted(rounds, key=lambda each: each.share)[runs // 2]
    files = len(find_sounds([path]).sounds)
    pair = _summarize_round(median_round, files) | {
        "shares_of_rest": sorted(each.share for each in rounds),
        "peak_mb": max(each.run.peak_mb for each in rounds),
    }
    pair["alone"] |= {
        "speed_up": median(each.keras_clip_s / each.clip_s for each in rounds),
        "folding": median(each.keras_clip_s / each.single_clip_s for each in rounds),
    }
    if median_round.script:
        pair["naive"] = median_round.script.work_s
        pair["over_naive"] = median(each.script_ratio for each in rounds if each.script)
    return pair


def _summarize_round(median_round: Round, files: int) -> dict[str, Any]:
    run, costs = median_round.run, [limit.audio for limit in median_round.limits]
    return {
        "files": files,
        "audio_seconds": costs[0].audio_seconds,
        "rows": run.rows,
        "stages": {name: mean(cost.stage_seconds[name] for cost in costs) for name in STAGES},
        "alone": {
            "specfeat": median_round.clip_s,
            "single": median_round.single_clip_s,
            "keras": median_round.keras_clip_s,
        },
        "limit": median_round.limit_s,
        "limits": [limit.seconds for limit in median_round.limits],
        "rest": median_round.corrected_limit_s,
        "work": run.work_s,
        "share": median_round.limit_s / run.work_s,
        "share_of_rest": median_round.share,
        "overhead_ms_a_file": 1000 * (run.work_s - median_round.corrected_limit_s) / files,
        "wall": run.wall_s,
    }


def _measure_round(config: str, path: str, cores: int, *, naive: bool, twice: bool) -> Round:
    limit_before = _measure_limit(config, path, cores)
    run = run_specfeat(config, [path])
    limit_after = _measure_limit(config, path, cores) if twice else limit_before
    single_clip_s, keras_clip_s = measure_keras(config)
    # The script gets only the files that did not fail, because a damaged file would stop it.
    script = _run_script(config, run.files) if naive else None
    counts = {run.rows, limit_before.audio.clips, limit_after.audio.clips}
    counts |= {script.rows} if script else set()
    if len(counts) > 1:
        raise RuntimeError(f"the numbers of rows differ: {counts}")
    # `run.ahead_s` is without the start-up time of the workers, which is only an estimate. So for a small
    # corpus, it could be more than the whole work.
    whole_work_s = min(sum(limit.audio.stage_seconds.values()) for limit in (limit_before, limit_after))
    ahead_s = min(run.ahead_s, whole_work_s) / cores
    return Round((limit_before, limit_after), run, ahead_s, single_clip_s, keras_clip_s, script)


def _run_script(config: str, files: Sequence[str]) -> ProgramRun | None:
    try:
        return run_typical_script(config, files)
    except RuntimeError as e:
        print(f"the typical script cannot use {config}: {str(e).splitlines()[-1]}", file=sys.stderr)
        return None


def _measure_limit(config: str, path: str, cores: int) -> Limit:
    audio = measure_audio_stages(config, [path])
    clip_s = measure_network(config)
    return Limit(audio, clip_s, sum(audio.stage_seconds.values()) / cores + audio.clips * clip_s)
