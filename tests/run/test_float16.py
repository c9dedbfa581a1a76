"""Outputs of float16: in each format, resumed, updated, merged and refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from helpers.handmade_runs import HandmadeRuns
from specfeat.config import load_config
from specfeat.config.overrides import list_row_overrides
from specfeat.errors import UsageError
from specfeat.output.finished_output import open_output
from specfeat.run.convert import convert_output
from specfeat.run.merge import merge_outputs
from specfeat.run.runner import ChangedSettingsError
from specfeat.run.shard import Shard

FLOAT16 = "rows.dtype=float16"


def test_an_output_can_have_float16(tmp_path: Path) -> None:
    """A resumed run and an update have the bytes of a whole run; the record has the type."""
    runs, whole = HandmadeRuns(tmp_path), HandmadeRuns(tmp_path, "whole.npy")
    files = runs.write_files(4)
    whole.run(files, FLOAT16)
    runs.run(files[:3], FLOAT16, stop_after=1)
    assert runs.run(files[:3], FLOAT16, resume=True)
    assert runs.run(files, FLOAT16, update=True)

    assert np.load(runs.paths.array).dtype == np.float16
    assert runs.paths.array.read_bytes() == whole.paths.array.read_bytes()
    assert json.loads(runs.paths.record.read_text())["config"]["resolved"]["rows"]["dtype"] == "float16"
    assert runs.run(files, FLOAT16, resume=True) is None  # nothing to do
    with pytest.raises(UsageError, match="rows"):
        runs.run(files, update=True)


def test_unfinished_rows_of_another_type_are_not_used(tmp_path: Path) -> None:
    """A run of float32 cannot be continued with float16."""
    runs = HandmadeRuns(tmp_path)
    files = runs.write_files(3)
    runs.run(files, stop_after=2)
    with pytest.raises((UsageError, ChangedSettingsError), match="rows"):
        runs.run(files, FLOAT16, resume=True)


def test_converted_and_merged_outputs_keep_the_type(tmp_path: Path) -> None:
    """All formats but those for Kaldi and TensorFlow have float16; those refuse it before anything is written."""
    runs = HandmadeRuns(tmp_path)
    files = runs.write_files(4)
    runs.run(files, FLOAT16)
    for number in (1, 2):
        HandmadeRuns(tmp_path, f"part{number}.npy").run(files, FLOAT16, shard=Shard(number, 2))
    merge_outputs([tmp_path / "part1.npy", tmp_path / "part2.npy"], tmp_path / "merged.csv")
    convert_output(tmp_path / "merged.csv", tmp_path / "again.npy")

    assert (tmp_path / "again.npy").read_bytes() == runs.paths.array.read_bytes()
    assert open_output(tmp_path / "merged.csv").load_rows().dtype == np.float16
    for name in ("out.ark", "out.kaldi", "out.tfrecord"):
        with pytest.raises(UsageError, match=r"can only have float32, and the features are float16"):
            convert_output(runs.paths.array, tmp_path / name)
        assert not (tmp_path / name).exists()


def test_the_type_does_not_change_older_configs() -> None:
    """A config without the key has the digest that it had; the option replaces only this key."""
    old = load_config("minimal").settings
    assert load_config("minimal", ["rows.dtype=float32"]).settings.digest == old.digest
    assert "dtype" not in old.model_dump()["rows"] if "rows" in old.model_dump() else True
    overrides = ["rows.dtype=float16", "rows.per=file", "rows.pool=max", *list_row_overrides("clip", None)]
    rows = load_config("minimal", overrides).settings.rows
    assert (rows.per, rows.pool, rows.dtype) == ("clip", "mean", "float16")
    assert list_row_overrides(None, None, "float16") == ["rows.dtype=float16"]
