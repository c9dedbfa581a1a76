"""The long form of the campaign, by hand: what came of it is printed, what should not be makes it exit with 1."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from fuzz import audio, configs

BATCH = 200


def main() -> int:
    """Damage, read, report."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--audio", type=int, default=0, metavar="N", help="damaged audio files")
    parser.add_argument("--configs", type=int, default=0, metavar="N", help="damaged configs")
    parser.add_argument("--containers", default="", help="damage only containers with this in the name")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where findings stay; a new folder by default")
    wanted = parser.parse_args()
    folder = wanted.folder or Path(tempfile.mkdtemp(prefix="fuzz"))
    findings: list[str] = []
    begun = time.monotonic()
    if wanted.audio:
        sounds = audio.Campaign(folder / "audio", wanted.seed, wanted.containers)
        for number in range(-(-wanted.audio // BATCH)):
            sounds.batch(number, min(BATCH, wanted.audio - number * BATCH))
        print("containers:", dict(sorted(sounds.by_container.items())))
        print("audio:", dict(sounds.outcomes.most_common()), f"largest worker {sounds.peak_mb:.0f} MB")
        findings += sounds.findings
    if wanted.configs:
        texts = configs.Campaign(folder / "configs", wanted.seed)
        for _ in range(wanted.configs):
            texts.one()
        print("configs:", dict(texts.outcomes.most_common()))
        findings += texts.findings
    print(f"{time.monotonic() - begun:.0f} s, {len(findings)} findings", *findings, sep="\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
