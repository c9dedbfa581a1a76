"""Files and folders that specfeat has not made are not touched."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from helpers.command_runs import COMMAND, make_work_folder, read_output, run_extract, write_sound

pytestmark = pytest.mark.slow


def read_all_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


OTHER_NAMES = ["mine", "journal", "rows.npy", "array.npy", "index.csv", "new.json", "run.json", "lock"]


def test_a_folder_that_specfeat_has_not_made_is_not_touched(sound_folder: Path) -> None:
    """Whatever the names of its files, such a folder stays as it is: exit 2, even with --force."""
    (sound_folder / "out.partial").write_text("mine")
    refused_run = run_extract(sound_folder, "in", "out.npy")
    (sound_folder / "out.partial").unlink()
    (sound_folder / "out.partial").mkdir()
    for name in OTHER_NAMES:
        (sound_folder / "out.partial" / name).write_text("mine")
    before = read_all_files(sound_folder)
    run_with_mark = run_extract(sound_folder, "in", "out.npy", "--force")
    for name in ("lock", "run.json", "journal"):
        (sound_folder / "out.partial" / name).unlink()
    run_without_mark = run_extract(sound_folder, "in", "out.npy", "--force")

    assert (refused_run.returncode, refused_run.stderr) == (
        2,
        "specfeat: out.partial: is in the way of the work folder; rename or remove it\n",
    )
    for run in (run_with_mark, run_without_mark):
        assert run.returncode == 2
        assert run.stderr == (
            "specfeat: out.partial: is in the way of the work folder, and specfeat has not made it; "
            "rename or remove it\n"
        )
    for name in ("lock", "run.json", "journal"):
        del before[f"out.partial/{name}"]
    assert read_all_files(sound_folder) == before


def test_links_and_fifos_in_a_work_folder(sound_folder: Path) -> None:
    """No link is followed, no FIFO is waited for, and the work folder itself may not be a link."""
    (sound_folder / "precious").write_text("mine")
    codes = []
    for name in ("rows.npy", "journal", "index.csv"):
        work = make_work_folder(sound_folder)
        (work / name).symlink_to("../precious")
        codes.append(run_extract(sound_folder, "in", "out.npy", "--force").returncode)
        shutil.rmtree(work, ignore_errors=True)
    work = make_work_folder(sound_folder)
    os.mkfifo(work / "journal")
    fifo_run = run_extract(sound_folder, "in", "out.npy", "--force", timeout=20)
    (work / "journal").unlink()
    (work / "lock").unlink()
    (work / "lock").symlink_to("../precious")
    lock_run = run_extract(sound_folder, "in", "out.npy")
    shutil.rmtree(work, ignore_errors=True)
    (sound_folder / "elsewhere").mkdir()
    work.symlink_to("elsewhere")
    link_run = run_extract(sound_folder, "in", "out.npy")

    assert (sound_folder / "precious").read_text() == "mine"
    assert set(codes) <= {0, 2}
    assert (fifo_run.returncode, fifo_run.stderr) == (
        2,
        "specfeat: out.partial/journal: is not a regular file, so specfeat has not made it; remove it\n",
    )
    assert (lock_run.returncode, "out.partial/lock: is a link" in lock_run.stderr) == (2, True)
    assert (link_run.returncode, "out.partial: is in the way" in link_run.stderr) == (2, True)


def test_a_wrong_decision_file_replaces_nothing(sound_folder: Path) -> None:
    """A `run.json` that is no record, or not that of the files beside it, replaces nothing: exit 2."""
    assert run_extract(sound_folder, "in", "out.npy").returncode == 0
    record = (sound_folder / "out.run.json").read_text()
    work = make_work_folder(sound_folder)
    before = read_output(sound_folder)
    shutil.copy(sound_folder / "out.index.csv", work / "index.csv")
    for text, rows in (("{}", b""), ("[" * 10**5, b""), (record, b"others")):
        (work / "run.json").write_text(text)
        (work / "rows.npy").write_bytes(rows)
        run = run_extract(sound_folder, "in", "out.npy", "--update")

        assert (run.returncode, run.stderr.count("\n")) == (2, 1)
        assert run.stderr.startswith(
            "specfeat: out.partial/run.json: was not written by specfeat, or does not"
        )
        assert read_output(sound_folder) == before
    assert (work / "rows.npy").read_bytes() == b"others"


def test_an_input_in_the_work_folder_is_refused(sound_folder: Path) -> None:
    """It would be removed with the folder, whether it is named directly or through a link."""
    work = make_work_folder(sound_folder)
    write_sound(work / "x.wav", 1.0, 0)
    (sound_folder / "in/link.wav").symlink_to("../out.partial/x.wav")
    for inputs in ("out.partial/x.wav", "in", "."):
        run = run_extract(sound_folder, inputs, "out.npy", "--force")

        assert (run.returncode, run.stderr.count("\n")) == (2, 1)
        assert "x.wav: lies in the work folder out.partial" in run.stderr.replace("link.wav", "x.wav")
    assert (work / "x.wav").exists()


def test_an_impossible_output_is_refused_at_once(sound_folder: Path) -> None:
    """A link, a name that is too long and a folder that is gone are one sentence, before any work."""
    (sound_folder / "link.npy").symlink_to("in/00.wav")
    (sound_folder / "dangling.npy").symlink_to("nowhere")
    (sound_folder / "gone").mkdir()
    command_in_removed_folder = [
        "sh",
        "-c",
        'cd gone && rmdir ../gone && exec "$@"',
        "sh",
        *COMMAND,
        f"{sound_folder}/in",
        "out.npy",
    ]
    run_without_folder = subprocess.run(
        command_in_removed_folder, cwd=sound_folder, capture_output=True, text=True, check=False, timeout=60
    )
    for name, code, sentence in (
        ("link.npy", 2, "link.npy: is a link to in/00.wav; name the file itself"),
        ("dangling.npy", 2, "dangling.npy: is a link to nowhere; name the file itself"),
        ("x" * 246, 2, "File name too long; give the output another name"),
        ("x" * 300, 2, "File name too long; give the output another name"),
    ):
        run = run_extract(sound_folder, "in", name, "--force")
        assert (run.returncode, run.stderr.count("\n")) == (code, 1)
        assert sentence in run.stderr

    assert (run_without_folder.returncode, run_without_folder.stderr.count("\n")) == (1, 1)
