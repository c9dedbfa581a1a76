"""Shells complete commands, options, configs and layers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from specfeat.cli import run_command_line

# Completes each line of the input with the function that the script of `specfeat completion bash` defines.
COMPLETE = """
PATH="$PWD:$PATH"
eval "$(specfeat completion bash)"
while read -r line; do
  COMP_WORDS=($line); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
  _specfeat_completion specfeat
  echo "${COMPREPLY[@]}"
done
"""


@pytest.mark.slow
def test_bash_completes_commands_configs_and_layers(tmp_path: Path) -> None:
    """A real bash, with the printed script: commands, options, shipped configs, YAML files and layers."""
    if not shutil.which("bash"):
        pytest.skip("bash is not installed")
    (tmp_path / "specfeat").write_text(f'#!/bin/sh\nexec {sys.executable} -m specfeat "$@"\n')
    (tmp_path / "specfeat").chmod(0o755)
    (tmp_path / "yard.yaml").touch()
    lines = [
        "specfeat conv",
        "specfeat extract --keep",
        "specfeat extract -c ya",
        "specfeat plot -c vggish --layer fc",
    ]
    done = subprocess.run(
        ["bash", "-c", COMPLETE],
        input="\n".join([*lines, ""]),
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "COMP_TYPE": "9"},
    )
    replies = done.stdout.splitlines()

    assert replies[0] == "convert"
    assert replies[1] == "--keep-partial"
    assert replies[2].split() == ["yamnet", "yamnet_relu6", "yard.yaml"]
    assert replies[3].split() == ["fc1/fc1_1", "fc1/fc1_2", "fc2"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_only_printed(
    shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No file of the user is edited."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run_command_line(["completion", shell]) == 0
    assert "_SPECFEAT_COMPLETE" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
