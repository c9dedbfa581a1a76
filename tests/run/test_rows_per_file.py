"""`--per file`: one row for each file, in array, index and record."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.command_runs import FILE_COUNT, read_output, run_extract
from helpers.without_tensorflow import WIDTH, FakeNetwork
from specfeat.architecture.feature_sources import STATISTICS
from specfeat.config import load_config

pytestmark = pytest.mark.slow


def _read_index(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.index.csv").open() as file:
        return list(csv.DictReader(file))


def _run(folder: Path, *arguments: str) -> None:
    assert run_extract(folder, *arguments).stderr == ""


def test_the_row_of_a_file_pools_its_clips(sound_folder: Path) -> None:
    """Each statistic is that of NumPy over the rows that the clips of the file have without `--per file`."""
    _run(sound_folder, "in", "clips.npy")
    _run(
        sound_folder,
        "in",
        "out.npy",
        "--per",
        "file",
        "--pool",
        "+".join(STATISTICS),
        "--set",
        "model.batch=7",
    )
    clips, rows = np.load(sound_folder / "clips.npy"), np.load(sound_folder / "out.npy")
    paths = np.array([line["path"] for line in _read_index(sound_folder, "clips")])
    index = _read_index(sound_folder, "out")

    assert rows.shape == (FILE_COUNT, WIDTH * len(STATISTICS))
    assert [line["path"] for line in index] == list(dict.fromkeys(paths))
    for line, row in zip(index, rows.reshape(FILE_COUNT, len(STATISTICS), WIDTH), strict=True):
        file = clips[paths == line["path"]].astype(np.float64)
        expected = [file.mean(0), file.std(0), file.max(0), file.min(0), file[0], file[-1]]
        np.testing.assert_allclose(row, expected, rtol=2e-7, atol=1e-4)


def test_the_index_has_the_whole_file(sound_folder: Path) -> None:
    """A line begins at 0, ends with the last clip or with the file, and has the mean padding of the clips."""
    _run(sound_folder, "in", "clips.npy")
    _run(sound_folder, "in", "out.npy", "--per", "file")
    _run(sound_folder, "in", "drop.npy", "--per", "file", "--set", "clips.tail=drop")
    clips = _read_index(sound_folder, "clips")
    for line in _read_index(sound_folder, "out"):
        padded = [float(clip["padded"]) for clip in clips if clip["path"] == line["path"]]
        seconds = 0.5 * (1 + int(Path(line["path"]).stem))
        assert (float(line["start_s"]), float(line["end_s"]), line["status"]) == (0, seconds, "ok")
        assert float(line["padded"]) == pytest.approx(np.mean(padded), rel=1e-5)
    clip_s = load_config("minimal").settings.clip_grid.clip_samples / 16_000
    for line in _read_index(sound_folder, "drop"):
        seconds = 0.5 * (1 + int(Path(line["path"]).stem))
        assert seconds - clip_s < float(line["end_s"]) <= seconds
        assert line["padded"] == "0"


def test_the_record_has_the_settings(sound_folder: Path) -> None:
    """The statistics are settings of the config: the record has them, and its config gives the same output."""
    _run(sound_folder, "in", "out.npy", "--per", "file", "--pool", "mean+std")
    record = read_output(sound_folder)[2]
    _run(sound_folder, "in", "set.npy", "--set", "rows={per: file, pool: mean+std}")

    assert record["config"]["resolved"]["rows"] == {"per": "file", "pool": "mean+std"}
    assert (record["features"], record["rows"]) == (2 * WIDTH, FILE_COUNT)
    assert {entry["rows"] for entry in record["files"]} == {1}
    assert read_output(sound_folder) == read_output(sound_folder, "set")
    _run(sound_folder, "in", "clips.npy", "--set", "rows={per: file, pool: max}", "--per", "clip")
    assert "rows" not in read_output(sound_folder, "clips")[2]["config"]["resolved"]


def test_rows_of_clips_are_not_mixed_in(sound_folder: Path) -> None:
    """An output with a row for each clip cannot be updated with rows for files, nor with another statistic."""
    _run(sound_folder, "in", "out.npy")
    for option in (["--per", "file"], ["--per", "file", "--pool", "max"]):
        refused = run_extract(sound_folder, "in", "out.npy", "--update", *option)
        assert refused.returncode == 2
        assert "rows.per: null, now file" in refused.stderr
        assert "different settings" in refused.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pool", "max"], "rows.pool: applies only together with per: file"),
        (["--per", "file", "--pool", "men"], "'men' is not a statistic (did you mean 'mean'?)"),
        (["--per", "file", "--pool", "mean+mean"], "which has a statistic twice; give each once"),
        (["--per", "clip", "--pool", "max"], "--pool applies only to --per file"),
        (["--per", "folder"], "invalid value for '--per'"),
    ],
    ids=str,
)
def test_wrong_statistics_are_refused(sound_folder: Path, options: list[str], message: str) -> None:
    """Before anything is read, with exit code 2."""
    refused = run_extract(sound_folder, "in", "out.npy", *options)

    assert refused.returncode == 2
    assert message in refused.stderr


def test_old_configs_keep_their_digest() -> None:
    """A config that gives the default has the digest and the record of a config without the section."""
    plain = load_config("minimal").settings
    same = load_config("minimal", ["rows={per: clip, pool: mean}"]).settings
    per_file = load_config("minimal", ["rows.per=file"]).settings

    assert plain.digest == same.digest != per_file.digest
    assert "rows" not in plain.model_dump(mode="json")


@pytest.mark.tf
def test_python_has_one_row_too(monkeypatch: pytest.MonkeyPatch, sound_folder: Path) -> None:
    """`Extractor` gives the row that the command writes, and the times of the index."""
    from specfeat import extractor as extractor_module

    def build(config: Any, device: str) -> FakeNetwork:
        return FakeNetwork(config)

    monkeypatch.setattr(extractor_module, "build_network", build)
    _run(sound_folder, "in", "out.npy", "--per", "file", "--pool", "mean+std")
    with pytest.warns(UserWarning, match="random"):
        extractor = extractor_module.Extractor("minimal", overrides=["rows={per: file, pool: mean+std}"])
    features = list(extractor.stream(sorted((sound_folder / "in").iterdir())))

    assert extractor.width == 2 * WIDTH
    assert np.array_equal(np.concatenate([f.rows for _, f in features]), np.load(sound_folder / "out.npy"))
    ends = [float(line["end_s"]) for line in _read_index(sound_folder, "out")]
    assert np.concatenate([f.times for _, f in features]).tolist() == [[0.0, end] for end in ends]
