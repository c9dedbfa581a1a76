"""Write the table of layers in docs/config.md from the records of the layer kinds.

    python tests/helpers/layer_table.py

A test fails if the table in the document is not the table from the records.
"""

from pathlib import Path

from specfeat.architecture.kinds import LAYER_KINDS
from specfeat.architecture.kinds.base import LayerKind

DOCUMENT = Path(__file__).parents[2] / "docs" / "config.md"
BEGIN = "<!-- layers: written by tests/helpers/layer_table.py -->\n"
END = "<!-- end of layers -->\n"


def format_layer_table() -> str:
    """Return a Markdown table of all layer kinds. Kinds of one family with the same arguments are on one line."""
    lines: dict[tuple[str, ...], list[str]] = {}
    for kind in LAYER_KINDS.values():
        lines.setdefault(_format_arguments(kind), []).append(f"`{kind.name}`")
    rows = [
        f"| {family} | {', '.join(names)} | {' | '.join(cells)} |"
        for (family, *cells), names in lines.items()
    ]
    head = ["| family | layers | required arguments | optional arguments |", "|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"


def _format_arguments(kind: LayerKind) -> tuple[str, ...]:
    cells = (", ".join(f"`{name}`" for name in names) for names in (kind.required, kind.optional))
    return (kind.family.value, *cells)


def insert_table(text: str) -> str:
    """Return a document with the table between the two comments that mark its place."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        raise ValueError(f"{DOCUMENT} has no place for the table: {BEGIN.strip()} ... {END.strip()}")
    return f"{before}{BEGIN}\n{format_layer_table()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(insert_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
