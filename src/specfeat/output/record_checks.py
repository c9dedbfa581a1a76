"""What a record or a journal must be before anything is done that relies on it.

Both come from the disk, where others write as well. Only what is used later is looked at.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, InstanceOf, ValidationError

Text = InstanceOf[str]  # a str of Pydantic's may not have the odd bytes of a name
Count = Annotated[int, Field(ge=0, lt=2**53)]


class _Known(BaseModel):
    model_config = ConfigDict(defer_build=True)  # a run needs one or two of them


class _File(_Known):
    path: Text
    size: Count | None
    mtime_ns: int | None
    status: Literal["ok", "partial", "empty", "short", "failed"]
    rows: Count
    samples: Count
    seconds: FiniteFloat
    silent: Literal[True] = True


class _Model(_Known):
    weights: dict[Any, Any]


class _Resolved(_Known):
    model: _Model


class _Config(_Known):
    resolved: _Resolved


class _Versions(_Known):
    python: Text


class _Header(_Known):
    config: _Config
    weights: dict[Any, Any]
    device: Text
    versions: _Versions
    processor: Text
    environment: dict[Any, Any]
    keep_partial: bool
    features: Annotated[int, Field(ge=1, lt=2**31)]


class _Part(_Known):
    bytes: Count
    sha256: Text


class _Decision(_Known):
    format: Literal[1]
    output: Text
    array: _Part
    index: _Part


class _Record(_Header, _Decision):
    rows: Count
    seconds: FiniteFloat
    passed_over: list[Text]
    files: list[_File]


class _Journal(_Header):
    files: list[_File]


def find_record_fault(record: Any) -> str:
    """Say what of a record is not as it is written; nothing if all is."""
    return _fault(_Record, record) or _rows_fault(record["files"], record["rows"])


def find_journal_fault(header: dict[str, Any], entries: list[dict[str, Any]]) -> str:
    """Say what of a journal is not as it is written; nothing if all is."""
    return _fault(_Journal, {**header, "files": entries})


def find_decision_fault(record: Any) -> str:
    """Say what of a decision, a record that is not in its place yet, is not as it is written."""
    return _fault(_Decision, record)


def _fault(model: type[BaseModel], known: Any) -> str:
    try:
        model.model_validate(known, strict=True)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False, include_context=False)[0]
        return ".".join(str(part) for part in first["loc"]) or "no object"
    return ""


def _rows_fault(entries: list[dict[str, Any]], rows: int) -> str:
    return "" if sum(entry["rows"] for entry in entries) == rows else "rows"
