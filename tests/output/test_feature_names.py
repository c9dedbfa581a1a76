"""The columns of the array in the record, and their names."""

import json
from dataclasses import replace

from helpers.sample_records import make_entry, make_provenance, make_record
from specfeat.architecture.feature_sources import ColumnGroup
from specfeat.output.feature_columns import list_row_groups, name_features
from specfeat.output.record_json import format_record, parse_record

CLIP = (
    ColumnGroup(layer="conv", pool="std", over="time", first=0, count=2),
    ColumnGroup(layer="row", first=2, count=1),
)


def test_statistics_of_files_repeat_the_columns_of_a_clip() -> None:
    """All columns of the first statistic come before all columns of the second."""
    groups = list_row_groups(CLIP, ["mean", "max"])

    assert [(g.layer, g.pool, g.rows, g.first, g.count) for g in groups] == [
        ("conv", "std", "mean", 0, 2),
        ("row", None, "mean", 2, 1),
        ("conv", "std", "max", 3, 2),
        ("row", None, "max", 5, 1),
    ]
    assert list_row_groups(CLIP, ()) == CLIP
    plain = (ColumnGroup(layer="row", first=0, count=3),)
    assert list_row_groups(plain, ()) == list_row_groups(plain, ["mean"]) == ()


def test_every_column_has_a_name() -> None:
    """A name has layer and statistics; columns of one layer, or with equal names, have only numbers."""
    provenance = replace(
        make_provenance(), features=6, feature_columns=list_row_groups(CLIP, ["mean", "max"])
    )

    assert name_features(provenance) == (
        *("conv_std_time_0_mean", "conv_std_time_1_mean", "row_0_mean"),
        *("conv_std_time_0_max", "conv_std_time_1_max", "row_0_max"),
    )
    assert name_features(replace(make_provenance(), features=3)) == ("f0", "f1", "f2")
    equal = (
        ColumnGroup(layer="a_max", first=0, count=1),
        ColumnGroup(layer="a", pool="max", over="both", first=1, count=1),
    )
    assert name_features(replace(make_provenance(), features=2, feature_columns=equal)) == ("f0", "f1")


def test_the_record_has_the_columns() -> None:
    """They are read back as they were written; a record of one layer has no such key."""
    provenance = replace(make_provenance(), features=3, feature_columns=CLIP)
    text = b"".join(format_record(make_record(make_entry("a", 1), provenance=provenance)))

    assert json.loads(text)["feature_columns"] == [
        {"layer": "conv", "pool": "std", "over": "time", "first": 0, "count": 2},
        {"layer": "row", "first": 2, "count": 1},
    ]
    assert parse_record(text).provenance == provenance
    assert b"feature_columns" not in b"".join(format_record(make_record(make_entry("a", 1))))
