"""Which files the inputs of a run stand for, in which order, and which inputs are errors."""

import errno
import itertools
import os
import random
import struct
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy
import soundfile

from specfeat.audio import decode
from specfeat.audio.audio_extensions import list_audio_extensions
from specfeat.audio.discovery import find_sounds
from specfeat.config.audio import Audio
from specfeat.errors import AudioError, NoUsableAudioError, UsageError
from specfeat.files import format_path
from specfeat.sound import WHOLE_FILE, Sound

needs_any_name = pytest.mark.skipif(
    sys.platform != "linux", reason="other systems refuse some of these names, and change others"
)


def create_files(folder: Path, *names: str) -> None:
    """Create empty files, and the folders that they are in."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def find_paths(*inputs: str | Path, listed: Sequence[str] = ()) -> list[str]:
    return [sound.path for sound in find_sounds(inputs, listed).sounds]


def find_below(folder: Path) -> list[str]:
    """Return the paths of the sounds in a folder, relative to the folder."""
    paths = find_paths(folder)

    assert all(path.startswith(f"{folder}/") for path in paths)
    return [path.removeprefix(f"{folder}/") for path in paths]


@pytest.mark.parametrize("seed", range(5))
def test_paths_are_sorted_by_their_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """The order depends neither on the file system nor on the locale; a folder is sorted with its slash."""
    expected = ["B.wav", "a-b.wav", "a.wav", "a/b.wav", "a0.wav", "b/10.wav", "b/9.wav", "é.wav"]
    create_files(tmp_path, *expected)
    scandir = os.scandir

    def shuffle(folder: str) -> Iterator[os.DirEntry[str]]:
        entries = sorted(scandir(folder), key=lambda entry: entry.name)
        return iter(random.Random(seed).sample(entries, len(entries)))

    monkeypatch.setattr(os, "scandir", shuffle)

    assert find_below(tmp_path) == expected


def test_inputs_keep_their_order_and_spelling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the files in a folder are sorted, and a path begins as the user has written it."""
    create_files(tmp_path, "z.wav", "m/2.wav", "m/1.wav", "a.wav")
    monkeypatch.chdir(tmp_path)

    assert find_paths("z.wav", "./m", tmp_path / "a.wav") == [
        "z.wav",
        "./m/1.wav",
        "./m/2.wav",
        f"{tmp_path}/a.wav",
    ]


def test_size_and_time_are_taken_when_a_file_is_found(tmp_path: Path) -> None:
    """So a change while the file is read is seen by the next run."""
    (tmp_path / "a.wav").write_bytes(bytes(123))

    (sound,) = find_sounds([tmp_path]).sounds

    assert sound.file.size == 123
    assert sound.file.mtime_ns == (tmp_path / "a.wav").stat().st_mtime_ns
    assert sound.part == WHOLE_FILE


def test_hidden_files_and_folders_are_skipped(tmp_path: Path) -> None:
    """A user does not mean hidden files, such as the ._x.wav that macOS writes beside x.wav."""
    create_files(tmp_path, "x.wav", "._x.wav", ".wav", ".hidden/y.wav", "sub/.z.wav", "sub/.git/w.wav")

    assert find_below(tmp_path) == ["x.wav"]
    assert len(find_sounds([tmp_path]).skipped_files) == 3  # a hidden folder is not searched


def test_an_input_may_be_hidden(tmp_path: Path) -> None:
    """Only hidden files below a folder are skipped."""
    create_files(tmp_path, ".hidden/y.wav", ".x.wav")

    assert find_below(tmp_path / ".hidden") == ["y.wav"]
    assert find_paths(tmp_path / ".x.wav") == [f"{tmp_path}/.x.wav"]


def test_extensions_are_in_any_case(tmp_path: Path) -> None:
    """In a folder, audio is found by its extension in upper or lower case; other files are skipped."""
    create_files(tmp_path, "a.WAV", "b.Flac", "c.v1.oGG", "wav", "d.wav.txt", "e.wavx", "f.wav~", "g.")

    assert find_below(tmp_path) == ["a.WAV", "b.Flac", "c.v1.oGG"]
    assert len(find_sounds([tmp_path]).skipped_files) == 5


@pytest.mark.usefixtures("_without_ffmpeg")
def test_only_formats_of_the_installed_libsndfile_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extensions are those of the containers that the installed libsndfile has."""
    create_files(tmp_path, "a.wav", "b.mp3", "c.flac")
    monkeypatch.setattr(soundfile, "available_formats", lambda: {"FLAC": "", "WAV": "", "NEW": ""})

    assert find_below(tmp_path) == ["a.wav", "c.flac"]
    assert list_audio_extensions() == {"wav", "wave", "bwf", "flac"}


@pytest.mark.usefixtures("_without_ffmpeg")
@pytest.mark.parametrize("container", sorted(set(soundfile.available_formats()) - {"RAW", "SD2", "WAVEX"}))
def test_every_container_has_an_extension(container: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No format of libsndfile is forgotten; WAVEX is a kind of WAV, RAW and SD2 have no header."""
    monkeypatch.setattr(soundfile, "available_formats", lambda: {container: ""})

    assert list_audio_extensions()


@pytest.mark.parametrize("name", ["a.wv1", "a.WV2", "a.nist", "a.bw64"])
def test_speech_corpora_and_broadcast_files_are_found_and_read(tmp_path: Path, name: str) -> None:
    """The two channels of the WSJ corpora are NIST files called .wv1 and .wv2; BW64 is read as RF64."""
    container = "RF64" if name.endswith("bw64") else "NIST"
    soundfile.write(tmp_path / "a", np.full(500, 0.25), 8_000, "PCM_16", format=container)
    content = (tmp_path / "a").read_bytes()
    (tmp_path / "a").unlink()
    (tmp_path / name).write_bytes(content.replace(b"RF64", b"BW64", 1))

    (sound,) = find_sounds([tmp_path]).sounds
    assert Path(sound.path).name == name
    assert sum(map(len, decode.read_samples(sound, Audio(sample_rate=8_000)))) == 500


def test_a_file_that_is_an_input_may_have_any_name(tmp_path: Path) -> None:
    """The extension of a file that is an input is not checked."""
    create_files(tmp_path, "recording.dat", "noextension")
    inputs = [f"{tmp_path}/recording.dat", f"{tmp_path}/noextension"]

    assert find_paths(*inputs) == inputs


def test_files_may_differ_in_the_extension_alone(tmp_path: Path) -> None:
    """x.wav and x.flac are two sounds."""
    create_files(tmp_path, "x.wav", "x.flac")

    assert find_below(tmp_path) == ["x.flac", "x.wav"]


def test_a_folder_may_have_the_extension_of_audio(tmp_path: Path) -> None:
    """The folder x.wav/ is searched, and is not a sound itself."""
    create_files(tmp_path, "x.wav/inside.wav", "x.wav/notes.txt")

    assert find_below(tmp_path) == ["x.wav/inside.wav"]
    assert find_below(tmp_path / "x.wav") == ["inside.wav"]


def test_links_are_followed(tmp_path: Path) -> None:
    """A link is a sound under its own name; a link to nothing is a sound that will fail."""
    create_files(tmp_path, "elsewhere/one.wav", "elsewhere/deep/two.wav", "here/three.wav")
    (tmp_path / "here" / "folder").symlink_to("../elsewhere")
    (tmp_path / "here" / "file.wav").symlink_to("../elsewhere/one.wav")
    (tmp_path / "here" / "dangling.wav").symlink_to("nowhere")

    assert find_below(tmp_path / "here") == [
        "dangling.wav",
        "file.wav",
        "folder/deep/two.wav",
        "folder/one.wav",
        "three.wav",
    ]


def test_circles_of_links_are_left(tmp_path: Path) -> None:
    """A link to a folder that it is in is not entered, also if the circle leads through other folders."""
    create_files(tmp_path, "a/x.wav", "b/y.wav")
    (tmp_path / "a" / "self").symlink_to(".")
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "a" / "to_b").symlink_to("../b")
    (tmp_path / "b" / "to_a").symlink_to("../a")

    assert find_below(tmp_path) == ["a/to_b/y.wav", "a/x.wav", "b/to_a/x.wav", "b/y.wav"]


def test_a_link_to_itself_is_a_sound_that_will_fail(tmp_path: Path) -> None:
    """It costs only itself: the run goes on."""
    create_files(tmp_path, "a.wav")
    (tmp_path / "loop.wav").symlink_to("loop.wav")

    assert find_below(tmp_path) == ["a.wav", "loop.wav"]


@pytest.mark.parametrize(
    ("first", "second", "twice"),
    [
        ("d/a.wav", "d/a.wav", "d/a.wav"),
        ("d", "d/a.wav", "d/a.wav"),
        ("d/a.wav", "d", "d/a.wav"),
        ("d", "d", "d/a.wav"),
        ("d", "d/", "d/a.wav"),
        ("d", "d/sub", "d/sub/b.wav"),
    ],
)
def test_a_file_may_be_given_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, second: str, twice: str
) -> None:
    """The rows of two equal names could not be distinguished; the error names both inputs."""
    create_files(tmp_path, "d/a.wav", "d/sub/b.wav")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError) as caught:
        find_sounds([first, second])
    assert str(caught.value) == f"{twice}: is named twice, by {first!r} and {second!r}; name it once"


@pytest.mark.parametrize("name", ["missing.wav", "file.wav/inside.wav", "", "nul\0.wav", "x" * 300])
def test_a_missing_path_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A mistyped name must not lead to a run with one file less."""
    create_files(tmp_path, "file.wav")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match="no such file or folder"):
        find_sounds(["file.wav", name])


def test_a_folder_that_cannot_be_read_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below another folder it is a sound that will fail, so that it is reported; as an input it is an error."""
    create_files(tmp_path, "a.wav", "locked/b.wav")
    scandir = os.scandir

    def lock(folder: str) -> Iterator[os.DirEntry[str]]:
        if folder.rstrip("/").endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", lock)

    assert [Path(path).name for path in find_paths(tmp_path)] == ["a.wav", "locked"]
    with pytest.raises(UsageError, match=r"/locked: the folder cannot be read: Permission denied"):
        find_sounds([tmp_path / "locked"])
    with pytest.raises(AudioError, match="the folder cannot be read: Permission denied") as caught:
        list(decode.read_samples(Sound(str(tmp_path / "locked")), Audio(sample_rate=8000)))
    assert caught.value.cause == "unreadable"


@pytest.mark.parametrize("error", [errno.EIO, errno.ESTALE, errno.EACCES, errno.ENOTCONN, errno.ETIMEDOUT])
@pytest.mark.parametrize("call", ["stat", "scandir"])
def test_a_folder_that_cannot_be_looked_at_is_a_sound_that_will_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int, call: str
) -> None:
    """Whatever error the system gives and in which call; it is never taken for a file that is not audio."""
    create_files(tmp_path, "a.wav", "bad/b.wav", "bad/deep/c.wav", "bad.txt", "bad-d.wav")
    original = getattr(os, call)

    def fail(path: str, **options: object) -> object:
        if str(path).endswith("/bad") or "/bad/" in str(path):
            raise OSError(error, os.strerror(error))
        return original(path, **options)

    monkeypatch.setattr(os, call, fail)
    found = find_sounds([tmp_path])

    assert [Path(sound.path).name for sound in found.sounds] == ["a.wav", "bad", "bad-d.wav"]
    assert [Path(folder.path).name for folder in found.unreadable_folders] == ["bad"]
    assert [Path(path).name for path in found.skipped_files] == ["bad.txt"]


def test_a_link_that_cannot_be_followed_may_lead_to_a_folder(tmp_path: Path) -> None:
    """A path over 4,096 bytes cannot be looked at; a link to nothing or to itself leads to no folder."""
    create_files(tmp_path, "in/a.wav", "in/text")
    for name, target in [("loop", "loop"), ("nowhere", "no"), ("below", "text/x")]:
        (tmp_path / "in" / name).symlink_to(target)
    descriptor = os.open(tmp_path / "in", os.O_RDONLY)
    try:
        for _ in range(17):  # each is made from the one before, as its own path would be too long
            os.mkdir("d" * 250, dir_fd=descriptor)
            inner = os.open("d" * 250, os.O_RDONLY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
    finally:
        os.close(descriptor)
    found = find_sounds([tmp_path / "in"])

    assert [Path(sound.path).name for sound in found.sounds] == ["a.wav", "d" * 250]
    assert len(os.fsencode(found.unreadable_folders[0].path)) > 4_000
    assert sorted(Path(path).name for path in found.skipped_files) == ["below", "loop", "nowhere", "text"]


def test_unseen_sounds_keep_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that an earlier run knows in a folder that cannot be read stand where a full search finds them."""
    create_files(tmp_path, "x/bad/2.wav", "x/bad/1.wav", "x/bad-a.wav", "x/z.wav", "y.wav", "w/bad/3.wav")
    monkeypatch.chdir(tmp_path)
    inputs = ["y.wav", "x/", "w"]
    whole = find_sounds(inputs)
    scandir = os.scandir

    def fail(path: str) -> Iterator[os.DirEntry[str]]:
        if path.endswith("bad"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", fail)
    found = find_sounds(inputs)
    gone = Sound("x/gone.wav")
    added = found.add_unseen_sounds([*whole.sounds[:3], gone]).add_unseen_sounds(whole.sounds)

    folders = [folder.path for folder in found.unreadable_folders]
    assert folders == ["x/bad", "w/bad"]
    assert [sound for sound in added.sounds if sound.path not in folders] == list(whole.sounds)
    assert [added.sounds[folder.first_sound].path for folder in added.unreadable_folders] == [
        "x/bad",
        "w/bad",
    ]
    assert added.unreadable_folders[-1].end_sound == len(added.sounds)


def test_circles_of_links_are_left_where_inodes_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On some network disks the number of an inode changes from look to look; the path without links does not."""
    create_files(tmp_path, "a/x.wav", "b/y.wav")
    (tmp_path / "a" / "self").symlink_to(".")
    (tmp_path / "a" / "to_b").symlink_to("../b")
    (tmp_path / "b" / "to_a").symlink_to("../a")
    numbers = itertools.count(10**6)
    stat = os.stat

    def change_inode(path: str, **options: Any) -> os.stat_result:
        status = stat(path, **options)
        return os.stat_result((status[0], next(numbers), *status[2:10]))

    monkeypatch.setattr(os, "stat", change_inode)

    assert find_below(tmp_path) == ["a/to_b/y.wav", "a/x.wav", "b/to_a/x.wav", "b/y.wav"]


@pytest.mark.slow
def test_of_ambiguous_extensions_the_first_bytes_decide(tmp_path: Path) -> None:
    """Beside sound, .mat, .htk, .iff, .paf and .voc are mostly something else; named directly, each is a sound."""
    audio = {"MAT5": "mat", "MAT4": "mat", "HTK": "htk", "SVX": "iff", "PAF": "paf", "VOC": "voc"}
    for container, extension in audio.items():
        path = tmp_path / f"{container}.{extension}"
        soundfile.write(path, np.zeros(2_000), 8_000, subtype="PCM_16", format=container)
    scipy.io.savemat(tmp_path / "labels.mat", {"onset_s": np.arange(9.0), "x": np.zeros(200)})
    (tmp_path / "features.htk").write_bytes(struct.pack(">iihh", 10, 100_000, 52, 6) + bytes(520))
    (tmp_path / "picture.IFF").write_bytes(b"FORM\0\0\0\x18ILBMBMHD" + bytes(20))
    (tmp_path / "genome.paf").write_text("read1\t100\t0\t100\t+\tchr1\n")
    (tmp_path / "words.voc").write_text("hello\nworld\n")
    (tmp_path / "empty.mat").touch()
    os.mkfifo(tmp_path / "pipe.mat")
    (tmp_path / "gone.mat").symlink_to("nowhere")

    names = sorted(
        [f"{container}.{extension}" for container, extension in audio.items()] + ["gone.mat", "pipe.mat"]
    )
    assert find_below(tmp_path) == names
    assert len(find_sounds([tmp_path]).skipped_files) == 6
    assert find_paths(tmp_path / "labels.mat") == [f"{tmp_path}/labels.mat"]


def test_an_input_that_cannot_be_looked_at_is_a_sound_that_will_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not said to be missing; a listed folder that cannot be read costs itself, too."""
    create_files(tmp_path, "a.wav", "bad/b.wav")
    stat, lstat, scandir = os.stat, os.lstat, os.scandir

    def fail_at(call: Callable[..., Any]) -> Callable[..., Any]:
        def fail(path: str, **options: object) -> object:
            if str(path).endswith("/bad"):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return call(path, **options)

        return fail

    monkeypatch.setattr(os, "scandir", fail_at(scandir))
    assert find_paths(listed=[f"{tmp_path}/bad"]) == [f"{tmp_path}/bad"]
    monkeypatch.setattr(os, "stat", fail_at(stat))
    monkeypatch.setattr(os, "lstat", fail_at(lstat))

    found = find_sounds([f"{tmp_path}/a.wav", f"{tmp_path}/bad"])
    assert [sound.path for sound in found.sounds] == [f"{tmp_path}/a.wav", f"{tmp_path}/bad"]
    assert [folder.path for folder in found.unreadable_folders] == [f"{tmp_path}/bad"]


@pytest.mark.usefixtures("_without_ffmpeg")
def test_the_error_for_no_audio_names_the_extensions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the inputs, and the number of other files."""
    create_files(tmp_path, "one/a.txt", "one/b.pdf", "two/.c.wav")
    monkeypatch.setattr(soundfile, "available_formats", lambda: {"WAV": "", "FLAC": ""})
    monkeypatch.chdir(tmp_path)

    with pytest.raises(NoUsableAudioError) as caught:
        find_sounds(["one", "two"])
    assert str(caught.value) == (
        "no audio in one, two: looked for .bwf .flac .wav .wave, "
        "skipped 3 other files (one/a.txt, one/b.pdf, two/.c.wav); "
        "name a folder with audio, or the files themselves"
    )


def test_the_error_for_an_empty_folder_has_no_number(tmp_path: Path) -> None:
    """Skipped files are mentioned only if there are any."""
    with pytest.raises(NoUsableAudioError) as caught:
        find_sounds([tmp_path])
    assert str(caught.value).startswith(f"no audio in {tmp_path}: looked for .")
    assert "skipped" not in str(caught.value)


def test_odd_names_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may have a newline, a space, a leading dash or a quote."""
    names = ["\t.wav", " .wav", "'.wav", "-rf.wav", "-v/a.wav", "a\nb.wav", "~.wav"]
    create_files(tmp_path, *names)
    monkeypatch.chdir(tmp_path)

    assert find_below(tmp_path) == names
    assert find_paths("-rf.wav", "-v", "~.wav") == ["-rf.wav", "-v/a.wav", "~.wav"]


@needs_any_name
def test_names_need_not_be_text(tmp_path: Path) -> None:
    """Names with bytes that are not UTF-8 are kept, and sorted as bytes."""
    expected = ["z.wav", "\uff5e.wav", "\U00010000.wav", os.fsdecode(b"\xff.wav"), os.fsdecode(b"\xff/a.wav")]
    create_files(tmp_path, *expected)

    assert find_below(tmp_path) == expected
    assert os.fsencode(find_below(tmp_path)[3]) == b"\xff.wav"


@needs_any_name
def test_names_are_not_normalised(tmp_path: Path) -> None:
    """Composed and decomposed, é is two names that look the same."""
    composed, decomposed = (unicodedata.normalize(form, "é.wav") for form in ("NFC", "NFD"))
    create_files(tmp_path, composed, decomposed)

    assert find_below(tmp_path) == [decomposed, composed]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain é 音.wav", "plain é 音.wav"),
        ("a\nb\t.wav", r"a\nb\t.wav"),
        ("\x1b[31mred.wav", r"\x1b[31mred.wav"),
        ("\u202egnp.wav", r"\u202egnp.wav"),
        (os.fsdecode(b"\xff.wav"), r"\xff.wav"),
    ],
)
def test_names_are_shown_on_one_line(name: str, shown: str) -> None:
    """A message with any name is one line, and sends no command to the terminal."""
    assert format_path(name) == shown
    with pytest.raises(UsageError) as caught:
        find_sounds([name])
    assert str(caught.value) == (
        f"{shown}: no such file or folder; check its name, and the folder that you are in"
    )


def test_a_name_in_a_list_that_no_file_can_have_is_a_sound_that_will_fail() -> None:
    """A name that is too long costs only itself if it comes from a list."""
    assert find_paths(listed=["x" * 300 + ".wav"]) == ["x" * 300 + ".wav"]
