"""Makes the clips of all sounds, and the rows that the teachers compute for them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from specfeat.audio.augmentation import SampleAugmentation
from specfeat.audio.worker_pool import WorkerPool
from specfeat.config import Settings
from specfeat.cpu_count import count_available_cores
from specfeat.events import Event, RowsEvent
from specfeat.network.build import Network, build_network
from specfeat.pipeline import extract_rows
from specfeat.sound import Sound
from specfeat.training.array_cache import ArrayCache, ArrayStreams, CachedArrays
from specfeat.training.clip_space import GIGABYTE, ClipSpace
from specfeat.training.listener import TrainingListener
from specfeat.training.sound_groups import SoundGroup, make_sound_groups
from specfeat.training.teacher_output import OutputTeacher
from specfeat.training.teachers import LoadedTeacher
from specfeat.training.training_data import TrainingData

if TYPE_CHECKING:
    from specfeat.training.trainer import TrainingRequest

# Begins to make the arrays of sounds, and returns them in order.
Opener = Callable[[Sequence[Sound]], ArrayStreams]
MakeOpener = Callable[[SampleAugmentation | None], Opener]


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
    teachers: Sequence[LoadedTeacher],
    data: TrainingData,
    folder: Path,
    listener: TrainingListener,
) -> TrainingClips:
    """Make all clips, and the rows of the teachers, unless they are on the disk already.

    Sounds for training get the random changes of the config, in as many variants as it says. Sounds for
    validation and test stay as they are; only `contrast` compares two random forms of them as well.

    Args:
        request: what is to be trained.
        teachers: the teachers that the config names.
        data: the sounds and parts.
        folder: the folder for the files.
        listener: the object that is told of each sound.

    Raises:
        OutputError: the clips take more space than is allowed, or the disk is full.
        SpecfeatError: a teacher cannot be built.
    """
    return _ClipMaker(request, teachers, data, folder, listener).make()


class _ClipMaker:
    def __init__(
        self,
        request: "TrainingRequest",
        teachers: Sequence[LoadedTeacher],
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
        self._groups = make_sound_groups(data, self._train)

    def make(self) -> TrainingClips:
        count = sum(len(group.sounds) * len(group.variants) for group in self._groups)
        file_bytes = sum(group.count_file_bytes() * len(group.variants) for group in self._groups)
        max_bytes = self._train.cache.max_gb * GIGABYTE
        self._space = ClipSpace(self._folder, max_bytes, count, file_bytes, self._listener.on_note)
        self._listener.on_stage("clips", count)
        train, held_back = (self._make_clips(group) for group in self._groups)
        train_rows: list[tuple[CachedArrays, ...]] = []
        held_back_rows: list[tuple[CachedArrays, ...]] = []
        widths: list[int] = []
        for number, teacher in enumerate(self._teachers):
            self._listener.on_stage("teacher", count)
            width, make_opener = self._prepare_teacher(teacher)
            widths.append(width)
            for rows, group in zip((train_rows, held_back_rows), self._groups, strict=True):
                rows.append(self._fill_caches(f"rows-{number}", (width,), "float32", group, make_opener))
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

    def _make_clips(self, group: SoundGroup) -> tuple[CachedArrays, ...]:
        """Make the clips of a group of sounds in each variant."""
        shape, dtype = self._settings.input_shape, self._train.cache.dtype
        return self._fill_caches(
            "clips", shape, dtype, group, lambda variant: self._make_opener(self._settings, variant, None)
        )

    def _prepare_teacher(self, teacher: LoadedTeacher) -> tuple[int, MakeOpener]:
        """Return the width of a teacher's rows, and a function that returns the opener of each variant."""
        if isinstance(teacher, OutputTeacher):
            return teacher.width, lambda variant: teacher.stream_rows
        settings, network = teacher.config.settings, build_network(teacher.config, self._request.device)

        def make_opener(variant: SampleAugmentation | None) -> Opener:
            # A teacher hears each sound at its own level. So the network learns features that do not depend
            # on the level, even if the features of the teacher do.
            own_variant = replace(variant, keeps_level=True) if variant else None
            return self._make_opener(settings, own_variant, network)

        return network.width, make_opener

    def _fill_caches(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: str,
        group: SoundGroup,
        make_opener: MakeOpener,
    ) -> tuple[CachedArrays, ...]:
        """Make arrays of a group of sounds in each variant, and keep them on the disk.

        Args:
            name: the beginning of the names of the files, e.g. "clips".
            shape: the shape of one array.
            dtype: the type in which values are stored.
            group: the sounds and the variants.
            make_opener: a function that returns for a variant the function that begins to make its arrays.
        """
        speeds = [step.speed for step in self._train.sample_augmentations if step.speed is not None]
        # A variant can be at most this much shorter than another one: one is fast and the other is slow.
        smallest_share = float(np.prod([(1 + speed) ** -2 for speed in speeds]))
        arrays: list[CachedArrays] = []
        for number, variant in enumerate(group.variants):
            previous_bytes = self._space.done_bytes
            cache = ArrayCache(self._folder, f"{name}-{group.name}-{number}", shape, dtype, self._space)
            arrays.append(cache.fill(group.sounds, make_opener(variant), self._listener.on_sound))
            size = self._space.done_bytes - previous_bytes
            self._space.check_future_bytes(size * smallest_share * (len(group.variants) - len(arrays)))
        return tuple(arrays)

    def _make_opener(
        self, settings: Settings, augmentation: SampleAugmentation | None, network: Network | None
    ) -> Opener:
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
