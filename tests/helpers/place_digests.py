"""Builds networks in this process, and prints whether their rows depend on the place in the batch.

    python -m helpers.place_digests THREADS NETWORKS.json

NETWORKS.json is a list of [label, config, [override, ...]]. The output is a JSON object. For each label it has:
`batch`, the size of the batch; `places`, the number of places that are used; `differing`, the places at which a
clip gets other bits than at the first place, in a batch of equal clips or of different clips; and `digest`, the
SHA-256 of the rows of the test clips.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from specfeat.config import load_config
from specfeat.network.build import Network, build_network

TEST_CLIPS = 4


def describe_places(network: Network) -> dict[str, Any]:
    """Compare the rows of a few clips at all places that the network uses."""
    generator = np.random.default_rng(7)
    differing: set[int] = set()
    digest = hashlib.sha256()
    for k in range(TEST_CLIPS):
        clip = generator.standard_normal(network.input_shape, np.float32) * (1 + 3 * k)
        repeated = np.broadcast_to(clip, (network.batch, *network.input_shape)).copy()
        rows = network.compute_rows(repeated)
        mixed = generator.standard_normal(repeated.shape, np.float32)
        mixed[k % 2 :: 2] = clip
        mixed_rows = network.compute_rows(mixed)
        for place in range(network.places):
            if rows[place].tobytes() != rows[0].tobytes():
                differing.add(place)
            if place % 2 == k % 2 and mixed_rows[place].tobytes() != rows[0].tobytes():
                differing.add(place)
        digest.update(rows[0].tobytes())
    return {
        "batch": network.batch,
        "places": network.places,
        "differing": sorted(differing),
        "digest": digest.hexdigest(),
    }


def main() -> None:
    """Build and compare all networks of the command line, and print JSON."""
    threads, networks = int(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    results = {}
    for label, config, overrides in networks:
        network = build_network(load_config(config, overrides), "cpu", threads)
        results[label] = describe_places(network)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
