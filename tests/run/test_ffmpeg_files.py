"""Runs over files that only FFmpeg reads: the record has its version, and another version has other rows."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from helpers.command_runs import COMMAND, SMALL_BATCH, read_output, run_extract, write_sound
from helpers.ffmpeg_files import make_tones, write_with_ffmpeg

pytestmark = pytest.mark.slow


def write_inputs(folder: Path) -> None:
    """Write one file that libsndfile reads, and one with the same sound that it does not read."""
    (folder / "in").mkdir()
    write_sound(folder / "in/a.wav", 1.5, 1)
    write_with_ffmpeg(folder / "in/b.m4a", "alac", make_tones(24_000, 16_000, 440.0), 16_000)


def read_decoders(folder: Path) -> list[str | None]:
    return [entry.get("decoder") for entry in json.loads((folder / "out.run.json").read_text())["files"]]


def test_the_record_has_the_version_of_ffmpeg_where_it_was_used(tmp_path: Path) -> None:
    """Only the entry of a file that FFmpeg has decoded names it, so other records are as without the extra."""
    write_inputs(tmp_path)

    assert run_extract(tmp_path, "in", "out.npy", *SMALL_BATCH).returncode == 0
    first, second = read_decoders(tmp_path)
    assert first is None
    assert str(second).startswith("FFmpeg ")
    assert run_extract(tmp_path, "in", "out.npy", "--update", *SMALL_BATCH).returncode == 0


def test_rows_of_another_ffmpeg_are_not_mixed(tmp_path: Path) -> None:
    """An output whose files were decoded by another FFmpeg is refused like one of another libsndfile."""
    write_inputs(tmp_path)
    run_extract(tmp_path, "in", "out.npy", *SMALL_BATCH)
    record = tmp_path / "out.run.json"
    version = str(read_decoders(tmp_path)[1])
    record.write_text(record.read_text().replace(version, "FFmpeg 1"))
    run = run_extract(tmp_path, "in", "out.npy", "--update", *SMALL_BATCH)

    assert run.returncode == 2
    assert f"different settings (FFmpeg: FFmpeg 1, now {version})" in run.stderr
    assert run_extract(tmp_path, "in", "out.npy", "--update", "--force", *SMALL_BATCH).returncode == 0
    assert read_decoders(tmp_path)[1] == version


def test_an_m4a_file_has_the_rows_of_the_wav_file(tmp_path: Path) -> None:
    """ALAC keeps each sample, so array and index are those of a WAV file of the same name."""
    import soundfile

    tones = make_tones(40_000, 16_000, 440.0)
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    write_with_ffmpeg(tmp_path / "1/a.m4a", "alac", tones, 16_000)
    soundfile.write(tmp_path / "2/a.m4a", tones, 16_000, "PCM_16", format="WAV")
    outputs = []
    for folder in ("1", "2"):
        assert run_extract(tmp_path / folder, "a.m4a", "out.npy", *SMALL_BATCH).returncode == 0
        outputs.append(read_output(tmp_path / folder)[:2])

    assert outputs[0] == outputs[1]


NOTE_IMPORTS = """
import atexit, pathlib, sys
is_worker = "specfeat.audio.worker" in " ".join(sys.orig_argv)
if is_worker or "extract" in sys.argv:
    def note():
        name = "worker" if is_worker else "main"
        pathlib.Path(name).write_text(str("av" in sys.modules))
    atexit.register(note)
"""


def test_only_a_worker_loads_pyav(tmp_path: Path) -> None:
    """A damaged file can end a decoder; so FFmpeg, like libsndfile, decodes in a process of its own."""
    write_inputs(tmp_path)
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(NOTE_IMPORTS)
    done = subprocess.run(
        [*COMMAND, "in", "out.npy", "-c", "minimal", "-q", "--workers", "1"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        check=False,
    )

    assert done.returncode == 0
    assert (tmp_path / "main").read_text() == "False"
