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
from specfeat.config import Config, Settings, load_config
from specfeat.config.train import Teacher, Train
from specfeat.config.yaml_writer import quote_yaml
from specfeat.cpu_count import count_available_cores
from specfeat.errors import ConfigError
from specfeat.events import Event, RowsEvent
from specfeat.network.build import Network, build_network
from specfeat.pipeline import extract_rows
from specfeat.sound import Sound
from specfeat.training.clip_cache import ArrayStreams, CachedArrays, ClipCache
from specfeat.training.clip_space import GIGABYTE, ClipSpace
from specfeat.training.data import TrainingData
from specfeat.training.listener import TrainingListener

if TYPE_CHECKING:
    from specfeat.training.trainer import TrainingRequest

MAX_MIXED_SOUNDS = 2000  # of those for training, so many may be added to others
HELD_BACK_PARTS = ("validation", "test")
# For the sounds for training and for those that are held back: the random changes of each variant.
Variants = tuple[list[SampleAugmentation | None], list[SampleAugmentation | None]]


@dataclass(frozen=True, slots=True)
class TrainingClips:
    """The clips of a training on the disk.

    Attributes:
        train: the clips of the sounds for training, once for each variant.
        held_back: the clips of the sounds for validation and test, once for each variant (one variant, or two
            for `contrast`).
        train_answers: the rows of each teacher for the clips for training, for each variant.
        held_back_answers: the same for validation and test.
        teacher_widths: the number of values in a row of each teacher.
        failures: the messages about the sounds that could not be read, by the number of the sound in the
        data.
    """

    train: tuple[CachedArrays, ...]
    held_back: tuple[CachedArrays, ...]
    train_answers: tuple[tuple[CachedArrays, ...], ...]
    held_back_answers: tuple[tuple[CachedArrays, ...], ...]
    teacher_widths: tuple[int, ...]
    failures: dict[int, str]


def make_training_clips(
    request: "TrainingRequest", data: TrainingData, folder: Path, listener: TrainingListener
) -> TrainingClips:
    """Make all clips, and the rows of the teachers, unless they are on the disk already.

    Sounds for training get the random changes of the config, in as many variants as it says. Sounds for
    validation and test stay as they are; only `contrast` compares two random forms of them as well.

    Raises:
        OutputError: the clips take more space than is allowed, or the disk is full.
        SpecfeatError: a teacher cannot be built.
    """
    return _ClipMaker(request, data, folder, listener).make()


class _ClipMaker:
    def __init__(
        self, request: "TrainingRequest", data: TrainingData, folder: Path, listener: TrainingListener
    ) -> None:
        self._request = request
        self._settings = request.config.settings
        self._train: Train = request.train
        self._folder = folder
        self._listener = listener
        numbers = [
            data.list_numbers("train"),
            [k for part in HELD_BACK_PARTS for k in data.list_numbers(part)],
        ]
        self._first_held_back = len(numbers[0])
        self._sounds = [[data.sounds[k].sound for k in group] for group in numbers]
        self._noises = tuple(
            find_sounds([step.noise.folder]).sounds for step in self._train.augment if step.noise is not None
        )

    def make(self) -> TrainingClips:
        variants = self._list_variants()
        count = sum(len(sounds) * len(forms) for sounds, forms in zip(self._sounds, variants, strict=True))
        self._space = ClipSpace(self._folder, self._train.cache.max_gb * GIGABYTE, count, self._report_size)
        self._listener.on_stage("clips", count)
        train, held_back = self._fill_parts("clips", self._settings, variants)
        answers: list[tuple[tuple[CachedArrays, ...], tuple[CachedArrays, ...]]] = []
        widths: list[int] = []
        for number, teacher in enumerate(self._train.teachers):
            config = load_teacher(teacher, self._request.config)
            self._listener.on_stage("teacher", count)
            network = build_network(config, self._request.device)
            widths.append(network.width)
            answers.append(self._fill_parts(f"rows-{number}", config.settings, variants, network))
        failures = dict(train[0].failures)
        failures |= {k + self._first_held_back: text for k, text in held_back[0].failures.items()}
        return TrainingClips(
            train=train,
            held_back=held_back,
            train_answers=tuple(rows for rows, _ in answers),
            held_back_answers=tuple(rows for _, rows in answers),
            teacher_widths=tuple(widths),
            failures=failures,
        )

    def _fill_parts(
        self, name: str, settings: Settings, variants: Variants, network: Network | None = None
    ) -> tuple[tuple[CachedArrays, ...], tuple[CachedArrays, ...]]:
        """Make the clips of all variants, or with a network its rows: for training and for other parts."""
        train, held_back = (
            tuple(
                self._fill(f"{name}-{part}-{n}", settings, sounds, augmentation, network)
                for n, augmentation in enumerate(augmentations)
            )
            for part, sounds, augmentations in zip(("train", "other"), self._sounds, variants, strict=True)
        )
        return train, held_back

    def _list_variants(self) -> Variants:
        """Return the changes of each variant, for training and for the sounds that are held back."""
        steps = self._train.sample_augmentations
        if not steps:
            return [None], [None]
        mixed = self._sounds[0]
        if len(mixed) > MAX_MIXED_SOUNDS:
            random = np.random.default_rng([self._train.seed, 3])
            mixed = [mixed[k] for k in np.sort(random.choice(len(mixed), MAX_MIXED_SOUNDS, replace=False))]
        augmentations: list[SampleAugmentation | None] = [
            SampleAugmentation(
                steps=steps, seed=self._train.seed, variant=n, sounds=tuple(mixed), noises=self._noises
            )
            for n in range(self._train.variants)
        ]
        return augmentations, augmentations[:2] if self._train.task == "contrast" else [None]

    def _fill(
        self,
        name: str,
        settings: Settings,
        sounds: Sequence[Sound],
        augmentation: SampleAugmentation | None,
        network: Network | None,
    ) -> CachedArrays:
        """Make the clips of sounds, or with a network its rows, in a cache of that name."""
        shape = (network.width,) if network else settings.input_shape
        dtype = "float32" if network else self._train.cache.dtype
        cache = ClipCache(self._folder, name, shape, dtype, self._space)
        open_streams = self._make_opener(settings, augmentation, network)
        return cache.fill(sounds, open_streams, self._listener.on_sound)

    def _report_size(self, size: float) -> None:
        self._listener.on_note(
            f"the clips take about {max(size / GIGABYTE, 0.01):.2f} GB in {self._folder} "
            "until the training ends"
        )

    def _make_opener(
        self, settings: Settings, augmentation: SampleAugmentation | None, network: Network | None
    ) -> Callable[[Sequence[Sound]], ArrayStreams]:
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


def load_teacher(teacher: Teacher, config: Config) -> Config:
    """Return the config of a teacher, with clips that begin where the clips of the trained config begin.

    Raises:
        ConfigError: the teacher's config is wrong, or its clips cannot have the same hop.
    """
    overrides = [f"model.weights.file={quote_yaml(teacher.weights)}"] if teacher.weights else []
    overrides += [f"model.features={teacher.features}"] if teacher.features else []
    loaded = load_config(teacher.config, overrides)
    hop_s = config.settings.clip_grid.hop_samples / config.settings.audio.sample_rate
    clips, spectrogram = loaded.settings.clips, loaded.settings.spectrogram
    unit = 1 if clips.samples else spectrogram.hop_length
    hop = hop_s * loaded.settings.audio.sample_rate / unit
    if abs(hop - round(hop)) > 1e-6:
        raise ConfigError(
            f"{teacher.config}: a teacher needs clips every {hop_s:g} s, which is {hop:g} of its frames; "
            "choose another clips.hop, so that it is a whole number"
        )
    new_clips = clips.model_copy(
        update={
            "hop": round(hop),
            "edges": "cut",
            "tail": config.settings.clips.tail,
            "short": config.settings.clips.short,
        }
    )
    return replace(
        loaded, settings=Settings.model_validate(loaded.settings.model_copy(update={"clips": new_clips}))
    )
