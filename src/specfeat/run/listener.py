"""Who wants to know how a run proceeds: a terminal, a log, a program."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from specfeat.config import Config
    from specfeat.events import SoundEndEvent
    from specfeat.network.build import Network
    from specfeat.output.summary import RunSummary
    from specfeat.run.plan import RunPlan
    from specfeat.sound import Sound


class RunListener(Protocol):
    """Hears how a run proceeds; the calls come in the order of the methods below, from the thread of the run.

    An exception that a method raises ends the run; what is finished stays in the work folder.
    """

    def on_plan(self, config: "Config", plan: "RunPlan") -> None:
        """Hear what the run is going to do. All cheap checks have passed; the network is built next."""

    def on_note(self, text: str) -> None:
        """Hear one sentence that the user should know, e.g. that unfinished work is discarded."""

    def on_network(self, network: "Network") -> None:
        """Hear that the network is built."""

    def show_progress(self, sounds: "Sequence[Sound]") -> AbstractContextManager[None]:
        """Return a context manager; the sounds are extracted, and the output is written, inside it."""

    def on_audio_read(self, seconds: float) -> None:
        """Hear how many more seconds of audio have been read, since the last call."""

    def on_sound_end(self, event: "SoundEndEvent") -> None:
        """Hear that a sound is done or has failed; it is in the journal already."""

    def on_output(self, summary: "RunSummary", array: "Path", *, is_new: bool) -> None:
        """Hear that the output is there.

        Args:
            summary: what the output holds.
            array: the path of the array.
            is_new: False if the output was complete before, so that nothing has been written.
        """


class SilentListener:
    """A listener that does nothing; subclass it to hear only some of the events."""

    def on_plan(self, config: "Config", plan: "RunPlan") -> None:
        """Do nothing."""

    def on_note(self, text: str) -> None:
        """Do nothing."""

    def on_network(self, network: "Network") -> None:
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
