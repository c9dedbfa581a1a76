"""Worker processes: the same clips in the same order as without workers."""

import os
import platform
import resource
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from helpers.long_tests import mark_long_cases
from helpers.pool_runs import (
    SETTINGS,
    assert_same,
    collect_clips,
    compute_locally,
)
from helpers.waiting import wait_until
from specfeat.audio import worker_pool
from specfeat.audio.sound_timer import compute_timeout_s
from specfeat.audio.worker_pool import WorkerPool
from specfeat.config import load_config
from specfeat.errors import AudioError, Remedy, WorkerError
from specfeat.sound import Sound, make_file_sound

pytestmark = pytest.mark.slow

# With many clips for each second, the clips of a task are more than the queue and the connection hold.
DENSE_SETTINGS = load_config("minimal", ["clips.hop=2"]).settings


@pytest.mark.parametrize("workers", mark_long_cases([1, 2, 3, 5], [1, 3]))
def test_any_number_of_workers_gives_the_same(sounds: list[Sound], workers: int) -> None:
    """Clips, errors and order are those without workers."""
    with WorkerPool(SETTINGS, workers) as pool:
        assert_same(collect_clips(pool.stream_clips(sounds)), compute_locally(sounds))


def test_values_of_a_file_and_its_dither_are_those_without_workers(sounds: list[Sound]) -> None:
    """They depend on the file alone, not on the files before it in the same worker."""
    changes = [
        "spectrogram.peak=0.5",
        "spectrogram.center=false",
        "spectrogram.padding=[100, 300]",
        "spectrogram.dither={std: 0.001, seed: 5}",
        "spectrogram.compress=[{pcen: {}}, {db: {ref: max, top_db: 40, per: file}}]",
        "spectrogram.normalize={file: mean_std, per: band}",
    ]
    settings = load_config("minimal", changes).settings

    with WorkerPool(settings, 2) as pool:
        results = collect_clips(pool.stream_clips(sounds), settings)

    assert_same(results, compute_locally(sounds, settings))


def test_a_stream_knows_its_length_after_its_clips(sounds: list[Sound]) -> None:
    """The length is in samples at the config's rate."""
    with WorkerPool(SETTINGS, 2) as pool:
        lengths = []
        for stream in pool.stream_clips(sounds[:4]):
            list(stream)
            lengths.append(stream.samples)

    assert lengths == [0, 997, 2 * 997, 3 * 997]


def test_a_stream_may_be_left_early(sounds: list[Sound]) -> None:
    """The rest of its clips is skipped; the next stream begins with its own first clip."""
    with WorkerPool(SETTINGS, 2) as pool:
        first_clips = {}
        for stream in pool.stream_clips(sounds):
            try:
                first_clips[stream.sound.path] = next(iter(stream), None)
            except AudioError:
                first_clips[stream.sound.path] = None
    for path, clips in compute_locally(sounds).items():
        if isinstance(clips, str) or not len(clips):
            assert first_clips[path] is None
        else:
            first = first_clips[path]
            assert first is not None
            np.testing.assert_array_equal(first[0], clips[0])


def test_workers_wait_for_a_slow_reader(sounds: list[Sound], monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of messages that wait is limited, and in the end all sounds come."""
    monkeypatch.setattr(worker_pool, "QUEUE_BYTES", 1)
    with WorkerPool(DENSE_SETTINGS, 2) as pool:
        streams = pool.stream_clips(sounds)
        wait_until(lambda: min(pool.waiting_messages) >= 2)
        wait_until(lambda: count_workers_that_wait_to_send(pool) == 2)
        waiting = pool.waiting_messages
        count = sum(1 for _ in streams)

    assert waiting == [2, 2]
    assert count == len(sounds)


def count_workers_that_wait_to_send(pool: WorkerPool) -> int:
    return sum(
        progress.begun_sounds > 0 and progress.sound_started_at == 0.0 for progress in pool.read_progress()
    )


def test_leaving_the_block_ends_everything(sounds: list[Sound]) -> None:
    """No process and no thread is left, whether all sounds have come or not."""
    threads, children = threading.active_count(), list_children()
    with WorkerPool(SETTINGS, 3) as pool:
        next(pool.stream_clips(sounds))

    assert list_children() == children
    assert threading.active_count() == threads


def test_the_wait_for_a_slow_reader_does_not_count(
    sounds: list[Sound], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sound is not late if its clips are not taken for longer than the limit."""
    monkeypatch.setattr(worker_pool, "QUEUE_BYTES", 1)
    timeout_s = 3.0  # a loaded machine, too, decodes each of the sounds in less
    with WorkerPool(DENSE_SETTINGS, 2, timeout_s=timeout_s) as pool:
        streams = pool.stream_clips(sounds)
        first = next(streams)
        wait_until(lambda: count_workers_that_wait_to_send(pool) == 2)
        time.sleep(1.3 * timeout_s)  # not evidence: it makes the wait longer than the limit
        first.skip_rest()
        results = collect_clips(streams)

    assert_same(results, compute_locally(sounds[1:], DENSE_SETTINGS))


def test_the_time_for_a_sound_grows_with_its_file(tmp_path: Path) -> None:
    """Unless the user sets a limit, a sound may take ten minutes, and a second more for each 100 kB."""
    with (tmp_path / "day.wav").open("wb") as file:
        file.truncate(10**10)
    sound = make_file_sound(str(tmp_path / "day.wav"))

    assert compute_timeout_s(sound, None) == 600 + 100_000
    assert compute_timeout_s(Sound("nowhere"), None) == 600
    assert compute_timeout_s(sound, 3.0) == 3


def test_too_few_files_may_be_open() -> None:
    """With `ulimit -n` too low for the workers, the error is one sentence, and no process is left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    children = list_children()
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 40, hard))
    try:
        with pytest.raises(WorkerError, match="cannot be started: Too many open files") as caught:
            WorkerPool(SETTINGS, 30)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert caught.value.remedy == Remedy.START_FEWER_WORKERS
    assert list_children() == children


def list_children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc's malloc has the settings that the workers change"
)
def test_a_worker_keeps_the_memory_of_a_file_for_the_next_one(tmp_path: Path) -> None:
    """Otherwise each short file costs some 150 new pages from the system, which take longer than its samples."""
    for k in range(220):
        soundfile.write(tmp_path / f"{k:03}.wav", np.zeros(6000), 8000)
    sounds = [make_file_sound(str(path)) for path in sorted(tmp_path.iterdir())]

    def count_page_faults(sounds: Sequence[Sound]) -> int:
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
        with WorkerPool(SETTINGS, 1) as pool:
            collect_clips(pool.stream_clips(sounds))
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt - before

    assert (count_page_faults(sounds) - count_page_faults(sounds[:20])) / 200 < 30
