"""Measures the time, the peak of memory and the size of an array in each output format.

python -m benchmarks.formats [--rows 1000000] [--features 1024] [--out formats.json] [FORMAT...]

Each format is written in a process of its own, from the finished rows of a run, as `specfeat convert` does.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.conditions import describe_conditions
from specfeat.config.row_spans import FileSpan
from specfeat.file_access import sync_file, sync_tree
from specfeat.output.feature_table import ArrayLayout, Rows
from specfeat.output.formats import get_format, list_format_names
from specfeat.output.index import IndexWriter
from specfeat.output.records import SoundEntry
from specfeat.output.table_source import open_table
from specfeat.output.tree_files import measure_size

FILES = 1_000  # the rows are divided among so many sounds
SAMPLE_RATE = 16_000
_METADATA = {"specfeat": "benchmark", "config_sha256": "0" * 64, "config": "{}"}


def make_layout(rows: int, width: int) -> ArrayLayout:
    """Return the layout of an array with the rows of `FILES` sounds."""
    counts = [rows // FILES + (number < rows % FILES) for number in range(FILES)]
    entries = tuple(
        SoundEntry(
            path=f"recordings/{number:04}.wav",
            size=1,
            mtime_ns=1,
            status="ok",
            rows=count,
            samples=SAMPLE_RATE * count,
            seconds=0.0,
        )
        for number, count in enumerate(counts)
        if count
    )
    return ArrayLayout(rows=rows, width=width, dtype=np.dtype("<f4"), entries=entries)


def write_index(path: Path, layout: ArrayLayout) -> None:
    """Write the index of an array; each row has a clip of one second."""
    with path.open("wb") as file:
        index = IndexWriter(file, "mix", SAMPLE_RATE)
        for entry in layout.entries:
            seconds = range(entry.rows)
            index.add_sound(entry, (FileSpan(SAMPLE_RATE * k, SAMPLE_RATE * (k + 1), 0.0) for k in seconds))


def iterate_rows(layout: ArrayLayout) -> Iterator[Rows]:
    """Yield all rows, in pieces of 4 MB. Half of the values are 0, as those of a network with ReLU are."""
    block = np.maximum(
        np.random.default_rng(0).normal(size=(layout.count_block_rows(2**22), layout.width)), 0
    )
    block = block.astype(np.float32)
    for first in range(0, layout.rows, len(block)):
        yield block[: layout.rows - first]


def write_array(format_name: str, folder: Path, layout: ArrayLayout) -> dict[str, float]:
    """Write an array to a folder, and measure it.

    Returns:
        The seconds, the peak of the memory above that before the writing, and the size of the array, in MB.
    """
    index, path = folder / "index.csv", folder / f"out.{format_name}"
    write_index(index, layout)
    output_format = get_format(format_name)
    path.mkdir() if output_format.is_folder else path.touch()
    if output_format.package:
        __import__(output_format.package)
    memory_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started_at = time.perf_counter()
    with open_table(path, layout, index, _METADATA, partial(iterate_rows, layout)) as table:
        output_format.write_table(path, table)
    (sync_tree if output_format.is_folder else sync_file)(path)
    seconds = time.perf_counter() - started_at
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": round(seconds, 1),
        "peak_mb": round((peak - memory_before) / 1024),
        "size_mb": round(measure_size(path) / 2**20),
    }


def measure_format(format_name: str, rows: int, width: int) -> dict[str, float]:
    """Measure one format in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["--folder", folder, "--rows", str(rows), "--features", str(width), format_name]
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.formats", *words], stdout=subprocess.PIPE, check=True
        )
    measurements: dict[str, float] = json.loads(done.stdout)
    return measurements


def main() -> None:
    """Measure the formats, print one line for each, and write JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.formats", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=1_024)
    parser.add_argument("--out", default="formats.json")
    parser.add_argument("--folder", help=argparse.SUPPRESS)  # write one format there, in this process
    parser.add_argument("formats", nargs="*")
    options = parser.parse_args()
    if options.folder:
        layout = make_layout(options.rows, options.features)
        print(json.dumps(write_array(options.formats[0], Path(options.folder), layout)))
        return
    result: dict[str, object] = {**describe_conditions(), "rows": options.rows, "features": options.features}
    for name in options.formats or sorted(list_format_names()):
        result[name] = measurements = measure_format(name, options.rows, options.features)
        print(f"{name}: {', '.join(f'{key} {value:g}' for key, value in measurements.items())}", flush=True)
        Path(options.out).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
