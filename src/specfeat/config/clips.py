"""The settings `clips`: how a sound is cut into clips."""

from typing import ClassVar, Literal

from pydantic import PositiveInt

from specfeat.config.section import Section


class Clips(Section):
    """How the sound is cut into clips, the inputs of the network: the section `clips`.

    Exactly one of `frames`, `samples` and `seconds` is given.

    Attributes:
        cut: what is cut: "frames" cuts the spectrogram of the whole file; "samples" cuts the sound, and each
            clip has a spectrogram of its own, with ends padded, and PCEN and deltas started, for each clip.
        frames: the length of a clip in frames. May be given in seconds as `seconds`.
        samples: the length of a clip in samples, only with `cut: samples`.
        hop: the distance from the start of one clip to the start of the next one, in frames, or in samples if
            the length is given in samples; the length of a clip if left out. May be given in seconds as
            `hop_seconds`.
        tail: what happens to the sound after the last whole clip: "pad" adds silence to make one more clip,
            "drop" ignores it, "shift" makes one more clip that ends where the file ends.
        short: what happens to a file that is shorter than one clip: "pad" adds silence, "skip" gives no row.
        edges: which rows there are: "cut" for one row per clip; "repeat" for one row per hop of the file,
            from the clip centred on it, and near the ends from the first or last clip; only with
            `tail: drop`.
        end_frame: what happens to the frame that is centred on the end of the file, or with `pad_end` the one
            that begins less than a hop before it: "drop" it, so that a clip of T frames spans T hops, or
            "keep" it, so that clips are cut from all frames that librosa or kapre makes.
    """

    later_keys: ClassVar[frozenset[str]] = frozenset({"end_frame"})

    cut: Literal["frames", "samples"] = "frames"
    frames: PositiveInt | None = None
    samples: PositiveInt | None = None
    hop: PositiveInt | None = None
    tail: Literal["pad", "drop", "shift"] = "pad"
    short: Literal["pad", "skip"] = "pad"
    edges: Literal["cut", "repeat"] = "cut"
    end_frame: Literal["drop", "keep"] = "drop"
