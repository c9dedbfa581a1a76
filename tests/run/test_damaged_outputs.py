"""Outputs that were changed after they were written are not used."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from helpers.command_runs import SMALL_BATCH, read_output, run_extract

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow


def test_a_damaged_output_is_not_used(sound_folder: Path) -> None:
    """--update refuses a changed array and a missing or wrong record; --force recomputes everything."""
    assert run_extract(sound_folder, "in", "out.npy").returncode == 0
    original_output = read_output(sound_folder)
    damages: list[tuple[Callable[[], object], str]] = [
        (
            lambda: overwrite(sound_folder / "out.npy", 500, b"x"),
            "out.npy: has been changed since it was written",
        ),
        (
            lambda: overwrite(sound_folder / "out.npy", 10**6, b"x"),
            "out.npy: the array or its index does not match out.run.json",
        ),
        ((sound_folder / "out.run.json").unlink, "out.run.json: is missing, so the output is not complete"),
        (
            lambda: (sound_folder / "out.run.json").write_text("{}"),
            "out.run.json: is not a record of this version of specfeat",
        ),
    ]
    for damage, sentence in damages:
        damage()
        (sound_folder / "in/00.wav").touch()
        refused_run = run_extract(sound_folder, "in", "out.npy", "--update")
        assert (refused_run.returncode, refused_run.stderr.count("\n")) == (2, 1)
        assert refused_run.stderr.startswith(f"specfeat: {sentence}")
        assert run_extract(sound_folder, "in", "out.npy", "--update", "--force").returncode == 0
        assert read_output(sound_folder)[:2] == original_output[:2]


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def change_record(record: dict[str, Any], where: str, value: object) -> dict[str, Any]:
    """Return a record with another value at a dotted path; without the key if that is `...`."""
    changed: Any = json.loads(json.dumps(record))
    *keys, last_key = (int(part) if part.isdecimal() else part for part in where.split("."))
    inner = changed
    for part in keys:
        inner = inner[part]
    inner[last_key] = value
    if value is ...:
        del inner[last_key]
    return changed  # type: ignore[no-any-return]


WRONG_VALUES: list[tuple[str, object]] = [
    ("files.0.rows", -1),
    ("files.0.rows", 2**62),
    ("files.0.rows", True),
    ("files.0.samples", "8000"),
    ("files.0.samples", 2**62),
    ("files.0.status", "well"),
    ("files.0.path", 5),
    ("files.0.size", ...),
    ("files", {}),
    ("rows", 3),
    ("features", 0),
    ("features", 2**40),
    ("format", 2),
    ("passed_over", None),
    ("seconds", "x"),
    ("config.resolved.model", 1),
    ("weights", []),
    ("device", 7),
    ("versions.python", ...),
    ("array.sha256", ...),
]


def test_a_wrong_record_is_refused(sound_folder: Path) -> None:
    """Everything that is used of a record is checked first, some of it against the config: exit 2, one sentence."""
    from specfeat.output.record_json import RecordFaultError, parse_record

    def find_record_fault(record: Any) -> str:
        try:
            parse_record(json.dumps(record).encode())
        except RecordFaultError as e:
            return str(e)
        return ""

    assert run_extract(sound_folder, "in", "out.npy", *SMALL_BATCH).returncode == 0
    original_output = read_output(sound_folder)
    record = json.loads((sound_folder / "out.run.json").read_text())
    assert find_record_fault(record) == ""
    assert find_record_fault(change_record(record, "files.0.path", "odd\udcff.wav")) == ""
    assert [
        where for where, value in WRONG_VALUES if not find_record_fault(change_record(record, where, value))
    ] == []
    assert find_record_fault([record])
    for where, value in [
        WRONG_VALUES[0],
        ("files.0.samples", 2**50),
        ("files.0.status", "failed"),
        ("features", 2),
    ]:
        (sound_folder / "out.run.json").write_text(json.dumps(change_record(record, where, value)))
        run = run_extract(sound_folder, "in", "out.npy", "--update", *SMALL_BATCH, timeout=60)
        assert (run.returncode, run.stderr.count("\n")) == (2, 1), where
    assert run_extract(sound_folder, "in", "out.npy", "--update", "--force", *SMALL_BATCH).returncode == 0
    assert read_output(sound_folder) == original_output
