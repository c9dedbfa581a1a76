"""Makes the clips of all sounds, and the rows that the teachers compute for them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from specfeat.audio.augmentation import SampleAugmentation
from specfeat.audio.discovery import find_sounds
from specfeat.audio.worker_pool import WorkerPool
from specfeat.config import Config, Settings
from specfeat.cpu_count import count_available_cores
from specfeat.events import Event, RowsEvent
from specfeat.network.build import Network, build_network
from specfeat.pipeline import extract_rows
from specfeat.sound import Sound
from specfeat.training.array_cache import ArrayCache, ArrayStreams, CachedArrays
from specfeat.training.clip_space import GIGABYTE, ClipSpace
from specfeat.training.listener import TrainingListener
from specfeat.training.training_data import TrainingData

if TYPE_CHECKING:
    from specfeat.training.trainer import TrainingRequest

MAX_MIXED_SOUNDS = 2000  # the largest number of sounds from which the step `mix` chooses
HELD_BACK_PARTS = ("validation", "test")


@dataclass(frozen=True, slots=True)
class TrainingClips:
    """The clips of a training on the disk.

    Attributes:
        train: the clips of the sounds for training, once for each variant.
        held_back: the clips of the sounds that are held back from training: those for validation, then those
            for test; once for each variant (one variant, or two for `contrast`).
        train_teacher_rows: for each teacher and variant, the rows of the clips for training.
        held_back_teacher_rows: the rows of each teacher for the clips that are held back, for each variant.
        teacher_widths: the number of values in a row of each teacher.
        failures: the messages about the sounds that could not be read, by the number of the sound in the
            `TrainingData`.
    """

    train: tuple[CachedArrays, ...]
    held_back: tuple[CachedArrays, ...]
    train_teacher_rows: tuple[tuple[CachedArrays, ...], ...]
    held_back_teacher_rows: tuple[tuple[CachedArrays, ...], ...]
    teacher_widths: tuple[int, ...]
    failures: dict[int, str]


def make_training_clips(
    request: "TrainingRequest",
    teachers: Sequence[Config],
    data: TrainingData,
    folder: Path,
    listener: TrainingListener,
) -> TrainingClips:
    """Make all clips, and the rows of the teachers, unless they are on the disk already.

    Sounds for training get the random changes of the config, in as many variants as it says. Sounds for
    validation and test stay as they are; only `contrast` compares two random forms of them as well.

    Args:
        request: what is to be trained.
        teachers: the configs of the teachers, from `load_teacher`.
        data: the sounds and parts.
        folder: the folder for the files.
        listener: the object that is told of each sound.

    Raises:
        OutputError: the clips take more space than is allowed, or the disk is full.
        SpecfeatError: a teacher cannot be built.
    """
    return _ClipMaker(request, teachers, data, folder, listener).make()


@dataclass(frozen=True, slots=True)
class _SoundGroup:
    """Sounds from which clips are made in the same variants.

    Attributes:
        name: the group's name in the names of files: "train" or "held_back".
        sounds: the sounds.
        variants: the random changes of each variant; None for a variant without changes.
    """

    name: str
    sounds: Sequence[Sound]
    variants: Sequence[SampleAugmentation | None]


class _ClipMaker:
    def __init__(
        self,
        request: "TrainingRequest",
        teachers: Sequence[Config],
        data: TrainingData,
        folder: Path,
        listener: TrainingListener,
    ) -> None:
        self._request = request
        self._teachers = teachers
        self._settings = request.config.settings
        self._train = request.train
        self._folder = folder
        self._listener = listener
        train_sounds, held_back_sounds = (
            [data.sounds[k].sound for part in parts for k in data.list_numbers(part)]
            for parts in (("train",), HELD_BACK_PARTS)
        )
        variants = self._make_variants(train_sounds)
        held_back_variants = variants[:2] if self._train.task == "contrast" else [None]
        self._groups = (
            _SoundGroup("train", train_sounds, variants),
            _SoundGroup("held_back", held_back_sounds, held_back_variants),
        )

    def make(self) -> TrainingClips:
        count = sum(len(group.sounds) * len(group.variants) for group in self._groups)
        self._space = ClipSpace(self._folder, self._train.cache.max_gb * GIGABYTE, count, self._report_size)
        self._listener.on_stage("clips", count)
        train, held_back = (self._make_arrays("clips", group, self._settings) for group in self._groups)
        train_rows: list[tuple[CachedArrays, ...]] = []
        held_back_rows: list[tuple[CachedArrays, ...]] = []
        widths: list[int] = []
        for number, config in enumerate(self._teachers):
            self._listener.on_stage("teacher", count)
            network = build_network(config, self._request.device)
            widths.append(network.width)
            for rows, group in zip((train_rows, held_back_rows), self._groups, strict=True):
                rows.append(self._make_arrays(f"rows-{number}", group, config.settings, network))
        failures = dict(train[0].failures)
        first_held_back = len(self._groups[0].sounds)
        failures |= {k + first_held_back: text for k, text in held_back[0].failures.items()}
        return TrainingClips(
            train=train,
            held_back=held_back,
            train_teacher_rows=tuple(train_rows),
            held_back_teacher_rows=tuple(held_back_rows),
            teacher_widths=tuple(widths),
            failures=failures,
        )

    def _make_variants(self, train_sounds: Sequence[Sound]) -> list[SampleAugmentation | None]:
        """Return the random changes of each variant of the sounds for training."""
        steps = self._train.sample_augmentations
        if not steps:
            return [None]
        noises = tuple(find_sounds([step.noise.folder]).sounds for step in steps if step.noise is not None)
        mixed = train_sounds
        if len(mixed) > MAX_MIXED_SOUNDS:
            random = np.random.default_rng([self._train.seed, 3])
            mixed = [mixed[k] for k in np.sort(random.choice(len(mixed), MAX_MIXED_SOUNDS, replace=False))]
        return [
            SampleAugmentation(
                steps=steps, seed=self._train.seed, variant=n, sounds=tuple(mixed), noises=noises
            )
            for n in range(self._train.variants)
        ]

    def _make_arrays(
        self, name: str, group: _SoundGroup, settings: Settings, network: Network | None = None
    ) -> tuple[CachedArrays, ...]:
        """Make the clips of a group of sounds in each variant, or the rows that `network` computes for them.

        Args:
            name: the beginning of the names of the files, e.g. "clips".
            group: the sounds and the variants.
            settings: the settings from which the clips follow.
            network: the network of a teacher; None for the clips themselves.
        """
        shape = (network.width,) if network else settings.input_shape
        dtype = "float32" if network else self._train.cache.dtype
        # A teacher hears each sound at its own level. So the network learns features that do not depend on
        # the level, even if the features of the teacher do.
        variants = [
            replace(variant, keeps_level=True) if variant and network else variant
            for variant in group.variants
        ]
        return tuple(
            ArrayCache(self._folder, f"{name}-{group.name}-{number}", shape, dtype, self._space).fill(
                group.sounds, self._make_opener(settings, augmentation, network), self._listener.on_sound
            )
            for number, augmentation in enumerate(variants)
        )

    def _report_size(self, size: float) -> None:
        self._listener.on_note(
            f"the clips take about {max(size / GIGABYTE, 0.01):.2f} GB in {self._folder} "
            "until the training ends"
        )

    def _make_opener(
        self, settings: Settings, augmentation: SampleAugmentation | None, network: Network | None
    ) -> Callable[[Sequence[Sound]], ArrayStreams]:
        """Return a function that makes the clips of sounds, or the rows of `network`, in worker processes."""
        workers = self._request.workers or count_available_cores()

        def open_streams(sounds: Sequence[Sound]) -> ArrayStreams:
            with WorkerPool(settings, min(workers, len(sounds)), augmentation=augmentation) as pool:
                streams = pool.stream_clips(sounds)
                if network is None:
                    yield from ((stream.sound, iter(stream)) for stream in streams)
                else:
                    yield from _collect_rows(extract_rows(streams, network))

        return open_streams


def _collect_rows(events: Iterable[Event]) -> ArrayStreams:
    """Yield for each sound the rows that a teacher computes."""
    rows: list[NDArray[np.float32]] = []
    for event in events:
        if isinstance(event, RowsEvent):
            rows.append(event.rows)
            continue
        yield event.sound, _iterate_rows(rows, event.error)
        rows = []


def _iterate_rows(
    rows: Sequence[NDArray[np.float32]], error: Exception | None
) -> Iterator[NDArray[np.float32]]:
    if error is not None:
        raise error
    yield from rows
