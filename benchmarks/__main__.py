"""Measure, print a table, write JSON and a picture; see the package's docstring."""

import argparse
import datetime
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import specfeat
from benchmarks.corpora import GENERATED, corpus
from benchmarks.report import draw, table
from benchmarks.rounds import measure_pair
from benchmarks.whole import measure_start
from specfeat.audio.collect import collect
from specfeat.cli.cores import available
from specfeat.config import load_config
from specfeat.errors import SpecfeatError

METHOD = 3  # of measuring: numbers of another one are not put beside these
# What is generated tells of long files and of many; the networks differ over the user's own.
NETWORKS = {"hour.wav": "yamnet", "hour.flac": "yamnet", "tiny": "default"}


def main() -> None:
    """Run the benchmarks that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "corpora", nargs="*", help=f"a file or folder each, or generated: {', '.join(GENERATED)}"
    )
    parser.add_argument("--quick", action="store_true", help="data/sample, repeated; one run; under a minute")
    parser.add_argument("--networks", default="yamnet,vggish,cnn14,default", help="configs, by comma")
    parser.add_argument("--runs", type=int, default=3, help="of each program; the median counts")
    parser.add_argument("--no-naive", action="store_true", help="leave the naive script out")
    parser.add_argument(
        "--out", help="OUT.json and OUT.png, `benchmark` or `quick`; pairs measured before stay in them"
    )
    options = parser.parse_args()
    if options.quick:
        options.corpora, options.runs, options.networks = ["sample"], 1, "default"
    elif not options.corpora:
        parser.error("give audio files or folders, or --quick")
    options.out = options.out or ("quick" if options.quick else "benchmark")
    place = Path(f"{options.out}.json")
    result = json.loads(place.read_text()) if place.exists() else {"method": METHOD, "pairs": []}
    if result.get("method") != METHOD:
        parser.error(f"{place} was measured in another way; give another --out, or remove it")
    _check(parser, options)
    for _ in measure(options, result):
        place.write_text(json.dumps(result, indent=1) + "\n")
    print(table(result))
    if options.quick:
        print("\nThe benchmark runs. Its shares mean nothing: nearly all was done while TensorFlow loaded.")
    draw(result, Path(f"{options.out}.png"))


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Tell now of what would be missing after minutes."""
    if not find_spec("matplotlib"):
        parser.error("matplotlib is not there for the picture: pip install '.[benchmark]'")
    try:
        for config in options.networks.split(","):
            load_config(config)
        for name in options.corpora:
            if name not in GENERATED:
                collect([name])
    except SpecfeatError as e:
        parser.error(str(e))


def measure(options: argparse.Namespace, result: dict[str, Any]) -> Iterator[None]:
    """Measure the start, and every network over every corpus; each time that `result` has more, yield."""
    cores = available()
    machine = f"{_processor()}, {cores} cores"
    result |= {"method": METHOD, "python": platform.python_version(), "machine": machine}
    result["start"] = measure_start(options.runs)
    yield
    with tempfile.TemporaryDirectory() as folder:
        for name in options.corpora:
            path = corpus(name, Path(folder))
            naive = name not in NETWORKS and not options.no_naive
            for config in NETWORKS.get(name, options.networks).split(","):
                print(f"{name}, {config} ...", file=sys.stderr)
                pair = measure_pair(config, path, options.runs, cores, naive=naive)
                told = {"corpus": Path(name).name, "network": config, "machine": machine, "of": _version()}
                pair = {**told, "on": datetime.date.today().isoformat(), **pair}
                result["pairs"] = [*_others(result["pairs"], pair), pair]
                yield


def _others(pairs: list[dict[str, Any]], new: dict[str, Any]) -> list[dict[str, Any]]:
    return [p for p in pairs if (p["corpus"], p["network"]) != (new["corpus"], new["network"])]


def _version() -> str:
    """Return specfeat's commit, if this is a checkout, else its version."""
    words = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() or specfeat.__version__


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    for line in known.read_text().splitlines() if known.exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
