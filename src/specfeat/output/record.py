"""The record of a run: what it was made from, with what, and how each file fared."""

import json
from typing import Any

from specfeat.output.place import Partial, writing

FORMAT = 1  # of the record; a reader may rely on what a number has


def write_record(partial: Partial, record: dict[str, Any]) -> None:
    """Write the record as JSON, keys in the order given; odd bytes of names are escaped."""
    text = json.dumps({"format": FORMAT, **record}, indent=1, ensure_ascii=True)
    with writing(partial.path):
        partial.file.write(text.encode("ascii") + b"\n")
