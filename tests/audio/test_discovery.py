"""From the names that a user gives to the files: which, in which order, and what is refused."""

import os
import random
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from specfeat.audio import decode
from specfeat.audio.discovery import find_audio_files, list_audio_extensions
from specfeat.config.audio import Audio
from specfeat.errors import AudioError, NoUsableAudioError, UsageError
from specfeat.files import format_path

any_name = pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse or normalise such names")


def make(folder: Path, *names: str) -> None:
    """Make empty files, and the folders that they lie in."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def below(folder: Path) -> list[str]:
    """The paths that `collect` finds, relative to the folder."""
    found = find_audio_files([folder]).paths

    assert all(path.startswith(f"{folder}/") for path in found)
    return [path.removeprefix(f"{folder}/") for path in found]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_is_that_of_the_paths_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Neither the file system nor the locale has a say; a folder stands where its name and slash do."""
    expected = ["B.wav", "a-b.wav", "a.wav", "a/b.wav", "a0.wav", "b/10.wav", "b/9.wav", "é.wav"]
    make(tmp_path, *expected)
    scandir = os.scandir

    def shuffled(place: str) -> Iterator[os.DirEntry[str]]:
        entries = sorted(scandir(place), key=lambda entry: entry.name)
        return iter(random.Random(seed).sample(entries, len(entries)))

    monkeypatch.setattr(os, "scandir", shuffled)

    assert below(tmp_path) == expected


def test_inputs_keep_their_order_and_spelling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what lies below a folder is sorted, and a path begins as it was given."""
    make(tmp_path, "z.wav", "m/2.wav", "m/1.wav", "a.wav")
    monkeypatch.chdir(tmp_path)

    assert find_audio_files(["z.wav", "./m", tmp_path / "a.wav"]).paths == (
        "z.wav",
        "./m/1.wav",
        "./m/2.wav",
        f"{tmp_path}/a.wav",
    )


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    """What a name with a dot hides (macOS leaves ._x.wav beside x.wav) is not what the user means."""
    make(tmp_path, "x.wav", "._x.wav", ".wav", ".hidden/y.wav", "sub/.z.wav", "sub/.git/w.wav")

    assert below(tmp_path) == ["x.wav"]
    assert len(find_audio_files([tmp_path]).passed_over) == 3  # a hidden folder is not looked into


def test_what_is_named_itself_may_be_hidden(tmp_path: Path) -> None:
    """Only what lies below a folder is passed over."""
    make(tmp_path, ".hidden/y.wav", ".x.wav")

    assert below(tmp_path / ".hidden") == ["y.wav"]
    assert find_audio_files([tmp_path / ".x.wav"]).paths == (f"{tmp_path}/.x.wav",)


def test_extensions_count_in_any_case(tmp_path: Path) -> None:
    """An audio file is known by the end of its name, small or capital; the rest is counted and left."""
    make(tmp_path, "a.WAV", "b.Flac", "c.v1.oGG", "wav", "d.wav.txt", "e.wavx", "f.wav~", "g.")

    assert below(tmp_path) == ["a.WAV", "b.Flac", "c.v1.oGG"]
    assert len(find_audio_files([tmp_path]).passed_over) == 5


def test_only_what_libsndfile_reads_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extensions are those of the containers that the installed libsndfile has."""
    make(tmp_path, "a.wav", "b.mp3", "c.flac")
    monkeypatch.setattr(soundfile, "available_formats", lambda: {"FLAC": "", "WAV": "", "NEW": ""})

    assert below(tmp_path) == ["a.wav", "c.flac"]
    assert list_audio_extensions() == {"wav", "wave", "bwf", "flac"}


@pytest.mark.parametrize("container", sorted(set(soundfile.available_formats()) - {"RAW", "SD2", "WAVEX"}))
def test_every_container_has_an_extension(container: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that libsndfile reads is forgotten; WAVEX is another WAV, RAW and SD2 have no header."""
    monkeypatch.setattr(soundfile, "available_formats", lambda: {container: ""})

    assert list_audio_extensions()


def test_a_file_that_is_named_counts_whatever_its_name(tmp_path: Path) -> None:
    """The user knows better: no extension is asked of a file that is given itself."""
    make(tmp_path, "recording.dat", "noextension")
    given = [f"{tmp_path}/recording.dat", f"{tmp_path}/noextension"]

    assert find_audio_files(given).paths == tuple(given)


def test_one_stem_may_have_two_extensions(tmp_path: Path) -> None:
    """A file is its whole name."""
    make(tmp_path, "x.wav", "x.flac")

    assert below(tmp_path) == ["x.flac", "x.wav"]


def test_a_folder_may_be_called_like_a_file(tmp_path: Path) -> None:
    """Whether it is a folder is asked of the file system: x.wav/ is searched, and is no audio itself."""
    make(tmp_path, "x.wav/inside.wav", "x.wav/notes.txt")

    assert below(tmp_path) == ["x.wav/inside.wav"]
    assert below(tmp_path / "x.wav") == ["inside.wav"]


def test_links_are_followed(tmp_path: Path) -> None:
    """A link stands for what it leads to, under the link's name; a dangling one is the decoder's to refuse."""
    make(tmp_path, "elsewhere/one.wav", "elsewhere/deep/two.wav", "here/three.wav")
    (tmp_path / "here" / "folder").symlink_to("../elsewhere")
    (tmp_path / "here" / "file.wav").symlink_to("../elsewhere/one.wav")
    (tmp_path / "here" / "dangling.wav").symlink_to("nowhere")

    assert below(tmp_path / "here") == [
        "dangling.wav",
        "file.wav",
        "folder/deep/two.wav",
        "folder/one.wav",
        "three.wav",
    ]


def test_circles_of_links_end(tmp_path: Path) -> None:
    """A link to a folder that one is in already leads nowhere, however long the way round."""
    make(tmp_path, "a/x.wav", "b/y.wav")
    (tmp_path / "a" / "self").symlink_to(".")
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "a" / "to_b").symlink_to("../b")
    (tmp_path / "b" / "to_a").symlink_to("../a")

    assert below(tmp_path) == ["a/to_b/y.wav", "a/x.wav", "b/to_a/x.wav", "b/y.wav"]


def test_a_link_to_itself_is_one_bad_file(tmp_path: Path) -> None:
    """Like a dangling link, it is the decoder's to refuse: the run goes on."""
    make(tmp_path, "a.wav")
    (tmp_path / "loop.wav").symlink_to("loop.wav")

    assert below(tmp_path) == ["a.wav", "loop.wav"]


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
def test_a_file_is_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, second: str, twice: str
) -> None:
    """Two equal names in the output could not be told apart; both inputs are said."""
    make(tmp_path, "d/a.wav", "d/sub/b.wav")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError) as caught:
        find_audio_files([first, second])
    assert str(caught.value) == f"{twice}: is named twice, by {first!r} and {second!r}; name it once"


@pytest.mark.parametrize("name", ["missing.wav", "file.wav/inside.wav", "", "nul\0.wav", "x" * 300])
def test_a_path_that_is_missing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A mistyped name must not end as one file fewer."""
    make(tmp_path, "file.wav")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match="no such file or folder"):
        find_audio_files(["file.wav", name])


def test_a_folder_that_cannot_be_read_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below a folder it is a path that will fail, so that the run tells of it; named by the user it is refused."""
    make(tmp_path, "a.wav", "locked/b.wav")
    scandir = os.scandir

    def locked(place: str) -> Iterator[os.DirEntry[str]]:
        if place.rstrip("/").endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(place)

    monkeypatch.setattr(os, "scandir", locked)

    assert [Path(path).name for path in find_audio_files([tmp_path]).paths] == ["a.wav", "locked"]
    with pytest.raises(UsageError, match=r"/locked: the folder cannot be read: Permission denied"):
        find_audio_files([tmp_path / "locked"])
    with pytest.raises(AudioError, match="is a folder"):
        list(decode.read_samples(str(tmp_path / "locked"), Audio(sample_rate=8000)))


def test_no_audio_says_what_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where, for which extensions, and how much else was there."""
    make(tmp_path, "one/a.txt", "one/b.pdf", "two/.c.wav")
    monkeypatch.setattr(soundfile, "available_formats", lambda: {"WAV": "", "FLAC": ""})
    monkeypatch.chdir(tmp_path)

    with pytest.raises(NoUsableAudioError) as caught:
        find_audio_files(["one", "two"])
    assert str(caught.value) == (
        "no audio in one, two: looked for .bwf .flac .wav .wave, passed over 3 other files"
    )


def test_an_empty_folder_says_no_number(tmp_path: Path) -> None:
    """Nothing passed over needs no mention."""
    with pytest.raises(NoUsableAudioError) as caught:
        find_audio_files([tmp_path])
    assert str(caught.value).startswith(f"no audio in {tmp_path}: looked for .")
    assert "passed over" not in str(caught.value)


def test_odd_names_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newline, a space, a leading dash, a quote: a name is a name."""
    names = ["\t.wav", " .wav", "'.wav", "-rf.wav", "-v/a.wav", "a\nb.wav", "~.wav"]
    make(tmp_path, *names)
    monkeypatch.chdir(tmp_path)

    assert below(tmp_path) == names
    assert find_audio_files(["-rf.wav", "-v", "~.wav"]).paths == ("-rf.wav", "-v/a.wav", "~.wav")


@any_name
def test_names_need_not_be_text(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 survive the way, and are sorted as bytes."""
    expected = ["z.wav", "\uff5e.wav", "\U00010000.wav", os.fsdecode(b"\xff.wav"), os.fsdecode(b"\xff/a.wav")]
    make(tmp_path, *expected)

    assert below(tmp_path) == expected
    assert os.fsencode(below(tmp_path)[3]) == b"\xff.wav"


@any_name
def test_names_are_not_normalised(tmp_path: Path) -> None:
    """Composed and decomposed, é is two files of one look."""
    composed, decomposed = (unicodedata.normalize(form, "é.wav") for form in ("NFC", "NFD"))
    make(tmp_path, composed, decomposed)

    assert below(tmp_path) == [decomposed, composed]


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
    """Whatever a name holds, a message is one line and does nothing to the terminal."""
    assert format_path(name) == shown
    with pytest.raises(UsageError) as caught:
        find_audio_files([name])
    assert str(caught.value) == (
        f"{shown}: no such file or folder; check its name, and the folder that you are in"
    )


def test_a_listed_name_that_no_file_can_have_is_a_file_that_fails() -> None:
    """Too long a name in a list costs that name, not the run."""
    assert find_audio_files([], ["x" * 300 + ".wav"]).paths == ("x" * 300 + ".wav",)
