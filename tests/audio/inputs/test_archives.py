"""Sounds in archives: which members are sounds, and that their samples are those of the files."""

import io
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from helpers.archives import ARCHIVES, RATE, make_wav, write_archive
from specfeat.audio.decode import read_samples
from specfeat.audio.discovery import find_sounds
from specfeat.audio.inputs import tar_bytes
from specfeat.audio.path_filter import PathFilter
from specfeat.config.audio import Audio
from specfeat.errors import AudioError, InstallError, NoUsableAudioError, UsageError
from specfeat.files import FileIdentity
from specfeat.sound import Sound

FILES = {"night/b.wav": make_wav(0.2, 1), "a.wav": make_wav(0.1, 2), "./c.WAV": make_wav(0.1, 3)}
OTHERS = {"a.txt": b"x", "._a.wav": b"x", ".cache/d.wav": b"x", "table.mat": b"MATLAB", "empty/": b""}


def read_sound(sound: Sound) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    return np.concatenate([*read_samples(sound, Audio(sample_rate=RATE))])


@pytest.mark.parametrize("name", ARCHIVES)
def test_members_are_sounds_with_the_samples_of_the_files(tmp_path: Path, name: str) -> None:
    """The members have the order of the archive, and each is read as the file would be, in any order."""
    path = write_archive(tmp_path / name, FILES | OTHERS)
    found = find_sounds([path])
    paths = ["night/b.wav", "a.wav", "c.WAV"]

    assert [sound.path for sound in found.sounds] == [f"{path}/{member}" for member in paths]
    assert found.skipped_files == tuple(f"{path}/{member}" for member in ("a.txt", "._a.wav", "table.mat"))
    for sound, content in reversed([*zip(found.sounds, FILES.values(), strict=True)]):
        expected, _ = soundfile.read(io.BytesIO(content), dtype="float32")
        np.testing.assert_array_equal(read_sound(sound), expected)


def test_members_that_are_not_packed(tmp_path: Path) -> None:
    """A zip archive may store members as they are."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.wav", FILES["a.wav"])
    (sound,) = find_sounds([tmp_path / "a.zip"]).sounds

    assert len(read_sound(sound)) == 0.1 * RATE


def test_archives_with_zstd(tmp_path: Path) -> None:
    """A tar archive that zstd has compressed is read if Python or a package can."""
    zstd = pytest.importorskip("backports.zstd")
    content = write_archive(tmp_path / "a.tar", FILES).read_bytes()
    (tmp_path / "a.tar.zst").write_bytes(zstd.compress(content))
    sounds = find_sounds([tmp_path / "a.tar.zst"]).sounds
    (tmp_path / "cut.tzst").write_bytes(zstd.compress(content)[:-3000])

    assert [len(read_sound(sound)) for sound in sounds] == [3200, 1600, 1600]
    assert get_error(find_sounds([tmp_path / "cut.tzst"]).sounds[-1]).cause == "not audio"


def test_archives_with_zstd_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, the message says what to install."""
    monkeypatch.setattr(tar_bytes, "_ZSTD_MODULES", ("compression.no_such_module", "no_such_module"))
    (tmp_path / "a.tar.zst").write_bytes(b"x")

    with pytest.raises(
        InstallError, match=r"a\.tar\.zst: is compressed with zstd.*pip install 'specfeat\[zstd\]'"
    ):
        find_sounds([tmp_path / "a.tar.zst"])


@pytest.mark.parametrize("name", ARCHIVES)
def test_patterns_choose_members(tmp_path: Path, name: str) -> None:
    """Patterns are compared with the paths below the archive, and what they leave out is not listed."""
    path = write_archive(tmp_path / name, FILES | OTHERS)
    found = find_sounds([path], path_filter=PathFilter(include=("*.wav",), exclude=("night/",)))

    assert [sound.path for sound in found.sounds] == [f"{path}/a.wav"]
    assert found.skipped_files == (f"{path}/._a.wav",)
    with pytest.raises(NoUsableAudioError, match=r"no audio in .* that the patterns choose"):
        find_sounds([path], path_filter=PathFilter(exclude=("*",)))


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_the_last_of_several_members_counts(tmp_path: Path, name: str) -> None:
    """As tar and unzip write it: a member with the path of an earlier one replaces it."""
    path = tmp_path / name
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.wav", make_wav(0.1))
            with pytest.warns(UserWarning, match="Duplicate name"):
                archive.writestr("a.wav", make_wav(0.3))
    else:
        with tarfile.open(path, "w:gz" if name.endswith("gz") else "w") as tar:
            for content in (make_wav(0.1), make_wav(0.3)):
                info = tarfile.TarInfo("a.wav")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    (sound,) = find_sounds([path]).sounds

    assert len(read_sound(sound)) == 0.3 * RATE


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    """The path of a member has the bytes of its name in the tar."""
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as tar:
        info = tarfile.TarInfo("\xe9.wav")
        info.size = len(FILES["a.wav"])
        tar.addfile(info, io.BytesIO(FILES["a.wav"]))
    (sound,) = find_sounds([tmp_path / "a.tar"]).sounds

    assert sound.path.endswith("a.tar/\udce9.wav")
    assert len(read_sound(sound)) == 0.1 * RATE


def test_an_archive_given_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same archive under two names is named twice."""
    write_archive(tmp_path / "a.zip", FILES)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match=r"night/b\.wav: is named twice, by 'a\.zip' and '\./a\.zip'"):
        find_sounds(["a.zip", "./a.zip"])


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_the_identity_is_the_checksum(tmp_path: Path, name: str) -> None:
    """In a zip archive and in a compressed tar, a member is known by its size and CRC-32, whenever it was packed."""
    write_archive(tmp_path / name, FILES)
    sounds = find_sounds([tmp_path / name]).sounds

    assert [sound.file for sound in sounds] == [
        FileIdentity(len(content), None, f"crc32 {zlib.crc32(content):08x}") for content in FILES.values()
    ]


def test_the_identity_in_a_plain_tar(tmp_path: Path) -> None:
    """A plain tar has no checksums, so all members change with the time of the tar."""
    path = write_archive(tmp_path / "a.tar", FILES)
    before = [sound.file for sound in find_sounds([path]).sounds]
    mtime = path.stat().st_mtime_ns

    assert before[1] == FileIdentity(len(FILES["a.wav"]), None, f"archive {mtime}")


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_an_archive_that_changes_during_the_run(tmp_path: Path, name: str) -> None:
    """A member is not read from an archive that was replaced after it was listed."""
    path = write_archive(tmp_path / name, FILES)
    sounds = find_sounds([path]).sounds
    write_archive(path, {"other.wav": make_wav(1.0, 7)} | FILES)

    with pytest.raises(AudioError, match="its archive has changed since the run began"):
        read_sound(sounds[0])


def get_error(sound: Sound) -> AudioError:
    """Return the error with which a sound fails."""
    with pytest.raises(AudioError) as info:
        read_sound(sound)
    return info.value
