"""Builds networks, and prints whether their rows depend on the place in the batch.

    python -m helpers.place_digests NETWORKS.json RUN...

NETWORKS.json is a list of [label, config, [override, ...]]. A RUN is a number of threads and settings of the
environment, e.g. `2,ONEDNN_MAX_CPU_ISA=SSE41`. Each run is a child of this process, which has loaded TensorFlow. For
each run, the output has a line with a JSON object. For each label it has:
`batch`, the size of the batch; `places`, the number of places that are used; `differing`, the places at which a
clip gets other bits than at the first place, in a batch of equal clips or of different clips; and `digest`, the
SHA-256 of the rows of the test clips.
"""

import hashlib
import json
import os
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


def run_in_child(networks: list[Any], run: str) -> bool:
    """Build and compare all networks in a child process, which prints JSON; return whether it succeeded."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    try:
        threads, *variables = run.split(",")
        for variable in variables:
            name, _, value = variable.partition("=")
            os.environ[name] = value
        results = {}
        for label, config, overrides in networks:
            network = build_network(load_config(config, overrides), "cpu", int(threads))
            results[label] = describe_places(network)
        print(json.dumps(results), flush=True)
        os._exit(0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)


if __name__ == "__main__":
    all_networks = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.exit(not all(run_in_child(all_networks, run) for run in sys.argv[2:]))
