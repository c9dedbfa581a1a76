"""Values of the whole file or of each clip: the largest value, mean and deviation, in two passes over the frames."""

import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from typing import Any

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from helpers.sample_data import (
    RATE,
    Float,
    compute_clips,
    compute_frames,
    get_bits,
    make_noise,
    make_settings,
)
from specfeat.audio import frame_buffer, stft
from specfeat.audio.frame_buffer import FrameBuffer
from specfeat.audio.spectrogram import SpectrogramMaker
from specfeat.config.settings import Settings
from specfeat.errors import AudioError

LENGTHS: dict[str, Any] = {"n_fft": 256, "hop_length": 100}
MEL = {"n_mels": 20}
BLOCK_SIZES: tuple[tuple[int, ...], ...] = ((), (1, 0, 999), (100,) * 40)


@pytest.fixture(autouse=True)
def small_blocks_of_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute few frames at once, so that short sounds have several blocks."""
    monkeypatch.setattr(stft, "BLOCK_VALUES", 4096)


def make_fading_noise(samples: int) -> Float:
    """Make noise that fades from 0 dB to -140 dB: its quiet end lies below every `top_db`."""
    return (make_noise(samples) * np.logspace(0, -7, samples)).astype(np.float32)


def make_mel_settings(clips: dict[str, Any] | None = None, **spectrogram: Any) -> Settings:
    return make_settings(clips=clips, **({"kind": "mel", "mel": MEL} | LENGTHS | spectrogram))


def compute_librosa_mel(sound: Float) -> NDArray[np.float64]:
    mel: NDArray[np.float64] = librosa.feature.melspectrogram(
        y=sound.astype(np.float64), sr=RATE, dtype=np.float64, **MEL, **LENGTHS
    )
    return mel


# --- decibels ------------------------------------------------------------------------------------

DECIBELS = [
    ({"top_db": 60.0}, {"ref": 1.0, "top_db": 60.0}),
    ({"ref": 5.0, "top_db": 60.0}, {"ref": 5.0, "top_db": 60.0}),
    ({"ref": "max", "top_db": 80.0}, {"ref": np.max, "top_db": 80.0}),
    ({"ref": "max"}, {"ref": np.max, "top_db": None}),
]


@pytest.mark.slow
@pytest.mark.parametrize("sizes", BLOCK_SIZES, ids=len)
@pytest.mark.parametrize(("db", "librosa_db"), DECIBELS)
def test_decibels_of_a_file_are_librosas(
    db: dict[str, Any], librosa_db: dict[str, Any], sizes: tuple[int, ...]
) -> None:
    """`per: file` gives librosa.power_to_db of the whole spectrogram, in whatever blocks the file is read."""
    sound = make_fading_noise(9001)

    result = compute_frames(make_mel_settings(compress={"db": {**db, "per": "file"}}), sound, sizes)

    expected = librosa.power_to_db(compute_librosa_mel(sound), **librosa_db).T
    np.testing.assert_allclose(result[..., 0], expected, rtol=0, atol=3e-5)


@pytest.mark.slow
def test_a_cepstrum_of_a_file_is_librosas_with_its_default_top_db() -> None:
    """librosa.feature.mfcc limits the decibels to the loudest 80 dB of the file before the cepstrum."""
    sound = make_fading_noise(9001)
    settings = make_mel_settings(
        kind="mfcc", mfcc={"n_mfcc": 13}, compress={"db": {"top_db": 80.0, "per": "file"}}
    )

    expected = librosa.feature.mfcc(y=sound.astype(np.float64), sr=RATE, n_mfcc=13, **MEL, **LENGTHS).T

    np.testing.assert_allclose(compute_frames(settings, sound)[..., 0], expected, rtol=0, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("cut", ["frames", "samples"])
@pytest.mark.parametrize(("db", "librosa_db"), DECIBELS)
def test_decibels_of_a_clip_are_librosas(db: dict[str, Any], librosa_db: dict[str, Any], cut: str) -> None:
    """`per: clip` gives librosa.power_to_db of each clip by itself, then constants are applied."""
    sound = make_fading_noise(9000)
    clips = {"frames": 9, "hop": 5, "cut": cut, "tail": "drop"}
    more: dict[str, Any] = {"clips": clips, "normalize": {"mean": 3.0, "std": 2.0}}
    limited = make_mel_settings(compress={"db": {**db, "per": "clip"}}, **more)

    result = compute_clips(limited, sound, (77, 1, 3000))
    powers = compute_clips(make_mel_settings(clips=clips), sound)

    expected = [(librosa.power_to_db(power.astype(np.float64), **librosa_db) - 3) / 2 for power in powers]
    assert len(result) > 10
    np.testing.assert_allclose(result, expected, rtol=0, atol=3e-5)


@pytest.mark.parametrize("clip", ["mean_std", "max", "subtract_max"])
def test_a_clip_is_normalised_after_its_decibels_are_limited(clip: str) -> None:
    """`normalize` is the last step, also after `top_db` of the clip."""
    sound, clips = make_fading_noise(5000), {"frames": 9}
    limit = make_mel_settings(clips=clips, compress={"db": {"top_db": 30.0, "per": "clip"}})
    both = make_mel_settings(
        clips=clips, compress={"db": {"top_db": 30.0, "per": "clip"}}, normalize={"clip": clip}
    )
    plain = SpectrogramMaker(make_mel_settings(clips=clips, normalize={"clip": clip}))

    expected = [plain.normalize_clip(limited) for limited in compute_clips(limit, sound)]

    assert get_bits(compute_clips(both, sound)) == get_bits(np.stack(expected))


# --- normalisation -------------------------------------------------------------------------------


def normalize_whole(values: Float, statistic: str, axes: tuple[int, ...]) -> NDArray[np.float64]:
    """Restate the three statistics in float64 for an array of shape (frames, bins, channels)."""
    wide: NDArray[np.float64] = values.astype(np.float64)
    if statistic == "max":
        wide /= np.abs(wide).max(axis=axes)
    elif statistic == "subtract_max":
        wide -= wide.max(axis=axes)
    else:
        wide = (wide - wide.mean(axis=axes)) / wide.std(axis=axes)
    return wide


@pytest.mark.parametrize("per", ["channel", "band"])
@pytest.mark.parametrize("statistic", ["mean_std", "max", "subtract_max"])
@pytest.mark.parametrize("deltas", [None, {"order": 2, "width": 5}], ids=str)
def test_a_file_is_normalised_by_its_own_values(
    deltas: dict[str, int] | None, statistic: str, per: str
) -> None:
    """Each channel, or each band of it, has the values of the whole spectrogram, however it is read."""
    sound = make_fading_noise(9001)
    more: dict[str, Any] = {"compress": {"db": {}}, "deltas": deltas, "clips": {"frames": 9}}
    settings = make_mel_settings(**more, normalize={"file": statistic, "per": per})

    plain = compute_frames(make_mel_settings(**more), sound)
    result = compute_frames(settings, sound)

    axes = (0,) if per == "band" else (0, 1)
    np.testing.assert_allclose(result, normalize_whole(plain, statistic, axes), rtol=1e-5, atol=1e-5)
    for sizes in BLOCK_SIZES:
        assert get_bits(compute_frames(settings, sound, sizes)) == get_bits(result)


@pytest.mark.parametrize("statistic", ["mean_std", "max", "subtract_max"])
def test_each_band_of_a_clip_may_have_values_of_its_own(statistic: str) -> None:
    """`per: band` with `clip` measures each band over the frames of the clip."""
    sound = make_noise(3000)
    more: dict[str, Any] = {"compress": {"db": {}}, "clips": {"frames": 9}}

    result = compute_clips(make_mel_settings(**more, normalize={"clip": statistic, "per": "band"}), sound)

    expected = [
        normalize_whole(clip, statistic, (0,)) for clip in compute_clips(make_mel_settings(**more), sound)
    ]
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_a_floor_applies_after_the_values_of_a_file() -> None:
    """`{file: subtract_max, floor: -80}` is librosa.power_to_db(ref=np.max, top_db=80) of the whole file."""
    sound = make_fading_noise(9001)
    settings = make_mel_settings(compress={"db": {}}, normalize={"file": "subtract_max", "floor": -80.0})

    expected = librosa.power_to_db(compute_librosa_mel(sound), ref=np.max, top_db=80).T

    np.testing.assert_allclose(compute_frames(settings, sound)[..., 0], expected, rtol=0, atol=3e-5)


@pytest.mark.parametrize("length", [1, 2001, 2999])
def test_the_silence_of_the_last_clip_does_not_count_for_the_file(length: int) -> None:
    """The frames of the sound have the values that they have without the silence that fills its last clip."""
    sound = make_noise(length)
    settings = make_mel_settings(
        clips={"frames": 30, "tail": "pad"}, compress={"db": {}}, normalize={"file": "mean_std"}
    )

    whole, clips = compute_frames(settings, sound), compute_clips(settings, sound)

    count = len(sound) // 100
    assert clips.shape == (1, 30, 20, 1)
    assert get_bits(clips[0, :count]) == get_bits(whole[:count])


def test_a_silent_file_is_normalised_to_zero() -> None:
    """Nothing is divided by 0, and a constant file becomes exactly 0."""
    for statistic in ("mean_std", "subtract_max"):
        settings = make_mel_settings(compress={"db": {}}, normalize={"file": statistic})
        assert (compute_frames(settings, np.zeros(3000, np.float32)) == 0).all()
    largest = compute_frames(make_mel_settings(normalize={"file": "max"}), np.zeros(3000, np.float32))
    assert (largest == 0).all()


def test_a_file_without_samples_has_no_clips() -> None:
    """Values of no frames are not computed."""
    settings: tuple[dict[str, Any], ...] = (
        {"normalize": {"file": "mean_std"}},
        {"compress": {"db": {"ref": "max", "per": "file"}}},
    )
    for more in settings:
        assert len(compute_clips(make_mel_settings(**more), np.zeros(0, np.float32))) == 0


# --- samples -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("sizes", BLOCK_SIZES, ids=len)
@pytest.mark.parametrize("preemphasis", [None, {"per": "file"}])
def test_the_samples_of_a_file_have_a_peak(
    preemphasis: dict[str, str] | None, sizes: tuple[int, ...]
) -> None:
    """The spectrogram has the bits of that of librosa.util.normalize's samples, in whatever blocks they are read."""
    sound = make_noise(4567)
    more: dict[str, Any] = {"preemphasis": preemphasis, "pad_mode": "reflect"}

    result = compute_frames(make_mel_settings(**more, peak=1.0), sound, sizes)
    quarter = compute_frames(make_mel_settings(**more, peak=0.25), sound, sizes)

    normalized = librosa.util.normalize(sound)
    assert get_bits(result) == get_bits(compute_frames(make_mel_settings(**more), normalized))
    assert get_bits(quarter) == get_bits(result / np.float32(16))


@pytest.mark.slow
def test_each_clip_of_samples_has_a_peak() -> None:
    """With `cut: samples`, each clip is scaled by itself, and a silent one stays silent."""
    sound = np.concatenate([make_fading_noise(4000), np.zeros(1000, np.float32)])
    clips = {"cut": "samples", "samples": 1000}

    result = compute_clips(make_mel_settings(clips=clips, peak=1.0), sound)

    parts = [librosa.util.normalize(part) for part in sound.reshape(5, 1000)]
    assert get_bits(result) == get_bits(compute_clips(make_mel_settings(clips=clips), np.concatenate(parts)))
    assert not result[-1].any()


# --- memory and disk -----------------------------------------------------------------------------


def test_a_buffer_on_disk_gives_what_a_buffer_in_memory_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    """The frames of a long file are kept in a temporary file, and have the same bits."""
    settings = make_mel_settings(
        compress={"db": {"ref": "max", "per": "file"}}, normalize={"file": "mean_std"}
    )
    in_memory = compute_frames(settings, make_noise(9001))

    monkeypatch.setattr(frame_buffer, "MEMORY_BYTES", 1000)

    assert get_bits(compute_frames(settings, make_noise(9001))) == get_bits(in_memory)


def test_the_memory_of_a_buffer_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream of 40 MB takes no more memory than `MEMORY_BYTES` and some blocks."""
    monkeypatch.setattr(frame_buffer, "MEMORY_BYTES", 2**20)

    def make_blocks() -> Iterator[Float]:
        for number in range(40):
            yield np.full((1000, 250), number, np.float32)

    tracemalloc.start()
    try:
        with FrameBuffer(make_blocks()) as buffer:
            total = sum(int(block[0, 0]) for block in buffer.read())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert total == sum(range(40))
    assert peak < 6 * 2**20


def test_a_full_disk_is_an_error_of_the_file() -> None:
    """The error comes when the frames are kept, also if the system writes them only then."""
    code = """
import resource
import numpy as np
from specfeat.audio import frame_buffer
from specfeat.errors import AudioError
frame_buffer.MEMORY_BYTES = 1000
for size in (300, 5000, 300_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        with frame_buffer.FrameBuffer([np.ones((100, 20), np.float32)] * 40) as buffer:
            print("kept")
    except AudioError as e:
        print(e.cause)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert (done.stdout.split("\n"), done.stderr) == (["temporary folder"] * 3 + [""], "")


def test_a_temporary_folder_without_room_is_an_error_of_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """The message says what needs the room, and what to do."""
    monkeypatch.setattr(frame_buffer, "MEMORY_BYTES", 1000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    settings = make_mel_settings(normalize={"file": "max"})

    with pytest.raises(
        AudioError, match=r"room for all its frames in the temporary folder .* set TMPDIR"
    ) as error:
        compute_clips(settings, make_noise(9001))

    assert (error.value.stage, error.value.cause) == ("spectrogram", "temporary folder")
