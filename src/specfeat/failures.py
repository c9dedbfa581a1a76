"""What a run does about files that fail: it goes on, or ends when there are too many."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from specfeat.errors import FailuresError, UsageError, one_line

if TYPE_CHECKING:
    from specfeat.pipeline import End


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many files may fail.

    Attributes:
        stop: none.
        most: so many, as the user says it: a number ("20") or a share of all ("2.5%"); None for any number.

    Raises:
        UsageError: `most` is neither.
    """

    stop: bool = False
    most: str | None = None

    def __post_init__(self) -> None:
        self.of(1)

    def of(self, files: int) -> int:
        """Return how many of so many files may fail."""
        if self.most is None:
            return files
        share = self.most.endswith("%")
        try:
            number = float(self.most.removesuffix("%")) if share else int(self.most)
        except ValueError:
            number = -1
        if not 0 <= number <= (100 if share else 10**12):  # nan is not between them either
            wanted = "wanted a number of files, e.g. 20, or a share of all, e.g. 1%"
            raise UsageError(one_line(f"--max-failures {self.most[:40]}: {wanted}"))
        return int(files * number / 100 + 1e-9) if share else int(number)


class Failures:
    """Counts the files that fail, and ends a run that is going wrong.

    A file that broke half-way counts, whether its first rows are kept or not. With a share the run ends when
    more have failed than all its files allow, so neither too early nor later than could be known.

    Args:
        limit: what is borne.
        files: that the run reads.
    """

    def __init__(self, limit: Limit, files: int) -> None:
        self._limit = limit
        self._files = files
        self._most = limit.of(files)
        self._count = 0

    def ended(self, end: "End") -> None:
        """A file is done.

        Raises:
            FailuresError: that was one failure too many.
        """
        if not end.error:
            return
        self._count += 1
        if self._limit.stop:
            raise FailuresError("a file has failed, so the run ends, as --on-error stop wants")
        if self._count > self._most:
            have = f"{self._count} of {self._files} files have failed"
            raise FailuresError(f"{have}, so the run ends, as --max-failures {self._limit.most} wants")
