"""Users without rights, and cron: no environment, no home, odd locales."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from helpers.command_runs import COMMAND, OUTPUT_NAMES, CompletedRun, write_sound
from helpers.long_tests import IS_LONG_FORM

pytestmark = pytest.mark.slow


# Root's rights are taken from him, and he gets the environment and the sources on a file system that is read-only.
DROP_RIGHTS = """
for place in "$1" "$2"; do mount --bind "$place" "$place" && mount -o remount,ro,bind "$place" || exit 99; done
shift 2
exec setpriv --bounding-set=-all --inh-caps=-all "$@"
"""


class RestrictedUser:
    """A user without rights, who may not write to the Python environment, and a folder that is his own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._prefix: list[str] = []
        if not os.geteuid():
            read_only = [sys.prefix, str(Path(__file__).parents[2])]
            self._prefix = ["unshare", "-m", "sh", "-c", DROP_RIGHTS, "sh", *read_only]

    def run(
        self,
        *arguments: str,
        program: Sequence[str] = COMMAND,
        locale: dict[str, str] | None = None,
        **options: Any,
    ) -> CompletedRun:
        """Run the command as cron does: no environment but the path, no terminal."""
        command = [*self._prefix, *program, *arguments]
        environment = {"PATH": os.environ["PATH"], **(locale or {})}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, **options
        )


@pytest.fixture
def restricted_user(tmp_path: Path) -> RestrictedUser:
    user = RestrictedUser(tmp_path)
    if not os.geteuid() and not all(map(shutil.which, ("unshare", "setpriv"))):
        pytest.skip("root's rights cannot be given up without unshare and setpriv")
    (tmp_path / "closed").mkdir(mode=0o555)
    attempt = user.run("-c", "open('closed/x', 'w')", program=[sys.executable])
    if "PermissionError" not in attempt.stderr:
        pytest.skip(f"rights cannot be given up here: {attempt.stderr}")
    return user


def test_missing_permissions(restricted_user: RestrictedUser) -> None:
    """A read-only folder is one sentence, before any work; a file without permission is a failed file."""
    for name in ("a", "b"):
        write_sound(restricted_user.folder / f"{name}.wav", 1.0, 0)
    (restricted_user.folder / "b.wav").chmod(0)
    closed_run = restricted_user.run("a.wav", "closed/out.npy", "-q")
    first_run = restricted_user.run("a.wav", "b.wav", "out.npy", "-q")
    second_run = restricted_user.run("a.wav", "b.wav", "out.npy", "-q", "--update")
    (restricted_user.folder / "w.h5").touch(mode=0)
    weights_run = restricted_user.run("a.wav", "new.npy", "-q", "--set", "model.weights.file=w.h5")
    (restricted_user.folder / "b.wav").chmod(0o644)
    third_run = restricted_user.run("a.wav", "b.wav", "out.npy", "-q", "--update")

    assert [run.returncode for run in (closed_run, first_run, second_run, third_run, weights_run)] == [
        1,
        3,
        3,
        0,
        2,
    ]
    assert weights_run.stderr == (
        "specfeat: --set model.weights.file=w.h5: model.weights.file: "
        "w.h5: may not be read: permission denied\n"
    )
    assert closed_run.stderr == "specfeat: closed: the folder cannot be written to: permission denied\n"
    assert first_run.stderr.startswith("specfeat: b.wav: ")
    assert (second_run.stderr, third_run.stderr) == ("", "")


NAMES_OF_ALL_KINDS = ["in/grüße.wav", "in/日本.wav", "in/odd\udcff.wav"]


LOCALES: list[dict[str, str]] = [
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "C"},
    {},
]


def run_as_cron(user: RestrictedUser, program: list[str], locales: list[dict[str, str]]) -> None:
    (user.folder / "in").mkdir()
    for k, name in enumerate(NAMES_OF_ALL_KINDS):
        write_sound(user.folder / "plain.wav", 1.0, k)
        (user.folder / "plain.wav").rename(user.folder / name)
    arguments = ["in", "out.npy", "-c", "minimal", "-q", "--update"]
    for locale in locales:
        run = user.run(
            *arguments, program=program, locale=locale, umask=0o077, preexec_fn=lambda: os.close(0)
        )
        assert (run.returncode, run.stdout, run.stderr) == (0, "", "")

        index = (user.folder / "out.index.csv").read_bytes()
        paths = [entry["path"] for entry in json.loads((user.folder / "out.run.json").read_text())["files"]]

        assert paths == sorted(NAMES_OF_ALL_KINDS, key=os.fsencode)
        assert all(os.fsencode(name) in index for name in NAMES_OF_ALL_KINDS)
        assert sorted(path.name for path in user.folder.iterdir()) == ["closed", "in", *OUTPUT_NAMES]
        assert {path.stat().st_mode & 0o777 for path in user.folder.glob("out*")} == {0o600}
        for path in user.folder.glob("out*"):
            path.unlink()


def test_cron(restricted_user: RestrictedUser) -> None:
    """No environment, home or stdin, umask 077, C locales, a read-only Python: no output on the terminal, and correct."""
    run_as_cron(restricted_user, COMMAND, LOCALES)


# Python finds no folder for temporary files, as in a container whose file systems are read-only.
NO_TEMPORARY_FOLDER = """
import sys, tempfile
tempfile._candidate_tempdir_list = lambda: ["/nowhere"]
from specfeat.cli import main
sys.exit(main())
"""


@pytest.mark.tf
def test_cron_with_tensorflow(restricted_user: RestrictedUser) -> None:
    """TensorFlow and Keras need none of that either, and no temporary folder; they leave nothing behind."""
    program = [sys.executable, "-c", NO_TEMPORARY_FOLDER, "extract"]
    run_as_cron(restricted_user, program, LOCALES if IS_LONG_FORM else LOCALES[:1])
