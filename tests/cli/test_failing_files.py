"""Files that cannot be read, hang, or are not there: each costs its own rows and nothing else."""

import json
import os
from pathlib import Path

import pytest

from helpers.command_runs import run_extract
from helpers.specfeat_command import write_noise
from helpers.without_tensorflow import install_fake_network
from specfeat.cli import run_command_line


@pytest.mark.slow
def test_a_broken_file_costs_only_its_own_rows(tmp_path: Path) -> None:
    """Exit code 3, one line on stderr and an entry in the record; the rows of the other files are as without it."""
    for k in range(3):
        write_noise(tmp_path / "in" / f"{k}.wav", 1.5 + k)
    good_run = run_extract(tmp_path, "in", "good.npy")
    (tmp_path / "in" / "1b.wav").write_text("this is text")
    (tmp_path / "in" / "1c.wav").write_bytes(b"")
    run = run_extract(tmp_path, "in", "broken.npy")
    files = json.loads((tmp_path / "broken.run.json").read_text())["files"]
    index = (tmp_path / "broken.index.csv").read_text()

    assert (good_run.returncode, run.returncode) == (0, 3)
    assert run.stderr.splitlines() == [
        "specfeat: in/1b.wav: is not audio that libsndfile reads: Format not recognised; leave this file out, or check how it was made",
        "specfeat: in/1c.wav: is empty, 0 bytes",
    ]
    assert (tmp_path / "good.npy").read_bytes() == (tmp_path / "broken.npy").read_bytes()
    assert (tmp_path / "good.index.csv").read_text() == index
    assert [file["status"] for file in files] == ["ok", "ok", "failed", "failed", "ok"]
    assert files[3] == {
        "path": "in/1c.wav",
        "size": 0,
        "mtime_ns": (tmp_path / "in" / "1c.wav").stat().st_mtime_ns,
        "status": "failed",
        "rows": 0,
        "samples": 0,
        "seconds": files[3]["seconds"],
        "stage": "open",
        "cause": "0 bytes",
        "error": "is empty, 0 bytes",
    }


# Makes the worker hang when it reads a file whose name ends in "1.wav".
HANG = """
import os, sys, time
if "specfeat.audio.worker" in " ".join(sys.orig_argv):
    import soundfile
    read = soundfile.SoundFile.read
    def hanging(self, *arguments, **options):
        if os.readlink(f"/proc/self/fd/{self.name}").endswith("1.wav"):  # it is opened by its descriptor
            time.sleep(600)
        return read(self, *arguments, **options)
    soundfile.SoundFile.read = hanging
"""


@pytest.mark.slow
def test_a_file_that_hangs_costs_only_its_own_rows(tmp_path: Path) -> None:
    """After --timeout-per-file the worker is ended; the rows of the other files are as without it."""
    for k in range(3):
        write_noise(tmp_path / "in" / f"{k}.wav", 1.5 + k)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(HANG)
    good_run = run_extract(tmp_path, "in/0.wav", "in/2.wav", "good.npy")
    run = run_extract(
        tmp_path,
        *("in", "hung.npy", "--timeout-per-file", "4"),
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
    )

    assert (good_run.returncode, run.returncode) == (0, 3)
    assert run.stderr == (
        "specfeat: in/1.wav: is not decoded within 4 s; use --timeout-per-file SECONDS to allow more time\n"
    )
    assert (tmp_path / "good.npy").read_bytes() == (tmp_path / "hung.npy").read_bytes()
    files = json.loads((tmp_path / "hung.run.json").read_text())["files"]
    assert [file.get("cause") for file in files] == [None, "timeout", None]


@pytest.mark.slow
def test_no_usable_file_is_4(tmp_path: Path) -> None:
    """If no audio is found, or every file fails: exit code 4, a sentence, and no output."""
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "notes.txt").write_text("")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.wav").write_text("text")
    run_without_audio = run_extract(tmp_path, "none", "out.npy")
    run_with_failure = run_extract(tmp_path, "bad", "out.npy")

    assert (run_without_audio.returncode, run_with_failure.returncode) == (4, 4)
    assert run_without_audio.stderr.startswith("specfeat: no audio in none: looked for .")
    assert run_without_audio.stderr.endswith(
        "skipped 1 other file (none/notes.txt); name a folder with audio, or the files themselves\n"
    )
    assert run_with_failure.stderr.splitlines()[-1] == "specfeat: the file failed, so nothing is written"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad", "none"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "option", [["--on-error", "stop"], ["--on-error=stop"], ["--max-failures", "0"]], ids=" ".join
)
@pytest.mark.usefixtures("_in_an_empty_folder")
def test_the_named_command_continues_after_the_failure_that_stopped_the_run(
    option: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The message names the file, also of a resumed run; the command that it ends with lacks the option, and works."""
    install_fake_network(monkeypatch.setitem)
    write_noise(Path("in/a.wav"), 1.5)
    Path("in/bad.wav").write_text("text")
    words = ["extract", "in", "o.npy", "-c", "minimal", "-q", "--workers", "1", *option]

    for stopped in (words, [*words, "--resume"]):
        assert run_command_line(stopped) == 1
        message = capfd.readouterr().err.splitlines()[-1]
        assert "in/bad.wav" in message
        command = message.rpartition("continue with specfeat ")[2]
        assert sorted(command.split()) == sorted(["--resume", *words[: -len(option)]])
    assert run_command_line(command.split()) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("_in_an_empty_folder", "_without_ffmpeg")
def test_a_file_to_convert_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A folder may have audio that libsndfile cannot read; it is no "other file", beside a WAV file or alone."""
    install_fake_network(monkeypatch.setitem)
    write_noise(Path("mix/b.wav"), 1.5)
    for name in ("mix/a song.m4a", "mix/c.txt", "only/x.MP4", "only/y.webm", "only/.z.mkv"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"x")

    assert run_command_line(["extract", "mix", "o.npy", "-c", "minimal"]) == 0
    assert (
        capfd.readouterr()
        .err.splitlines()[-1]
        .endswith(
            "; 1 other file skipped (mix/c.txt), see the record; 1 file of a format that cannot be read "
            "(mix/a song.m4a): read it with FFmpeg (pip install 'specfeat[av]'), or convert it with ffmpeg: ffmpeg -i 'mix/a song.m4a' 'mix/a song.wav'"
        )
    )
    assert run_command_line(["extract", "only", "o2.npy", "-c", "minimal"]) == 4
    assert capfd.readouterr().err == (
        "specfeat: no audio that can be read in only: 2 files of a format that cannot be read "
        "(only/x.MP4, only/y.webm): read them with FFmpeg (pip install 'specfeat[av]'), or convert them with ffmpeg, "
        "for example: ffmpeg -i only/x.MP4 only/x.wav\n"
    )
