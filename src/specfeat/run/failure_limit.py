"""What a run does about files that fail: it goes on, or ends when there are too many."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from specfeat.errors import TooManyFailuresError, UsageError, escape_control_characters

if TYPE_CHECKING:
    from specfeat.pipeline import SoundEndEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureLimit:
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
            raise UsageError(escape_control_characters(f"--max-failures {self.most[:40]}: {wanted}"))
        return int(files * number / 100 + 1e-9) if share else int(number)


class FailureCounter:
    """Counts the files that fail, and ends a run that is going wrong.

    A file that broke half-way counts, whether its first rows are kept or not. With a share the run ends when
    more have failed than all its files allow, so neither too early nor later than could be known.

    Args:
        limit: what is borne.
        files: of the run.
        failed: that failed before it was ended and gone on with.

    Raises:
        FailuresError: those are too many already.
    """

    def __init__(self, limit: FailureLimit, files: int, failed: int = 0) -> None:
        self._limit = limit
        self._files = files
        self._most = limit.of(files)
        self._count = failed
        self._check()

    def ended(self, end: "SoundEndEvent") -> None:
        """A file is done.

        Raises:
            FailuresError: that was one failure too many.
        """
        if end.error:
            self._count += 1
            self._check()

    def _check(self) -> None:
        if self._limit.stop and self._count:
            self._end("a file has failed", "--on-error stop")
        if self._count > self._most:
            have = f"{self._count} of {self._files} files have failed"
            self._end(have, f"--max-failures {self._limit.most}")

    def _end(self, have: str, option: str) -> NoReturn:
        cure = "mend what failed, or leave that out"
        raise TooManyFailuresError(f"{have}, so the run ends, as {option} wants; {cure}")
