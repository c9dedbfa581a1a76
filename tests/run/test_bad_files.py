"""A bad file affects no other: the others' clips have the bytes of a run without it; and limits of failures."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from helpers.broken_audio import BROKEN_FILES, BrokenFile, write_broken_files, write_good_file
from helpers.sample_data import Float, get_bits
from specfeat.audio.audio_file import AudioFile
from specfeat.audio.clip_stream import WorkerClipStream
from specfeat.audio.worker_pool import WorkerPool
from specfeat.config import load_config
from specfeat.errors import AudioError, Remedy, TooManyFailuresError, UsageError
from specfeat.events import SoundEndEvent
from specfeat.run.failure_counter import FailureCounter
from specfeat.run.options import FailureLimit
from specfeat.sound import Sound

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_thread_workers")]

SETTINGS = load_config("minimal").settings


def read_stream(stream: WorkerClipStream) -> tuple[Float, AudioError | None]:
    """Return all clips of a stream, and what is wrong with it."""
    clips = [np.empty((0, *SETTINGS.input_shape), np.float32)]
    try:
        clips += [some.copy() for some in stream]
    except AudioError as e:
        return np.concatenate(clips), e
    return np.concatenate(clips), stream.break_error


def extract_clips(paths: list[str], workers: int = 2) -> dict[str, Float]:
    """Return the clips that the pool makes of good files, by path."""
    with WorkerPool(SETTINGS, workers) as pool:
        return {
            stream.sound.path: read_stream(stream)[0]
            for stream in pool.stream_clips([Sound(path) for path in paths])
        }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every bad file, and a good one around each."""
    folder = tmp_path_factory.mktemp("nasty")
    write_broken_files(folder)
    for k in range(len(BROKEN_FILES) + 1):
        write_good_file(folder / f"good{k}.wav", 0.2 + 0.1 * k, seed=k)
    return folder


def _mix_files(folder: Path) -> list[str]:
    """List a good file, a bad one, a good one ..."""
    names = [f"good{k}.wav" for k in range(len(BROKEN_FILES) + 1)]
    for k, bad in reversed(list(enumerate(BROKEN_FILES))):
        names.insert(k + 1, bad.name)
    return [str(folder / name) for name in names]


def _status(stream: WorkerClipStream, clips: Float, error: AudioError | None) -> str:
    if error:
        return "failed"
    return "ok" if len(clips) else "short" if stream.samples else "empty"


@pytest.mark.parametrize("workers", [1, 3])
def test_a_bad_file_affects_no_other(folder: Path, monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    """Each bad file has the status and the cause of the table; every good file's clips are those of a run without it."""
    if workers == 3:
        monkeypatch.undo()  # these workers are processes
    bad = {str(folder / file.name): file for file in BROKEN_FILES}
    paths = _mix_files(folder)
    clips_without_bad_files = extract_clips([path for path in paths if path not in bad])
    results: dict[str, tuple[str, str]] = {}
    with WorkerPool(SETTINGS, workers) as pool:
        for stream in pool.stream_clips([Sound(path) for path in paths]):
            clips, error = read_stream(stream)
            if stream.sound.path not in bad:
                assert get_bits(clips) == get_bits(clips_without_bad_files.pop(stream.sound.path)), (
                    stream.sound.path
                )
                continue
            results[bad[stream.sound.path].name] = _status(stream, clips, error), error.cause if error else ""

    assert results == {name: (status, cause) for name, _, status, cause in BROKEN_FILES}
    assert not clips_without_bad_files


def test_a_file_without_permission() -> None:
    """It fails as unreadable."""
    # Not in pytest's folders: each start of pytest, also of another one, makes them private again.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "a.wav"
        write_good_file(path)
        path.chmod(0)
        done = _read_without_privileges(path)

    assert done == "may not be read: permission denied|unreadable\n"


def _read_without_privileges(path: Path) -> str:
    """Return the error and its cause, as a user who is not root gets them."""
    code = (
        "import os, sys; from specfeat.audio import decode; from specfeat.config.audio import Audio;"
        "from specfeat.errors import AudioError; from specfeat.sound import Sound\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: list(decode.read_samples(Sound(sys.argv[1]), Audio(sample_rate=16000)))\n"
        "except AudioError as e: print(e, e.cause, sep='|')"
    )
    command = [sys.executable, "-c", code, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_file_that_disappears_after_it_was_listed(tmp_path: Path) -> None:
    """It fails as missing; the files around it do not."""
    for name in "abc":
        write_good_file(tmp_path / f"{name}.wav")
    with WorkerPool(SETTINGS, 1) as pool:
        (tmp_path / "b.wav").unlink()
        errors = [
            read_stream(stream)[1]
            for stream in pool.stream_clips([Sound(str(tmp_path / f"{name}.wav")) for name in "abc"])
        ]

    assert [error and error.cause for error in errors] == [None, "missing", None]


def test_an_error_says_where(folder: Path) -> None:
    """The place of a break is given in seconds of the file, as exactly as it is known."""
    expected_at_s = {"nan.wav": 1.25, "garbage_inside.flac": 4.0, "huge.wav": 1.25, "text.wav": None}
    with WorkerPool(SETTINGS, 1) as pool:
        for stream in pool.stream_clips([Sound(str(folder / name)) for name in expected_at_s]):
            _, error = read_stream(stream)
            at_s = expected_at_s[Path(stream.sound.path).name]
            assert error
            assert (
                error.at_s is None if at_s is None else abs((error.at_s or 0) - at_s) <= SETTINGS_CLIP_S * 15
            )


SETTINGS_CLIP_S = SETTINGS.clip_grid.clip_samples / SETTINGS.audio.sample_rate


@pytest.mark.parametrize("name", ["garbage_inside.flac", "cut.flac", "nan.wav"])
def test_a_kept_part_is_the_file_up_to_the_break(folder: Path, tmp_path: Path, name: str) -> None:
    """With keep_partial, a file that breaks has the clips of a file that ends there, and no others."""
    with WorkerPool(SETTINGS, 1, keep_partial=True) as pool:
        stream = next(pool.stream_clips([Sound(str(folder / name))]))
        kept, error = read_stream(stream)
        samples = stream.samples
    with AudioFile(str(folder / name)) as file:
        beginning = next(file.read_blocks(samples))
    soundfile.write(tmp_path / "begin.wav", beginning, 16_000, "FLOAT")
    (expected,) = extract_clips([str(tmp_path / "begin.wav")]).values()

    assert error is not None
    assert len(kept) > 1
    assert get_bits(kept) == get_bits(expected)


def test_silence_is_marked(folder: Path) -> None:
    """A file of zeros has clips with finite values and is marked as silent; other files are not."""
    with WorkerPool(SETTINGS, 1) as pool:
        silent = {}
        sounds = [Sound(str(folder / name)) for name in ("silent.wav", "good3.wav")]
        for stream in pool.stream_clips(sounds):
            clips, _ = read_stream(stream)
            assert len(clips)
            assert np.isfinite(clips).all()
            silent[Path(stream.sound.path).name] = stream.silent

    assert silent == {"silent.wav": True, "good3.wav": False}


# --- ends of runs --------------------------------------------------------------------------------


def _make_ends(*failed: bool) -> list[SoundEndEvent]:
    error = AudioError("broke")
    return [
        SoundEndEvent(
            sound=Sound(str(k)),
            status="failed" if bad else "ok",
            samples=1,
            error=error if bad else None,
        )
        for k, bad in enumerate(failed)
    ]


@pytest.mark.parametrize(
    ("files", "most", "allowed"),
    [
        (10, "0", 0),
        (10, "3", 3),
        (10, "25%", 2),
        (10, "0%", 0),
        (10, "100%", 10),
        (1000, "2.3%", 23),
        (10, None, 10),
    ],
)
def test_too_many_failures_stop_the_run_at_once(files: int, most: str | None, allowed: int) -> None:
    """The first failure beyond the limit stops the run, whatever the other files would give."""
    counter = FailureCounter(FailureLimit(max_failures=most), files)
    ends = _make_ends(*[True] * files)
    for end in ends[:allowed]:
        counter.count(end)
    if allowed < files:
        with pytest.raises(
            TooManyFailuresError, match=f"{allowed + 1} of {files} files have failed"
        ) as caught:
            counter.count(ends[allowed])
        assert caught.value.remedy is Remedy.ALLOW_MORE_FAILURES


def test_stop_at_the_first_failure() -> None:
    """Good files and empty files do not stop the run."""
    counter = FailureCounter(FailureLimit(stop_at_first=True), 9)
    first, second, third = _make_ends(False, False, True)
    counter.count(first)
    counter.count(second)
    with pytest.raises(TooManyFailuresError, match=r"^2: has failed, so the run stops") as caught:
        counter.count(third)
    assert caught.value.remedy is Remedy.CONTINUE_AFTER_FAILURES


@pytest.mark.parametrize("most", ["-1", "", "%", "101%", "1.5", "nan%", "few", "1e3", "9" * 5000])
def test_a_limit_is_a_number_or_a_share(most: str) -> None:
    """Anything else is refused."""
    with pytest.raises(
        UsageError, match=r"it must be a number of files, e\.g\. 20, or a share of all files, e\.g\. 1%"
    ):
        FailureLimit(max_failures=most)


def test_the_table_has_every_kind_of_file(folder: Path) -> None:
    """A folder, a FIFO, a socket, a device and links are there."""
    kinds = {stat.S_IFMT(os.lstat(folder / file.name).st_mode) for file in BROKEN_FILES}

    assert {stat.S_IFREG, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFLNK} <= kinds
    assert stat.S_ISCHR((folder / "device.wav").stat().st_mode)
    assert isinstance(BROKEN_FILES[0], BrokenFile)


@pytest.mark.parametrize(("scale", "is_too_loud"), [(1.0, False), (4.0, False), (32_768.0, True)])
def test_samples_far_beyond_full_scale_are_marked(tmp_path: Path, scale: float, is_too_loud: bool) -> None:
    """A float file may have the scale of 16-bit integers; its rows are kept, and the user is told."""
    samples = np.random.default_rng(1).uniform(-scale, scale, 24_000).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 16_000, "FLOAT")
    with WorkerPool(SETTINGS, 1) as pool:
        stream = next(pool.stream_clips([Sound(str(tmp_path / "a.wav"))]))
        clips, error = read_stream(stream)

    assert (len(clips) > 0, error, stream.too_loud) == (True, None, is_too_loud)
