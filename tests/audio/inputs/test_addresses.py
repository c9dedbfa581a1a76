"""Objects at addresses: a real web server, a real S3 server if its packages are installed, and fsspec's memory."""

import pickle
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers.archives import RATE, make_wav
from helpers.command_runs import run_extract
from helpers.web_server import WebServer, serve_files
from specfeat.audio.decode import read_samples
from specfeat.audio.discovery import find_sounds
from specfeat.audio.inputs import remote_files
from specfeat.audio.inputs.copies import open_empty_copy
from specfeat.audio.inputs.remote_files import find_identity
from specfeat.audio.path_filter import PathFilter
from specfeat.config.audio import Audio
from specfeat.errors import AudioError, InstallError, UsageError
from specfeat.files import FileIdentity
from specfeat.sound import Sound

fsspec = pytest.importorskip("fsspec")
SOUND = make_wav(0.1)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """A web server with one file, between whose attempts no time passes."""
    monkeypatch.setattr(remote_files, "RETRY_WAITS_S", (0, 0, 0))
    with serve_files() as server:
        server.files["/a.wav"] = SOUND
        yield server


def read_sound(sound: Sound) -> NDArray[np.float32]:
    """Read a sound as a worker does, which receives a pickled copy of it."""
    copy = pickle.loads(pickle.dumps(sound))
    return np.concatenate([*read_samples(copy, Audio(sample_rate=RATE))])


def get_error(sound: Sound) -> AudioError:
    """Return the error with which a sound fails."""
    with pytest.raises(AudioError) as info:
        read_sound(sound)
    return info.value


def test_a_file_of_a_web_server(tmp_path: Path, server: WebServer) -> None:
    """The samples are those of the file, and size and ETag identify it; a list can have addresses, too."""
    address = f"{server.address}/a.wav"
    (sound,) = find_sounds([], [address]).sounds
    (tmp_path / "a.wav").write_bytes(SOUND)

    assert sound.path == address
    assert sound.file == FileIdentity(len(SOUND), None, f'etag "{hash(SOUND)}"')
    assert server.downloads == []
    np.testing.assert_array_equal(read_sound(sound), read_sound(Sound(str(tmp_path / "a.wav"))))
    assert server.downloads == ["/a.wav"]
    with pytest.raises(UsageError, match="is named twice"):
        find_sounds([address, address])


def test_a_server_that_gives_no_size(server: WebServer) -> None:
    """The object is read to its end."""
    server.has_sizes = False
    (sound,) = find_sounds([f"{server.address}/a.wav"]).sounds

    assert sound.file.size is None
    assert len(read_sound(sound)) == 0.1 * RATE


@pytest.mark.parametrize("failure", [503, 429, "cut"])
def test_a_download_that_fails_at_first(server: WebServer, failure: int | str) -> None:
    """A server that is busy, and an answer that breaks off, are tried again."""
    (sound,) = find_sounds([f"{server.address}/a.wav"]).sounds
    server.failures, server.failure = 3, failure

    assert len(read_sound(sound)) == 0.1 * RATE
    assert len(server.downloads) == 4


@pytest.mark.parametrize(
    ("failure", "attempts", "text"),
    [(503, 4, "cannot be downloaded in 4 attempts: 503"), (403, 1, "cannot be downloaded: 403")],
)
def test_a_download_that_fails(server: WebServer, failure: int, attempts: int, text: str) -> None:
    """The attempts are few, and a refusal that will not change is not repeated."""
    (sound,) = find_sounds([f"{server.address}/a.wav"]).sounds
    server.failures, server.failure = 99, failure
    error = get_error(sound)

    assert (error.cause, str(error)[: len(text)]) == ("unreadable", text)
    assert len(server.downloads) == attempts


def test_objects_that_are_not_there(server: WebServer) -> None:
    """A missing object and a server that does not answer fail by their names, and differ in the cause."""
    (missing,) = find_sounds([f"{server.address}/b.wav"]).sounds
    (unreachable,) = find_sounds(["http://127.0.0.1:1/a.wav"]).sounds

    assert (get_error(missing).cause, str(get_error(missing))) == ("missing", "does not exist on its server")
    assert get_error(unreachable).cause == "unreadable"
    assert "in 4 attempts" in str(get_error(unreachable))


def test_an_object_that_grows(server: WebServer) -> None:
    """An object that is larger than when it was listed is not cut to its old size, and is downloaded once."""
    (sound,) = find_sounds([f"{server.address}/a.wav"]).sounds
    server.files["/a.wav"] += b"more"

    assert str(get_error(sound)) == "is larger than when it was listed; run again when it is complete"
    assert len(server.downloads) == 1


@pytest.mark.parametrize("has_sizes", [True, False])
def test_an_object_that_is_too_large(
    server: WebServer, has_sizes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused, also if its server does not give its size, and its copy is closed."""
    copies: list[Any] = []

    def open_noted_copy() -> Any:
        copies.append(open_empty_copy())
        return copies[-1]

    monkeypatch.setattr(remote_files, "open_empty_copy", open_noted_copy)
    monkeypatch.setattr(remote_files, "MAX_MEMBER_BYTES", len(SOUND) - 1)
    server.has_sizes = has_sizes
    (sound,) = find_sounds([f"{server.address}/a.wav"]).sounds
    error = get_error(sound)

    assert (error.cause, str(error)) == (
        "refused",
        f"is larger than {len(SOUND) - 1:,} bytes, and is not read",
    )
    assert all(copy.closed for copy in copies)
    assert len(copies) == (not has_sizes)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("https://me:secret@host/a.wav", "an address has a password"),
        ("https://host/folder/", "is a folder of a web server"),
        ("s3://bucket/a.zip::file://b", "leads through several file systems"),
        ("ftp://host/a.wav", "ftp addresses are not read, only those of s3, gs, gcs, http, https and memory"),
        ("file:///etc/a.wav", "file addresses are not read"),
    ],
)
def test_addresses_that_are_not_read(address: str, message: str) -> None:
    """A password would be in the index; fsspec's other ways to write addresses lead to other files."""
    with pytest.raises(UsageError) as info:
        find_sounds([address])

    assert message in str(info.value)
    assert "secret" not in str(info.value)


def test_the_packages_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""

    def fail(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("importlib.import_module", fail)
    with pytest.raises(InstallError, match=r"pip install 'specfeat\[remote\]'"):
        find_sounds(["s3://bucket/a.wav"])


def test_a_path_that_looks_like_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that exists is a path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "https:/host").mkdir(parents=True)
    (tmp_path / "https:/host/a.wav").write_bytes(SOUND)

    assert [sound.source for sound in find_sounds(["https://host/a.wav"]).sounds] == [None]


def test_a_folder_in_memory() -> None:
    """A folder of objects is searched like one on the disk, in the order of the paths."""
    system = fsspec.filesystem("memory")
    for name in ("b.wav", "a/c.wav", "a/d.txt", ".hidden/e.wav", "noise/f.wav"):
        system.pipe(f"/bucket/{name}", SOUND)
    found = find_sounds(["memory://bucket/"], path_filter=PathFilter(exclude=("noise/",)))

    assert [sound.path for sound in found.sounds] == ["memory://bucket/a/c.wav", "memory://bucket/b.wav"]
    assert found.skipped_files == ("memory://bucket/a/d.txt",)
    assert [len(read_sound(sound)) for sound in found.sounds] == [0.1 * RATE] * 2


def test_identities() -> None:
    """The ETag comes first, then a checksum, then a time; without any of them there is no version."""
    assert find_identity({"size": 5, "LastModified": 7, "ETag": '"x"'}) == FileIdentity(5, None, 'etag "x"')
    assert find_identity({"size": 5, "Last-Modified": "Mon"}) == FileIdentity(5, None, "last-modified Mon")
    assert find_identity({"size": None}) == FileIdentity(None, None, None)


@pytest.mark.slow
def test_runs_over_addresses(tmp_path: Path, server: WebServer) -> None:
    """An update downloads what has another ETag, and is refused without ETags."""
    server.files = {f"/{k}.wav": make_wav(1.5, k) for k in range(3)}
    (tmp_path / "list").write_text("".join(f"{server.address}/{k}.wav\n" for k in range(3)))
    words = ("--files-from", "list", "out.npy")
    assert run_extract(tmp_path, *words).returncode == 0
    assert sorted(server.downloads) == [*server.files]
    server.files["/1.wav"] = make_wav(1.5, 9)
    assert run_extract(tmp_path, *words, "--update").returncode == 0
    assert server.downloads[3:] == ["/1.wav"]

    server.has_etags = False
    run = run_extract(tmp_path, *words, "--update")
    assert run.returncode == 2
    assert "/0.wav: its server gives neither an ETag nor a time of change" in run.stderr


@pytest.mark.slow
def test_a_bucket_of_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects in a bucket of a real S3 server (moto) are listed by their folder, and have an ETag."""
    pytest.importorskip("s3fs")
    moto = shutil.which("moto_server") or pytest.skip("moto_server is not installed")
    with subprocess.Popen(
        [moto, "-p0"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stderr
            line = next(line for line in process.stderr if "Running on" in line)
            monkeypatch.setenv("AWS_ENDPOINT_URL", line.split()[-1])
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                monkeypatch.setenv(name, "test")
            system: Any = fsspec.filesystem("s3")
            system.mkdir("bucket")
            system.pipe("bucket/birds/a.wav", SOUND)
            system.pipe("bucket/birds/b.txt", b"x")
            found = find_sounds(["s3://bucket/birds"])
            (single,) = find_sounds(["s3://bucket/birds/a.wav"]).sounds
            (missing,) = find_sounds(["s3://bucket/birds/c.wav"]).sounds

            assert [sound.path for sound in found.sounds] == ["s3://bucket/birds/a.wav"]
            assert found.skipped_files == ("s3://bucket/birds/b.txt",)
            assert found.sounds[0].file == single.file
            assert (single.file.version or "").startswith("etag ")
            assert len(read_sound(single)) == 0.1 * RATE
            assert get_error(missing).cause == "missing"
        finally:
            process.send_signal(signal.SIGTERM)
