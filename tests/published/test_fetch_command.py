"""The table of published weights, and the command `specfeat weights fetch`."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from helpers.waiting import DEADLINE_S, wait_until
from helpers.weights_server import CONTENT, DIGEST, WeightsServer, run_server
from specfeat.config import shipped_names
from specfeat.errors import UsageError
from specfeat.published.fetch import find_cache_folder
from specfeat.published.table import PUBLISHED_WEIGHTS, PublishedWeights, find_published_weights


@pytest.fixture
def server() -> Iterator[WeightsServer]:
    """A running server."""
    with run_server() as running:
        yield running


@pytest.fixture
def entry(server: WeightsServer) -> PublishedWeights:
    """The entry of the table for the file that the server has at first."""
    return server.make_entry()


def test_the_table_is_complete() -> None:
    """Each entry has a name of its own, an address over https, a licence, and either a valid hash or none."""
    assert (
        len({entry.name for entry in PUBLISHED_WEIGHTS})
        == len({entry.file_name for entry in PUBLISHED_WEIGHTS})
        == len(PUBLISHED_WEIGHTS)
    )
    for entry in PUBLISHED_WEIGHTS:
        assert entry.address.startswith("https://")
        assert entry.licence
        assert entry.sha256 is None or re.fullmatch("[0-9a-f]{64}", entry.sha256)
        assert (entry.sha256 is None) == (entry.hash_source == "not known")
        assert not entry.file_name.endswith(".gz")
    assert {"yamnet", "vggish", "cnn14"} <= {entry.config for entry in PUBLISHED_WEIGHTS} & set(
        shipped_names()
    )
    with pytest.raises(
        UsageError, match=r"yament: no published weights have this name \(did you mean 'yamnet'\?\)"
    ):
        find_published_weights("yament")


def test_the_cache_folder_follows_the_users_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Linux the cache is below XDG_CACHE_HOME, or else ~/.cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert find_cache_folder() == tmp_path / "specfeat" / "weights"

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))

    assert find_cache_folder() == tmp_path / ".cache" / "specfeat" / "weights"


def _start(tmp_path: Path, entry: PublishedWeights | None, *words: str) -> "subprocess.Popen[str]":
    """Start the command, with a table that has only `entry`, or with the real table."""
    code = (
        "import json, sys; from specfeat.published import table; entries = json.loads(sys.argv.pop(1));"
        "table.PUBLISHED_WEIGHTS = tuple(table.PublishedWeights(**entry) for entry in entries)"
        " or table.PUBLISHED_WEIGHTS;"
        "from specfeat.cli import main; sys.exit(main())"
    )
    entries = [asdict(entry)] if entry else []
    return subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(entries), "weights", "fetch", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
    )


def _run(tmp_path: Path, entry: PublishedWeights | None, *words: str) -> subprocess.CompletedProcess[str]:
    process = _start(tmp_path, entry, *words)
    stdout, stderr = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


@pytest.mark.slow
def test_the_command_continues_after_a_signal(
    server: WeightsServer, entry: PublishedWeights, tmp_path: Path
) -> None:
    """After SIGTERM the downloaded bytes are kept, and the next command requests only the rest."""
    server.cut_after, server.remaining_cuts, server.release = len(CONTENT) // 2, 1, threading.Event()
    partial = tmp_path / "specfeat" / "weights" / "net.h5.partial"
    process = _start(tmp_path, entry, "net")
    wait_until(lambda: partial.exists() and partial.stat().st_size, process)
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=DEADLINE_S)
    server.release.set()
    kept_bytes = partial.stat().st_size

    assert (process.returncode, stdout) == (143, "")
    assert stderr == "specfeat: stopped by SIGTERM; the downloaded part is kept; fetch again to continue\n"
    assert _run(tmp_path, entry, "net", "-q").returncode == 0
    assert server.requested_ranges == [None, f"bytes={kept_bytes}-"]


@pytest.mark.slow
def test_the_command_prints_only_the_path(entry: PublishedWeights, tmp_path: Path) -> None:
    """So it can be used in $(...); everything else goes to stderr."""
    path_line = f"{tmp_path}/specfeat/weights/net.h5\n"
    loud, quiet = _run(tmp_path, entry, "net"), _run(tmp_path, entry, "net", "-q")

    assert (loud.returncode, loud.stdout) == (0, path_line)
    assert loud.stderr == (
        "specfeat: net: licence CC0; its SHA-256 is known from its authors; "
        "use it with -c yamnet --set model.weights.file=PATH\n"
    )
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, path_line, "")


@pytest.mark.slow
def test_the_command_prints_a_hash_that_nobody_publishes(entry: PublishedWeights, tmp_path: Path) -> None:
    """It says that the file is not certain to be the published one, even with -q, but only at the first fetch."""
    messages = [_run(tmp_path, replace(entry, sha256=None), "net", "-q").stderr for _ in range(2)]

    assert messages == [
        f"specfeat: net: no SHA-256 is known for certain; this file has the SHA-256 {DIGEST}, which "
        "later fetches compare with\n",
        "",
    ]


@pytest.mark.slow
def test_failures_of_the_command_are_one_line(entry: PublishedWeights, tmp_path: Path) -> None:
    """The exit code is 1 without a network and 2 for a name that the table does not have."""
    unreachable = _run(tmp_path, replace(entry, address="http://127.0.0.1:9/net.h5"), "net")
    unknown = _run(tmp_path, None, "nett")

    assert (unreachable.returncode, unreachable.stdout, unreachable.stderr.count("\n")) == (1, "", 1)
    assert unreachable.stderr.startswith("specfeat: the connection failed: ")
    assert "http://127.0.0.1:9/net.h5" in unreachable.stderr
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr.startswith("specfeat: nett: no published weights have this name")


@pytest.mark.slow
def test_without_a_name_the_command_lists_the_table(tmp_path: Path) -> None:
    """Each entry is one line with name, size, licence, whether the hash is known, and address."""
    result = _run(tmp_path, None)

    assert (result.returncode, result.stderr) == (0, "")
    assert [line.split()[0] for line in result.stdout.splitlines()] == [
        entry.name for entry in PUBLISHED_WEIGHTS
    ]
    assert all(entry.address in result.stdout for entry in PUBLISHED_WEIGHTS)
    names_with_hash = {line.split()[0] for line in result.stdout.splitlines() if "  hash known  " in line}
    assert names_with_hash == {entry.name for entry in PUBLISHED_WEIGHTS if entry.sha256}
