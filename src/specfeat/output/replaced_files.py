"""What a run is to replace: array, index and record as they were when it began, and nothing else."""

from specfeat.errors import OutputError
from specfeat.output.paths import OutputPaths


class ReplacedFiles:
    """The versions of array, index and record when this object was made.

    Args:
        paths: the paths of the output.
    """

    def __init__(self, paths: OutputPaths) -> None:
        self._paths = paths
        self._versions = paths.identify_versions()

    @property
    def sizes_and_times(self) -> tuple[tuple[int, int] | None, ...]:
        """Size and time of each file, as in `JournalHeader.replaces`."""
        return tuple(version and (version.size, version.mtime_ns) for version in self._versions)

    def check_unchanged(self) -> None:
        """Refuse to replace what has appeared or changed since: another program's file would be lost.

        Raises:
            OutputError: a file has appeared or changed.
        """
        versions = self._paths.identify_versions()
        for path, old, new in zip(self._paths.files, self._versions, versions, strict=True):
            if old != new:
                raise OutputError(f"{path}: has appeared or changed during the run, so it is not replaced")
