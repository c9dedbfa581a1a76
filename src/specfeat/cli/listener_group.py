"""Passes the events of one run on to several listeners."""

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from specfeat.cli.signals import raise_pending_signal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from specfeat.config import Config
    from specfeat.events import SoundEndEvent
    from specfeat.network.ready_network import ReadyNetwork
    from specfeat.output.summary import RunSummary
    from specfeat.run.listener import RunListener
    from specfeat.run.plan import RunPlan
    from specfeat.sound import Sound


class ListenerGroup:
    """Passes each event of a run on to several listeners, in their order; itself a `RunListener`.

    At the events that come often, it also raises a stop signal whose exception was lost in a library.

    Args:
        listeners: the listeners.
        array_name: how the array is named to the listeners; None for its path.
    """

    def __init__(self, *listeners: "RunListener", array_name: "Path | None" = None) -> None:
        self._listeners = listeners
        self._array_name = array_name

    def on_plan(self, config: "Config", plan: "RunPlan") -> None:
        """Pass on what the run is going to do."""
        for listener in self._listeners:
            listener.on_plan(config, plan)

    def on_note(self, text: str) -> None:
        """Pass on a sentence that the user should know."""
        for listener in self._listeners:
            listener.on_note(text)

    def on_network(self, network: "ReadyNetwork") -> None:
        """Pass on that the network is built."""
        raise_pending_signal()  # one that came while TensorFlow was loaded
        for listener in self._listeners:
            listener.on_network(network)

    @contextmanager
    def show_progress(self, sounds: "Sequence[Sound]") -> "Iterator[None]":
        """Let all listeners show the progress."""
        with ExitStack() as stack:
            for listener in self._listeners:
                stack.enter_context(listener.show_progress(sounds))
            yield

    def on_audio_read(self, seconds: float) -> None:
        """Pass on how many more seconds of audio have been read."""
        raise_pending_signal()
        for listener in self._listeners:
            listener.on_audio_read(seconds)

    def on_sound_end(self, event: "SoundEndEvent") -> None:
        """Pass on that a sound is done or has failed."""
        for listener in self._listeners:
            listener.on_sound_end(event)

    def on_output(self, summary: "RunSummary", array: "Path", *, is_new: bool) -> None:
        """Pass on that the output is there."""
        for listener in self._listeners:
            listener.on_output(summary, self._array_name or array, is_new=is_new)
