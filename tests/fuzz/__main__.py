"""Runs many damaged files and configs, prints the results, and exits with 1 if something went wrong."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from fuzz import audio, configs

BATCH_FILES = 200


def main() -> int:
    """Run the campaigns that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--audio", type=int, default=0, metavar="N", help="the number of damaged audio files")
    parser.add_argument("--configs", type=int, default=0, metavar="N", help="the number of damaged configs")
    parser.add_argument("--containers", default="", help="damage only containers whose name has this in it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="the folder for the files; a new one by default")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="fuzz"))
    findings: list[str] = []
    begun = time.monotonic()
    if options.audio:
        sounds = audio.Campaign(folder / "audio", options.seed, options.containers)
        for number in range(-(-options.audio // BATCH_FILES)):
            sounds.run_batch(number, min(BATCH_FILES, options.audio - number * BATCH_FILES))
        print("containers:", dict(sorted(sounds.by_container.items())))
        print("audio:", dict(sounds.outcomes.most_common()), f"largest worker {sounds.peak_mb:.0f} MB")
        findings += sounds.findings
    if options.configs:
        texts = configs.Campaign(folder / "configs", options.seed)
        for _ in range(options.configs):
            texts.run_one()
        print("configs:", dict(texts.outcomes.most_common()))
        findings += texts.findings
    print(f"{time.monotonic() - begun:.0f} s, {len(findings)} findings", *findings, sep="\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
