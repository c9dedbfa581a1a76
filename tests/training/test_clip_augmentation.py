"""Random changes of finished clips."""

from typing import Any

import numpy as np

from specfeat.config.augmentation import Augmentation
from specfeat.training.clip_augmentation import augment_clips

SHAPE = (6, 20, 10, 1)  # clips, frames, bins, channels


def _augment(step: dict[str, Any], targets: list[Any] | None = None) -> tuple[Any, list[Any]]:
    clips = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    changes = [Augmentation.model_validate(step, strict=False)]
    return augment_clips(clips.copy(), targets or [], changes, np.random.default_rng(2))


CLIPS = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)


def test_a_shift_rotates_each_clip() -> None:
    """Each clip is one of the rotations by up to so many frames, and not all are the same."""
    clips, _ = _augment({"shift": 3})
    shifts = [
        [n for n in range(-3, 4) if np.array_equal(np.roll(old, n, axis=0), new)]
        for old, new in zip(CLIPS, clips, strict=True)
    ]

    assert all(len(found) == 1 for found in shifts)
    assert len({found[0] for found in shifts}) > 1


def test_a_mask_replaces_spans_by_the_mean() -> None:
    """At most so many adjacent frames and bins have the clip's mean, all other values are as before."""
    clips, _ = _augment({"mask": {"time": 5, "bins": 3}})
    for old, new in zip(CLIPS, clips, strict=True):
        changed = old != new
        assert np.allclose(new[changed], old.mean())
        frames, bins = changed.all(axis=(1, 2)).nonzero()[0], changed.all(axis=(0, 2)).nonzero()[0]
        assert len(frames) <= 5
        assert len(bins) <= 3
        for span in (frames, bins):
            assert np.all(np.diff(span) == 1)
        expected = np.zeros_like(changed)
        expected[frames], expected[:, bins] = True, True
        assert np.array_equal(changed, expected)


def test_mixup_mixes_clips_and_targets_with_the_same_weights() -> None:
    """Each clip is w x + (1 - w) y of two clips of the batch, with w of at least one half, and so is its target."""
    targets = np.eye(len(CLIPS), dtype=np.float32)
    clips, (mixed,) = _augment({"mixup": 0.4}, [targets])

    assert np.allclose(mixed.sum(axis=1), 1)
    assert np.all(mixed.diagonal() >= 0.5)
    assert np.all((mixed > 0).sum(axis=1) <= 2)
    assert np.allclose(clips, np.tensordot(mixed, CLIPS, axes=1), atol=1e-6)
    assert not np.allclose(mixed, targets)
