"""The record of a run: what it was made from, with what, and how each file fared."""

import json
from typing import Any

FORMAT = 1  # of the record; a reader may rely on what a number has


def record_text(record: dict[str, Any]) -> bytes:
    """Return the record as JSON, keys in the order given; odd bytes of names are escaped."""
    text = json.dumps({"format": FORMAT, **record}, indent=1, ensure_ascii=True)
    return text.encode("ascii") + b"\n"
