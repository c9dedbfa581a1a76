"""No command replaces a file that it reads, even if replacing is allowed."""

from pathlib import Path

import numpy as np
import pytest

from helpers.handmade_outputs import write_output
from specfeat.cli import run_command_line
from specfeat.cli.overwritten_inputs import refuse_overwriting
from specfeat.errors import UsageError


@pytest.mark.parametrize(
    "command",
    [
        "events out.npy --format csv -o a.wav",
        "events out.npy --thresholds th.csv --format csv -o th.csv",
        "events out.npy --format csv -o out.index.csv",
        "search out.npy --row 0 --table-format csv -o a.wav",
        "report page.html page.html",
        "plot picture.png picture.png",
    ],
)
def test_a_command_does_not_replace_what_it_reads(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the file, and the file is as it was."""
    monkeypatch.chdir(tmp_path)
    rows = np.eye(2)
    write_output(tmp_path / "out.npy", {"a.wav": rows}, labels=("cat", "dog"))
    (tmp_path / "th.csv").write_text("class,on\ncat,0.5\n")
    for name in ("page.html", "picture.png"):
        (tmp_path / name).symlink_to("out.npy")
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}

    assert run_command_line([*command.split(), "--force"]) in (1, 2)
    assert command.split()[-1] in capsys.readouterr().err
    assert {path: path.read_bytes() for path in before} == before


def test_another_name_of_an_input_is_noticed(tmp_path: Path) -> None:
    """A hard link and a symbolic link lead to the same file; a file that does not exist is no input."""
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "hard").hardlink_to(tmp_path / "a")
    (tmp_path / "soft").symlink_to("a")
    for name in ("a", "hard", "soft"):
        with pytest.raises(UsageError, match=rf"{name}: is read by this command; give another name$"):
            refuse_overwriting([tmp_path / name], [tmp_path / "a", tmp_path / "none"])
    refuse_overwriting([tmp_path / "none"], [tmp_path / "a", tmp_path / "none"])
