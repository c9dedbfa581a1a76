"""What comes out of the extraction: for each sound its rows, in pieces, and then its end.

The code that writes the rows reads a sequence of these events and does not know where they come from.
`pipeline` yields them on this machine; another program that yields the same sequence can take its place.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specfeat.errors import AudioError
from specfeat.files import UNREADABLE_FILE
from specfeat.output.records import SoundEntry
from specfeat.sound import Sound, SoundStatus


@dataclass(frozen=True, slots=True)
class RowsEvent:
    """The next rows of the current sound.

    Attributes:
        rows: float32, shape (n, width), n >= 1.
    """

    rows: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundEndEvent:
    """The result of one sound; it follows the last of the sound's rows.

    Void rows exist because rows are passed on before it is known whether the rest of the sound can be read.
    If the sound fails later, its rows so far must not stay: the receiver drops the last `void_rows` rows that
    it got.

    Attributes:
        sound: the sound that has ended.
        status: "ok"; "empty": the sound has no samples; "short": it is shorter than one clip and the config
            skips such sounds; "partial": it broke in the middle, and its rows before the break are kept;
            "failed".
        samples: length of the sound at the config's sample rate, or up to where it could be read.
        rows: how many of its rows are valid; 0 if it failed.
        void_rows: how many rows were passed on for it before it failed; 0 if it did not fail.
        error: why it failed or broke; None if it did not.
        seconds: time spent on reading it and making its clips, without the network.
        silent: whether it has samples and all of them are 0.
    """

    sound: Sound
    status: SoundStatus
    samples: int = 0
    rows: int = 0
    void_rows: int = 0
    error: AudioError | None = None
    seconds: float = 0.0
    silent: bool = False

    def to_entry(self) -> SoundEntry:
        """Return what journal, record and log say of the sound."""
        error, part = self.error, self.sound.part
        # Without an identity, a later run finds that the file has changed as soon as it can be read.
        file = UNREADABLE_FILE if error and error.cause == "unreadable" else self.sound.file
        return SoundEntry(
            path=self.sound.key.name,
            channel=part.channel,  # one by one: `asdict` copies, which takes 0.1 ms for each sound
            start_s=part.start_s,
            end_s=part.end_s,
            id=part.id,
            size=file.size,
            mtime_ns=file.mtime_ns,
            status=self.status,
            rows=self.rows,
            samples=self.samples,
            seconds=round(self.seconds, 6),
            silent=self.silent,
            stage=error.stage if error else None,
            cause=error.cause if error else None,
            error=str(error) if error else None,
            at_s=None if error is None or error.at_s is None else round(error.at_s, 6),
        )


Event = RowsEvent | SoundEndEvent
