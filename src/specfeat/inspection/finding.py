"""What an inspection has found about one thing, and what to do about it."""

from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one thing.

    Attributes:
        name: what was examined, e.g. "numpy" or "memory".
        status: "ok"; "note" if something is missing or unusual, but specfeat works; "problem" if specfeat, or
            a part of it, does not work.
        text: what was found: a version, a number, or what is wrong.
        cure: what to do, "" if nothing needs to be done.
    """

    name: str
    status: Literal["ok", "note", "problem"]
    text: str
    cure: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the finding as a JSON object."""
        return asdict(self)
