"""The settings `clips`: how a sound is cut into clips."""

from typing import ClassVar, Literal

from pydantic import PositiveInt

from specfeat.config.section import Section


class Clips(Section):
    """The section `clips`: how a sound is cut into clips, which are the inputs of the network.

    Exactly one of `frames`, `samples` and `seconds` is given.

    Attributes:
        cut: what is cut into clips. "frames" cuts the spectrogram of the whole file. "samples" cuts the
            samples, and then computes a spectrogram of each clip: the ends of each clip are padded, and PCEN
            and deltas start again with each clip.
        frames: the length of a clip in frames. May be given in seconds as `seconds`.
        samples: the length of a clip in samples, only with `cut: samples`.
        hop: the distance from the start of one clip to the start of the next one, in frames (in samples if
            the length of a clip is given in samples). If left out, it is the length of a clip. May be given
            in seconds as `hop_seconds`.
        tail: what happens to the sound after the last whole clip: "pad" adds silence to make one more clip,
            "drop" ignores it, "shift" makes one more clip that ends where the file ends.
        short: what happens to a file that is shorter than one clip: "pad" adds silence, "skip" gives no row.
        edges: the rows that are made. "cut" makes one row for each clip. "repeat" makes one row for each hop
            of the file, from the clip that is centred on it, and near the ends from the first or the last
            clip; only with `tail: drop`.
        end_frame: what happens to the frame that is centred on the end of the file (with `pad_end`, to the
            frame that begins less than a hop before the end). "drop" removes it, so that a clip of T frames
            has T hops. "keep" keeps it, so that clips are cut from all frames that librosa or kapre makes.
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
