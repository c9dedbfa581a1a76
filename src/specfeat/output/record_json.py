"""Writes records as JSON text, with one line for each sound, and checks them when they are read.

Other programs can change the files of an output. So everything that is read is checked against the types in
`records` before it is used.
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from specfeat.output.digests import OutputDigests
from specfeat.output.field_types import JsonObject
from specfeat.output.records import JournalHeader, Provenance, RunRecord, SoundEntry

_T = TypeVar("_T")


class RecordFaultError(ValueError):
    """A journal or record has an invalid value; the text is the path of its key, e.g. `files.3.rows`."""


def format_record(record: RunRecord) -> Iterator[bytes]:
    """Yield the record as JSON in ASCII, in pieces; bytes of names that are not UTF-8 become escapes.

    Each item of a list has its own line. Only one item at a time is converted to text, because a record can
    have a million sounds.
    """
    separator = b"{\n"
    for key, value in record.to_json().items():
        yield separator + f" {json.dumps(key)}: ".encode("ascii")
        if isinstance(value, tuple) and value:
            for k, item in enumerate(value):
                json_item = item.to_json() if isinstance(item, SoundEntry) else item
                yield (b",\n  " if k else b"[\n  ") + json.dumps(json_item).encode("ascii")
            yield b"\n ]"
        else:
            yield json.dumps(value, indent=1).replace("\n", "\n ").encode("ascii")
        separator = b",\n"
    yield b"\n}\n"


def parse_record(text: bytes) -> RunRecord:
    """Read the record of an output.

    Raises:
        RecordFaultError: it is not as specfeat writes it.
    """
    data = _load_object(text)
    record = _check_type(RunRecord, {**data, "provenance": data})
    _check_provenance(record.provenance)
    rows = data.get("rows")
    if type(rows) is not int or rows != record.rows:
        raise RecordFaultError("rows")
    return record


def parse_digests(text: bytes) -> OutputDigests:
    """Read from a record which array and index it belongs to, and nothing else.

    Raises:
        RecordFaultError: that is not as specfeat writes it.
    """
    return _check_type(OutputDigests, _load_object(text))


def parse_journal_header(data: JsonObject) -> JournalHeader:
    """Check the first line of a journal.

    Raises:
        RecordFaultError: it is not as specfeat writes it.
    """
    header = _check_type(JournalHeader, {**data, "provenance": data})
    _check_provenance(header.provenance)
    return header


def parse_entries(data: Sequence[JsonObject]) -> tuple[SoundEntry, ...]:
    """Check the other lines of a journal.

    Raises:
        RecordFaultError: one is not as specfeat writes it; the key begins with the number of the line.
    """
    return _check_type(tuple[SoundEntry, ...], data)


def _load_object(text: bytes) -> JsonObject:
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError):
        raise RecordFaultError("no JSON") from None
    if not isinstance(data, dict):
        raise RecordFaultError("no object")
    return data


@cache
def _get_adapter(kind: Any) -> TypeAdapter[Any]:
    """Return the object that checks a type; making one takes milliseconds, so it is made when needed."""
    return TypeAdapter(kind)


def _check_type(kind: type[_T], data: object) -> _T:
    adapter: TypeAdapter[_T] = _get_adapter(cast("Any", kind))
    try:
        # Not `validate_json`, because Pydantic's JSON parser refuses the surrogates in names that are not
        # UTF-8.
        return adapter.validate_python(data)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False, include_context=False)[0]
        # In the JSON object, the keys of the provenance are beside the others, and not in an object of their
        # own.
        keys = [str(part) for part in first["loc"] if part != "provenance"]
        raise RecordFaultError(".".join(keys)) from None


def _check_provenance(provenance: Provenance) -> None:
    """Check that the provenance has the fields of the built network: a run writes nothing without them."""
    for key in ("weights", "device", "features"):
        if getattr(provenance, key) is None:
            raise RecordFaultError(key)
