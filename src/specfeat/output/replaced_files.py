"""Notes which files a run will replace, so that the run never replaces files that changed in the meantime."""

from specfeat.errors import OutputError
from specfeat.output.paths import OutputPaths


class ReplacedFiles:
    """The versions of array, index and record at the time when this object is made.

    A run makes this object when it starts. Before it replaces the three files, it checks that they are still
    the same. Otherwise the file of another program could be lost.

    Args:
        paths: the paths of the output.
    """

    def __init__(self, paths: OutputPaths) -> None:
        self._paths = paths
        self._versions = paths.identify_versions()

    @property
    def sizes_and_times(self) -> tuple[tuple[int, int] | None, ...]:
        """Size and time of each file, as in `JournalHeader.replaced_files`."""
        return tuple(version and (version.size, version.mtime_ns) for version in self._versions)

    def check_unchanged(self) -> None:
        """Check that the three files are still the ones that were there when this object was made.

        Raises:
            OutputError: a file has appeared or changed.
        """
        # Device and inode are compared, too: the file of another program can have the same size and time.
        versions = self._paths.identify_versions()
        for path, old, new in zip(self._paths.files, self._versions, versions, strict=True):
            if old != new:
                raise OutputError(f"{path}: has appeared or changed during the run, so it is not replaced")
