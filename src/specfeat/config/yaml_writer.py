"""Writes plain values as YAML text, in the style of the shipped configs."""

import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq


def format_yaml(data: dict[str, Any], comment: str) -> str:
    """Return a config as YAML text: sections on lines of their own, each layer on one line.

    Args:
        data: the config, of dict, list, str, int, float, bool and None.
        comment: the first line, without `#`.
    """
    yaml = YAML()
    yaml.width = 110
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = io.StringIO()
    yaml.dump(_arrange(data, depth=0), text)
    return f"# {comment}\n{text.getvalue()}"


def quote_yaml(text: str) -> str:
    """Return a text as YAML in quotes, so that it is read as text whatever it contains."""
    return "'" + text.replace("'", "''") + "'"


def _arrange(value: Any, depth: int) -> Any:
    """Return the same values with their style: blocks for the first two levels, one line below them."""
    if isinstance(value, dict):
        mapping = CommentedMap((key, _arrange(inner, depth + 1)) for key, inner in value.items())
        if depth >= 2:
            mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, list | tuple):
        sequence = CommentedSeq(_arrange(inner, depth + 1) for inner in value)
        holds_mappings = any(isinstance(inner, dict) for inner in value)
        if depth >= 3 or not holds_mappings:
            sequence.fa.set_flow_style()
        return sequence
    return value
