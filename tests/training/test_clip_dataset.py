"""Which clips a step takes, and their targets."""

from typing import Any

import numpy as np

from helpers.training_data import make_cached, make_dataset
from specfeat.config.train import Train
from specfeat.training.clip_dataset import Batch, StepSampler
from specfeat.training.part_datasets import _compute_class_weights


def _make_train(**settings: Any) -> Train:
    return Train.model_validate({"batch": 4, **settings}, strict=False)


def _read(sampler: StepSampler, epoch: int, first_step: int = 0) -> list[Batch]:
    return list(sampler.read_epoch(epoch, first_step))


def test_an_epoch_has_each_clip_once_and_fills_the_last_batch() -> None:
    """Ten clips in batches of four: three steps; the last two places begin the epoch again."""
    sampler = StepSampler(make_dataset(3, 0, 7), _make_train())
    values = np.concatenate([batch.clips for batch in _read(sampler, 0)])[:, 0]

    assert sampler.steps == 3
    assert sorted(values[:10]) == [0, 1, 2, *range(20, 27)]
    assert values[10:].tolist() == values[:2].tolist()


def test_a_training_that_continues_takes_the_same_clips() -> None:
    """The batches from a step on are those of the whole epoch; another epoch has another order."""
    sampler = StepSampler(make_dataset(5, 7), _make_train(augment=[{"shift": 1}]))
    whole, rest = _read(sampler, 3), _read(sampler, 3, 1)

    assert all(np.array_equal(a.clips, b.clips) for a, b in zip(whole[1:], rest, strict=True))
    assert not np.array_equal(whole[0].clips, _read(sampler, 4)[0].clips)


def test_balanced_batches_have_each_class_equally_often() -> None:
    """A class of 5 clips is drawn about as often as one of 95."""
    labels = np.array([[1, 0], [0, 1]], np.float32)
    sampler = StepSampler(make_dataset(5, 95, labels=labels), _make_train(balance="sample", batch=50))
    drawn = np.concatenate([batch.targets[0] for epoch in range(20) for batch in _read(sampler, epoch)])

    assert 0.45 < drawn[:, 0].mean() < 0.55


def test_class_weights_make_classes_equal() -> None:
    """The weights of all clips of a class add up to the same for each class, and their mean is 1."""
    labels = np.array([[1, 0], [0, 1]], np.float32)
    sounds = np.repeat([0, 1], [2, 8])
    weights = _compute_class_weights(labels, sounds, _make_train(balance="weights"))
    dataset = make_dataset(2, 8, labels=labels, class_weights=weights)
    each = dataset.compute_weights(np.arange(10))

    assert each is not None
    assert np.allclose([each[:2].sum(), each[2:].sum()], [5, 5])


def test_each_epoch_uses_another_variant() -> None:
    """With two variants, a clip has both forms in two epochs."""
    dataset = make_dataset(4, clips=(make_cached(4), make_cached(4, offset=100)))
    sampler = StepSampler(dataset, _make_train(variants=2))
    first, second = (set(_read(sampler, epoch)[0].clips[:, 0].tolist()) for epoch in (0, 1))

    assert first == {0, 101, 2, 103}
    assert second == {100, 1, 102, 3}


def test_contrast_has_two_variants_of_each_clip() -> None:
    """The second half of a batch has the same clips as the first, in another variant."""
    dataset = make_dataset(6, clips=tuple(make_cached(6, offset=100 * n) for n in range(3)))
    train = _make_train(task="contrast", variants=3, batch=6, augment=[{"gain": [-6, 6]}])
    (batch,) = _read(StepSampler(dataset, train), 0)
    first, second = np.split(batch.clips[:, 0], 2)

    assert np.array_equal(first % 100, second % 100)
    assert np.all(first // 100 != second // 100)


def test_a_variant_with_more_clips_gives_the_clip_at_the_same_place() -> None:
    """A slower form of a sound has more clips: clip k of n is clip k m / n of m."""
    dataset = make_dataset(4, clips=(make_cached(4), make_cached(8)))
    clips = dataset.read_clips(np.arange(4), np.ones(4, np.int64))

    assert clips[:, 0].tolist() == [0, 2, 4, 6]
