"""What the tests of layers share."""

from pathlib import Path

import pytest


@pytest.fixture
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let messages name a config without the path of a temporary folder."""
    monkeypatch.chdir(tmp_path)
