"""Counts the files that fail, and stops a run with too many of them."""

from collections.abc import Iterable, Iterator, Sequence

from specfeat.errors import Remedy, TooManyFailuresError
from specfeat.events import Event, SoundEndEvent
from specfeat.files import format_path
from specfeat.run.options import FailureLimit


class FailureCounter:
    """Counts the files that fail, and stops a run with too many of them.

    A file that breaks in the middle counts as a failure, even if its rows before the break are kept. A
    percentage is a share of all files of the run, and not of those that have ended. So the run can stop as
    soon as this number is exceeded.

    Args:
        limit: how many files may fail.
        files: how many files the run has.
        failed: the paths of those that failed before the run was interrupted and resumed.

    Raises:
        TooManyFailuresError: too many files failed before the interruption.
    """

    def __init__(self, limit: FailureLimit, files: int, failed: Sequence[str] = ()) -> None:
        self._limit = limit
        self._files = files
        self._allowed = limit.count_allowed(files)
        self._failed = len(failed)
        self._last_failed = failed[-1] if failed else ""
        self._check()

    def count(self, event: SoundEndEvent) -> None:
        """Count a file that has ended.

        Raises:
            TooManyFailuresError: the file failed, and now too many files have failed.
        """
        if event.error:
            self._failed += 1
            self._last_failed = event.sound.path
            self._check()

    def count_failures(self, events: Iterable[Event]) -> Iterator[Event]:
        """Yield the events, and count the failures among them.

        A failure is counted only when the receiver asks for the next event. At this time the receiver has
        written the failed file to the journal, so that a resumed run counts it, too.

        Raises:
            TooManyFailuresError: too many files have failed.
        """
        for event in events:
            yield event
            if isinstance(event, SoundEndEvent):
                self.count(event)

    def _check(self) -> None:
        if self._limit.stop_at_first and self._failed:
            raise TooManyFailuresError(
                f"{format_path(self._last_failed)}: has failed, so the run stops, as requested; "
                "repair this file or leave it out",
                remedy=Remedy.CONTINUE_AFTER_FAILURES,
            )
        if self._failed > self._allowed:
            raise TooManyFailuresError(
                f"{self._failed} of {self._files} files have failed, so the run stops: "
                f"{self._limit.max_failures} may fail, and the last that failed is "
                f"{format_path(self._last_failed)}; repair these files or leave them out",
                remedy=Remedy.ALLOW_MORE_FAILURES,
            )
