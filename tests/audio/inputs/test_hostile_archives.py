"""Archives that are damaged, or made to cause harm: what is read is bounded, and each refusal has a name."""

import gzip
import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from helpers.archives import ARCHIVES, make_wav, write_archive
from specfeat.audio.decode import read_samples
from specfeat.audio.discovery import find_sounds
from specfeat.audio.inputs import members, tar_bytes, zip_archives
from specfeat.config.audio import Audio
from specfeat.errors import AudioError
from specfeat.sound import Sound

SOUND = make_wav(0.1)
BAD_PATHS = ["/etc/a.wav", "../a.wav", "x/../../a.wav", "C:\\a.wav", "x\\..\\a.wav"]


def get_error(sound: Sound) -> AudioError:
    """Return the error with which a sound fails."""
    with pytest.raises(AudioError) as info:
        list(read_samples(sound, Audio(sample_rate=16_000)))
    return info.value


def find_failures(path: Path) -> dict[str, tuple[str, str]]:
    """Return for each sound in an archive the cause and the message of its failure."""
    errors = {sound.path.removeprefix(f"{path}"): get_error(sound) for sound in find_sounds([path]).sounds}
    return {name: (error.cause, str(error)) for name, error in errors.items()}


@pytest.mark.parametrize("name", ARCHIVES)
def test_paths_that_lead_out_of_the_archive(tmp_path: Path, name: str) -> None:
    """Such a member fails by its name, and the others are read."""
    path = write_archive(tmp_path / name, dict.fromkeys(BAD_PATHS, SOUND) | {"good..wav": SOUND})
    sounds = find_sounds([path]).sounds

    assert [sound.path for sound in sounds[:-1]] == [f"{path}/{bad}" for bad in BAD_PATHS]
    for sound in sounds[:-1]:
        assert "leads out of its archive" in str(get_error(sound))
        assert get_error(sound).cause == "refused"
    assert list(read_samples(sounds[-1], Audio(sample_rate=16_000)))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (tarfile.SYMTYPE, "is a link"),
        (tarfile.LNKTYPE, "is a link"),
        (tarfile.CHRTYPE, "is not a file but a device"),
        (tarfile.FIFOTYPE, "is not a file but a device"),
        (tarfile.GNUTYPE_SPARSE, "is stored with holes"),
    ],
)
def test_members_of_a_tar_that_are_not_plain_files(tmp_path: Path, kind: bytes, message: str) -> None:
    """Links, devices and sparse files are refused by name."""
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        info = tarfile.TarInfo("a.wav")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)
    ((cause, text),) = find_failures(tmp_path / "a.tar").values()

    assert (cause, message in text) == ("refused", True)


def test_members_of_a_zip_that_are_not_read(tmp_path: Path) -> None:
    """Links, encrypted members, and members packed by other methods are refused by name."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("link.wav")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("secret.wav", SOUND)
        archive.writestr("bzip2.wav", SOUND, zipfile.ZIP_BZIP2)
    content = bytearray(path.read_bytes())
    place = content.rindex(b"secret.wav") - 46  # its entry in the central directory
    content[place + 8] |= 1  # the flag of encryption
    path.write_bytes(content)

    assert {
        name: text.partition(" in its")[0].partition(",")[0]
        for name, (_, text) in find_failures(path).items()
    } == {
        "/link.wav": "is a link",
        "/secret.wav": "is encrypted",
        "/bzip2.wav": "is packed by bzip2",
    }


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_bombs(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to much more than its size is not unpacked, from some size on."""
    for module in (members, tar_bytes):
        monkeypatch.setattr(module, "MAX_BYTES_AT_ANY_RATIO", 2**20)
    path = write_archive(tmp_path / name, {"a.wav": SOUND, "b.wav": bytes(2**22)})
    failing = find_sounds([path]).sounds[-1]

    assert list(read_samples(find_sounds([path]).sounds[0], Audio(sample_rate=16_000)))
    assert failing.path == (f"{path}/b.wav" if name == "a.zip" else str(path))
    assert get_error(failing).cause == "refused"
    assert "made to fill a disk" in str(get_error(failing))


def test_members_that_share_their_bytes(tmp_path: Path) -> None:
    """A zip archive whose list names the same bytes many times is refused as a whole."""
    path = write_archive(tmp_path / "a.zip", {"a.wav": SOUND, "b.wav": SOUND})
    content = bytearray(path.read_bytes())
    place = content.rindex(b"b.wav") - 46
    content[place + 42 : place + 46] = struct.pack("<I", 0)  # where its bytes begin
    path.write_bytes(content)

    assert find_failures(path) == {
        "": (
            "refused",
            "its members 'a.wav' and 'b.wav' overlap, as in an archive that is made to fill a disk; make the archive again",
        )
    }


def test_a_zip_with_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of the members is refused before it is read into memory."""
    monkeypatch.setattr(zip_archives, "MAX_DIRECTORY_BYTES", 100)
    path = write_archive(tmp_path / "a.zip", {"a.wav": SOUND, "b.wav": SOUND})
    ((cause, text),) = find_failures(path).values()

    assert (cause, "has a list of its members of 102 bytes, and at most 100 are read" in text) == (
        "refused",
        True,
    )


def test_a_tar_with_a_header_of_many_bytes(tmp_path: Path) -> None:
    """A name of gigabytes is refused before it is read into memory."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2**34
    (tmp_path / "a.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(2**12))
    ((cause, text),) = find_failures(tmp_path / "a.tar").values()

    assert (cause, text.startswith("has a header of 17,179,869,")) == ("refused", True)


def test_a_tar_that_leads_back_to_its_beginning(tmp_path: Path) -> None:
    """A header with a negative size would be read without end (CVE-2025-8194)."""
    info = tarfile.TarInfo("a.wav")
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + struct.pack(">h", -1024)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "a.tar").write_bytes(bytes(header) * 3 + bytes(1024))
    ((cause, text),) = find_failures(tmp_path / "a.tar").values()

    assert (cause, "negative size" in text) == ("refused", True)


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_a_tar_that_breaks_off(tmp_path: Path, name: str) -> None:
    """The members before the break are sounds, and the archive is a sound that fails and says how many there are."""
    path = write_archive(tmp_path / name, {"a.wav": SOUND, "b.wav": make_wav(0.5, 3)})
    path.write_bytes(path.read_bytes()[: -9000 if name == "a.tar" else -3000])
    if name == "a.tar":
        path.write_bytes(path.read_bytes()[:8000])
    sounds = find_sounds([path]).sounds

    assert sounds[0].path == f"{path}/a.wav"
    assert sounds[-1].path == str(path)
    assert get_error(sounds[-1]).cause == "broken"
    assert str(get_error(sounds[-1])).startswith(f"breaks off after {len(sounds) - 1} of its files: ")


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_a_tar_with_a_damaged_header(tmp_path: Path, name: str) -> None:
    """A damaged header is not the end of the archive, for which tarfile takes it."""
    content = bytearray(write_archive(tmp_path / "b.tar", {"a.wav": SOUND, "b.wav": SOUND}).read_bytes())
    content[content.index(b"b.wav")] ^= 1
    (tmp_path / name).write_bytes(gzip.compress(content) if name == "a.tar.gz" else content)
    sounds = find_sounds([tmp_path / name]).sounds

    assert len(sounds) == 2
    assert (
        str(get_error(sounds[1]))
        == "breaks off after 1 of its files: a header is damaged; copy or make it again"
    )


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.bz2"])
def test_files_that_are_not_archives(tmp_path: Path, name: str) -> None:
    """An extension makes no archive: the file is one sound that fails by its name."""
    (tmp_path / name).write_bytes(b"not an archive" * 100)
    (failure,) = find_failures(tmp_path / name).items()

    assert (failure[0], failure[1][0]) == ("", "not audio")


def test_a_zip_with_a_wrong_checksum(tmp_path: Path) -> None:
    """The checksum of a member is compared when it is unpacked."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.wav", SOUND)
    content = bytearray(path.read_bytes())
    content[content.index(SOUND) + 500] ^= 1
    path.write_bytes(content)
    ((cause, text),) = find_failures(path).values()

    assert (cause, text) == (
        "broken",
        "cannot be unpacked from its archive: Bad CRC-32 for file 'a.wav'; copy or make the archive again",
    )


def test_an_archive_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts as a folder that cannot be read: rows of an earlier run are kept, because its members may exist."""
    path = write_archive(tmp_path / "a.tar", {"a.wav": SOUND})

    def refuse(name: str, mode: str) -> io.BytesIO:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tar_bytes, "open", refuse, raising=False)
    found = find_sounds([path])

    assert [folder.path for folder in found.unreadable_folders] == [str(path)]
    assert get_error(found.sounds[0]).cause == "unreadable"
