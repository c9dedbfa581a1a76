"""Measures networks over corpora, prints a table, and writes JSON and a picture; see `benchmarks`."""

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

from benchmarks.conditions import describe_conditions, describe_machine
from benchmarks.corpora import GENERATED, make_corpus
from benchmarks.report import draw_picture, format_table
from benchmarks.rounds import measure_pair
from benchmarks.whole import measure_start
from specfeat.audio.discovery import find_sounds
from specfeat.config import load_config
from specfeat.cpu_count import count_available_cores
from specfeat.errors import SpecfeatError

METHOD = 3  # the version of the method; a table has only numbers that were measured with the same version
DEFAULT_NETWORKS = "yamnet,vggish,cnn14,default"
# Each generated corpus answers one question: about long files, or about many files. One network is enough for
# that.
GENERATED_NETWORKS = {"hour.wav": "yamnet", "hour.flac": "yamnet", "tiny": "default"}


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "corpora", nargs="*", help=f"files or folders, or the generated {', '.join(GENERATED)}"
    )
    parser.add_argument(
        "--quick", action="store_true", help="check that the benchmark runs, on data/sample; under a minute"
    )
    parser.add_argument(
        "--networks",
        help=f"configs, separated by commas; default: {DEFAULT_NETWORKS}; a generated corpus has one network",
    )
    parser.add_argument(
        "--runs",
        type=_parse_odd,
        help="the number of rounds, an odd number, 3 by default; the result is that of the median round",
    )
    parser.add_argument(
        "--no-naive",
        action="store_true",
        help="do not run the typical script, which never runs on generated corpora",
    )
    parser.add_argument(
        "--out",
        help="write OUT.json and OUT.png; by default OUT is `benchmark` or `quick`; earlier results are kept",
    )
    return parser


def _parse_arguments() -> tuple[argparse.Namespace, dict[str, Any]]:
    """Return the checked options of the command line, and the earlier results, which will be extended."""
    parser = _make_parser()
    options = parser.parse_args()
    if options.quick:
        if options.corpora or options.networks or options.runs:
            parser.error("--quick has its own corpus, network and number of rounds; leave out the others")
        options.corpora, options.runs, options.networks = ["sample"], 1, "default"
    elif not options.corpora:
        parser.error("no corpus is given; expected audio files or folders, or --quick")
    options.runs = options.runs or 3
    options.out = options.out or ("quick" if options.quick else "benchmark")
    path = Path(f"{options.out}.json")
    result = json.loads(path.read_text()) if path.exists() else {"method": METHOD, "pairs": []}
    if result.get("method") != METHOD:
        parser.error(f"{path} was measured with another method; choose another --out, or remove the file")
    _check_options(parser, options)
    return options, result


def main() -> None:
    """Run the measurements, and show and store the results."""
    options, result = _parse_arguments()
    error = None
    try:
        for _ in measure_all(options, result):
            Path(f"{options.out}.json").write_text(json.dumps(result, indent=1) + "\n")
    except (RuntimeError, subprocess.CalledProcessError) as e:
        error = e  # reported after the results that were measured before it
    print(format_table(result))
    draw_picture(result, Path(f"{options.out}.png"))
    if error:
        sys.exit(f"\nbenchmarks: {error}")
    if options.quick:
        print(
            "\nThe benchmark runs. The shares mean nothing: the workers finish before TensorFlow is loaded."
        )


def _parse_odd(text: str) -> int:
    number = int(text)
    if number < 1 or number % 2 == 0:
        raise argparse.ArgumentTypeError(f"is {text}; expected an odd number, for one median round")
    return number


def _check_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Check at the start what would otherwise fail after minutes."""
    if not find_spec("matplotlib"):
        parser.error("the picture needs matplotlib: pip install '.[benchmark]'")
    if not Path(options.out).parent.is_dir():
        parser.error(f"{Path(options.out).parent}: no such folder for the output; create it first")
    names = [_get_corpus_name(corpus) for corpus in options.corpora]  # the key of the results
    if len({*names}) < len(names):
        parser.error("two corpora have the same name, which identifies their numbers; rename one")
    try:
        for config in _split_names(options.networks or DEFAULT_NETWORKS):
            load_config(config)
        for name in options.corpora:
            if name not in GENERATED:
                find_sounds([name])
    except SpecfeatError as e:
        parser.error(str(e))


def measure_all(options: argparse.Namespace, result: dict[str, Any]) -> Iterator[None]:
    """Measure the start-up, and every network with every corpus.

    Args:
        options: the options of the command line.
        result: the results, to which new ones are added.

    Yields:
        None, each time when something has been added to `result`, so that it can be saved.
    """
    cores = count_available_cores()
    result |= {"method": METHOD, "python": platform.python_version(), "machine": describe_machine()}
    result["start"] = measure_start(options.runs)
    yield
    with tempfile.TemporaryDirectory() as folder:
        for name in options.corpora:
            path = make_corpus(name, Path(folder))
            naive = name not in GENERATED_NETWORKS and not options.no_naive
            for config in _split_names(options.networks or GENERATED_NETWORKS.get(name, DEFAULT_NETWORKS)):
                print(f"{name}, {config} ...", file=sys.stderr)
                pair = measure_pair(config, path, options.runs, cores, naive=naive)
                pair = {"corpus": _get_corpus_name(name), "network": config, **describe_conditions(), **pair}
                result["pairs"] = [*_remove_pair(result["pairs"], pair), pair]
                yield


def _split_names(names: str) -> list[str]:
    return [name.strip() for name in names.split(",")]


def _get_corpus_name(corpus: str) -> str:
    return corpus if corpus in GENERATED else Path(corpus).resolve().name


def _remove_pair(pairs: list[dict[str, Any]], new_pair: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the pairs without the one that has the same corpus and network as the new pair."""
    new_key = (new_pair["corpus"], new_pair["network"])
    return [pair for pair in pairs if (pair["corpus"], pair["network"]) != new_key]


if __name__ == "__main__":
    main()
