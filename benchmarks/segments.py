"""Compares a run over the segments of a table with a run over the whole files, at the same number of rows.

    python -m benchmarks.segments FOLDER [FILES [CONFIG]]

It writes FILES files (the default is 1,000), and a table with 100 segments of each, into FOLDER. Each segment
has the length of a clip and begins a hop after the one before, so both runs have the same clips.
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import soundfile

from specfeat.config import load_config

SEGMENTS = 100  # of each file


def write_corpus(folder: Path, files: int, config: str) -> None:
    """Write the files, which share one content, and the table `segments.csv`."""
    settings = load_config(config).settings
    grid, rate = settings.clip_grid, settings.audio.sample_rate
    samples = grid.clip_samples + (SEGMENTS - 1) * grid.hop_samples
    (folder / "sounds").mkdir(parents=True)
    soundfile.write(folder / "sound.wav", np.random.default_rng(0).normal(size=samples) / 10, rate)
    lines = ["path,start,end\n"]
    for number in range(files):
        os.link(folder / "sound.wav", folder / "sounds" / f"{number:05}.wav")
        starts = [k * grid.hop_samples for k in range(SEGMENTS)]
        lines += [f"{number:05}.wav,{s / rate!r},{(s + grid.clip_samples) / rate!r}\n" for s in starts]
    (folder / "segments.csv").write_text("".join(lines))


def run_extract(folder: Path, config: str, *options: str) -> None:
    """Run `specfeat extract`, and print its times and the largest memory of a process so far."""
    command = [
        sys.executable,
        "-m",
        "specfeat",
        "extract",
        "sounds",
        "out.npy",
        "-c",
        config,
        "--force",
        *options,
    ]
    before, began_at = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    wall_s = time.perf_counter() - began_at
    print(f"{options or 'whole files'}: {wall_s:.1f} s, {cpu_s:.1f} s of CPU, {after.ru_maxrss >> 10} MB")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    file_count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    config_name = sys.argv[3] if len(sys.argv) > 3 else "yamnet"
    write_corpus(target, file_count, config_name)
    run_extract(target, config_name)
    run_extract(target, config_name, "--segments", "segments.csv")
