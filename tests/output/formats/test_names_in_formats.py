"""The names of the features in each output format, read by the programs that people read it with."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from helpers.sample_records import make_entry, make_provenance, make_record
from helpers.tables import list_paths, make_layout, make_rows, write_array
from specfeat.output.feature_table import Rows
from specfeat.output.formats import get_format, list_format_names
from specfeat.output.paths import OutputPaths
from specfeat.output.previous_run import read_previous_output
from specfeat.output.work_folder import WorkFolder

# The last two are names of columns of the index; a comma and a quote need care in CSV.
NAMES = ('Dog, "barking"', "Grüße", "f0", "status", "path")


def write(folder: Path, format_name: str) -> tuple[Path, Rows]:
    """Write rows with names to a file; skip the test if the package of the format is missing."""
    if package := get_format(format_name).package:
        pytest.importorskip(package, reason=f"the format {format_name} needs {package}")
    rows = make_rows()
    write_array(folder / f"out.{format_name}", rows, feature_names=NAMES)
    return folder / f"out.{format_name}", rows


@pytest.mark.parametrize("name", sorted(list_format_names()))
def test_rows_with_names_are_read_back(name: str, tmp_path: Path) -> None:
    """An update reads the rows; an array with the right number of features and other names is another one."""
    path, rows = write(tmp_path, name)
    output_format, layout = get_format(name), make_layout(rows, NAMES)

    assert output_format.has_layout(path, layout)
    np.testing.assert_array_equal(np.concatenate([*output_format.read_rows(path, layout)]), rows)
    if name in ("csv", "jsonl"):
        other_names = (*NAMES[:4], "other")
        assert not output_format.has_layout(path, make_layout(rows, other_names))
        assert not output_format.has_layout(path, make_layout(rows))


def test_columns_of_csv_have_the_names(tmp_path: Path) -> None:
    """If the index has a column of this name, the name of the feature ends with an underscore."""
    import pandas as pd

    path, rows = write(tmp_path, "csv")
    table = pd.read_csv(path, keep_default_na=False)

    assert list(table.columns[-5:]) == [*NAMES[:3], "status_", "path_"]
    np.testing.assert_array_equal(table.iloc[:, -5:].to_numpy("float32"), rows)
    assert list(table["path"]) == list_paths()


def test_features_of_jsonl_are_an_object(tmp_path: Path) -> None:
    """Its keys are the names, in the order of the features."""
    path, rows = write(tmp_path, "jsonl")
    lines = [json.loads(line)["features"] for line in path.read_text().split("\n")[:-1]]

    assert all(tuple(line) == NAMES for line in lines)
    np.testing.assert_array_equal(np.array([[*line.values()] for line in lines], np.float32), rows)


def test_other_formats_have_a_list_of_names(tmp_path: Path) -> None:
    """It is beside the features, or in the metadata of the file."""
    with h5py.File(write(tmp_path, "h5")[0]) as file:
        assert tuple(file["feature_names"].asstr()[...]) == NAMES
    with np.load(write(tmp_path, "npz")[0], allow_pickle=False) as arrays:
        assert tuple(arrays["feature_names"]) == NAMES


@pytest.mark.slow
def test_parquet_arrow_and_zarr_have_the_names_in_their_metadata(tmp_path: Path) -> None:
    """The features themselves stay one list, so that every program reads them in the same way."""
    paths = {name: write(tmp_path, name)[0] for name in ("parquet", "arrow", "zarr")}
    import zarr
    from pyarrow import feather, parquet

    for schema in (parquet.read_schema(paths["parquet"]), feather.read_table(paths["arrow"]).schema):
        assert tuple(json.loads(schema.metadata[b"feature_names"])) == NAMES
        assert schema.field("features").type.list_size == len(NAMES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Zarr 3 has no final specification of texts
        assert tuple(zarr.open_group(paths["zarr"], mode="r").attrs["feature_names"]) == NAMES


def test_an_output_has_the_labels_of_its_config(tmp_path: Path) -> None:
    """The commit gives them to the format; an output that was written without them can still be read."""
    provenance = make_provenance()
    model = provenance.config.resolved["model"]
    assert isinstance(model, dict)
    config = replace(
        provenance.config,
        resolved={**provenance.config.resolved, "model": {**model, "labels": ["owl", "frog"]}},
    )
    paths = OutputPaths(tmp_path / "out.csv")
    with WorkFolder(paths) as work:
        work.start(replace(provenance, config=config), is_update=False)
        work.rows.append(np.array([[1, 2]], np.float32))
        sound = work.finish_sound(make_entry("a.wav", 1))
        digests = work.prepare_output([sound], lambda file: file.writelines([b"row,path\n", b"0,a.wav\n"]))
        record = make_record(sound.entry, digests=digests, provenance=replace(provenance, config=config))
        work.commit(record)

    assert paths.array.read_text() == '"row","path","owl","frog"\n0,"a.wav",1.0,2.0\n'
    assert read_previous_output(paths).row_count == 1
    layout = replace(make_layout(np.zeros((1, 2), np.float32)), feature_names=("owl", "frog"))
    paths.array.write_text('"row","path","f0","f1"\n0,"a.wav",1.0,2.0\n')
    assert get_format("csv").has_layout(paths.array, layout)
