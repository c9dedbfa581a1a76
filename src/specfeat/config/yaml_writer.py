"""Formats plain values as YAML text, in the style of the shipped configs."""

import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq


def format_yaml(data: dict[str, Any], comment: str) -> str:
    """Return a config as YAML text, with each section on several lines, and each layer on one line.

    Args:
        data: the config, which consists of dict, list, str, int, float, bool and None.
        comment: the comment in the first line, without `#`.
    """
    yaml = YAML()
    yaml.width = 110
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = io.StringIO()
    yaml.dump(_set_styles(data, depth=0), text)
    return f"# {comment}\n{text.getvalue()}"


def quote_yaml(text: str) -> str:
    """Return a text in quotes, so that YAML reads it as text and never as a number or another value."""
    return "'" + text.replace("'", "''") + "'"


def _set_styles(value: Any, depth: int) -> Any:
    """Return the values with the style of each mapping and list for ruamel.yaml.

    The first two levels have one line for each item (block style), deeper levels one line in all (flow
    style).
    """
    if isinstance(value, dict):
        mapping = CommentedMap((key, _set_styles(inner, depth + 1)) for key, inner in value.items())
        if depth >= 2:
            mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, list | tuple):
        sequence = CommentedSeq(_set_styles(inner, depth + 1) for inner in value)
        holds_mappings = any(isinstance(inner, dict) for inner in value)
        if depth >= 3 or not holds_mappings:
            sequence.fa.set_flow_style()
        return sequence
    return value
