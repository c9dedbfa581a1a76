"""The same file gives the same bytes: in any order, among any others, by any number of workers, resumed or updated."""

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

from helpers.sample_data import examples
from helpers.without_tensorflow import Network
from specfeat.audio import decode
from specfeat.audio.clip_stream import LocalClipStream
from specfeat.audio.clips import ClipMaker
from specfeat.audio.discovery import FoundSounds
from specfeat.audio.worker_pool import WorkerPool
from specfeat.config import Config, load_config
from specfeat.errors import NoUsableAudioError
from specfeat.output.paths import OutputPaths
from specfeat.output.work_folder import WorkFolder
from specfeat.pipeline import SoundEndEvent
from specfeat.run.plan import RunOptions, make_plan
from specfeat.run.runner import execute_plan
from specfeat.sound import Sound, make_file_sound

pytestmark = pytest.mark.slow

LENGTHS = (40_000, 700, 0, 16_000, 90_001, 4_479, 23_456, 61)  # samples; some are less than a clip
NAMES = tuple(f"{k}.wav" for k in range(len(LENGTHS)))


class _UnpluggedError(Exception):
    """Somebody has pulled the plug."""


@dataclass
class _Reporter:
    """Ends a run after so many files."""

    files: int = 1_000

    def heard(self, seconds: float) -> None:
        pass

    def ended(self, end: SoundEndEvent) -> None:
        self.files -= 1
        if not self.files:
            raise _UnpluggedError


@dataclass(frozen=True, eq=False)
class Lab:
    """A network, and a folder of sounds to go through it."""

    folder: Path
    config: Config
    network: Any

    def go(
        self, names: Sequence[str], output: str, workers: int = 0, stop_after: int = 1_000, **wishes: bool
    ) -> None:
        """Run over these files, with processes that decode or, for 0, without."""
        sounds = tuple(make_file_sound(str(self.folder / name)) for name in names)
        with WorkFolder(OutputPaths(self.folder / f"{output}.npy")) as work:
            plan = make_plan(self.config, "auto", FoundSounds(sounds, ()), work, RunOptions(**wishes))
            if plan.complete:
                return
            with (
                WorkerPool(self.config.settings, max(1, workers))
                if workers
                else _LocalPool(self.config) as pool
            ):
                todo = [sound for sound in sounds if sound.path in plan.todo]
                streams = pool.stream_clips(todo)
                execute_plan(self.config, plan, self.network, streams, work, _Reporter(stop_after))

    def forget(self, output: str) -> None:
        """Remove an output and what is left of it."""
        for path in self.folder.glob(f"{output}.*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def by_file(self, output: str) -> dict[str, tuple[bytes, list[list[str]]]]:
        """Return each file's rows, and its lines of the index but for the row's number."""
        rows = np.load(self.folder / f"{output}.npy")
        text = (self.folder / f"{output}.index.csv").read_text()
        found: dict[str, tuple[bytes, list[list[str]]]] = {}
        for row, (number, path, *line) in zip(rows, list(csv.reader(io.StringIO(text)))[1:], strict=True):
            assert int(number) == sum(len(lines) for _, lines in found.values())
            before, lines = found.get(Path(path).name, (b"", []))
            found[Path(path).name] = before + row.tobytes(), [*lines, line]
        return found

    @cache  # noqa: B019  there are two of them
    def alone(self, name: str) -> tuple[bytes, list[list[str]]]:
        """Return what a file gives when it is the only one; nothing if that is nothing."""
        self.forget("alone")
        try:
            self.go([name], "alone")
        except NoUsableAudioError:
            return b"", []
        return self.by_file("alone")[name]

    def check(self, names: Sequence[str], output: str) -> None:
        """Every file has given what it gives alone, in the order of the names."""
        wanted = {name: self.alone(name) for name in names if self.alone(name)[1]}
        found = self.by_file(output)
        assert list(found) == list(wanted)
        assert found == wanted


class _LocalPool:
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


def _lab(folder: Path, config: Config, network: Any) -> Lab:
    for seed, (name, samples) in enumerate(zip(NAMES, LENGTHS, strict=True)):
        soundfile.write(folder / name, np.random.default_rng(seed).normal(size=samples) / 10, 16_000)
    return Lab(folder, config, network)


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    config = load_config("minimal", ["model.batch=5"])
    return _lab(tmp_path_factory.mktemp("fake"), config, Network(config))


@pytest.fixture(scope="module")
def yamnet(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    from specfeat.network.build import build_network

    config = load_config("yamnet", ["model.batch=8"])
    return _lab(tmp_path_factory.mktemp("yamnet"), config, build_network(config, "cpu", 2))


ORDERS = st.permutations(NAMES).flatmap(lambda names: st.integers(1, len(names)).map(lambda n: names[:n]))


def _any_way(lab: Lab, first: Sequence[str], then: Sequence[str], workers: int, how: str, cut: float) -> None:
    """Run over the first files in some way, and then over the others; some have a row in any case."""
    first, then = [*dict.fromkeys([*first, NAMES[0]])], [*dict.fromkeys([*then, NAMES[3]])]
    lab.forget("out")
    if how == "at once":
        lab.go(then, "out", workers)
    elif how == "updated":
        lab.go(first, "out", workers)
        lab.go(then, "out", workers, update=True)
    else:
        with pytest.raises(_UnpluggedError):
            lab.go(first, "out", workers, stop_after=len(first))
        journal = lab.folder / "out.partial" / "journal"
        header = journal.read_bytes().index(b"\n") + 1
        with journal.open("r+b") as file:
            file.truncate(header + int(cut * (journal.stat().st_size - header)))
        lab.go(then, "out", workers, resume=True)
    lab.check(then, "out")


HOW = st.sampled_from(["at once", "updated", "resumed"])


@examples(max_examples=40)
@given(ORDERS, ORDERS, st.sampled_from([0, 0, 0, 1, 2, 3]), HOW, st.floats(0, 1))
def test_the_same_file_gives_the_same_bytes(
    fake: Lab, first: Sequence[str], then: Sequence[str], workers: int, how: str, cut: float
) -> None:
    """Whatever the order, the others, the workers, and where in its journal an earlier run was cut off."""
    _any_way(fake, first, then, workers, how, cut)


@pytest.mark.tf
@examples(max_examples=6)
@given(ORDERS, ORDERS, st.sampled_from([0, 2]), HOW, st.floats(0, 1))
def test_yamnet_gives_the_same_bytes(
    yamnet: Lab, first: Sequence[str], then: Sequence[str], workers: int, how: str, cut: float
) -> None:
    """The same with a true network."""
    _any_way(yamnet, first, then, workers, how, cut)
