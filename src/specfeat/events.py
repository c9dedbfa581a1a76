"""The events of an extraction: for each sound its rows, in pieces, and then its end.

The code that writes the rows reads a sequence of these events and does not know where they come from.
`pipeline` yields them on this machine. Other code that yields the same sequence can replace it.
"""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from specfeat.errors import AudioError
from specfeat.files import UNREADABLE_FILE
from specfeat.output.records import SoundEntry
from specfeat.sound import Sound, SoundStatus


@dataclass(frozen=True, slots=True)
class RowsEvent:
    """The next rows of the current sound.

    Attributes:
        rows: shape (n, width), float32 unless `row_types` has converted them. n is 0 if clips have been
            computed, but their row is not finished.
        pooled_clips: how many clips have been computed since the last event, if the rows are made from
            several clips; None if each clip has a row.
    """

    rows: NDArray[Any]
    pooled_clips: int | None = None

    @property
    def clips(self) -> int:
        """How many clips have been computed since the last event."""
        return len(self.rows) if self.pooled_clips is None else self.pooled_clips


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundEndEvent:
    """The result of one sound; it follows the last rows of the sound.

    Rows are passed on before it is known whether the rest of the sound can be read. If the sound fails later,
    these rows are invalid: the receiver must remove the last `invalid_rows` rows that it received.

    Attributes:
        sound: the sound that has ended.
        status: how the extraction ended, see `SoundStatus`.
        samples: how many samples were read, at the config's sample rate. If there was no error, this is the
            length of the sound.
        rows: how many of its rows are valid; 0 if it failed.
        invalid_rows: how many rows were passed on for it before it failed; 0 if it did not fail.
        error: why it failed or broke; None if it did not.
        seconds: how long it took to read it and to make its clips, without the network.
        silent: whether it has samples and all of them are 0.
        too_loud: whether a sample is far beyond -1..1.
        decoder: the version of FFmpeg if it decoded the file; None if libsndfile decoded it.
    """

    sound: Sound
    status: SoundStatus
    samples: int = 0
    rows: int = 0
    invalid_rows: int = 0
    error: AudioError | None = None
    seconds: float = 0.0
    silent: bool = False
    too_loud: bool = False
    decoder: str | None = None

    def to_entry(self) -> SoundEntry:
        """Return the entry of the sound for journal, record and log."""
        error, part = self.error, self.sound.part
        # The entry of a file that could not be read has neither size nor time. So when a later run can read
        # the file, the file counts as changed, and is extracted.
        file = UNREADABLE_FILE if error and error.cause == "unreadable" else self.sound.file
        return SoundEntry(
            path=self.sound.key.name,
            channel=part.channel,  # each field by hand, because `asdict` takes 0.1 ms for each sound
            start_s=part.start_s,
            end_s=part.end_s,
            id=part.id,
            may_end_early=part.may_end_early,
            columns=self.sound.columns,
            size=file.size,
            mtime_ns=file.mtime_ns,
            version=file.version,
            status=self.status,
            rows=self.rows,
            samples=self.samples,
            seconds=round(self.seconds, 6),
            silent=self.silent,
            too_loud=self.too_loud,
            decoder=self.decoder,
            stage=error.stage if error else None,
            cause=error.cause if error else None,
            error=str(error) if error else None,
            at_s=None if error is None or error.at_s is None else round(error.at_s, 6),
        )


Event = RowsEvent | SoundEndEvent
