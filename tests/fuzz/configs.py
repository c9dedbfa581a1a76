"""Damaged configs: each is read, or refused in one line, in little time."""

import json
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from fuzz.damage import damaged
from specfeat.config import load_config, shipped_names
from specfeat.config.yaml_tree import read_tree
from specfeat.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "configs"
SECONDS = 2.0  # of processor time that reading one may take
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
    """Reads damaged configs; what should not be is in `findings`.

    Args:
        folder: where the files are made.
        seed: of the chance.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self.findings: list[str] = []
        self._path = folder / "damaged.yaml"
        self._chance = Random(seed)
        self._texts = [(SHIPPED / f"{name}.yaml").read_bytes() for name in shipped_names()]
        self._trees = [read_tree(SHIPPED / f"{name}.yaml").data for name in shipped_names()]
        folder.mkdir(parents=True, exist_ok=True)

    def one(self) -> None:
        """Damage one config, as bytes or as what it says, and read it."""
        by_grammar = self._chance.random() < 0.6
        kind = "grammar" if by_grammar else "bytes"
        if by_grammar:
            data = self._misspoken()
        else:
            data = damaged(self._chance, self._chance.choice(self._texts), self._texts)
        self._path.write_bytes(data)
        begun = time.process_time()
        try:
            load_config(self._path)
            self.outcomes[f"{kind}: read"] += 1
        except ConfigError as e:
            self.outcomes[f"{kind}: refused"] += 1
            if "\n" in str(e) or len(str(e)) > 2000:
                self._find(f"a message of {len(str(e))} characters: {str(e)[:200]!r}", data)
        except BaseException as e:
            self._find(f"{type(e).__name__}: {str(e)[:200]}", data)
            if isinstance(e, KeyboardInterrupt):
                raise
        took = time.process_time() - begun
        if took > SECONDS:
            self._find(f"took {took:.1f} s", data)

    def _find(self, what: str, data: bytes) -> None:
        kept = self._path.with_name(f"found{len(self.findings)}.yaml")
        kept.write_bytes(data)
        self.findings.append(f"{kept}: {what}")

    def _misspoken(self) -> bytes:
        """A config whose values, keys and lists are changed; JSON, which is YAML."""
        tree = json.loads(json.dumps(self._chance.choice(self._trees)))
        for _ in range(self._chance.choice((1, 1, 2, 5))):
            self._change(tree)
        return json.dumps(tree).encode()

    def _change(self, tree: Any) -> None:
        chance = self._chance
        at, inner = tree, tree
        while isinstance(inner, dict | list) and inner and chance.random() < 0.85:
            at = inner
            inner = inner[chance.choice(self._keys(at))]
        if not at:
            return
        key = chance.choice(self._keys(at))
        how = chance.randrange(6)
        if how < 3:
            at[key] = json.loads(json.dumps(chance.choice(VALUES)))
        elif how == 3:
            del at[key]
        elif how == 4 and isinstance(at, dict):
            at[chance.choice((f"{key}s", key[:-1], "name", "inputs", "repeat", "layers"))] = at.pop(key)
        elif isinstance(at, list):
            at.insert(chance.randrange(len(at) + 1), json.loads(json.dumps(at[key])))

    @staticmethod
    def _keys(at: Any) -> list[Any]:
        return list(at) if isinstance(at, dict) else list(range(len(at)))
