"""Files that FFmpeg reads and libsndfile does not: the samples, and what is wrong with a file."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from helpers.ffmpeg_files import make_tones, write_with_ffmpeg
from specfeat.audio.audio_file import AudioFile
from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.discovery import find_sounds
from specfeat.audio.ffmpeg_formats import find_demuxer
from specfeat.errors import AudioError

RATE = 44_100
TONES = make_tones(RATE + 123, RATE, 440.0, 1_100.0)


def read_file(path: Path) -> NDArray[np.float32]:
    with AudioFile(str(path)) as file:
        return np.concatenate([np.empty((0, file.channels), np.float32), *file.read_blocks(5_000)])


def get_error(path: Path) -> AudioError:
    with pytest.raises(AudioError) as caught:
        read_file(path)
    return caught.value


def find_frequencies(samples: NDArray[np.float32], rate: int) -> list[float]:
    """Return the strongest frequency of each channel, in Hz."""
    spectra = np.abs(np.fft.rfft(samples[:rate], axis=0))
    return [float(number) * rate / len(samples[:rate]) for number in spectra.argmax(axis=0)]


@pytest.mark.parametrize(
    ("name", "coding"),
    [
        ("a.m4a", "alac"),
        ("a.wv", "wavpack"),
        ("a.tta", "tta"),
        ("a.oga", "flac"),
        ("a.mov", "pcm_s24be"),
        ("a.mkv", "pcm_s16le"),
        ("a.mka", "flac"),
        ("a.avi", "pcm_s16le"),
    ],
)
def test_a_lossless_file_has_the_samples_of_the_wav_file(tmp_path: Path, name: str, coding: str) -> None:
    """Every sample of every channel is the one that libsndfile reads from a WAV file of the same sound."""
    soundfile.write(tmp_path / "a.wav", TONES, RATE, "PCM_16")
    path = write_with_ffmpeg(tmp_path / name, coding, TONES, RATE)
    expected, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")

    np.testing.assert_array_equal(read_file(path), expected)


@pytest.mark.parametrize(
    ("name", "coding", "rate", "extra"),
    [
        ("a.m4a", "aac", 44_100, 1_024),  # the encoder's delay; this muxer declares it as sound
        ("a.mp4", "libopus", 48_000, 960),
        ("a.webm", "libopus", 48_000, 0),
        ("a.mka", "aac", 44_100, 1_024),
        ("a.aac", "aac", 44_100, 2_048),
        ("a.flv", "aac", 44_100, 2_048),
        ("a.ac3", "ac3", 44_100, 1_536),
        ("a.ts", "mp2", 44_100, 1_152),
        ("a.mpg", "mp2", 44_100, 1_152),
        ("a.wma", "wmav2", 44_100, 2_048),  # the encoder loses the last packet
    ],
)
def test_a_lossy_file_has_its_length_and_its_channels(
    tmp_path: Path, name: str, coding: str, rate: int, extra: int
) -> None:
    """The first channel has the first tone and the second the second; at most a packet is missing or added."""
    tones = make_tones(rate + 123, rate, 440.0, 1_100.0)
    samples = read_file(write_with_ffmpeg(tmp_path / name, coding, tones, rate))

    assert find_frequencies(samples, rate) == pytest.approx([440.0, 1_100.0], abs=1)
    assert abs(len(samples) - len(tones)) <= extra + rate // 1000
    assert np.abs(samples).max() == pytest.approx(9_000 / 32_768, rel=0.7)


def test_a_file_without_header_is_known_by_its_extension(tmp_path: Path) -> None:
    """G.722 has no header: 16 kHz, one channel; with another extension it is no audio."""
    tones = make_tones(16_000, 16_000, 440.0)
    path = write_with_ffmpeg(tmp_path / "a.g722", "g722", tones, 16_000)
    (tmp_path / "a.bin").write_bytes(path.read_bytes())

    assert find_frequencies(read_file(path), 16_000) == [440.0]
    assert get_error(tmp_path / "a.bin").cause == "not audio"


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.aiff"])
def test_libsndfile_reads_what_it_can(tmp_path: Path, name: str) -> None:
    """The rows of these files do not depend on whether FFmpeg is installed."""
    soundfile.write(tmp_path / name, TONES, RATE)

    with AudioFile(str(tmp_path / name)) as file:
        assert file.decoder_version is None


def test_the_version_of_ffmpeg_is_known(tmp_path: Path) -> None:
    """The decoder says which FFmpeg it is."""
    with AudioFile(str(write_with_ffmpeg(tmp_path / "a.m4a", "alac", TONES, RATE))) as file:
        assert file.decoder_version is not None
        assert file.decoder_version.startswith("FFmpeg ")


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{other}\n#EXT-X-ENDLIST\n"
SCRIPT = "ffconcat version 1.0\nfile '{other}'\n"


@pytest.mark.parametrize("name", ["a.wav", "a.m4a", "a.m3u8", "a.aac"])
@pytest.mark.parametrize("text", [PLAYLIST, SCRIPT])
def test_a_playlist_is_no_audio(tmp_path: Path, name: str, text: str) -> None:
    """FFmpeg would follow a text to the files that it names, which a stranger has chosen; it does not get the text."""
    other = write_with_ffmpeg(tmp_path / "other.ts", "mp2", TONES, RATE)
    (tmp_path / name).write_text(text.format(other=other))

    assert get_error(tmp_path / name).cause == "not audio"


def test_a_playlist_behind_the_first_bytes_of_audio_is_no_audio(tmp_path: Path) -> None:
    """The first bytes decide which demuxer reads the file; FFmpeg does not look for another one."""
    for front in (b"\0\0\0\x14ftypM4A ", b"OggS", b"ID3\x04\0\0\0\0\0\x0a" + bytes(10)):
        (tmp_path / "a.m4a").write_bytes(front + b"\n" + PLAYLIST.format(other="other.ts").encode())

        assert get_error(tmp_path / "a.m4a").cause in ("not audio", "broken")


def test_noise_is_no_audio(tmp_path: Path) -> None:
    """No demuxer takes bytes without a magic number, although FFmpeg finds frames of MP3 in noise."""
    (tmp_path / "a.dat").write_bytes(np.random.default_rng(3).bytes(300_000))
    with (tmp_path / "a.dat").open("rb") as file:
        assert find_demuxer(FileBytes(file.fileno()), "a.dat") is None

    assert get_error(tmp_path / "a.dat").cause == "not audio"


@pytest.mark.parametrize(
    ("name", "coding", "cause"),
    [
        ("a.m4a", "aac", "broken"),
        ("a.wv", "wavpack", "broken"),
        ("a.aac", "aac", "broken"),
        ("a.mka", "aac", "header"),
    ],
)
def test_a_file_that_was_cut_off_breaks_near_its_end(
    tmp_path: Path, name: str, coding: str, cause: str
) -> None:
    """A file with half of its bytes fails after half of its sound: no such file passes for a short one."""
    long_tones = make_tones(4 * RATE, RATE, 440.0, 1_100.0)
    options = {"movflags": "faststart"} if name == "a.m4a" else None
    path = write_with_ffmpeg(tmp_path / name, coding, long_tones, RATE, options=options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    error = get_error(path)

    assert (error.stage, error.cause) == ("decode", cause)
    assert error.at_s == pytest.approx(2.0, abs=0.5)


def test_an_mp4_file_without_its_index_says_so(tmp_path: Path) -> None:
    """The index of an MP4 file is often at its end, so a recorder that was switched off has not written it."""
    path = write_with_ffmpeg(tmp_path / "a.m4a", "aac", TONES, RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    assert get_error(path).cause == "not audio"
    assert "it may be incomplete" in str(get_error(path))


@pytest.mark.parametrize(("name", "coding"), [("a.m4a", "aac"), ("a.wv", "wavpack"), ("a.oga", "flac")])
def test_a_damaged_packet_breaks_the_file(tmp_path: Path, name: str, coding: str) -> None:
    """Where bytes in the middle are changed, the sound ends: no gap moves the rest of the sound forward."""
    path = write_with_ffmpeg(tmp_path / name, coding, make_tones(4 * RATE, RATE, 440.0, 1_100.0), RATE)
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 2, len(content) // 2 + 200):
        content[place] ^= 0x5A
    path.write_bytes(content)
    error = get_error(path)

    assert error.cause in ("broken", "header")
    assert str(error).startswith("breaks off at sample ")


@pytest.mark.parametrize(("rate", "frequencies"), [(22_050, (440.0, 1_100.0)), (44_100, (440.0,))])
def test_a_rate_or_layout_that_changes_is_refused(
    tmp_path: Path, rate: int, frequencies: tuple[float, ...]
) -> None:
    """Of two AAC streams one after the other, no sample of the second is taken for one of the first."""
    first = write_with_ffmpeg(tmp_path / "1.aac", "aac", TONES, RATE)
    second = write_with_ffmpeg(tmp_path / "2.aac", "aac", make_tones(rate, rate, *frequencies), rate)
    (tmp_path / "both.aac").write_bytes(first.read_bytes() + second.read_bytes())
    error = get_error(tmp_path / "both.aac")

    assert error.cause == "header"
    assert "the sample rate or the channels change (44100 Hz, 2, then " in str(error)
    assert error.at_s == pytest.approx(1.0, abs=0.1)


def test_a_video_without_sound_fails(tmp_path: Path) -> None:
    """A file of a container for video need not have sound."""
    import av

    with av.open(str(tmp_path / "a.mkv"), "w") as file:
        stream = file.add_stream("mpeg4", rate=5, width=32, height=32, pix_fmt="yuv420p")
        file.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        file.mux(stream.encode(None))

    assert str(get_error(tmp_path / "a.mkv")) == "has no sound; leave this file out"


@pytest.mark.usefixtures("_without_ffmpeg")
def test_without_the_extra_the_cure_is_named(tmp_path: Path) -> None:
    """The error says what to install, and the command that converts the file."""
    path = write_with_ffmpeg_module(tmp_path)

    assert get_error(path).cause == "not audio"
    assert (
        "it is an MP4 file; read it with FFmpeg (pip install 'specfeat[av]'), or convert it with ffmpeg: "
        in str(get_error(path))
    )


def write_with_ffmpeg_module(folder: Path) -> Path:
    """Write the first bytes of an MP4 file; FFmpeg is hidden from the test."""
    (folder / "a.m4a").write_bytes(bytes.fromhex("0000001c667479704d344120") + bytes(1_000))
    return folder / "a.m4a"


def test_a_folder_has_files_for_ffmpeg(tmp_path: Path) -> None:
    """With the extra, the search in a folder finds them by their extensions."""
    for name in ("b.m4a", "a.WEBM", "c.wav", "d.txt", "e.mp4"):
        (tmp_path / name).write_bytes(b"x")

    assert [Path(sound.path).name for sound in find_sounds([tmp_path]).sounds] == [
        "a.WEBM",
        "b.m4a",
        "c.wav",
        "e.mp4",
    ]


@pytest.mark.usefixtures("_without_ffmpeg")
def test_a_folder_without_the_extra_has_none(tmp_path: Path) -> None:
    """Without the extra they are skipped, and named."""
    for name in ("b.m4a", "a.WEBM", "c.wav"):
        (tmp_path / name).write_bytes(b"x")
    found = find_sounds([tmp_path])

    assert [Path(sound.path).name for sound in found.sounds] == ["c.wav"]
    assert [Path(path).name for path in found.skipped_files] == ["a.WEBM", "b.m4a"]
