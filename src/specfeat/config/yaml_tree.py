"""YAML text to plain data that remembers where each value stood.

Read with ruamel.yaml as YAML 1.2, so `1e-3` is a number, `010` is ten and `no` is text. Only the
core types exist: a tag that would build an object is refused, a key given twice is refused, and
the expansion of anchors is bounded, so a small file cannot become a large one.
"""

import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from specfeat.errors import ConfigError, escape_control_characters
from specfeat.files import describe_os_error
from specfeat.key_path import KeyPath, format_key_path
from specfeat.library_messages import explain_yaml_error
from specfeat.text import shorten_text

MAX_BYTES = 100_000  # the largest shipped config has a twelfth of it
MAX_VALUES = 100_000  # after anchors are expanded
MAX_DEPTH = 40  # a block in a block of layers has 10
MAX_DIGITS = 300  # of a number: every float64 can be written with fewer
MAX_SAID = 1500  # characters of an error
MAX_SET = 400  # characters of a `--set` in it

_SECTIONS = "the sections audio, spectrogram, clips, model"


@dataclass
class ConfigTree:
    """Plain data and the place of every key and value.

    Attributes:
        name: the file's name as people know it, the first part of a message.
        data: the mapping at the top, of dict, list, str, int, float, bool and None.
        places: for each path, the (line, column) of its value, counted from 1.
        keys: for each path into a mapping, the (line, column) of its key.
        overrides: for each path that `--set` gave, its words on the command line.
    """

    name: str
    data: dict[str, Any] = field(default_factory=dict)
    places: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)
    keys: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)
    overrides: dict[KeyPath, str] = field(default_factory=dict)

    def where(self, path: KeyPath, *, at_key: bool = False) -> str:
        """Say where `path`, or the nearest thing around it, was written: `FILE:LINE:COL`."""
        for length in range(len(path), -1, -1):
            part = path[:length]
            if part in self.overrides:
                return format_override(self.overrides[part])
            place = self.keys.get(part) if at_key else None
            place = place or self.places.get(part)
            if place:
                return f"{self.name}:{place[0]}:{place[1]}"
        return self.name

    def error(self, path: KeyPath, text: str, *, at_key: bool = False) -> ConfigError:
        """Make the one-line error for the value (or key) at `path`."""
        said = f"{format_key_path(path)}: {text}" if path else text
        # A name or a key may be as long as the file.
        return ConfigError(
            escape_control_characters(f"{self.where(path, at_key=at_key)}: {shorten_text(said, MAX_SAID)}")
        )

    def replace(self, path: KeyPath, override: str) -> None:
        """What `--set` gives at `path` stands on the command line, whatever stood there in the file."""
        for places in (self.places, self.keys, self.overrides):
            for old in [known for known in places if known[: len(path)] == path]:
                del places[old]
        self.overrides[path] = override


def read_tree(path: Path, name: str | None = None) -> ConfigTree:
    """Read the YAML file at `path`.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or is not a mapping at the top.
    """
    name = name or str(path)
    try:
        if not path.is_file():
            raise ConfigError(f"{name}: is not a regular file; wanted a YAML file")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except OSError as e:
        raise ConfigError(f"{name}: cannot be read: {describe_os_error(e)}") from e
    except UnicodeDecodeError as e:
        raise ConfigError(f"{name}: is not UTF-8 text (byte {e.start}); save it as UTF-8") from e
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{name}: is larger than {MAX_BYTES:,} bytes; a config is a page of text")
    return parse_tree(text, name)


def parse_tree(text: str, name: str) -> ConfigTree:
    """Parse YAML `text`; see `read_tree`."""
    tree = ConfigTree(name)
    node = _compose(text, name)
    if node is None:
        raise ConfigError(f"{name}:1:1: is empty; wanted {_SECTIONS}")
    data = _Builder(tree).build(node)
    if not isinstance(data, dict):
        what = "a list" if isinstance(data, list) else "one value"
        raise tree.error((), f"holds {what}; wanted {_SECTIONS}")
    tree.data = data
    return tree


def format_override(override: str) -> str:
    """Write a `--set` as the command line has it, one that is as long as a config cut in its middle."""
    return f"--set {shorten_text(override, MAX_SET)}"


def make_rule_error(path: KeyPath, text: str, *, at_key: bool = False) -> PydanticCustomError:
    """Make an error that knows its place; `path` is from the section that raises it."""
    return PydanticCustomError("specfeat", "{text}", {"text": text, "path": path, "at_key": at_key})


def parse_override_value(text: str, override: str) -> object:
    """Parse one YAML value, as given to `--set`."""
    tree = ConfigTree(format_override(override), overrides={(): override})
    node = _compose(text, format_override(override), places=False)
    return None if node is None else _Builder(tree).build(node)


def _compose(text: str, name: str, *, places: bool = True) -> Node | None:
    """Compose the node graph; anchors stay shared, so nothing has grown yet."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an anchor may be used again
            node: Node | None = YAML(typ="safe", pure=True).compose(text)
    except RecursionError as e:
        raise ConfigError(f"{name}: is nested too deeply") from e
    except MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark and places else ""
        raise ConfigError(
            escape_control_characters(f"{name}{place}: is not YAML: {shorten_text(_explain(e), MAX_SAID)}")
        ) from e
    except (YAMLError, ValueError, AssertionError) as e:  # the last two for odd directives
        raise ConfigError(
            escape_control_characters(
                f"{name}: is not YAML: {shorten_text(' '.join(str(e).split()), MAX_SAID)}"
            )
        ) from e
    return node


def _explain(error: MarkedYAMLError) -> str:
    mark = error.context_mark or error.problem_mark
    return explain_yaml_error(error.problem, error.context, mark.line + 1 if mark else None)


class _Builder:
    """Walks the node graph once, in the order of the text."""

    def __init__(self, tree: ConfigTree) -> None:
        self.tree = tree
        self.values = 0

    def build(self, node: Node) -> object:
        return self._build(node, ())

    def _build(self, node: Node, path: KeyPath) -> object:
        self.tree.places.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
        self.values += 1
        if self.values > MAX_VALUES:
            raise self.tree.error(path, f"its anchors expand to over {MAX_VALUES:,} values; write less")
        if len(path) > MAX_DEPTH:
            raise self.tree.error(path[:4], "is nested too deeply, or an anchor holds itself")
        if isinstance(node, MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._mapping(node, path)
        if isinstance(node, SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self._build(item, (*path, i)) for i, item in enumerate(node.value)]
        if isinstance(node, ScalarNode) and node.tag in _SCALAR_TAGS:
            return self._scalar(node, path)
        raise self.tree.error(path, f"the tag {str(node.tag)!r} is not allowed; write plain values")

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, object]:
        data: dict[str, object] = {}
        for key_node, value_node in node.value:
            place = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            key = key_node.value if isinstance(key_node, ScalarNode) else "?"
            self.tree.keys[*path, key] = place
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise self.tree.error(
                    (*path, key),
                    "merging is not YAML 1.2; repeat the whole value with *name, or write it out",
                    at_key=True,
                )
            if key_node.tag != "tag:yaml.org,2002:str" or _is_broken(key):
                listed = "; a list stands in square brackets" if len(path) > 3 and key.isdecimal() else ""
                raise self.tree.error((*path, key), f"a key must be a name{listed}", at_key=True)
            if key in data:
                raise self.tree.error((*path, key), "is given twice; keep one", at_key=True)
            if value_node.tag == "tag:yaml.org,2002:null" and not value_node.value:
                self.tree.places[*path, key] = place  # nothing stands there: its key does
            data[key] = self._build(value_node, (*path, key))
        return data

    def _scalar(self, node: ScalarNode, path: KeyPath) -> object:
        """Read a scalar by the core schema of YAML 1.2, whatever a directive in the file says."""
        text = str(node.value)
        if _is_broken(text):
            raise self.tree.error(path, "has half a character (a lone surrogate); write the whole")
        if node.tag == "tag:yaml.org,2002:str":  # quoted, a block of text, or nothing else
            return text
        if text in ("", "~", "null", "Null", "NULL"):
            return None
        if text.lower() in ("true", "false") and text in ("true", "True", "TRUE", "false", "False", "FALSE"):
            return text.lower() == "true"
        if len(text) <= MAX_DIGITS:
            for pattern, convert in _NUMBERS:
                if pattern.fullmatch(text):
                    return self._bounded(convert(text), path)
        return text

    def _bounded(self, number: float, path: KeyPath) -> float:
        if isinstance(number, int) and abs(number) >= 2**63:
            raise self.tree.error(path, "is too large a number")
        return number


def _is_broken(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


_SCALAR_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "value")
)
# YAML 1.2.2, chapter 10.3.2.
_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], int | float]], ...] = (
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)"), lambda text: float(text.replace(".", ""))),
    (re.compile(r"\.(nan|NaN|NAN)"), lambda _: math.nan),
)
