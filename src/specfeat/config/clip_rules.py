"""Checks of the clips' settings that depend on the spectrogram's, and of the memory that clips take.

Each function raises the error of `make_rule_error` for the first thing that is wrong, with a path from the
top of the config. `Settings` calls them in a fixed order.
"""

from specfeat.config.clip_grid import ClipGrid
from specfeat.config.clips import Clips
from specfeat.config.section import make_rule_error
from specfeat.config.spectrogram import Spectrogram
from specfeat.text import format_shape

# All samples of a clip are in memory together, and a shorter file is filled with silence up to this length.
# 2 GiB as float32, or nine hours at 16 kHz.
MAX_CLIP_SAMPLES = 2**29
MAX_BATCH_BYTES = 2**31  # of the network's input, a batch of spectrogram clips as float32


def check_clip_unit(clips: Clips) -> None:
    """Check that the length of a clip is given once, in the unit in which the file is cut."""
    if clips.cut == "frames" and clips.samples is not None:
        raise make_rule_error(
            ("clips", "samples"),
            "applies only together with cut: samples; give frames or seconds instead",
            at_key=True,
        )
    if (clips.frames is None) == (clips.samples is None):
        units = "frames and seconds" if clips.cut == "frames" else "frames, samples and seconds"
        raise make_rule_error(("clips",), f"needs exactly one of {units}, the length of a clip")


def check_clip_frames(clips: Clips, spectrogram: Spectrogram, clip_grid: ClipGrid) -> None:
    """Check that a clip has one frame or more, and as many as the config says."""
    if clips.frames is not None and clip_grid.frames != clips.frames:
        raise make_rule_error(
            ("clips", "frames"),
            f"is {clips.frames}, but no number of samples gives so many frames; give samples instead",
        )
    if clip_grid.frames < 1:
        needed = spectrogram.count_samples(1)
        raise make_rule_error(
            ("clips", "samples"), f"is {clips.samples}, too short for one frame; wanted {needed} or more"
        )


def check_edges(clips: Clips) -> None:
    """Check that clips are repeated at the edges only where all clips are whole."""
    if clips.edges == "repeat" and clips.tail != "drop":
        raise make_rule_error(
            ("clips", "edges"),
            f"repeat applies only together with tail: drop, but tail is {clips.tail}; change one of them",
            at_key=True,
        )


def check_end_frame(clips: Clips, spectrogram: Spectrogram) -> None:
    """Check that the frame at the end is kept only where it would be dropped."""
    if clips.end_frame == "drop":
        return
    path = ("clips", "end_frame")
    if clips.cut == "samples":
        raise make_rule_error(
            path,
            "keep applies only together with cut: frames, because a clip of samples has all its frames "
            "anyway; leave it out",
        )
    if not spectrogram.has_padded_ends:
        raise make_rule_error(
            path,
            "keep applies only together with spectrogram.center or pad_end, because otherwise all frames are "
            "used anyway; leave it out",
        )


def check_deltas(spectrogram: Spectrogram, clip_grid: ClipGrid) -> None:
    """Check that the width of the deltas is an odd number, and not more than the frames of a clip."""
    deltas = spectrogram.deltas
    if deltas is None:
        return
    path = ("spectrogram", "deltas", "width")
    if clip_grid.frames < deltas.width:
        raise make_rule_error(
            path,
            f"is {deltas.width}, more than the {clip_grid.frames} frames of a clip; "
            f"wanted an odd number up to {clip_grid.frames}",
        )
    if deltas.width % 2 == 0:
        raise make_rule_error(path, f"is {deltas.width}; wanted an odd number")


def check_reflection(clips: Clips, spectrogram: Spectrogram, clip_grid: ClipGrid) -> None:
    """Check that a clip with a spectrogram of its own is long enough to be mirrored at its ends."""
    if clips.cut == "samples" and spectrogram.pad_mode == "reflect":
        margin, clip_samples = max(spectrogram.padded_samples), clip_grid.clip_samples
        if clip_samples <= margin:
            raise make_rule_error(
                ("spectrogram", "pad_mode"),
                f"is reflect, but {margin} samples cannot be mirrored in a clip of {clip_samples} samples; "
                "wanted constant, or longer clips",
            )


def check_batch_memory(input_shape: tuple[int, int, int], batch: int) -> None:
    """Check that a batch of clips does not take too much memory.

    Args:
        input_shape: the shape of one clip: (frames, bins, channels).
        batch: how many clips go through the network together.
    """
    frames, bins, channels = input_shape
    clip_bytes = 4 * frames * bins * channels
    if clip_bytes > MAX_BATCH_BYTES:
        raise make_rule_error(
            ("clips",),
            f"one clip of {format_shape(input_shape)} would take {clip_bytes / 2**30:.1f} GiB of memory; "
            "wanted a shorter clip",
        )
    if clip_bytes * batch > MAX_BATCH_BYTES:
        raise make_rule_error(
            ("model", "batch"),
            f"is {batch}, and so many clips of {format_shape(input_shape)} take "
            f"{clip_bytes * batch / 2**30:.1f} GiB of memory; "
            f"wanted {MAX_BATCH_BYTES // clip_bytes} or fewer",
        )


def check_clip_samples(clip_grid: ClipGrid) -> None:
    """Check that a clip does not span too many samples."""
    samples = clip_grid.clip_samples
    if samples > MAX_CLIP_SAMPLES:
        raise make_rule_error(
            ("clips",), f"one clip would span {samples:,} samples; wanted {MAX_CLIP_SAMPLES:,} or fewer"
        )
