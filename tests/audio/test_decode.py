"""A file to mono samples: the same bits however it is read, and no file that stops a run."""

import os
import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from specfeat.audio import decode
from specfeat.config.audio import Audio
from specfeat.errors import AudioError

Float = NDArray[np.float32]

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
CLIPS = ["chirp.wav", "tones.flac", "bursts.ogg", "chord.mp3", "fall.opus"]


def blocks(path: Path | str, sample_rate: int = 8000, **audio: Any) -> Iterator[Float]:
    return decode.read_samples(os.fspath(path), Audio(sample_rate=sample_rate, **audio))


def read(path: Path | str, sample_rate: int = 8000, **audio: Any) -> Float:
    return np.concatenate([np.empty(0, np.float32), *blocks(path, sample_rate, **audio)])


def whole(path: Path) -> tuple[Float, int]:
    """The file as soundfile reads it at once, shape (samples, channels), and its rate."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return samples, rate


def to_mono(samples: Float) -> Float:
    """The mean that librosa takes of samples of shape (n, channels)."""
    mono: Float = librosa.to_mono(np.ascontiguousarray(samples.T))
    return mono


def noise(*shape: int) -> Float:
    return np.random.default_rng(1).normal(scale=0.2, size=shape).astype(np.float32)


def cut(samples: Float, length: int) -> list[Float]:
    return [samples[start : start + length] for start in range(0, len(samples), length)]


def write(path: Path, samples: Float, rate: int = 8000, subtype: str = "FLOAT") -> Path:
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def wav(data: bytes, *, rate: int = 8000, size: int | None = None) -> bytes:
    """A WAV, 16 bit, mono, whose header may say another size than the data have."""
    size = len(data) if size is None else size
    riff = struct.pack("<4sI4s", b"RIFF", min(36 + size, 2**32 - 1), b"WAVE")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, min(2 * rate, 2**32 - 1), 2, 16)
    return riff + form + struct.pack("<4sI", b"data", size) + data


def open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def refusal(path: Path | str, **audio: Any) -> AudioError:
    """The error that reading the file ends in: one line, whatever libsndfile said."""
    with pytest.raises(AudioError) as caught:
        read(path, **audio)

    assert str(caught.value).isprintable()
    return caught.value


def drained(path: Path, rate: int) -> int:
    """Count a file's samples, and see that reading it took no more memory than a few blocks do."""
    tracemalloc.start()
    try:
        count = sum(len(block) for block in blocks(path, rate))
        assert tracemalloc.get_traced_memory()[1] < 8 * 4 * decode.BLOCK_VALUES
    finally:
        tracemalloc.stop()
    return count


@pytest.mark.parametrize("name", CLIPS)
def test_blocks_are_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every format, blocks of any size are, one after another, what soundfile reads at once."""
    samples, rate = whole(SAMPLE / name)
    for values in (777, 4096, 50_001, 10_000_000):
        monkeypatch.setattr(decode, "BLOCK_VALUES", values)
        for channel in range(samples.shape[1]):
            np.testing.assert_array_equal(read(SAMPLE / name, rate, channels=channel), samples[:, channel])


def test_blocks_may_be_single_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest block is one sample of every channel, even if that is more values than asked for."""
    samples, rate = whole(SAMPLE / "clicks.wav")
    monkeypatch.setattr(decode, "BLOCK_VALUES", 1)

    np.testing.assert_array_equal(read(SAMPLE / "clicks.wav", rate), samples[:, 0])
    assert len(next(blocks(SAMPLE / "tones.flac", 44_100))) == 1


@pytest.mark.parametrize("channels", [1, 2, 7])
def test_blocks_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channels: int) -> None:
    """However long the file and however many its channels, a block holds no more values than are set."""
    monkeypatch.setattr(decode, "BLOCK_VALUES", 100)
    lengths = [len(block) for block in blocks(write(tmp_path / "a.wav", noise(1001, channels)))]

    assert sum(lengths) == 1001
    assert max(lengths) * channels <= 100


@pytest.mark.parametrize("name", CLIPS)
def test_the_whole_way(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file at another rate is librosa's mean of its channels, resampled by soxr at once."""
    monkeypatch.setattr(decode, "BLOCK_VALUES", 3001)
    samples, rate = whole(SAMPLE / name)
    expected = soxr.resample(to_mono(samples), rate, 12_000, quality="MQ")

    np.testing.assert_array_equal(read(SAMPLE / name, 12_000, res_type="soxr_mq"), expected)


@pytest.mark.parametrize("length", [1, 64, 1000])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 6, 7, 8])
def test_the_mix_is_librosas(channels: int, length: int) -> None:
    """The mean of the channels has the bits of `librosa.to_mono`, shape (channels, samples) in memory."""
    samples = noise(1000, channels)
    mixed = np.concatenate(list(decode.mix_to_mono(cut(samples, length), None)))

    assert mixed.dtype == np.float32
    np.testing.assert_array_equal(mixed, to_mono(samples))


def test_mixing_leaves_its_input_alone() -> None:
    """The samples that a caller of the Python face hands over stay as they are."""
    samples = noise(100, 3)
    before = samples.copy()
    list(decode.mix_to_mono([samples], None))

    np.testing.assert_array_equal(samples, before)


def test_left_is_left() -> None:
    """The sample clip has 440 Hz left and 660 Hz right; the mix has both."""
    spectra = {
        channels: np.abs(np.fft.rfft(read(SAMPLE / "tones.flac", 16_000, channels=channels)))
        for channels in ("left", "right", "mix")
    }

    assert spectra["left"].argmax() == 440  # 1 s, so a bin is 1 Hz
    assert spectra["right"].argmax() == 660
    assert set(np.argsort(spectra["mix"])[-2:]) == {440, 660}


def test_a_channel_that_is_missing_is_refused(tmp_path: Path) -> None:
    """Silence or another channel in its place would be a wrong answer that nobody notices."""
    path = write(tmp_path / "a.wav", noise(50, 3))

    np.testing.assert_array_equal(read(path, channels=2), whole(path)[0][:, 2])
    assert str(refusal(path, channels=3)) == "has 3 channels, counted from 0; the config asks for channel 3"
    assert refusal(SAMPLE / "chirp.wav", channels="right").stage == "open"


@pytest.mark.parametrize("length", [1, 89, 4096, 100_000])
@pytest.mark.parametrize(
    ("rate", "target", "quality"),
    [
        (44_100, 16_000, "hq"),
        (48_000, 16_000, "vhq"),
        (22_050, 16_000, "mq"),
        (8_000, 16_000, "lq"),
        (11_025, 22_050, "qq"),
        (44_101, 8_000, "hq"),
        (1_000, 48_000, "hq"),
    ],
)
def test_resampling_in_blocks_is_resampling_at_once(
    rate: int, target: int, quality: str, length: int
) -> None:
    """The stream has soxr's bits for the whole, and its length, for any block and for next to nothing."""
    audio = Audio.model_validate({"sample_rate": target, "res_type": f"soxr_{quality}"})
    for total in (0, 1, 2, 100, 9_000 if length > 1 else 500):
        samples = noise(total)
        streamed = np.concatenate(list(decode.resample_blocks(cut(samples, length), rate, audio)))

        np.testing.assert_array_equal(streamed, soxr.resample(samples, rate, target, quality=quality.upper()))


def test_the_same_rate_is_left_alone() -> None:
    """No resampler touches samples that need none."""
    pieces = cut(noise(1000), 300)
    streamed = list(decode.resample_blocks(pieces, 16_000, Audio(sample_rate=16_000)))

    assert [id(piece) for piece in streamed] == [id(piece) for piece in pieces]


@pytest.mark.parametrize("sample_rate", [8_000, 16_000])
@pytest.mark.parametrize("count", [0, 1])
def test_next_to_nothing_is_read(tmp_path: Path, count: int, sample_rate: int) -> None:
    """No sample, or one, is a short file and no broken one."""
    path = tmp_path / "a.wav"
    path.write_bytes(wav(b"\0\x40" * count))

    expected = soxr.resample(np.full(count, 0.5, np.float32), 8_000, sample_rate)
    np.testing.assert_array_equal(read(path, sample_rate), expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty, 0 bytes"),
        (b"This is a letter, and no sound.\n" * 20, "is not audio that libsndfile reads: "),
        (bytes(5000), "is not audio that libsndfile reads: "),
        (wav(b"")[:20], "is not audio that libsndfile reads: "),
        (wav(bytes(100), rate=999), "says it has 999 samples a second; wanted 1000 to 3072000"),
        (wav(bytes(100), rate=3_072_001), "says it has 3072001 samples a second; wanted 1000 to 3072000"),
        (wav(bytes(100), rate=2**32 - 1), "is not audio that libsndfile reads: "),
    ],
    ids=["empty", "text", "zeros", "half a header", "slow", "fast", "too fast for libsndfile"],
)
def test_what_is_no_audio_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """What cannot be opened as sound says so at once."""
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    error = refusal(path)

    assert str(error).startswith(message)
    assert error.stage == "open"


@pytest.mark.parametrize("rate", [1_000, 3_072_000])
def test_rates_at_the_ends_are_read(tmp_path: Path, rate: int) -> None:
    """A header's rate is believed from 1 kHz to 3.072 MHz."""
    path = tmp_path / "a.wav"
    path.write_bytes(wav(bytes(2 * 3072), rate=rate))

    assert len(read(path)) == 3072 * 8_000 // rate


def test_a_headerless_name_is_refused(tmp_path: Path) -> None:
    """The extension .raw promises no header, so that nobody knows the rate."""
    path = tmp_path / "a.raw"
    path.write_bytes(bytes(100))

    assert str(refusal(path)) == "has no header that says what it holds"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A pipe would wait for ever; a folder and a missing file are refused before libsndfile sees them."""
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "loop.wav").symlink_to("loop.wav")

    assert str(refusal(tmp_path / "pipe.wav")) == "is not a regular file"
    assert str(refusal(tmp_path / "folder.wav")) == "is a folder"
    assert str(refusal(tmp_path / "gone.wav")) == "cannot be opened: No such file or directory"
    assert str(refusal(tmp_path / "loop.wav")).startswith("cannot be opened: ")


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is the permission, which libsndfile would not say."""
    path = write(tmp_path / "a.wav", noise(50))
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything
        monkeypatch.setattr(os, "access", lambda *_: False)

    assert str(refusal(path)) == "may not be read: permission denied"


@pytest.mark.parametrize(
    "name", ["-x.wav", "a\nb.wav", "é\u0301.WAV", "noextension", os.fsdecode(b"\xff.wav")]
)
def test_any_name_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A name is bytes to the file system, and goes to libsndfile as such."""
    monkeypatch.chdir(tmp_path)
    try:
        Path(name).write_bytes((SAMPLE / "clicks.wav").read_bytes())
    except OSError:
        pytest.skip("this file system does not take the name")

    np.testing.assert_array_equal(read(name), whole(SAMPLE / "clicks.wav")[0][:, 0])


@pytest.mark.parametrize("channels", ["mix", "right"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_value_that_is_not_finite_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, channels: str
) -> None:
    """The error names the first such sample, counted through the file, and its channel."""
    monkeypatch.setattr(decode, "BLOCK_VALUES", 700)
    samples = noise(3000, 2)
    samples[2001, 1] = value
    samples[2002, 0] = value
    error = refusal(write(tmp_path / "a.wav", samples), channels=channels)

    assert str(error) == f"sample 2001 of channel 1 is {value}"
    assert error.stage == "decode"


def test_full_scale_is_no_limit(tmp_path: Path) -> None:
    """Float files may go beyond -1..1, and stay as they are."""
    samples = 20 * noise(500)

    np.testing.assert_array_equal(read(write(tmp_path / "a.wav", samples)), samples)


@pytest.mark.parametrize("name", ["chirp.wav", "more/tremolo.aiff", "bursts.ogg", "chord.mp3"])
def test_a_truncated_file_gives_its_beginning(tmp_path: Path, name: str) -> None:
    """Half the bytes are the sound's beginning, as far as whole frames or pages (of 0.7 s in Vorbis) go."""
    expected, rate = whole(SAMPLE / name)
    content = (SAMPLE / name).read_bytes()
    path = tmp_path / Path(name).name
    path.write_bytes(content[: len(content) // 2 + 1])
    samples = read(path, rate)

    assert 0.25 < len(samples) / len(expected) < 0.51
    np.testing.assert_array_equal(samples, expected[: len(samples), 0])


def test_a_break_is_told_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a decoder loses its way in the middle, the blocks before are given, and the error counts them."""
    monkeypatch.setattr(decode, "BLOCK_VALUES", 2000)
    content = (SAMPLE / "tones.flac").read_bytes()
    path = tmp_path / "a.flac"
    path.write_bytes(content[: len(content) // 2])
    given: list[Float] = []
    with pytest.raises(AudioError) as caught:
        given.extend(blocks(path, 44_100))

    done = sum(map(len, given))
    assert 15_000 < done < 25_000
    np.testing.assert_array_equal(np.concatenate(given), to_mono(whole(SAMPLE / "tones.flac")[0][:done]))
    assert str(caught.value).startswith(f"breaks off at sample {done} or later: ")
    assert caught.value.stage == "decode"


def test_a_promise_of_which_nothing_is_kept_is_refused(tmp_path: Path) -> None:
    """Samples in the header and none in the file is a broken file, not a short one: here a PAF that was cut."""
    path = tmp_path / "a.paf"
    soundfile.write(path, noise(10), 8000, subtype="PCM_24")
    path.write_bytes(path.read_bytes()[:2060])  # 2048 are the header

    assert str(refusal(path)) == "gives no sample, though its header says that it has 10"


@pytest.mark.parametrize("size", [0, 2, 64_000, 2**31 - 2**12, 2**31, 2**32 - 1])
def test_a_wav_header_alone(tmp_path: Path, size: int) -> None:
    """Sound that is promised and not there is lost; a header without sound, or of a pipe, promises none."""
    path = tmp_path / "a.wav"
    path.write_bytes(wav(b"", size=size))

    if size in (2, 64_000):
        error = refusal(path)
        said = f"ends at sample 0: its header says that {size:,} bytes of sound follow, and none does"
        assert (str(error), error.cause) == (said, "header")
        return
    assert len(read(path, 8000)) == 0


def test_a_second_header_after_the_sound_hides_it(tmp_path: Path) -> None:
    """Of several chunks of data libsndfile takes the last for the sound; a file that has some is not empty."""
    path = tmp_path / "a.wav"
    path.write_bytes(wav(bytes(2000)) + struct.pack("<4sI", b"data", 500))

    said = "ends at sample 0: its header says that 500 bytes of sound follow, and none does"
    assert str(refusal(path)) == said


@pytest.mark.parametrize("size", [2, 1_000, 64_000, 64_001, 10**9, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1])
def test_a_wav_header_is_not_believed(tmp_path: Path, size: int) -> None:
    """A size that the file does not have ends with the file; one that leaves most of it out is refused."""
    data = (SAMPLE / "chirp.wav").read_bytes()[44:]
    path = tmp_path / "a.wav"
    path.write_bytes(wav(data, rate=16_000, size=size))
    count = min(size, len(data)) // 2

    if size < len(data):
        said = f"ends at sample {count}: its header says that the sound ends there, but {len(data) - size:,} bytes follow"
        assert str(refusal(path)).startswith(said)
        return
    assert drained(path, 16_000) == count
    np.testing.assert_array_equal(read(path, 16_000), whole(SAMPLE / "chirp.wav")[0][:count, 0])


@pytest.mark.parametrize("total", [44_100, 0, 2**36 - 1])
def test_a_flac_header_is_not_believed(tmp_path: Path, total: int) -> None:
    """Total samples (36 bits of STREAMINFO, RFC 9639, 8.2) are 0 where the encoder wrote to a pipe."""
    content = bytearray((SAMPLE / "tones.flac").read_bytes())
    stream_info = int.from_bytes(content[18:26])
    content[18:26] = (stream_info >> 36 << 36 | total).to_bytes(8)
    path = tmp_path / "a.flac"
    path.write_bytes(content)

    assert drained(path, 44_100) == 44_100
    np.testing.assert_array_equal(read(path, 44_100), to_mono(whole(SAMPLE / "tones.flac")[0]))


@pytest.mark.parametrize("frames", [10**5, 2**31 - 1, 2**32 - 1])
def test_an_mp3_header_is_not_believed(tmp_path: Path, frames: int) -> None:
    """The Xing frame may promise days; what is there is read, with at most the encoder's own padding."""
    content = bytearray((SAMPLE / "chord.mp3").read_bytes())
    place = content.index(b"Xing") + 8
    content[place : place + 4] = frames.to_bytes(4)
    path = tmp_path / "a.mp3"
    path.write_bytes(content)

    assert soundfile.info(path).frames > 10**8
    assert 70_400 <= drained(path, 32_000) <= 70_400 + 2 * 1152


def test_no_file_stays_open(tmp_path: Path) -> None:
    """A reader that is left early, or that fails, closes its file: a run may have a million."""
    broken = write(tmp_path / "nan.wav", np.full(10, np.nan, np.float32))
    before = open_files()
    left = blocks(SAMPLE / "chirp.wav")
    next(left)

    assert open_files() == before + 1
    del left
    refusal(broken)
    assert open_files() == before


def test_the_worst_files_there_are(shared: Path) -> None:
    """Every odd file that was ever met is read, or refused in one line: nothing else comes out."""
    files = sorted(path for path in (shared / "audio" / "nasty").rglob("*") if path.is_file())
    refused = {}
    for path in files:
        try:
            for block in blocks(path, 16_000):
                assert np.isfinite(block).all(), path
        except AudioError as e:
            refused[path.name] = str(e)

    assert [message for message in refused.values() if not message.isprintable()] == []
    assert "broken_text_named.wav" in refused
    assert len(refused) < len(files) / 10
