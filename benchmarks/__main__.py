"""Measure, print a table, write JSON and a picture; see the package's docstring."""

import argparse
import json
import platform
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.report import draw, table
from benchmarks.stages import measure_network, measure_stages
from benchmarks.whole import measure_start, run_naive, run_specfeat

SAMPLE = Path(__file__).parents[1] / "data" / "sample"


def main() -> None:
    """Run the benchmarks that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("audio", nargs="*", help="audio files and folders, measured together as one corpus")
    parser.add_argument("--quick", action="store_true", help="data/sample, repeated; one run; under a minute")
    parser.add_argument("--networks", default="yamnet,vggish,cnn14,default", help="configs, by comma")
    parser.add_argument("--runs", type=int, default=3, help="of each program; the median counts")
    parser.add_argument("--no-naive", action="store_true", help="leave the naive script out")
    parser.add_argument("--out", default="benchmark", help="OUT.json and OUT.png are written")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.quick:
            options.audio, options.runs, options.networks = [_repeated(folder)], 1, "default"
        elif not options.audio:
            parser.error("give audio files or folders, or --quick")
        result = measure(options)
    print(table(result))
    Path(f"{options.out}.json").write_text(json.dumps(result, indent=1) + "\n")
    draw(result, Path(f"{options.out}.png"))


def _repeated(folder: str) -> str:
    for k in range(20):
        shutil.copytree(SAMPLE, f"{folder}/sample/{k:02}")
    return f"{folder}/sample"


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure everything over one corpus."""
    from specfeat.audio.collect import collect
    from specfeat.audio.pool import default_workers

    paths = collect(options.audio).paths
    cores = default_workers()
    result: dict[str, Any] = {
        "machine": f"{_processor()}, {cores} cores",
        "python": platform.python_version(),
        "files": len(paths),
        "networks": {},
    }
    for config in options.networks.split(","):
        print(f"{config} ...", file=sys.stderr)
        stages = measure_stages(config, paths)
        network = measure_network(config, options.runs)
        before = sum(stages.seconds.values())
        limit = before / cores + stages.clips * network["specfeat"]
        ours, naive = [], []
        for _ in range(options.runs):  # in turn, so that a machine that slows down slows both
            ours.append(run_specfeat(config, options.audio))
            if not options.no_naive:
                naive.append(run_naive(config, paths))
        work = statistics.median(run.work for run in ours)
        entry: dict[str, Any] = {
            "audio_seconds": stages.audio_seconds,
            "rows": ours[0].rows,
            "stages": stages.seconds,
            "network_alone": stages.clips * network["specfeat"],
            "network_over_keras": network["speed-up"],
            "limit": limit,
            "work": work,
            "share": limit / work,
            "wall": statistics.median(run.wall for run in ours),
            "peak_mb": max(run.peak_mb for run in ours),
        }
        if naive:
            assert naive[0].rows == ours[0].rows, "the naive script makes other rows"  # noqa: S101  a bug here
            entry["naive"] = statistics.median(run.work for run in naive)
            entry["over_naive"] = statistics.median(n.work / o.work for n, o in zip(naive, ours, strict=True))
        result["networks"][config] = entry
    result["start"] = measure_start(max(3, options.runs), _one_second())
    return result


def _one_second() -> str:
    return str(SAMPLE / "chirp.wav")


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    for line in known.read_text().splitlines() if known.exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
