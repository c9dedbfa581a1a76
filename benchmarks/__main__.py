"""Measure, print a table, write JSON and a picture; see the package's docstring."""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.corpora import GENERATED, corpus
from benchmarks.report import draw, table
from benchmarks.rounds import measure_pair
from benchmarks.sitting import machine, sitting
from benchmarks.whole import measure_start
from specfeat.audio.discovery import find_audio_files
from specfeat.config import load_config
from specfeat.cpu_count import count_available_cores
from specfeat.errors import SpecfeatError

METHOD = 3  # of measuring: numbers of another one are not put beside these
ALL = "yamnet,vggish,cnn14,default"
# What is generated tells of long files and of many; the networks differ over the user's own.
NETWORKS = {"hour.wav": "yamnet", "hour.flac": "yamnet", "tiny": "default"}


def _asked() -> tuple[argparse.Namespace, dict[str, Any]]:
    """Return what the command line asks for, looked through, and what was measured before."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "corpora", nargs="*", help=f"a file or folder each, or generated: {', '.join(GENERATED)}"
    )
    parser.add_argument(
        "--quick", action="store_true", help="does it run? data/sample, repeated, once; under a minute"
    )
    parser.add_argument(
        "--networks", help=f"configs, by comma; else {ALL}, and over what is generated the one that suits it"
    )
    parser.add_argument(
        "--runs", type=_odd, help="rounds, an odd number, 3 by default: the middle one counts"
    )
    parser.add_argument(
        "--no-naive", action="store_true", help="leave the naive script out, as over what is generated"
    )
    parser.add_argument(
        "--out", help="OUT.json and OUT.png, `benchmark` or `quick`; pairs measured before stay in them"
    )
    options = parser.parse_args()
    if options.quick:
        if options.corpora or options.networks or options.runs:
            parser.error("--quick has sound, a network and a round of its own; leave one or the other out")
        options.corpora, options.runs, options.networks = ["sample"], 1, "default"
    elif not options.corpora:
        parser.error("give audio files or folders, or --quick")
    options.runs = options.runs or 3
    options.out = options.out or ("quick" if options.quick else "benchmark")
    place = Path(f"{options.out}.json")
    result = json.loads(place.read_text()) if place.exists() else {"method": METHOD, "pairs": []}
    if result.get("method") != METHOD:
        parser.error(f"{place} was measured in another way; give another --out, or remove it")
    _check(parser, options)
    return options, result


def main() -> None:
    """Run the benchmarks that the command line asks for."""
    options, result = _asked()
    failed = None
    try:
        for _ in measure(options, result):
            Path(f"{options.out}.json").write_text(json.dumps(result, indent=1) + "\n")
    except (RuntimeError, subprocess.CalledProcessError) as e:
        failed = e  # what has been measured before is still told
    print(table(result))
    draw(result, Path(f"{options.out}.png"))
    if failed:
        sys.exit(f"\nbenchmarks: {failed}")
    if options.quick:
        print("\nThe benchmark runs. Its shares mean nothing: nearly all was done while TensorFlow loaded.")


def _odd(text: str) -> int:
    number = int(text)
    if number < 1 or number % 2 == 0:
        raise argparse.ArgumentTypeError(f"is {text}; wanted an odd number, whose middle round counts")
    return number


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Tell now of what would be missing after minutes."""
    if not find_spec("matplotlib"):
        parser.error("matplotlib is not there for the picture: pip install '.[benchmark]'")
    if not Path(options.out).parent.is_dir():
        parser.error(f"{Path(options.out).parent}: no such folder for the output; make it first")
    names = [_name(corpus) for corpus in options.corpora]
    if len({*names}) < len(names):
        parser.error("two corpora have one name, by which their numbers are told apart; rename one")
    try:
        for config in _networks(options.networks or ALL):
            load_config(config)
        for name in options.corpora:
            if name not in GENERATED:
                find_audio_files([name])
    except SpecfeatError as e:
        parser.error(str(e))


def measure(options: argparse.Namespace, result: dict[str, Any]) -> Iterator[None]:
    """Measure the start, and every network over every corpus; each time that `result` has more, yield."""
    cores = count_available_cores()
    result |= {"method": METHOD, "python": platform.python_version(), "machine": machine()}
    result["start"] = measure_start(options.runs)
    yield
    with tempfile.TemporaryDirectory() as folder:
        for name in options.corpora:
            path = corpus(name, Path(folder))
            naive = name not in NETWORKS and not options.no_naive
            for config in _networks(options.networks or NETWORKS.get(name, ALL)):
                print(f"{name}, {config} ...", file=sys.stderr)
                pair = measure_pair(config, path, options.runs, cores, naive=naive)
                pair = {"corpus": _name(name), "network": config, **sitting(), **pair}
                result["pairs"] = [*_others(result["pairs"], pair), pair]
                yield


def _networks(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",")]


def _name(corpus: str) -> str:
    return corpus if corpus in GENERATED else Path(corpus).resolve().name


def _others(pairs: list[dict[str, Any]], new: dict[str, Any]) -> list[dict[str, Any]]:
    return [p for p in pairs if (p["corpus"], p["network"]) != (new["corpus"], new["network"])]


if __name__ == "__main__":
    main()
