"""A run that is divided into shards, and merged, gives the output of a run that is not divided."""

import json
from pathlib import Path
from typing import Any

import pytest

from helpers.forked_commands import run_forked
from helpers.handmade_runs import HandmadeRuns
from helpers.specfeat_command import run_in_this_process, write_noise
from specfeat.audio.discovery import FoundSounds
from specfeat.errors import NoUsableAudioError, SpecfeatError, UsageError
from specfeat.output.digests import digest_file
from specfeat.run.convert import convert_output
from specfeat.run.merge import merge_outputs
from specfeat.run.shard import Shard, parse_shard
from specfeat.run.shard_selection import select_shard
from specfeat.sound import Sound, SoundPart

RECORD_KEYS = ("command", "folder", "output", "started", "seconds", "build_seconds", "files")
ENTRY_KEYS = ("seconds",)


def _list_shards(count: int) -> list[Shard]:
    return [Shard(number, count) for number in range(1, count + 1)]


def _write_shards(folder: Path, count: int, files: int = 5) -> list[Path]:
    """Write the outputs of all shards of a run, and that of the whole run as `whole.npy`."""
    paths = HandmadeRuns(folder).write_files(files)
    HandmadeRuns(folder, "whole.npy").run(paths)
    for shard in _list_shards(count):
        HandmadeRuns(folder, f"part{shard.number}.npy").run(paths, shard=shard)
    return [folder / f"part{number}.npy" for number in range(1, count + 1)]


def _read_comparable_record(path: Path) -> Any:
    record = json.loads(path.read_text())
    entries = [{k: v for k, v in entry.items() if k not in ENTRY_KEYS} for entry in record["files"]]
    return {k: v for k, v in record.items() if k not in RECORD_KEYS} | {"files": entries}


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_merged_shards_are_the_whole_output(tmp_path: Path, count: int) -> None:
    """Array and index have the same bytes, and the record the same entries, for any order of the shards."""
    shards = _write_shards(tmp_path, count)
    summary = merge_outputs(reversed(shards), tmp_path / "merged.npy")

    assert summary.files == 5
    for suffix in (".npy", ".index.csv"):
        merged, whole = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("merged", "whole"))
        assert merged == whole
    assert _read_comparable_record(tmp_path / "merged.run.json") == _read_comparable_record(
        tmp_path / "whole.run.json"
    )
    assert not (tmp_path / "merged.partial").exists()


def test_the_format_of_a_shard_is_in_its_record(tmp_path: Path) -> None:
    """Shards whose names say nothing of their format are merged, also if their formats differ."""
    shards = _write_shards(tmp_path, 2)
    convert_output(shards[0], tmp_path / "first", array_format="csv")
    convert_output(shards[1], tmp_path / "second/", array_format="npy-files")
    merge_outputs([tmp_path / "first", tmp_path / "second"], tmp_path / "merged.npy")

    assert (tmp_path / "merged.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_merged_shards_can_have_any_format(tmp_path: Path) -> None:
    """The array has the bytes that an undivided run writes in this format, also if it is a folder."""
    shards = _write_shards(tmp_path, 2)
    for array_format in ("tfrecord", "csv-files"):
        whole = tmp_path / f"whole-{array_format}"
        convert_output(tmp_path / "whole.npy", whole, array_format=array_format)
        words = ["part1.npy", "part2.npy", f"merged-{array_format}", "--format", array_format]
        assert run_in_this_process(tmp_path, "merge", *words, "-q").returncode == 0

        assert digest_file(tmp_path / f"merged-{array_format}") == digest_file(whole)
    with pytest.raises(UsageError, match=r"merged\.csv: is named like csv, and the format is h5"):
        merge_outputs(shards, tmp_path / "merged.csv", array_format="h5")


def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    """If the merged output is a folder, a file that the user has put there is not lost, even with `force`."""
    pytest.importorskip("zarr", reason="the test writes the format Zarr")
    shards = _write_shards(tmp_path, 2)
    merged = tmp_path / "merged.zarr"
    merge_outputs(shards, merged)
    merge_outputs(shards, merged, force=True)
    (merged / "mine.txt").touch()
    with pytest.raises(UsageError, match=r"merged\.zarr: contains mine\.txt, which specfeat has not written"):
        merge_outputs(shards, merged, force=True)

    assert (merged / "mine.txt").exists()


def test_the_command_suggests_only_options_that_it_has(tmp_path: Path) -> None:
    """`specfeat merge` and `specfeat convert` cannot update or resume, and `--force` does not repair a shard."""
    _write_shards(tmp_path, 2)
    words = ("merge", "part1.npy", "part2.npy", "merged.parquet")
    merged = run_in_this_process(tmp_path, *words)
    existing = run_in_this_process(tmp_path, *words)
    converted = run_in_this_process(tmp_path, "convert", "part1.npy", "whole.npy")
    absent = run_in_this_process(tmp_path, "merge", "part1.npy", "none.npy", "other.npy")

    suggestion = "exists already; give the output another name, or use --force to replace it\n"
    assert merged.returncode == 0
    assert existing.stderr == f"specfeat: merged.parquet: {suggestion}"
    assert converted.stderr == f"specfeat: whole.npy: {suggestion}"
    assert absent.stderr == (
        "specfeat: none.npy: is missing, so the output is not complete; only complete outputs of shards can be "
        "merged\n"
    )
    with pytest.raises(UsageError, match=r"another name, or pass force=True to replace it"):
        merge_outputs([tmp_path / "part1.npy", tmp_path / "part2.npy"], tmp_path / "merged.parquet")


@pytest.mark.parametrize("array_format", ["npz", "csv"])
def test_shards_of_every_format_are_merged(tmp_path: Path, array_format: str) -> None:
    """Shards that can only be read from their start, with rows between each other's rows, give all right rows."""
    names = [f"part{number}.{array_format}" for number in (1, 2)]
    paths = HandmadeRuns(tmp_path).write_files(5)
    HandmadeRuns(tmp_path, "whole.npy").run(paths)
    for name, shard in zip(names, _list_shards(2), strict=True):
        HandmadeRuns(tmp_path, name).run(paths, shard=shard)
    merge_outputs([tmp_path / name for name in names], tmp_path / "merged.npy")

    assert (tmp_path / "merged.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()
    assert not (tmp_path / "merged.partial").exists()


def test_each_sound_is_in_one_shard_and_the_parts_of_a_file_stay_together() -> None:
    """Ten shards of 25 files with two parts each are disjoint and complete; each has two or three files."""
    sounds = tuple(Sound(f"{n % 25}.wav", SoundPart(start_s=float(n // 25))) for n in range(50))
    found = FoundSounds(sounds, ())
    selected = [select_shard(found, shard) for shard in _list_shards(10)]

    assert sorted(position for _, identity in selected for position in identity.positions) == list(range(50))
    for part, identity in selected:
        assert part.sounds == tuple(sounds[k] for k in identity.positions)
        files = [sound.path for sound in part.sounds]
        assert all(files.count(path) == 2 for path in files)
        assert len(set(files)) in (2, 3)


def test_a_shard_without_files_is_not_needed(tmp_path: Path) -> None:
    """With more shards than files, the others are merged without those that have no file."""
    paths = HandmadeRuns(tmp_path).write_files(2)
    HandmadeRuns(tmp_path, "whole.npy").run(paths)
    for number in (1, 2):
        HandmadeRuns(tmp_path, f"part{number}.npy").run(paths, shard=Shard(number, 3))
    with pytest.raises(NoUsableAudioError, match=r"shard 3/3 has no file, because there are only 2 files"):
        HandmadeRuns(tmp_path, "part3.npy").run(paths, shard=Shard(3, 3))
    merge_outputs([tmp_path / "part1.npy", tmp_path / "part2.npy"], tmp_path / "merged.npy")

    assert (tmp_path / "merged.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_a_shard_without_rows_is_written(tmp_path: Path) -> None:
    """A shard whose only file gives no row has a record, so that the merged record names the file."""
    paths = HandmadeRuns(tmp_path).write_files(2)
    Path(paths[1]).write_bytes(b"")
    HandmadeRuns(tmp_path, "whole.npy").run(paths)
    for shard in _list_shards(2):
        HandmadeRuns(tmp_path, f"part{shard.number}.npy").run(paths, shard=shard)
    merge_outputs([tmp_path / "part1.npy", tmp_path / "part2.npy"], tmp_path / "merged.npy")

    assert (tmp_path / "merged.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()
    whole, merged = (_read_comparable_record(tmp_path / f"{name}.run.json") for name in ("whole", "merged"))
    assert merged == whole


def test_wrong_shards_are_refused_by_name(tmp_path: Path) -> None:
    """A shard that is missing, given twice, of another run or no shard at all is named; nothing is written."""
    shards = _write_shards(tmp_path, 3)
    other = tmp_path / "other"
    other.mkdir()
    (foreign,) = _write_shards(other, 1)
    changed = HandmadeRuns(tmp_path, "changed.npy")
    changed.run([str(tmp_path / str(k)) for k in range(5)], "model.batch=8", shard=Shard(3, 3))
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    damaged_shards = _write_shards(damaged, 2)
    content = bytearray(damaged_shards[1].read_bytes())
    content[-1] ^= 1
    damaged_shards[1].write_bytes(content)

    for given, sentence in (
        (shards[:2], r"^shard 3/3 is missing; give the outputs of all shards"),
        ([*shards[:2], shards[0]], r"part1\.npy: is shard 1/3, as .*part1\.npy is; give each shard once"),
        (
            [shards[0], foreign],
            r"other/part1\.npy: is not a shard of the same run as .*part1\.npy \(number of shards: 3, here 1\)",
        ),
        (
            [*shards[:2], changed.paths.array],
            r"changed\.npy: is not a shard of the same run .*\(model\.batch: .*8\)",
        ),
        ([tmp_path / "whole.npy"], r"whole\.npy: is a whole output and no shard"),
        ([tmp_path / "absent.npy"], r"absent\.npy: is missing"),
        (damaged_shards, r"part2\.npy: has been changed since it was written"),
        ([], r"no shards are given"),
    ):
        with pytest.raises(UsageError, match=sentence):
            merge_outputs(given, tmp_path / "merged.npy")
    assert not list(tmp_path.glob("merged*"))


def test_an_output_is_replaced_only_on_request(tmp_path: Path) -> None:
    """An existing output, a shard as output and unfinished work are kept without `force`."""
    shards = _write_shards(tmp_path, 2)
    merge_outputs(shards, tmp_path / "merged.npy")
    for output in ("merged.npy", "part1.npy"):
        with pytest.raises(SpecfeatError):
            merge_outputs(shards, tmp_path / output)
    HandmadeRuns(tmp_path, "kept.npy").run([str(tmp_path / "0"), str(tmp_path / "1")], stop_after=1)
    with pytest.raises(UsageError, match=r"kept\.partial: holds the finished files of an unfinished run"):
        merge_outputs(shards, tmp_path / "kept.npy")

    merge_outputs(shards, tmp_path / "merged.npy", force=True)
    merge_outputs(shards, tmp_path / "kept.npy", force=True)
    assert (tmp_path / "kept.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_a_shard_is_continued_as_the_same_shard(tmp_path: Path) -> None:
    """`resume` and `update` refuse another shard, because they would drop the finished rows."""
    runs = HandmadeRuns(tmp_path, "part.npy")
    paths = runs.write_files(6)
    runs.run(paths, shard=Shard(1, 2), stop_after=1)
    with pytest.raises(UsageError, match=r"shard: 1/2, now 2/2"):
        runs.run(paths, shard=Shard(2, 2), resume=True)
    with pytest.raises(UsageError, match=r"shard: 1/2, now none"):
        runs.run(paths, resume=True)
    runs.run(paths, shard=Shard(1, 2), resume=True)
    with pytest.raises(UsageError, match=r"shard: 1/2, now 2/2"):
        runs.run(paths, shard=Shard(2, 2), update=True)


def test_a_shard_is_updated_when_the_other_shards_have_new_files(tmp_path: Path) -> None:
    """A new file of another shard changes the identity of this shard, so that all shards still belong together."""
    runs = HandmadeRuns(tmp_path, "part.npy")
    paths = runs.write_files(4)
    runs.run(paths[:3], shard=Shard(1, 2))
    assert runs.run(paths[:3], shard=Shard(1, 2), update=True) is None
    assert runs.run(paths, shard=Shard(1, 2), update=True) is not None


@pytest.mark.parametrize(
    "text", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/2/3", "\u0661/\u0662", "1/9999999"]
)
def test_a_shard_that_cannot_be_is_refused(tmp_path: Path, text: str) -> None:
    """The number is from 1 to the count; the message names the option and an example."""
    with pytest.raises(UsageError, match=r"wanted NUMBER/COUNT, e\.g\. 1/8"):
        parse_shard(text)
    write_noise(tmp_path / "a.wav", 0.1)
    done = run_in_this_process(tmp_path, "extract", "a.wav", "o.npy", f"--shard={text}")
    assert (done.returncode, done.stderr.startswith("specfeat: --shard: the shard is ")) == (2, True)


@pytest.mark.tf
@pytest.mark.slow
def test_shards_of_the_command_line(tmp_path: Path) -> None:
    """Two shards with a failed file in one of them, merged, are the whole run; the exit code says that a file failed."""
    for number in range(3):
        write_noise(tmp_path / "in" / f"{number}.wav", 0.4 + number)
    (tmp_path / "in" / "3.wav").write_bytes(b"RIFF no sound")
    options = ("-c", "minimal", "-q")
    codes = [run_forked(tmp_path, "extract", "in", "whole.npy", *options).returncode]
    codes += [
        run_forked(tmp_path, "extract", "in", f"part{n}.npy", *options, "--shard", f"{n}/2").returncode
        for n in (1, 2)
    ]
    merged = run_in_this_process(tmp_path, "merge", "part1.npy", "part2.npy", "merged.npy")

    assert codes == [3, 0, 3]
    assert merged.returncode == 3
    assert merged.stderr.startswith("specfeat: merged.npy: ")
    for suffix in (".npy", ".index.csv"):
        assert (tmp_path / f"merged{suffix}").read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()
    assert _read_comparable_record(tmp_path / "merged.run.json") == _read_comparable_record(
        tmp_path / "whole.run.json"
    )
