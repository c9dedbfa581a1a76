"""Refuses to write a file over something that the same command reads."""

from collections.abc import Iterable
from pathlib import Path

from specfeat.errors import UsageError
from specfeat.files import format_path, identify_inode


def refuse_overwriting(targets: Iterable[str | Path], inputs: Iterable[str | Path]) -> None:
    """Check that no file that is written is one that is read, also not under another name or through a link.

    Args:
        targets: the files that the command will write.
        inputs: the files that it reads; those that do not exist are left out.

    Raises:
        UsageError: a target is an input.
    """
    inodes = {identify_inode(str(path)) for path in inputs} - {None}
    for target in targets:
        if identify_inode(str(target)) in inodes:
            raise UsageError(f"{format_path(str(target))}: is read by this command; give another name")
