"""Damaged configs: each is read, or is an error of one line, in little time."""

import json
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from fuzz.damage import damage
from specfeat.config import load_config, shipped_names
from specfeat.config.yaml_tree import read_tree
from specfeat.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "configs"
MAX_SECONDS = 2.0  # CPU time to read one config
VALUES: tuple[Any, ...] = (
    *(0, -1, 1, 2, 7, 10**4, 2**31 - 1, 2**31, 2**62, 0.0, 0.5, -0.25, 1e-300, 1e300, True, False, None, ""),
    *(
        "x",
        "$i",
        "same",
        "mel",
        "relu",
        "a" * 5000,
        "\u2028",
        "../../etc/passwd",
        "file:///x",
        "http://x/y.h5",
    ),
    *([], {}, [[]], [1], [0, 0], [3, -3], [1, 2, 3], ["a", "a"], {"a": 1}, [{}], {"": None}, [None]),
)


class Campaign:
    """Reads damaged configs, and collects what goes wrong.

    Args:
        folder: the folder for the files.
        seed: the seed of the random damage.

    Attributes:
        outcomes: how many configs of each kind of damage were read or refused.
        findings: what went wrong: one line each.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self.findings: list[str] = []
        self._path = folder / "damaged.yaml"
        self._random = Random(seed)
        self._texts = [(SHIPPED / f"{name}.yaml").read_bytes() for name in shipped_names()]
        self._trees = [read_tree(SHIPPED / f"{name}.yaml").data for name in shipped_names()]
        folder.mkdir(parents=True, exist_ok=True)

    def run_one(self) -> None:
        """Damage one config, its bytes or its keys and values, and read it."""
        by_grammar = self._random.random() < 0.6
        kind = "grammar" if by_grammar else "bytes"
        if by_grammar:
            data = self._damage_values()
        else:
            data = damage(self._random, self._random.choice(self._texts), self._texts)
        self._path.write_bytes(data)
        begun = time.process_time()
        try:
            load_config(self._path)
            self.outcomes[f"{kind}: read"] += 1
        except ConfigError as e:
            self.outcomes[f"{kind}: refused"] += 1
            if "\n" in str(e) or len(str(e)) > 2000:
                self._add_finding(f"a message of {len(str(e))} characters: {str(e)[:200]!r}", data)
        except BaseException as e:
            self._add_finding(f"{type(e).__name__}: {str(e)[:200]}", data)
            if isinstance(e, KeyboardInterrupt):
                raise
        seconds = time.process_time() - begun
        if seconds > MAX_SECONDS:
            self._add_finding(f"took {seconds:.1f} s", data)

    def _add_finding(self, text: str, data: bytes) -> None:
        copy = self._path.with_name(f"found{len(self.findings)}.yaml")
        copy.write_bytes(data)
        self.findings.append(f"{copy}: {text}")

    def _damage_values(self) -> bytes:
        """Return a config with changed values, keys and lists, in JSON, which is also YAML."""
        tree = json.loads(json.dumps(self._random.choice(self._trees)))
        for _ in range(self._random.choice((1, 1, 2, 5))):
            self._change_value(tree)
        return json.dumps(tree).encode()

    def _change_value(self, tree: Any) -> None:
        random = self._random
        node, child = tree, tree
        while isinstance(child, dict | list) and child and random.random() < 0.85:
            node = child
            child = child[random.choice(self._list_keys(node))]
        if not node:
            return
        key = random.choice(self._list_keys(node))
        action = random.randrange(6)
        if action < 3:
            node[key] = json.loads(json.dumps(random.choice(VALUES)))
        elif action == 3:
            del node[key]
        elif action == 4 and isinstance(node, dict):
            node[random.choice((f"{key}s", key[:-1], "name", "inputs", "repeat", "layers"))] = node.pop(key)
        elif isinstance(node, list):
            node.insert(random.randrange(len(node) + 1), json.loads(json.dumps(node[key])))

    @staticmethod
    def _list_keys(node: Any) -> list[Any]:
        return list(node) if isinstance(node, dict) else list(range(len(node)))
