"""The reference page and the manual page say what the help texts say."""

import shutil
import subprocess

import pytest

from helpers.command_reference import MANUAL, PAGE, list_commands, write_manual, write_page


def test_the_pages_are_up_to_date() -> None:
    """`python tests/helpers/command_reference.py` would not change them; they have each command and each option."""
    assert PAGE.read_text() == write_page()
    assert MANUAL.read_text() == write_manual()
    assert {"extract", "train", "weights show"} <= {command.words for command in list_commands()}
    assert "`-c, --config NAME|FILE`" in PAGE.read_text()


def test_man_understands_the_page() -> None:
    """Groff finds no mistake, and the text is there."""
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    done = subprocess.run(
        ["groff", "-man", "-Tascii", "-ww", str(MANUAL)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert "specfeat extract" in done.stdout
