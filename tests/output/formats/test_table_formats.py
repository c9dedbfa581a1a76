"""Each output format, read back by the programs that people read it with."""

import json
import os
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from helpers.sample_records import make_entry
from helpers.tables import (
    NAMES,
    ROW_COUNTS,
    TEXT_NAMES,
    WIDTH,
    list_paths,
    make_layout,
    make_rows,
    write_array,
)
from specfeat.output.digests import digest_file
from specfeat.output.feature_table import Rows
from specfeat.output.formats import get_format, list_format_names
from specfeat.output.sound_files import list_file_names

pytestmark = pytest.mark.slow

FORMATS = sorted(list_format_names() - {"npy"})
DTYPES = ("<f4", "<f2")


@pytest.fixture(params=DTYPES)
def rows(request: pytest.FixtureRequest) -> Rows:
    """Rows of each type of features."""
    return make_rows(dtype=request.param)


def write(folder: Path, format_name: str, rows: Rows, block_rows: int = 5) -> Path:
    """Write the rows to a file; skip the test if the package of the format is missing."""
    if package := get_format(format_name).package:
        pytest.importorskip(package, reason=f"the format {format_name} needs {package}")
    if rows.dtype.name not in get_format(format_name).dtypes:
        pytest.skip(f"the format {format_name} cannot keep {rows.dtype}")
    path = folder / f"out.{format_name}"
    write_array(path, rows, format_name, block_rows)
    return path


def check_equal(found: Any, rows: Rows) -> None:
    """Check that two arrays have the same bits, also of zeros."""
    array = np.asarray(found)
    assert (array.shape, array.dtype) == (rows.shape, rows.dtype)
    assert array.tobytes() == rows.tobytes()


def check_columns(columns: Any) -> None:
    """Check the columns of the index, which a reader gives as lists."""
    paths = list_paths()
    assert list(columns["path"]) == paths
    assert list(columns["label"]) == ["owl"] * len(paths)
    assert list(columns["row"]) == list(range(len(paths)))
    assert list(columns["start_s"]) == [row / 10 for row in range(len(paths))]
    assert list(columns["path_hex"]) == [
        "696e2ffffe2e776176" if path == TEXT_NAMES[-1] else "" for path in paths
    ]


@pytest.mark.parametrize("name", [*FORMATS, "npy-files", "csv-files"])
def test_rows_are_read_back_bit_by_bit(name: str, rows: Rows, tmp_path: Path) -> None:
    """An update reads the rows of the old output back; only an array of the same layout is taken for it."""
    output_format, layout = get_format(name), make_layout(rows)
    path = write(tmp_path, name, rows)

    check_equal(np.concatenate(list(output_format.read_rows(path, layout))), rows)
    assert output_format.has_layout(path, layout)
    assert not output_format.has_layout(path, replace(layout, width=WIDTH + 1))
    if output_format.is_folder:
        return
    for damage in (b"", b"PAR1", output_format.magic * 3, path.read_bytes()[:50]):
        path.write_bytes(damage)
        assert not output_format.has_layout(path, layout)


@pytest.mark.parametrize("name", [*FORMATS, "npz-files"])
def test_the_same_rows_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    """Two files have the same bytes, also if the rows come in pieces of another length."""
    if name == "kaldi":
        pytest.skip("the list of an output for Kaldi has the path of the output")
    digests = []
    for k, block_rows in enumerate((5, 3)):
        (tmp_path / str(k)).mkdir()
        path = write(tmp_path / str(k), name, make_rows(), block_rows)
        digests.append(digest_file(path))
        assert path.is_dir() or path.read_bytes().startswith(get_format(name).magic)

    assert digests[0] == digests[1]


def test_a_compressed_npz_file_is_not_an_array_of_specfeat(tmp_path: Path) -> None:
    """Another program wrote this file, because specfeat compresses nothing. Its compressed bytes are not read."""
    rows = make_rows()
    path = tmp_path / "out.npz"
    np.savez_compressed(path, features=rows)
    data = bytearray(path.read_bytes())
    assert not get_format("npz").has_layout(path, make_layout(rows))
    start = data.index(b"features.npy") + len(b"features.npy")
    data[start : start + 60] = bytes([255]) * 60
    path.write_bytes(data)
    assert not get_format("npz").has_layout(path, make_layout(rows))


def test_numpy_reads_npz(rows: Rows, tmp_path: Path) -> None:
    """NumPy reads it without pickle; a text is found by its position."""
    with np.load(write(tmp_path, "npz", rows), allow_pickle=False) as file:
        check_equal(file["features"], rows)
        columns = {name: file[name] for name in ("row", "start_s")}
        columns |= {name: file[f"{name}_values"][file[name]] for name in ("path", "label", "path_hex")}
        check_columns(columns)
        assert str(file["config"]) == '{"a": 1}'


def test_pandas_reads_csv(rows: Rows, tmp_path: Path) -> None:
    """The text of each number gives the same float32 or float16 again."""
    import pandas as pd

    table = pd.read_csv(write(tmp_path, "csv", rows), keep_default_na=False)

    check_equal(table[[f"f{k}" for k in range(WIDTH)]].to_numpy(rows.dtype), rows)
    check_columns(table)


def test_pandas_and_json_read_jsonl(rows: Rows, tmp_path: Path) -> None:
    """Each line is a JSON object; NaN and infinity, which JSON does not have, are written as JSON."""
    import pandas as pd

    rows[1, :3] = np.nan, np.inf, -np.inf
    path = write(tmp_path, "jsonl", rows)
    lines = [json.loads(line) for line in path.read_text().split("\n")[:-1]]
    table = pd.read_json(path, lines=True, dtype={"path_hex": str}, precise_float=True)

    features = [[np.nan if value is None else float(value) for value in line["features"]] for line in lines]
    np.testing.assert_array_equal(np.array(features, rows.dtype), rows)
    check_columns({name: [line[name] for line in lines] for name in lines[0]})
    check_columns(table)
    read = np.concatenate(list(get_format("jsonl").read_rows(path, make_layout(rows))))
    np.testing.assert_array_equal(read, rows)


def test_h5py_reads_h5(rows: Rows, tmp_path: Path) -> None:
    """A dataset for the features and one for each column."""
    with h5py.File(write(tmp_path, "h5", rows)) as file:
        check_equal(file["features"][...], rows)
        check_columns({
            name: file[name].asstr()[...] if name in ("path", "label", "path_hex") else file[name][...]
            for name in ("path", "label", "path_hex", "row", "start_s")
        })  # fmt: skip
        assert file["config"].asstr()[()] == '{"a": 1}'


@pytest.mark.parametrize("name", ["parquet", "arrow"])
def test_pyarrow_reads_lists_of_fixed_size(name: str, rows: Rows, tmp_path: Path) -> None:
    """Neither the lists nor their elements can be null; the config is in the metadata of the schema."""
    path = write(tmp_path, name, rows)
    import pyarrow as pa
    from pyarrow import feather, parquet

    table = parquet.read_table(path) if name == "parquet" else feather.read_table(path)
    features = table.schema.field("features")

    assert features.type == pa.list_(pa.field("element", pa.from_numpy_dtype(rows.dtype), False), WIDTH)
    assert not any(field.nullable for field in table.schema)
    assert table.schema.metadata[b"config_sha256"] == b"ab"
    column = table["features"].combine_chunks().flatten().to_numpy()
    check_equal(column.reshape(-1, WIDTH), rows)
    check_columns(table.drop_columns("features").to_pydict())


def test_pandas_reads_parquet_and_arrow(rows: Rows, tmp_path: Path) -> None:
    """Pandas gives an array for each row."""
    import pandas as pd

    for table in (
        pd.read_parquet(write(tmp_path, "parquet", rows)),
        pd.read_feather(write(tmp_path, "arrow", rows)),
    ):
        check_equal(np.stack(table["features"]), rows)
        check_columns(table)


def test_parquet_compresses_and_has_statistics_of_the_columns(tmp_path: Path) -> None:
    """zstd; a dictionary for texts only; a reader can skip row groups by the columns of the index."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    metadata = parquet.ParquetFile(write(tmp_path, "parquet", make_rows())).metadata.row_group(0)
    columns = [metadata.column(k) for k in range(metadata.num_columns)]
    features, path = columns[-2 if columns[-1].path_in_schema == "path_hex" else -1], columns[1]

    assert {column.compression for column in columns} == {"ZSTD"}
    assert "RLE_DICTIONARY" in path.encodings
    assert "RLE_DICTIONARY" not in features.encodings
    assert path.statistics is not None
    assert features.statistics is None


def test_polars_reads_parquet_arrow_and_csv(rows: Rows, tmp_path: Path) -> None:
    """Polars gives a 2-D array for a list of fixed size."""
    pl = pytest.importorskip("polars", reason="polars is not installed")
    for table in (
        pl.read_parquet(write(tmp_path, "parquet", rows)),
        pl.read_ipc(write(tmp_path, "arrow", rows)),
    ):
        check_equal(table["features"].to_numpy(), rows)
        check_columns(table)
    table = pl.read_csv(write(tmp_path, "csv", rows)).with_columns(pl.col("path_hex").fill_null(""))
    check_equal(table.select(pl.col("^f[0-9]+$")).to_numpy().astype(rows.dtype), rows)
    check_columns(table)


def test_duckdb_reads_parquet_csv_and_jsonl(tmp_path: Path) -> None:
    """DuckDB reads the features as a list and compares them."""
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    rows = make_rows()
    path = write(tmp_path, "parquet", rows)
    found = duckdb.sql(f"select features, path from '{path}' order by row").fetchnumpy()
    check_equal(np.stack(found["features"]).astype(np.float32), rows)
    assert list(found["path"]) == list_paths()
    query = f"select list_cosine_similarity(features, features) from '{path}'"
    assert [value for (value,) in duckdb.sql(query).fetchall()] == pytest.approx([1.0] * len(rows))
    path = write(tmp_path, "csv", rows)
    found = duckdb.sql(f"select f0, f4, path from read_csv('{path}') order by row").fetchnumpy()
    check_equal(np.stack([found["f0"], found["f4"]], 1).astype(np.float32), rows[:, [0, 4]])
    assert list(found["path"]) == list_paths()


def test_datasets_reads_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hugging Face's datasets gives a 2-D array."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    rows = make_rows()
    table = datasets.Dataset.from_parquet(str(write(tmp_path, "parquet", rows)), cache_dir=str(tmp_path))

    check_equal(table.with_format("numpy")["features"][:], rows)
    check_columns(table)


def test_zarr_reads_zarr(rows: Rows, tmp_path: Path) -> None:
    """A group with an array for the features and one for each column; the metadata are its attributes."""
    zarr = pytest.importorskip("zarr", reason="zarr is not installed")
    path = write(tmp_path, "zarr", rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Zarr 3 has no final specification of texts
        group = zarr.open_group(path, mode="r")
        check_columns({name: group[name][:] for name in ("path", "label", "path_hex", "row", "start_s")})

    check_equal(group["features"][:], rows)
    assert group.attrs["config"] == '{"a": 1}'
    (path / "notes").mkdir()
    (path / "notes/mine.txt").touch()
    assert get_format("zarr").find_other_file(path, make_layout(rows)) == "notes/mine.txt"


def test_each_sound_has_a_file_of_its_own(tmp_path: Path) -> None:
    """The folders are those of the inputs, and the names keep their bytes."""
    rows = make_rows()
    path = write(tmp_path, "npy-files", rows)
    names = [os.fsdecode(name.encode("utf-8", "surrogateescape")) for name in NAMES]
    arrays = [np.load(path / f"{name}.npy") for name in names]

    check_equal(np.concatenate(arrays), rows)
    assert [len(array) for array in arrays] == list(ROW_COUNTS)
    lines = (write(tmp_path, "csv-files", rows) / "in/a b.wav.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in lines] == ['"path"', '"in/a b.wav"']


def test_no_two_sounds_have_one_file() -> None:
    """Files with one stem, parts of one file, absolute paths, names that look like the file of another sound."""

    def list_names(*sounds: str | tuple[str, dict[str, Any]]) -> list[str]:
        pairs = [(sound, {}) if isinstance(sound, str) else sound for sound in sounds]
        return list_file_names([make_entry(path, 1, **fields) for path, fields in pairs], "npy")

    assert list_names("x/a.wav", "x/a.flac") == ["x/a.wav.npy", "x/a.flac.npy"]
    assert list_names("/x/a.wav", "x/a.wav", "./x/a.wav") == ["x/a.wav.npy", "x/a.wav~2.npy", "x/a.wav~3.npy"]
    assert list_names("../../etc/a.wav", "a/../b.wav") == ["__/__/etc/a.wav.npy", "a/__/b.wav.npy"]
    assert list_names("a", "a.npy/b", "a.npy/c") == ["a.npy", "a.npy~2/b.npy", "a.npy~2/c.npy"]
    assert list_names("a.npy/b", "a") == ["a.npy/b.npy", "a~2.npy"]
    assert list_names("x/a", "x/a.npy/b") == ["x/a.npy", "x~2/a.npy/b.npy"]
    parts: list[tuple[str, dict[str, Any]]] = [
        ("a.wav", {"id": "o/wl"}),
        ("a.wav", {"start_s": 1.5, "end_s": 2.0}),
        ("a.wav", {"start_s": 1.5}),
        ("a.wav", {"channel": 1}),
    ]
    assert list_names(*parts) == [
        "a.wav~o_wl.npy",
        "a.wav~1.5-2.npy",
        "a.wav~1.5-end.npy",
        "a.wav~channel-1.npy",
    ]
    assert len(os.fsencode(list_names("é" * 127 + ".wav")[0])) <= 255


def test_a_broken_row_count_is_noticed(tmp_path: Path) -> None:
    """A file that ends too early does not give fewer rows: the program stops."""
    layout = make_layout(make_rows())
    for name in ("csv", "jsonl", "parquet", "arrow", "npz"):
        path = write(tmp_path, name, make_rows())
        with pytest.raises(RuntimeError, match=r"record says|ends before"):
            _read_all(get_format(name).read_rows(path, replace(layout, rows=99)))


def _read_all(blocks: Iterator[Rows]) -> int:
    return sum(len(block) for block in blocks)
