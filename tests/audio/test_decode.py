"""From a file to mono samples: the same bits however it is read, and no file can stop a run."""

import contextlib
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

from specfeat.audio import audio_file, decode
from specfeat.audio.channel_choice import mix_to_mono
from specfeat.config.audio import Audio
from specfeat.errors import AudioError
from specfeat.sound import Sound

Float = NDArray[np.float32]

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
CLIPS = ["chirp.wav", "tones.flac", "bursts.ogg", "chord.mp3", "fall.opus"]


def read_blocks(path: Path | str, sample_rate: int = 8000, **audio: Any) -> Iterator[Float]:
    return decode.read_samples(Sound(os.fspath(path)), Audio(sample_rate=sample_rate, **audio))


def read_all(path: Path | str, sample_rate: int = 8000, **audio: Any) -> Float:
    return np.concatenate([np.empty(0, np.float32), *read_blocks(path, sample_rate, **audio)])


def read_at_once(path: Path) -> tuple[Float, int]:
    """Return the samples, shape (samples, channels), and the rate that soundfile gives for a whole file."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return samples, rate


def to_mono(samples: Float) -> Float:
    """Return the mean of samples of shape (n, channels) as librosa computes it."""
    mono: Float = librosa.to_mono(np.ascontiguousarray(samples.T))
    return mono


def make_noise(*shape: int) -> Float:
    return np.random.default_rng(1).normal(scale=0.2, size=shape).astype(np.float32)


def cut_blocks(samples: Float, length: int) -> list[Float]:
    return [samples[start : start + length] for start in range(0, len(samples), length)]


def write_wav(path: Path, samples: Float, rate: int = 8000, subtype: str = "FLOAT") -> Path:
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def make_wav(data: bytes, *, rate: int = 8000, size: int | None = None) -> bytes:
    """Make a WAV file, 16 bit, mono, whose header may have another size than the data."""
    size = len(data) if size is None else size
    riff = struct.pack("<4sI4s", b"RIFF", min(36 + size, 2**32 - 1), b"WAVE")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, min(2 * rate, 2**32 - 1), 2, 16)
    return riff + form + struct.pack("<4sI", b"data", size) + data


def count_open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def read_error(path: Path | str, **audio: Any) -> AudioError:
    """Return the error of reading a file; its message is one line, whatever libsndfile reports."""
    with pytest.raises(AudioError) as caught:
        read_all(path, **audio)

    assert str(caught.value).isprintable()
    return caught.value


def count_samples(path: Path, rate: int) -> int:
    """Count a file's samples, and check that reading it takes no more memory than a few blocks."""
    tracemalloc.start()
    try:
        count = sum(len(block) for block in read_blocks(path, rate))
        assert tracemalloc.get_traced_memory()[1] < 8 * 4 * decode.BLOCK_VALUES
    finally:
        tracemalloc.stop()
    return count


@pytest.mark.parametrize("name", CLIPS)
def test_blocks_have_all_samples(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every format, blocks of any size have together the samples that soundfile reads at once."""
    samples, rate = read_at_once(SAMPLE / name)
    for values in (777, 4096, 50_001, 10_000_000):
        monkeypatch.setattr(decode, "BLOCK_VALUES", values)
        for channel in range(samples.shape[1]):
            np.testing.assert_array_equal(
                read_all(SAMPLE / name, rate, channels=channel), samples[:, channel]
            )


def test_blocks_may_be_single_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest block is one sample of every channel, even if this is more values than the limit."""
    samples, rate = read_at_once(SAMPLE / "clicks.wav")
    monkeypatch.setattr(decode, "BLOCK_VALUES", 1)

    np.testing.assert_array_equal(read_all(SAMPLE / "clicks.wav", rate), samples[:, 0])
    assert len(next(read_blocks(SAMPLE / "tones.flac", 44_100))) == 1


@pytest.mark.parametrize("channels", [1, 2, 7])
def test_blocks_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channels: int) -> None:
    """A block has no more values than the limit, for any length of the file and any number of channels."""
    monkeypatch.setattr(decode, "BLOCK_VALUES", 100)
    lengths = [len(block) for block in read_blocks(write_wav(tmp_path / "a.wav", make_noise(1001, channels)))]

    assert sum(lengths) == 1001
    assert max(lengths) * channels <= 100


@pytest.mark.slow
@pytest.mark.parametrize("name", CLIPS)
def test_mixing_and_resampling_together(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file at another rate gives librosa's mean of its channels, resampled by soxr at once."""
    monkeypatch.setattr(decode, "BLOCK_VALUES", 15_001)
    samples, rate = read_at_once(SAMPLE / name)
    expected = soxr.resample(to_mono(samples), rate, 12_000, quality="MQ")

    np.testing.assert_array_equal(read_all(SAMPLE / name, 12_000, res_type="soxr_mq"), expected)


@pytest.mark.slow
@pytest.mark.parametrize("length", [1, 64, 1000])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 6, 7, 8])
def test_the_mix_is_librosas(channels: int, length: int) -> None:
    """The mean of the channels has the bits of `librosa.to_mono`, shape (channels, samples) in memory."""
    samples = make_noise(1000, channels)
    mixed = np.concatenate(list(mix_to_mono(cut_blocks(samples, length), None)))

    assert mixed.dtype == np.float32
    np.testing.assert_array_equal(mixed, to_mono(samples))


def test_mixing_does_not_change_its_input() -> None:
    """The samples that a caller passes are not changed."""
    samples = make_noise(100, 3)
    before = samples.copy()
    list(mix_to_mono([samples], None))

    np.testing.assert_array_equal(samples, before)


def test_left_and_right_are_the_first_and_the_second_channel() -> None:
    """The sample file has 440 Hz on the left and 660 Hz on the right; the mix has both."""
    spectra = {
        channels: np.abs(np.fft.rfft(read_all(SAMPLE / "tones.flac", 16_000, channels=channels)))
        for channels in ("left", "right", "mix")
    }

    assert spectra["left"].argmax() == 440  # 1 s, so a bin is 1 Hz
    assert spectra["right"].argmax() == 660
    assert set(np.argsort(spectra["mix"])[-2:]) == {440, 660}


def test_a_missing_channel_is_an_error(tmp_path: Path) -> None:
    """A missing channel is an error: silence or another channel instead would give wrong rows unnoticed."""
    path = write_wav(tmp_path / "a.wav", make_noise(50, 3))

    np.testing.assert_array_equal(read_all(path, channels=2), read_at_once(path)[0][:, 2])
    assert str(read_error(path, channels=3)) == "has 3 channels, counted from 0, so no channel 3"
    assert read_error(SAMPLE / "chirp.wav", channels="right").stage == "open"


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
    """A stream has the bits and the length of soxr's result at once, for any block size and for short sounds."""
    audio = Audio.model_validate({"sample_rate": target, "res_type": f"soxr_{quality}"})
    for total in (0, 1, 2, 100, 9_000 if length > 1 else 500):
        samples = make_noise(total)
        streamed = np.concatenate(list(decode.resample_blocks(cut_blocks(samples, length), rate, audio)))

        np.testing.assert_array_equal(streamed, soxr.resample(samples, rate, target, quality=quality.upper()))


def test_the_same_rate_is_not_resampled() -> None:
    """Samples that already have the config's rate are not resampled and not copied."""
    pieces = cut_blocks(make_noise(1000), 300)
    streamed = list(decode.resample_blocks(pieces, 16_000, Audio(sample_rate=16_000)))

    assert [id(piece) for piece in streamed] == [id(piece) for piece in pieces]


@pytest.mark.parametrize("sample_rate", [8_000, 16_000])
@pytest.mark.parametrize("count", [0, 1])
def test_a_file_of_no_or_one_sample_is_read(tmp_path: Path, count: int, sample_rate: int) -> None:
    """A file of no sample, or of one, is short but not broken."""
    path = tmp_path / "a.wav"
    path.write_bytes(make_wav(b"\0\x40" * count))

    expected = soxr.resample(np.full(count, 0.5, np.float32), 8_000, sample_rate)
    np.testing.assert_array_equal(read_all(path, sample_rate), expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty, 0 bytes"),
        (b"This is a letter, and no sound.\n" * 20, "is not audio that libsndfile reads: "),
        (bytes(5000), "is not audio that libsndfile reads: "),
        (make_wav(b"")[:20], "is not audio that libsndfile reads: "),
        (
            make_wav(bytes(100), rate=999),
            "has a sample rate of 999 Hz in its header; expected 1000 to 3072000 Hz",
        ),
        (
            make_wav(bytes(100), rate=3_072_001),
            "has a sample rate of 3072001 Hz in its header; expected 1000 to 3072000 Hz",
        ),
        (make_wav(bytes(100), rate=2**32 - 1), "is not audio that libsndfile reads: "),
    ],
    ids=["empty", "text", "zeros", "half a header", "low rate", "high rate", "too high for libsndfile"],
)
def test_a_file_that_is_not_audio_is_an_error(tmp_path: Path, content: bytes, message: str) -> None:
    """What is not audio is an error of the stage "open"."""
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    error = read_error(path)

    assert str(error).startswith(message)
    assert error.stage == "open"


@pytest.mark.parametrize("rate", [1_000, 3_072_000])
def test_rates_at_the_limits_are_read(tmp_path: Path, rate: int) -> None:
    """A sample rate from 1 kHz to 3.072 MHz is accepted."""
    path = tmp_path / "a.wav"
    path.write_bytes(make_wav(bytes(2 * 3072), rate=rate))

    assert len(read_all(path)) == 3072 * 8_000 // rate


def test_a_file_without_header_is_an_error(tmp_path: Path) -> None:
    """A file with the extension .raw has no header, so its rate is not known."""
    path = tmp_path / "a.raw"
    path.write_bytes(bytes(100))

    assert str(read_error(path)) == "has no header with its sample rate and channels"


def test_what_is_not_a_regular_file_is_an_error(tmp_path: Path) -> None:
    """Opening a FIFO would wait forever; a FIFO, a folder and a missing file are found before libsndfile opens them."""
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "loop.wav").symlink_to("loop.wav")

    assert str(read_error(tmp_path / "pipe.wav")) == "is not a regular file"
    assert str(read_error(tmp_path / "folder.wav")) == "is a folder"
    assert str(read_error(tmp_path / "gone.wav")) == "cannot be opened: No such file or directory"
    assert str(read_error(tmp_path / "loop.wav")).startswith("cannot be opened: ")


def test_a_file_without_permission_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the permission, which libsndfile does not report."""
    path = write_wav(tmp_path / "a.wav", make_noise(50))
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything
        monkeypatch.setattr(os, "access", lambda *_: False)

    assert str(read_error(path)) == "may not be read: permission denied"


@pytest.mark.parametrize(
    "name", ["-x.wav", "a\nb.wav", "é\u0301.WAV", "noextension", os.fsdecode(b"\xff.wav")]
)
def test_any_name_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A file name is bytes, and these bytes are passed to libsndfile."""
    monkeypatch.chdir(tmp_path)
    try:
        Path(name).write_bytes((SAMPLE / "clicks.wav").read_bytes())
    except OSError:
        pytest.skip("this file system does not take the name")

    np.testing.assert_array_equal(read_all(name), read_at_once(SAMPLE / "clicks.wav")[0][:, 0])


@pytest.mark.parametrize("channels", ["mix", "right"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_value_that_is_not_finite_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, channels: str
) -> None:
    """The error names the first such sample, counted through the file, and its channel."""
    monkeypatch.setattr(decode, "BLOCK_VALUES", 700)
    samples = make_noise(3000, 2)
    samples[2001, 1] = value
    samples[2002, 0] = value
    error = read_error(write_wav(tmp_path / "a.wav", samples), channels=channels)

    assert str(error) == f"sample 2001 of channel 1 is {value}"
    assert error.stage == "decode"


def test_values_beyond_full_scale_are_kept(tmp_path: Path) -> None:
    """Values of float files may be outside -1..1; they are not changed."""
    samples = 20 * make_noise(500)

    np.testing.assert_array_equal(read_all(write_wav(tmp_path / "a.wav", samples)), samples)


@pytest.mark.parametrize("name", ["chirp.wav", "more/tremolo.aiff", "bursts.ogg", "chord.mp3"])
def test_a_truncated_file_gives_its_beginning(tmp_path: Path, name: str) -> None:
    """Half of the bytes give the beginning of the sound, up to the last whole frame or page (0.7 s in Vorbis)."""
    expected, rate = read_at_once(SAMPLE / name)
    content = (SAMPLE / name).read_bytes()
    path = tmp_path / Path(name).name
    path.write_bytes(content[: len(content) // 2 + 1])
    samples = read_all(path, rate)

    assert 0.25 < len(samples) / len(expected) < 0.51
    np.testing.assert_array_equal(samples, expected[: len(samples), 0])


@pytest.mark.slow
def test_the_error_of_a_break_names_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the decoder fails in the middle, the blocks before are yielded, and the error names the first bad sample."""
    monkeypatch.setattr(decode, "BLOCK_VALUES", 2000)
    content = (SAMPLE / "tones.flac").read_bytes()
    path = tmp_path / "a.flac"
    path.write_bytes(content[: len(content) // 2])
    decoded: list[Float] = []
    with pytest.raises(AudioError) as caught:
        decoded.extend(read_blocks(path, 44_100))

    samples = sum(map(len, decoded))
    assert 15_000 < samples < 25_000
    np.testing.assert_array_equal(
        np.concatenate(decoded), to_mono(read_at_once(SAMPLE / "tones.flac")[0][:samples])
    )
    good = _count_good_samples(path, samples)
    assert samples <= good < samples + 2000
    assert str(caught.value).startswith(f"breaks off at sample {good}: ")
    assert caught.value.stage == "decode"


def _count_good_samples(path: Path, start: int) -> int:
    """Return the end of the last good FLAC frame behind `start` samples, by reading a longer and longer beginning."""
    frame = 4096  # the length of a FLAC frame, as libsndfile writes it
    count = start // frame * frame
    with contextlib.suppress(soundfile.LibsndfileError):
        while len(soundfile.read(path, frames=count + 1)[0]) == count + 1:
            count += frame
    return count


def test_a_break_in_the_first_block_is_named_by_its_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by sample 0; if the search would take long, the message says that the place is not exact."""
    content = bytearray((SAMPLE / "tones.flac").read_bytes())
    content[len(content) // 2 : len(content) // 2 + 200] = bytes(200)
    path = tmp_path / "a.flac"
    path.write_bytes(content)
    good = _count_good_samples(path, 0)
    error = read_error(path)

    assert good > 10_000
    assert str(error).startswith(f"breaks off at sample {good}: ")
    assert error.at_s == good / 44_100

    monkeypatch.setattr(audio_file, "MAX_SEARCHED_SAMPLES", -1)
    assert str(read_error(path)).startswith("breaks off at sample 0 or later: ")


def test_a_header_with_samples_and_a_file_without_is_an_error(tmp_path: Path) -> None:
    """A file without the samples of its header is broken, not short: here a truncated PAF file."""
    path = tmp_path / "a.paf"
    soundfile.write(path, make_noise(10), 8000, subtype="PCM_24")
    path.write_bytes(path.read_bytes()[:2060])  # the header has 2048 bytes

    assert str(read_error(path)) == "has no samples, but its header says that it has 10"


@pytest.mark.parametrize("size", [0, 2, 64_000, 2**31 - 2**12, 2**31, 2**32 - 1])
def test_a_wav_header_alone(tmp_path: Path, size: int) -> None:
    """A length in the header without any sound is an error, unless it is 0 or the value that pipes write."""
    path = tmp_path / "a.wav"
    path.write_bytes(make_wav(b"", size=size))

    if size in (2, 64_000):
        error = read_error(path)
        message = f"ends at sample 0: its header says that {size:,} bytes of sound follow, but there are none"
        assert (str(error), error.cause) == (message, "header")
        return
    assert len(read_all(path, 8000)) == 0


def test_a_second_data_chunk_hides_the_sound(tmp_path: Path) -> None:
    """Only the last data chunk is read; a file with sound in another one is not empty but broken."""
    path = tmp_path / "a.wav"
    path.write_bytes(make_wav(bytes(2000)) + struct.pack("<4sI", b"data", 500))

    message = "ends at sample 0: its header says that 500 bytes of sound follow, but there are none"
    assert str(read_error(path)) == message


@pytest.mark.parametrize("size", [2, 1_000, 64_000, 64_001, 10**9, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1])
def test_the_length_in_a_wav_header_is_not_believed(tmp_path: Path, size: int) -> None:
    """A size that is too large ends at the end of the file; one that leaves sound out is an error."""
    data = (SAMPLE / "chirp.wav").read_bytes()[44:]
    path = tmp_path / "a.wav"
    path.write_bytes(make_wav(data, rate=16_000, size=size))
    count = min(size, len(data)) // 2

    if size < len(data):
        message = f"ends at sample {count}: its header says that the sound ends there, but {len(data) - size:,} more bytes follow"
        assert str(read_error(path)).startswith(message)
        return
    assert count_samples(path, 16_000) == count
    np.testing.assert_array_equal(read_all(path, 16_000), read_at_once(SAMPLE / "chirp.wav")[0][:count, 0])


@pytest.mark.slow
@pytest.mark.parametrize("total", [44_100, 0, 2**36 - 1])
def test_the_length_in_a_flac_header_is_not_believed(tmp_path: Path, total: int) -> None:
    """The number of samples (36 bits of STREAMINFO, RFC 9639, 8.2) is 0 if the encoder wrote to a pipe."""
    content = bytearray((SAMPLE / "tones.flac").read_bytes())
    stream_info = int.from_bytes(content[18:26])
    content[18:26] = (stream_info >> 36 << 36 | total).to_bytes(8)
    path = tmp_path / "a.flac"
    path.write_bytes(content)

    assert count_samples(path, 44_100) == 44_100
    np.testing.assert_array_equal(read_all(path, 44_100), to_mono(read_at_once(SAMPLE / "tones.flac")[0]))


@pytest.mark.parametrize("frames", [10**5, 2**31 - 1, 2**32 - 1])
def test_the_length_in_an_mp3_header_is_not_believed(tmp_path: Path, frames: int) -> None:
    """The Xing frame may have a length of days; the samples of the file are read, and at most the encoder's padding."""
    content = bytearray((SAMPLE / "chord.mp3").read_bytes())
    position = content.index(b"Xing") + 8
    content[position : position + 4] = frames.to_bytes(4)
    path = tmp_path / "a.mp3"
    path.write_bytes(content)

    assert soundfile.info(path).frames > 10**8
    assert 70_400 <= count_samples(path, 32_000) <= 70_400 + 2 * 1152


def test_no_file_stays_open(tmp_path: Path) -> None:
    """A file is closed if reading stops early or fails: a run may have a million files."""
    broken = write_wav(tmp_path / "nan.wav", np.full(10, np.nan, np.float32))
    before = count_open_files()
    blocks = read_blocks(SAMPLE / "chirp.wav")
    next(blocks)

    assert count_open_files() == before + 1
    del blocks
    read_error(broken)
    assert count_open_files() == before


def test_a_file_that_disappears_while_it_is_read_is_read_to_its_end(tmp_path: Path) -> None:
    """An open file keeps its content when somebody removes its name."""
    samples = make_noise(200_000)
    path = write_wav(tmp_path / "a.wav", samples)
    blocks = read_blocks(path)
    first = next(blocks)
    path.unlink()

    np.testing.assert_array_equal(np.concatenate([first, *blocks]), samples)


def test_a_file_that_disappears_before_it_is_opened_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at a file and its opening, somebody may remove it."""
    path = write_wav(tmp_path / "a.wav", make_noise(50))

    def remove_file(*_: object) -> bool:
        path.unlink()
        return True

    monkeypatch.setattr(os, "access", remove_file)

    assert read_error(path).cause == "missing"


def test_a_file_that_becomes_shorter_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    """The process goes on, as it would not with a mapping of the file in memory."""
    samples = make_noise(1_000_000)
    path = write_wav(tmp_path / "a.wav", samples)
    blocks = read_blocks(path)
    first = next(blocks)
    os.truncate(path, 2_000_000)
    with pytest.raises(AudioError, match="the file has 1000000 samples") as caught:
        list(blocks)

    assert (len(first), caught.value.cause) == (decode.BLOCK_VALUES, "header")


@pytest.mark.slow
def test_real_broken_files_are_read_or_are_errors(shared: Path) -> None:
    """Every file of a collection of broken ones is read, or is an error of one line; nothing else is raised."""
    files = sorted(path for path in (shared / "audio" / "nasty").rglob("*") if path.is_file())
    messages = {}
    for path in files:
        try:
            for block in read_blocks(path, 16_000):
                assert np.isfinite(block).all(), path
        except AudioError as e:
            messages[path.name] = str(e)

    assert [message for message in messages.values() if not message.isprintable()] == []
    assert "broken_text_named.wav" in messages
    assert len(messages) < len(files) / 10
