"""Random changes of finished clips, in each step of the training: shift, masks, mixup."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from specfeat.config.augmentation import Augmentation, Mask

Clips = NDArray[np.float32]
Targets = list[NDArray[np.float32]]


def augment_clips(
    clips: Clips, targets: Targets, steps: Sequence[Augmentation], random: np.random.Generator
) -> tuple[Clips, Targets]:
    """Change the clips of a batch, and where clips are mixed, their targets with them.

    Args:
        clips: shape (batch, frames, bins, channels); this array is changed in place.
        targets: arrays of shape (batch, ...).
        steps: the changes, in order.
        random: the generator of random numbers for this step of the training.

    Returns:
        The changed clips and targets.
    """
    for step in steps:
        if step.shift is not None:
            for clip in clips:
                clip[:] = np.roll(clip, random.integers(-step.shift, step.shift + 1), axis=0)
        elif step.mask is not None:
            for clip in clips:
                _mask_clip(clip, step.mask, random)
        elif step.mixup is not None:
            clips, targets = _mix_clips(clips, targets, step.mixup, random)
    return clips, targets


def _mask_clip(clip: Clips, mask: Mask, random: np.random.Generator) -> None:
    """Replace a random span of frames and one of bins by the mean of the clip."""
    mean = clip.mean()
    for axis, longest in ((0, mask.time), (1, mask.bins)):
        size = clip.shape[axis]
        length = min(int(random.integers(0, longest + 1)), size)
        start = int(random.integers(0, size - length + 1))
        span = slice(start, start + length)
        clip[span if axis == 0 else (slice(None), span)] = mean


def _mix_clips(
    clips: Clips, targets: Targets, alpha: float, random: np.random.Generator
) -> tuple[Clips, Targets]:
    """Add to each clip another one of the batch, and do the same with the targets."""
    weights = random.beta(alpha, alpha, len(clips)).astype(np.float32)
    weights = np.maximum(weights, 1 - weights)  # so that the clip at each place is stronger than its partner
    partners = random.permutation(len(clips))

    def mix(values: NDArray[np.float32]) -> NDArray[np.float32]:
        factor = weights.reshape(-1, *[1] * (values.ndim - 1))
        mixed: NDArray[np.float32] = factor * values + (1 - factor) * values[partners]
        return mixed

    return mix(clips), [mix(target) for target in targets]
