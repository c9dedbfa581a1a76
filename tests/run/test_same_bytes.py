"""The same file gives the same bytes: in any order, among any others, with any number of workers, resumed or updated."""

import csv
import io
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from helpers.long_tests import IS_LONG_FORM
from helpers.sample_data import examples
from helpers.thread_workers import install_thread_workers
from helpers.without_tensorflow import FakeNetwork
from specfeat.audio import decode
from specfeat.audio.clip_stream import LocalClipStream
from specfeat.audio.clips import ClipMaker
from specfeat.audio.discovery import FoundSounds
from specfeat.audio.worker_pool import WorkerPool
from specfeat.config import Config, load_config
from specfeat.errors import NoUsableAudioError
from specfeat.events import SoundEndEvent
from specfeat.output.paths import OutputPaths
from specfeat.output.work_folder import WorkFolder
from specfeat.pipeline import extract_rows
from specfeat.run.listener import SilentListener
from specfeat.run.options import RunOptions
from specfeat.run.plan import make_plan
from specfeat.run.provenance import add_network, copy_network_fields
from specfeat.run.runner import RunOrigin, execute_plan
from specfeat.sound import Sound, make_file_sound

pytestmark = pytest.mark.slow

LENGTHS = (40_000, 700, 0, 16_000, 90_001, 4_479, 23_456, 61)  # samples; some are less than a clip
NAMES = tuple(f"{k}.wav" for k in range(len(LENGTHS)))


class _InterruptionError(Exception):
    """The run is interrupted."""


class _Interrupter(SilentListener):
    """Interrupts a run after so many files."""

    def __init__(self, files: int) -> None:
        self._files = files

    def on_sound_end(self, event: SoundEndEvent) -> None:
        self._files -= 1
        if not self._files:
            raise _InterruptionError


@dataclass(frozen=True, eq=False)
class Lab:
    """A network, and a folder of sounds that go through it.

    Attributes:
        folder: the folder of the sounds.
        config: the config.
        network: the network.
        has_processes: whether the workers are processes; else they are threads, which start sooner.
    """

    folder: Path
    config: Config
    network: Any
    has_processes: bool

    def run(
        self, names: Sequence[str], output: str, workers: int = 0, stop_after: int = 1_000, **options: Any
    ) -> None:
        """Run over these files, with workers or, for 0, without."""
        sounds = tuple(make_file_sound(str(self.folder / name)) for name in names)
        with WorkFolder(OutputPaths(self.folder / f"{output}.npy")) as work_folder:
            plan = make_plan(self.config, FoundSounds(sounds, ()), work_folder, RunOptions(**options))
            if plan.complete_record is not None:
                return
            with pytest.MonkeyPatch.context() as patch, self._make_pool(workers, patch) as pool:
                provenance = (
                    add_network(plan.provenance, self.network, self.config.settings.rows)
                    if plan.remaining
                    else copy_network_fields(plan.provenance, plan.previous_runs[-1].provenance)
                )
                streams = pool.stream_clips(plan.remaining)
                execute_plan(
                    plan,
                    extract_rows(streams, self.network, self.config.settings.rows.statistics),
                    provenance,
                    RunOrigin(command=(), folder=None),
                    work_folder,
                    _Interrupter(stop_after),
                )

    def _make_pool(self, workers: int, patch: pytest.MonkeyPatch) -> Any:
        if not self.has_processes:
            install_thread_workers(patch.setattr)
        return WorkerPool(self.config.settings, workers) if workers else _LocalPool(self.config)

    def remove(self, output: str) -> None:
        """Remove an output and its work folder."""
        for path in self.folder.glob(f"{output}.*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def read_by_file(self, output: str) -> dict[str, tuple[bytes, list[list[str]]]]:
        """Return each file's rows, and its lines of the index without the row's number."""
        rows = np.load(self.folder / f"{output}.npy")
        text = (self.folder / f"{output}.index.csv").read_text()
        files: dict[str, tuple[bytes, list[list[str]]]] = {}
        for row, (number, path, *line) in zip(rows, list(csv.reader(io.StringIO(text)))[1:], strict=True):
            assert int(number) == sum(len(lines) for _, lines in files.values())
            file_rows, lines = files.get(Path(path).name, (b"", []))
            files[Path(path).name] = file_rows + row.tobytes(), [*lines, line]
        return files

    @cache  # noqa: B019  there are two of them
    def extract_alone(self, name: str) -> tuple[bytes, list[list[str]]]:
        """Return what a file gives when it is the only one."""
        self.remove("alone")
        try:
            self.run([name], "alone")
        except NoUsableAudioError:
            return b"", []
        return self.read_by_file("alone")[name]

    def check(self, names: Sequence[str], output: str) -> None:
        """Check that every file has given what it gives alone, in the order of the names."""
        expected = {name: self.extract_alone(name) for name in names if self.extract_alone(name)[1]}
        files = self.read_by_file(output)
        assert list(files) == list(expected)
        assert files == expected


class _LocalPool:
    """Decodes in this process."""

    def __init__(self, config: Config) -> None:
        self._maker = ClipMaker(config.settings)

    def stream_clips(self, sounds: Sequence[Sound]) -> Iterator[LocalClipStream]:
        return (
            LocalClipStream(s, self._maker, partial(decode.read_samples, s, self._maker.settings.audio))
            for s in sounds
        )

    def __enter__(self) -> "_LocalPool":
        return self

    def __exit__(self, *error: object) -> None:
        pass


def _make_lab(folder: Path, config: Config, network: Any, *, has_processes: bool = IS_LONG_FORM) -> Lab:
    for seed, (name, samples) in enumerate(zip(NAMES, LENGTHS, strict=True)):
        soundfile.write(folder / name, np.random.default_rng(seed).normal(size=samples) / 10, 16_000)
    return Lab(folder, config, network, has_processes)


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    config = load_config("minimal", ["model.batch=5"])
    return _make_lab(tmp_path_factory.mktemp("fake"), config, FakeNetwork(config))


@pytest.fixture(scope="module")
def fake_per_file(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    config = load_config("minimal", ["model.batch=5", "rows={per: file, pool: mean+std+max}"])
    return _make_lab(tmp_path_factory.mktemp("fake_per_file"), config, FakeNetwork(config))


@pytest.fixture(scope="module")
def yamnet(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    from specfeat.network.build import build_network

    config = load_config("yamnet", ["model.batch=8"])
    network = build_network(config, "cpu", 2)
    return _make_lab(tmp_path_factory.mktemp("yamnet"), config, network, has_processes=True)


ORDERS = st.permutations(NAMES).flatmap(lambda names: st.integers(1, len(names)).map(lambda n: names[:n]))


def _extract_in_some_way(
    lab: Lab, first: Sequence[str], then: Sequence[str], workers: int, way: str, cut: float
) -> None:
    """Run over some files, and then over others by a resume or an update; file 0 and file 3 give rows in any case."""
    first, then = [*dict.fromkeys([*first, NAMES[0]])], [*dict.fromkeys([*then, NAMES[3]])]
    lab.remove("out")
    if way == "at once":
        lab.run(then, "out", workers)
    elif way == "updated":
        lab.run(first, "out", workers)
        lab.run(then, "out", workers, update=True)
    else:
        with pytest.raises(_InterruptionError):
            lab.run(first, "out", workers, stop_after=len(first))
        journal = lab.folder / "out.partial" / "journal"
        header = journal.read_bytes().index(b"\n") + 1
        with journal.open("r+b") as file:
            file.truncate(header + int(cut * (journal.stat().st_size - header)))
        lab.run(then, "out", workers, resume=True)
    lab.check(then, "out")


WAYS = st.sampled_from(["at once", "updated", "resumed"])


@examples(max_examples=40)
@given(ORDERS, ORDERS, st.sampled_from([0, 0, 0, 1, 2, 3]), WAYS, st.floats(0, 1))
def test_the_same_file_gives_the_same_bytes(
    fake: Lab, first: Sequence[str], then: Sequence[str], workers: int, way: str, cut: float
) -> None:
    """Whatever the order, the other files, the workers, and the place where the journal of an earlier run was cut off."""
    _extract_in_some_way(fake, first, then, workers, way, cut)


@pytest.mark.tf
@examples(max_examples=6 if IS_LONG_FORM else 3)
@given(ORDERS, ORDERS, st.sampled_from([0, 2]), WAYS, st.floats(0, 1))
def test_yamnet_gives_the_same_bytes(
    yamnet: Lab, first: Sequence[str], then: Sequence[str], workers: int, way: str, cut: float
) -> None:
    """The same with a real network."""
    _extract_in_some_way(yamnet, first, then, workers, way, cut)


@examples(max_examples=25)
@given(ORDERS, ORDERS, st.sampled_from([0, 0, 0, 1, 2]), WAYS, st.floats(0, 1))
def test_one_row_for_each_file_has_the_same_bytes(
    fake_per_file: Lab, first: Sequence[str], then: Sequence[str], workers: int, way: str, cut: float
) -> None:
    """The same with `rows: {per: file}`, for several statistics."""
    _extract_in_some_way(fake_per_file, first, then, workers, way, cut)
