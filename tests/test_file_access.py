"""Whether a file may be written."""

from pathlib import Path

import pytest

from specfeat.errors import Remedy, UsageError
from specfeat.file_access import check_new_path


def test_an_existing_path_is_refused(tmp_path: Path) -> None:
    """A file, a folder and a link that leads nowhere are refused, unless they may be replaced."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")

    check_new_path(tmp_path / "new", force=False)
    for name in ("file", "folder", "link"):
        with pytest.raises(UsageError, match=f"{name}: exists already") as caught:
            check_new_path(tmp_path / name, force=False)
        assert caught.value.remedy == Remedy.RENAME_OR_REPLACE_OUTPUT
        check_new_path(str(tmp_path / name), force=True)
