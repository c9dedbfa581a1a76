"""The folder of a training: its lock, its work folder, and the check of the training that is in it."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from specfeat.atomic_file import write_atomically
from specfeat.errors import Remedy, UsageError
from specfeat.files import format_path, wrap_os_errors
from specfeat.output.lock import LOCK_NAME, WorkFolderLock
from specfeat.training.identity import find_difference

WORK_FOLDER_NAME = "work"
IDENTITY_NAME = "identity.json"
RECORD_NAME = "train.json"
BEST_WEIGHTS = "best.weights.h5"
LAST_WEIGHTS = "last.weights.h5"
CONFIG = "config.yaml"
# The results; `[a-z]*` stands for the parts.
RESULT_NAMES = (
    *(RECORD_NAME, BEST_WEIGHTS, LAST_WEIGHTS, CONFIG, "history.csv", "split.csv", "metrics.json"),
    *("classes.csv", "model_card.md", "curves.png", "confusion_[a-z]*"),
)


class TrainingFolder:
    """The folder for the results of one training, locked inside a `with` block.

    Args:
        path: the folder; it is made.

    Attributes:
        path: the folder.
        work_folder: the folder in it for clips and checkpoints.

    Raises:
        LockedError: another training uses the folder.
        OutputError: the folder cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.work_folder = path / WORK_FOLDER_NAME
        self._lock = WorkFolderLock(self.work_folder, path)

    def __enter__(self) -> "TrainingFolder":
        self._check_place()
        with wrap_os_errors(self.path, "made"):
            self.path.mkdir(parents=True, exist_ok=True)
        self._lock.take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()

    def _check_place(self) -> None:
        """Check that the folder is new, empty or of a training, so that nothing else is overwritten.

        Raises:
            UsageError: the folder has other files, or there is a file at its path.
        """
        name = format_path(str(self.path))
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"{name}: is a file; give a folder for the results")
        # If a replacement was killed after it removed identity and record, only the file of the lock is left.
        marks = (self._identity_path, self._record_path, self.work_folder / LOCK_NAME)
        if not self.path.exists() or any(path.exists() for path in marks):
            return
        with wrap_os_errors(self.path, "read"):
            others = sorted(entry.name for entry in self.path.iterdir() if entry != self.work_folder)
        if others:
            raise UsageError(
                f"{name}: has files that are not of a training, e.g. {format_path(others[0])}; "
                "give a new folder for the results"
            )

    def begin(self, identity: Mapping[str, Any], *, resume: bool, force: bool) -> None:
        """Start a training in the folder, or continue the one that is in it.

        Args:
            identity: what `describe_training` returns.
            resume: whether to continue it.
            force: whether to replace it; together with `resume`, only if it cannot be continued.

        Raises:
            UsageError: there is a training in the folder, and it may be neither continued nor replaced; or it
                has other settings.
        """
        self._remove_unfinished_files()
        has_training = self._identity_path.exists() or self._record_path.exists()
        if has_training and not resume and not force:
            is_finished = self._record_path.exists()
            state = "a finished" if is_finished else "an unfinished"
            raise UsageError(
                f"{format_path(str(self.path))}: contains {state} training",
                remedy=Remedy.EXTEND_OR_REPLACE if is_finished else Remedy.RESUME_OR_REPLACE,
            )
        if has_training and resume and self._can_continue(identity, force=force):
            return
        self._clear()
        write_atomically(self._identity_path, json.dumps(identity).encode())

    def read_identity(self) -> dict[str, Any]:
        """Return what `describe_training` returned when the training was started."""
        identity: dict[str, Any] = json.loads(self._identity_path.read_bytes())
        return identity

    def read_record(self, epochs: int) -> dict[str, Any] | None:
        """Return the record if the training in the folder is complete; None if there is something to do.

        Args:
            epochs: how many epochs are asked for.
        """
        try:
            record: dict[str, Any] = json.loads(self._record_path.read_bytes())
            is_complete = record["was_stopped_early"] or record["epochs"] >= epochs
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return record if is_complete else None

    def remove_record(self) -> None:
        """Remove the record, because the results are going to change."""
        self._record_path.unlink(missing_ok=True)

    def _can_continue(self, identity: Mapping[str, Any], *, force: bool) -> bool:
        try:
            self._check_identity(identity)
        except UsageError:
            if not force:
                raise
            return False
        return True

    def _check_identity(self, identity: Mapping[str, Any]) -> None:
        name = format_path(str(self.path))
        try:
            old = self.read_identity()
        except (OSError, ValueError):
            raise UsageError(
                f"{name}: the training cannot be continued, because "
                f"{format_path(str(self._identity_path))} is missing or damaged; give a new folder"
            ) from None
        difference = find_difference(old, json.loads(json.dumps(identity)))
        if difference:
            raise UsageError(
                f"{name}: the training was started with different settings ({difference})",
                remedy=Remedy.SAME_SETTINGS_OR_REPLACE,
            )

    @property
    def _identity_path(self) -> Path:
        return self.work_folder / IDENTITY_NAME

    @property
    def _record_path(self) -> Path:
        return self.path / RECORD_NAME

    def _remove_unfinished_files(self) -> None:
        """Remove what a training that was killed has left of files that it was writing."""
        paths = [*self.work_folder.glob(".*.partial")]
        for name in RESULT_NAMES:
            paths += self.path.glob(f".{name}.*.partial")
        for path in paths:
            path.unlink(missing_ok=True)

    def _clear(self) -> None:
        """Remove the work of an earlier training; its results are replaced one by one at the end.

        If this is interrupted, what is left is never taken for a training that can be continued.
        """
        self.remove_record()
        self._identity_path.unlink(missing_ok=True)
        for pattern in ("*.json", "*.bin", "*.npz"):
            for path in self.work_folder.glob(pattern):
                path.unlink(missing_ok=True)
