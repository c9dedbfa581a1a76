"""`audio.channels: each`: rows for each channel of each file."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from helpers.command_runs import SMALL_BATCH, run_extract

pytestmark = pytest.mark.slow

EACH = ("--set", "audio.channels=each", *SMALL_BATCH)


def write_folder(folder: Path) -> None:
    """Write files with two, one and three channels."""
    (folder / "in").mkdir()
    for name, channels in (("a.wav", 2), ("b.wav", 1), ("c.flac", 3)):
        noise = np.random.default_rng(channels).normal(scale=0.1, size=(24_000, channels))
        soundfile.write(folder / "in" / name, noise, 16_000)


def read_places(folder: Path, name: str = "out") -> list[tuple[str, str]]:
    """Return path and channel of each row."""
    with (folder / f"{name}.index.csv").open() as file:
        return [(line["path"], line["channel"]) for line in csv.DictReader(file)]


def test_each_channel_has_the_rows_of_a_run_with_this_channel(tmp_path: Path) -> None:
    """The index names the channel of each row; the rows are those that the channel has alone."""
    write_folder(tmp_path)
    assert run_extract(tmp_path, "in", "out.npy", *EACH).returncode == 0
    rows, places = np.load(tmp_path / "out.npy"), read_places(tmp_path)

    assert list(dict.fromkeys(places)) == [
        *(("in/a.wav", "0"), ("in/a.wav", "1"), ("in/b.wav", "0")),
        *(("in/c.flac", "0"), ("in/c.flac", "1"), ("in/c.flac", "2")),
    ]
    for path, channel in dict.fromkeys(places):
        run_extract(tmp_path, path, "one.npy", "--force", *SMALL_BATCH, "--set", f"audio.channels={channel}")
        chosen = rows[[place == (path, channel) for place in places]]
        np.testing.assert_array_equal(chosen, np.load(tmp_path / "one.npy"))


def test_an_update_knows_the_channels(tmp_path: Path) -> None:
    """A changed file is extracted again with all of its channels, and an unchanged output is up to date."""
    write_folder(tmp_path)
    run_extract(tmp_path, "in", "out.npy", *EACH)
    before = (tmp_path / "out.run.json").read_bytes()
    assert run_extract(tmp_path, "in", "out.npy", "--update", *EACH).returncode == 0
    assert (tmp_path / "out.run.json").read_bytes() == before

    soundfile.write(tmp_path / "in/a.wav", np.zeros((16_000, 1)), 16_000)
    assert run_extract(tmp_path, "in", "out.npy", "--update", *EACH).returncode == 0
    assert run_extract(tmp_path, "in", "new.npy", *EACH).returncode == 0
    assert (tmp_path / "out.npy").read_bytes() == (tmp_path / "new.npy").read_bytes()
    assert read_places(tmp_path) == read_places(tmp_path, "new")


def test_a_file_that_cannot_be_opened_fails_once(tmp_path: Path) -> None:
    """Nobody knows how many channels it has, so it is one failed sound."""
    write_folder(tmp_path)
    (tmp_path / "in/b.wav").write_text("text")
    run = run_extract(tmp_path, "in", "out.npy", *EACH)
    files = json.loads((tmp_path / "out.run.json").read_text())["files"]

    assert run.returncode == 3
    assert [(entry["path"], entry["status"]) for entry in files] == [
        *[("in/a.wav", "ok")] * 2,
        ("in/b.wav", "failed"),
        *[("in/c.flac", "ok")] * 3,
    ]


def test_stacked_channels_give_one_row_for_all(tmp_path: Path) -> None:
    """The index names the channels `stack`; a file with another number of channels fails."""
    write_folder(tmp_path)
    run = run_extract(tmp_path, "in", "out.npy", "--set", "audio.channels={stack: 2}", *SMALL_BATCH)

    assert run.returncode == 3
    assert set(read_places(tmp_path)) == {("in/a.wav", "stack")}
    assert "in/b.wav: has 1 channel, but the config stacks 2" in run.stderr


@pytest.mark.parametrize("value", ["each", "{stack: 2}"])
def test_the_resolved_config_of_the_record_can_be_used(tmp_path: Path, value: str) -> None:
    """JSON is also YAML, so a record gives a config with the same digest."""
    write_folder(tmp_path)
    assert (
        run_extract(
            tmp_path, "in/a.wav", "out.npy", "--set", f"audio.channels={value}", *SMALL_BATCH
        ).returncode
        == 0
    )
    config = json.loads((tmp_path / "out.run.json").read_text())["config"]

    from specfeat.config import load_config

    (tmp_path / "same.yaml").write_text(json.dumps(config["resolved"]))
    assert load_config(str(tmp_path / "same.yaml")).settings.digest == config["sha256"]
