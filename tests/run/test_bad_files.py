"""A bad file costs that file: the others' clips are byte for byte those of a run without it."""

import os
import stat
import subprocess
import sys
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
from specfeat.errors import AudioError, TooManyFailuresError, UsageError
from specfeat.pipeline import SoundEndEvent
from specfeat.run.failure_limit import FailureCounter, FailureLimit
from specfeat.sound import Sound

pytestmark = pytest.mark.slow

SETTINGS = load_config("minimal").settings


def taken(track: WorkerClipStream) -> tuple[Float, AudioError | None]:
    """All clips of a track, and what is wrong with it."""
    clips = [np.empty((0, *SETTINGS.input_shape), np.float32)]
    try:
        clips += [some.copy() for some in track]
    except AudioError as e:
        return np.concatenate(clips), e
    return np.concatenate(clips), track.broken


def clips_of(paths: list[str], workers: int = 2) -> dict[str, Float]:
    """What the pool makes of good files."""
    with WorkerPool(SETTINGS, workers) as crew:
        return {
            track.sound.path: taken(track)[0] for track in crew.stream_clips([Sound(path) for path in paths])
        }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every bad file, and good ones around each."""
    folder = tmp_path_factory.mktemp("nasty")
    write_broken_files(folder)
    for k in range(len(BROKEN_FILES) + 1):
        write_good_file(folder / f"good{k}.wav", 0.2 + 0.1 * k, seed=k)
    return folder


def _mixed(folder: Path) -> list[str]:
    """A good file, a bad one, a good one ..."""
    names = [f"good{k}.wav" for k in range(len(BROKEN_FILES) + 1)]
    for k, bad in reversed(list(enumerate(BROKEN_FILES))):
        names.insert(k + 1, bad.name)
    return [str(folder / name) for name in names]


def _status(track: WorkerClipStream, clips: Float, error: AudioError | None) -> str:
    if error:
        return "failed"
    return "ok" if len(clips) else "short" if track.samples else "empty"


@pytest.mark.parametrize("workers", [1, 3])
def test_each_bad_file_costs_itself_alone(folder: Path, workers: int) -> None:
    """Each comes to what the table says, for the reason that it says; every good file's clips are as without them."""
    bad = {str(folder / file.name): file for file in BROKEN_FILES}
    paths = _mixed(folder)
    alone = clips_of([path for path in paths if path not in bad])
    came: dict[str, tuple[str, str]] = {}
    with WorkerPool(SETTINGS, workers) as crew:
        for track in crew.stream_clips([Sound(path) for path in paths]):
            clips, error = taken(track)
            if track.sound.path not in bad:
                assert get_bits(clips) == get_bits(alone.pop(track.sound.path)), track.sound.path
                continue
            came[bad[track.sound.path].name] = _status(track, clips, error), error.cause if error else ""

    assert came == {name: (status, cause) for name, _, status, cause in BROKEN_FILES}
    assert not alone


def test_who_may_not_read_is_told_so(tmp_path: Path) -> None:
    """A file without permission fails with these words."""
    write_good_file(tmp_path / "a.wav")
    (tmp_path / "a.wav").chmod(0)
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    code = (
        "import os, sys; from specfeat.audio import decode; from specfeat.config.sound import Audio;"
        "from specfeat.errors import AudioError; from specfeat.sound import Sound\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: list(decode.read_samples(Sound(sys.argv[1]), Audio(sample_rate=16000)))\n"
        "except AudioError as e: print(e, e.cause, sep='|')"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.wav")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout == "may not be read: permission denied|unreadable\n"


def test_a_file_that_vanishes_after_it_was_listed(tmp_path: Path) -> None:
    """It fails as missing; the ones around it do not."""
    for name in "abc":
        write_good_file(tmp_path / f"{name}.wav")
    with WorkerPool(SETTINGS, 1) as crew:
        (tmp_path / "b.wav").unlink()
        sounds = [Sound(str(tmp_path / f"{name}.wav")) for name in "abc"]
        found = [taken(track)[1] for track in crew.stream_clips(sounds)]

    assert [error and error.cause for error in found] == [None, "missing", None]


def test_an_error_says_where(folder: Path) -> None:
    """A break in the middle is told in seconds of the file, as near as it is known."""
    wanted = {"nan.wav": 1.25, "garbage_inside.flac": 4.0, "huge.wav": 1.25, "text.wav": None}
    with WorkerPool(SETTINGS, 1) as crew:
        for track in crew.stream_clips([Sound(str(folder / name)) for name in wanted]):
            _, error = taken(track)
            at_s = wanted[Path(track.sound.path).name]
            assert error
            assert (
                error.at_s is None if at_s is None else abs((error.at_s or 0) - at_s) <= SETTINGS_CLIP_S * 15
            )


SETTINGS_CLIP_S = SETTINGS.clip_grid.clip_samples / SETTINGS.audio.sample_rate


@pytest.mark.parametrize("name", ["garbage_inside.flac", "cut.flac", "nan.wav"])
def test_what_is_kept_is_the_file_up_to_the_break(folder: Path, tmp_path: Path, name: str) -> None:
    """With keep_partial, a file that breaks has the clips of a file that ends there; nothing later, nothing made up."""
    with WorkerPool(SETTINGS, 1, keep_partial=True) as crew:
        track = next(crew.stream_clips([Sound(str(folder / name))]))
        kept, error = taken(track)
        samples = track.samples
    with AudioFile(str(folder / name)) as file:
        begin = next(file.read_blocks(samples))
    soundfile.write(tmp_path / "begin.wav", begin, 16_000, "FLOAT")
    (whole,) = clips_of([str(tmp_path / "begin.wav")]).values()

    assert error is not None
    assert len(kept) > 1
    assert get_bits(kept) == get_bits(whole)


def test_silence_is_told(folder: Path) -> None:
    """A file of zeros has its clips, finite ones, and is marked; noise and a click are not."""
    with WorkerPool(SETTINGS, 1) as crew:
        silent = {}
        for track in crew.stream_clips([Sound(str(folder / name)) for name in ("silent.wav", "good3.wav")]):
            clips, _ = taken(track)
            assert len(clips)
            assert np.isfinite(clips).all()
            silent[Path(track.sound.path).name] = track.silent

    assert silent == {"silent.wav": True, "good3.wav": False}


# --- ends of runs --------------------------------------------------------------------------------


def _ends(*failed: bool) -> list[SoundEndEvent]:
    error = AudioError("broke")
    return [
        SoundEndEvent(str(k), "failed" if bad else "ok", 1, 0, 0, error if bad else None, 0.0)
        for k, bad in enumerate(failed)
    ]


@pytest.mark.parametrize(
    ("files", "most", "borne"),
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
def test_a_run_that_goes_wrong_ends_at_once(files: int, most: str | None, borne: int) -> None:
    """It ends with the failure that is one too many, whatever the other files will come to."""
    failures = FailureCounter(FailureLimit(most=most), files)
    ends = _ends(*[True] * files)
    for end in ends[:borne]:
        failures.ended(end)
    if borne < files:
        with pytest.raises(TooManyFailuresError, match=f"{borne + 1} of {files} files have failed"):
            failures.ended(ends[borne])


def test_stop_ends_at_the_first() -> None:
    """Files that are good, and those that are empty, do not end it."""
    failures = FailureCounter(FailureLimit(stop=True), 9)
    first, second, third = _ends(False, False, True)
    failures.ended(first)
    failures.ended(second)
    with pytest.raises(TooManyFailuresError, match="--on-error stop"):
        failures.ended(third)


@pytest.mark.parametrize("most", ["-1", "", "%", "101%", "1.5", "nan%", "few", "1e3", "9" * 5000])
def test_a_limit_is_a_number_or_a_share(most: str) -> None:
    """Anything else is a mistake in the command."""
    with pytest.raises(
        UsageError, match=r"wanted a number of files, e\.g\. 20, or a share of all, e\.g\. 1%"
    ):
        FailureLimit(most=most)


def test_the_table_is_of_real_files(folder: Path) -> None:
    """Each kind of thing that the issue names is there: a folder, a FIFO, a socket, a device, links."""
    kinds = {stat.S_IFMT(os.lstat(folder / file.name).st_mode) for file in BROKEN_FILES}

    assert {stat.S_IFREG, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFLNK} <= kinds
    assert stat.S_ISCHR((folder / "device.wav").stat().st_mode)
    assert isinstance(BROKEN_FILES[0], BrokenFile)
