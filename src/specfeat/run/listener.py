"""The interface of a listener: an object that is told how a run proceeds, e.g. a progress bar or a log."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from specfeat.config import Config
    from specfeat.events import SoundEndEvent
    from specfeat.network.ready_network import ReadyNetwork
    from specfeat.output.summary import RunSummary
    from specfeat.run.plan import RunPlan
    from specfeat.sound import Sound


class RunListener(Protocol):
    """An object whose methods are called while a run proceeds.

    The calls come in the order of the methods below, from the thread of the run. If a method raises an
    exception, the run ends; the finished sounds stay in the work folder.
    """

    def on_plan(self, config: "Config", plan: "RunPlan") -> None:
        """This is called when the plan is made, after all checks that need no network."""

    def on_note(self, text: str) -> None:
        """This is called with a sentence for the user, e.g. that unfinished work is discarded."""

    def on_network(self, network: "ReadyNetwork") -> None:
        """This is called when the network is built."""

    def show_progress(self, sounds: "Sequence[Sound]") -> AbstractContextManager[None]:
        """Return a context manager. Inside it, the sounds are extracted and the output is written."""

    def on_audio_read(self, seconds: float) -> None:
        """This is called with the number of seconds of audio that have been read since the last call."""

    def on_sound_end(self, event: "SoundEndEvent") -> None:
        """This is called when a sound has ended or failed, after its entry was written to the journal."""

    def on_output(self, summary: "RunSummary", array: "Path", *, is_new: bool) -> None:
        """This is called when the output is complete.

        Args:
            summary: the counts of the output.
            array: the path of the array.
            is_new: False if the output was complete before, so that this run has written nothing.
        """


class SilentListener:
    """A listener that does nothing. A subclass can override only the methods that it needs."""

    def on_plan(self, config: "Config", plan: "RunPlan") -> None:
        """Do nothing."""

    def on_note(self, text: str) -> None:
        """Do nothing."""

    def on_network(self, network: "ReadyNetwork") -> None:
        """Do nothing."""

    @contextmanager
    def show_progress(self, sounds: "Sequence[Sound]") -> Iterator[None]:
        """Show nothing."""
        yield

    def on_audio_read(self, seconds: float) -> None:
        """Do nothing."""

    def on_sound_end(self, event: "SoundEndEvent") -> None:
        """Do nothing."""

    def on_output(self, summary: "RunSummary", array: "Path", *, is_new: bool) -> None:
        """Do nothing."""
