"""Reads YAML text, and returns its values together with the places where they are written.

ruamel.yaml parses the text as YAML 1.2 into nodes, and `_TreeBuilder` makes the values from the nodes. A
hostile file can do no harm: tags that would create an object are refused, keys that are given twice are
refused, and the number of values after the expansion of anchors is limited, because a small file with anchors
could otherwise fill the memory.
"""

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from specfeat.config.config_tree import MAX_MESSAGE_LENGTH, ConfigTree, Position
from specfeat.config.settings import Settings
from specfeat.config.yaml_scalars import SCALAR_TAGS, has_lone_surrogate, read_plain_scalar
from specfeat.errors import ConfigError, escape_control_characters
from specfeat.files import describe_os_error
from specfeat.key_path import KeyPath
from specfeat.library_messages import explain_yaml_error
from specfeat.text import shorten_text

MAX_BYTES = 100_000  # size of a config; the largest shipped config has a twelfth of it
MAX_VALUES = 100_000  # values of a config after anchors are expanded
MAX_DEPTH = 40  # depth of nesting; a layer in a block of a block has the depth 10

_WANTED_SECTIONS = f"wanted the sections {', '.join(Settings.model_fields)}"


def read_tree(path: Path, override_prefix: str = "override ") -> ConfigTree:
    """Read a YAML file.

    Args:
        path: the path of the file, which is the first part of messages.
        override_prefix: what messages put before an override.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or is not a mapping at the top.
    """
    try:
        if not path.is_file():
            raise ConfigError(f"{path}: is not a regular file; wanted a YAML file")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)  # not more, because the file may be very large
        text = raw.decode("utf-8-sig")
    except OSError as e:
        raise ConfigError(f"{path}: cannot be read: {describe_os_error(e)}") from e
    except UnicodeDecodeError as e:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {e.start}); save it as UTF-8") from e
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path}: is larger than {MAX_BYTES:,} bytes; a config is a page of text")
    return parse_tree(text, ConfigTree(str(path), override_prefix))


def parse_tree(text: str, tree: ConfigTree) -> ConfigTree:
    """Fill an empty tree with the values of a YAML text, and return it.

    Raises:
        ConfigError: the text is not YAML, or is not a mapping at the top.
    """
    node = _parse_nodes(text, tree.name)
    if node is None:
        raise ConfigError(f"{tree.name}:1:1: is empty; {_WANTED_SECTIONS}")
    data = _TreeBuilder(tree).build_value(node, ())
    if not isinstance(data, dict):
        kind = "a list" if isinstance(data, list) else "one value"
        raise tree.make_error((), f"holds {kind}; {_WANTED_SECTIONS}")
    tree.data = data
    return tree


def parse_override_value(text: str, override: str, override_prefix: str = "override ") -> object:
    """Return the value of the YAML text in an override.

    Args:
        text: the value, as YAML.
        override: the whole override, as messages repeat it.
        override_prefix: what messages put before the override.

    Raises:
        ConfigError: the text is not YAML.
    """
    tree = ConfigTree("", override_prefix, overrides={(): override})
    tree.name = tree.format_override(override)  # messages begin with the override instead of a file name
    node = _parse_nodes(text, tree.name, with_position=False)
    return None if node is None else _TreeBuilder(tree).build_value(node, ())


def _parse_nodes(text: str, name: str, *, with_position: bool = True) -> Node | None:
    """Parse a YAML text into ruamel.yaml's nodes.

    All aliases of an anchor share one node, so anchors are not expanded in this step.

    Args:
        text: the YAML text.
        name: the first part of messages.
        with_position: whether messages have the line and column of a mistake.

    Returns:
        The node of the whole text; None if it is empty.

    Raises:
        ConfigError: the text is not YAML.
    """
    yaml = YAML(typ="safe", pure=True)
    # YAML 1.2 allows several anchors with one name. An alias means the last of them.
    yaml.composer.warn_double_anchors = False
    try:
        node: Node | None = yaml.compose(text)
    except RecursionError as e:
        raise ConfigError(escape_control_characters(f"{name}: is nested too deeply")) from e
    except MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark and with_position else name
        raise _make_syntax_error(place, _explain_yaml_error(e)) from e
    except (YAMLError, ValueError, AssertionError) as e:  # the last two come from malformed directives
        raise _make_syntax_error(name, " ".join(str(e).split())) from e
    return node


def _make_syntax_error(place: str, explanation: str) -> ConfigError:
    shortened = shorten_text(explanation, MAX_MESSAGE_LENGTH)
    return ConfigError(escape_control_characters(f"{place}: is not YAML: {shortened}"))


def _explain_yaml_error(error: MarkedYAMLError) -> str:
    mark = error.context_mark or error.problem_mark
    return explain_yaml_error(error.problem, error.context, mark.line + 1 if mark else None)


class _TreeBuilder:
    """Makes plain values from ruamel.yaml's nodes, in the order of the text.

    Args:
        tree: the tree that gets the positions of the values, and that makes the errors.
    """

    def __init__(self, tree: ConfigTree) -> None:
        self._tree = tree
        self._values = 0

    def build_value(self, node: Node, path: KeyPath) -> object:
        """Return the value of a node, with everything that is inside it.

        Args:
            node: the node to convert.
            path: the path of the value in the config.
        """
        # `_build_mapping` has already set the position if a key has no value.
        self._tree.value_positions.setdefault(path, _get_position(node))
        # The node of an anchor is built again for each alias, so this counts the expanded values.
        self._values += 1
        if self._values > MAX_VALUES:
            raise self._tree.make_error(
                path, f"its anchors expand to over {MAX_VALUES:,} values; use fewer of them"
            )
        if len(path) > MAX_DEPTH:
            raise self._tree.make_error(path[:4], "is nested too deeply, or an anchor contains itself")
        if isinstance(node, MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._build_mapping(node, path)
        if isinstance(node, SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self.build_value(item, (*path, i)) for i, item in enumerate(node.value)]
        if isinstance(node, ScalarNode) and node.tag in SCALAR_TAGS:
            return self._build_scalar(node, path)
        raise self._tree.make_error(path, f"the tag {str(node.tag)!r} is not allowed; write plain values")

    def _build_mapping(self, node: MappingNode, path: KeyPath) -> dict[str, object]:
        data: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, ScalarNode) else "?"
            key_path = (*path, key)
            self._tree.key_positions[key_path] = _get_position(key_node)
            self._check_key(key_node, key, path)
            if key in data:
                raise self._tree.make_error(key_path, "is given twice; keep one", at_key=True)
            if value_node.tag == "tag:yaml.org,2002:null" and not value_node.value:
                # ruamel.yaml gives a missing value the position of the next token, which is often lines
                # below.
                self._tree.value_positions[key_path] = _get_position(key_node)
            data[key] = self.build_value(value_node, key_path)
        return data

    def _check_key(self, key_node: Node, key: str, path: KeyPath) -> None:
        """Refuse keys that YAML allows, but that cannot be keys of a config."""
        if key_node.tag == "tag:yaml.org,2002:merge":
            raise self._tree.make_error(
                (*path, key),
                "merging is not YAML 1.2; repeat the whole value with *name, or write it out",
                at_key=True,
            )
        if key_node.tag != "tag:yaml.org,2002:str" or has_lone_surrogate(key):
            # The user may have written {1, 2} instead of [1, 2]. Paths of more than three keys are arguments
            # of layers, which can be lists of numbers.
            hint = "; a list is written in square brackets" if len(path) > 3 and key.isdecimal() else ""
            raise self._tree.make_error((*path, key), f"a key must be a name{hint}", at_key=True)

    def _build_scalar(self, node: ScalarNode, path: KeyPath) -> object:
        text = str(node.value)
        if has_lone_surrogate(text):
            raise self._tree.make_error(
                path, "contains half a character (a lone surrogate); write the whole character"
            )
        if node.tag == "tag:yaml.org,2002:str":  # text in quotes, a block of text, or a plain text
            return text
        value = read_plain_scalar(text)
        # NumPy and TensorFlow get these numbers as sizes, and their integers have 64 bits.
        if isinstance(value, int) and abs(value) >= 2**63:
            raise self._tree.make_error(path, "is too large a number")
        return value


def _get_position(node: Node) -> Position:
    return (node.start_mark.line + 1, node.start_mark.column + 1)
