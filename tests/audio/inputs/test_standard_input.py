"""Standard input as a sound, with a header or raw."""

import os
import pickle
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from helpers.archives import RATE, make_wav
from helpers.command_runs import run_extract
from specfeat.audio.decode import read_samples
from specfeat.audio.discovery import find_sounds
from specfeat.audio.inputs import standard_input
from specfeat.audio.raw_format import RAW_CODINGS, parse_raw_format
from specfeat.config.audio import Audio
from specfeat.errors import AudioError, UsageError
from specfeat.run.selection_options import SoundSelection
from specfeat.run.sound_selection import select_sounds
from specfeat.sound import Sound

Send = Callable[[bytes], None]
VALUES = np.array([0.0, 0.5, -0.5, 0.25, -1.0, 0.125])


@pytest.fixture
def send(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Send]:
    """Return a function that makes bytes the content of standard input."""
    descriptors = []

    def set_input(content: bytes) -> None:
        (tmp_path / "stdin").write_bytes(content)
        descriptors.append(os.open(tmp_path / "stdin", os.O_RDONLY))
        monkeypatch.setattr(standard_input, "STANDARD_INPUT_DESCRIPTOR", descriptors[-1])

    yield set_input
    for descriptor in descriptors:
        os.close(descriptor)


def read_sound(sound: Sound) -> NDArray[np.float32]:
    """Read a sound as a worker does, which receives a pickled copy of it."""
    copy = pickle.loads(pickle.dumps(sound))
    return np.concatenate([*read_samples(copy, Audio(sample_rate=RATE))])


def select_raw(text: str) -> Sound:
    """Return the sound on standard input, with a raw format."""
    (sound,) = select_sounds(SoundSelection(raw_format=parse_raw_format(text)), ["-"], []).sounds
    return sound


@pytest.mark.parametrize("container", ["WAV", "FLAC", "MP3", "unknown length"])
def test_the_samples_are_those_of_the_file(tmp_path: Path, send: Send, container: str) -> None:
    """The sound is copied first, so each format gives the samples of its file, also without a length in the header."""
    content = bytearray(make_wav(0.5))
    if container == "unknown length":
        content[4:8] = content[40:44] = struct.pack("<I", 2**32 - 1)
    elif container != "WAV":
        noise, _ = soundfile.read(_write(tmp_path / "a.wav", content))
        soundfile.write(tmp_path / "a", noise, RATE, format=container)
        content[:] = (tmp_path / "a").read_bytes()
    _write(tmp_path / "file", content)
    send(bytes(content))
    (sound,) = find_sounds(["-"]).sounds

    assert (sound.path, sound.file.size) == ("-", len(content))
    np.testing.assert_array_equal(read_sound(sound), read_sound(Sound(str(tmp_path / "file"))))


def _write(path: Path, content: bytes | bytearray) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("coding", RAW_CODINGS)
def test_raw_sound(tmp_path: Path, send: Send, coding: str) -> None:
    """Each coding is read as NumPy reads it, or for A-law and mu-law as libsndfile reads them in AU files."""
    name = coding.removesuffix("le").removesuffix("be")
    order: Literal["big", "little"] = "big" if coding.endswith("be") else "little"
    bits = int(name[1:]) if name[1:].isdigit() else 0
    expected = VALUES.astype(np.float32)
    if name.startswith("f"):
        content = VALUES.astype(np.dtype(f"f{bits // 8}").newbyteorder(order)).tobytes()
    elif bits:
        numbers = (VALUES * 2 ** (bits - 1)).astype(int) + (128 if name == "u8" else 0)
        content = b"".join(int(n).to_bytes(bits // 8, order, signed=name != "u8") for n in numbers)
    else:
        soundfile.write(tmp_path / "a.au", VALUES, RATE, subtype=RAW_CODINGS[coding][0])
        expected, _ = soundfile.read(tmp_path / "a.au", dtype="float32")
        content = (tmp_path / "a.au").read_bytes()[-len(VALUES) :]
    send(content)

    np.testing.assert_array_equal(read_sound(select_raw(f"{RATE}:1:{coding}")), expected)


def test_raw_sound_of_two_channels(send: Send) -> None:
    """The samples of the channels stand side by side; the mean of both is read."""
    send(np.array([[0.5, 0.25], [-0.5, 0.0]], "<f4").tobytes())

    np.testing.assert_array_equal(read_sound(select_raw(f"{RATE}:2:f32le")), [0.375, -0.25])


def test_raw_sound_that_ends_in_the_middle_of_a_sample(send: Send) -> None:
    """Then the format is wrong, or the sound is cut."""
    send(b"12345")

    with pytest.raises(
        AudioError, match=r"it has 5 bytes, and a sample of all channels has 4 in the raw format"
    ):
        read_sound(select_raw(f"{RATE}:2:s16le"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("16000:1", "write RATE:CHANNELS:FORMAT"),
        ("16k:1:s16le", "the rate in the raw format '16k:1:s16le' is not a number from 1000 to"),
        ("16000:0:s16le", "the channels in the raw format '16000:0:s16le' are not a number from 1 to 1024"),
        ("16000:1:s16", "is not known (did you mean 's16le'?)"),
        ("16000:1:gsm", "give one of u8, s8, s16le"),
    ],
)
def test_wrong_raw_formats(text: str, message: str) -> None:
    """Each part of the format is checked, and the message says what is wanted."""
    with pytest.raises(UsageError) as info:
        parse_raw_format(text)

    assert message in str(info.value)


def test_a_raw_format_without_standard_input(tmp_path: Path) -> None:
    """The format is about standard input alone."""
    (tmp_path / "a.wav").write_bytes(make_wav(0.1))
    with pytest.raises(UsageError, match=r"give standard input \(-\) as an input"):
        select_sounds(
            SoundSelection(raw_format=parse_raw_format("16000:1:u8")), [str(tmp_path / "a.wav")], []
        )


def test_a_terminal_is_no_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody types a sound; the command does not wait for one."""
    main_end, terminal = os.openpty()
    monkeypatch.setattr(standard_input, "STANDARD_INPUT_DESCRIPTOR", terminal)
    try:
        with pytest.raises(UsageError, match="standard input is the terminal"):
            find_sounds(["-"])
    finally:
        os.close(main_end)
        os.close(terminal)


def test_a_dash_in_a_list_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a list, no character of a name has a special meaning; on the command line, `./-` is the file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-").write_bytes(make_wav(0.1))

    assert [sound.source for sound in find_sounds([], ["-"]).sounds] == [None]
    assert [sound.source for sound in find_sounds(["./-"]).sounds] == [None]


@pytest.mark.parametrize("option", ["--resume", "--update"])
def test_a_run_over_standard_input_is_not_continued(tmp_path: Path, option: str) -> None:
    """The sound cannot be read again, and the message says so."""
    run = run_extract(tmp_path, "-", "out.npy", option)

    assert run.returncode == 2
    assert (
        "standard input can be read only once, so a run over it can neither continue nor update" in run.stderr
    )


def test_standard_input_is_not_both_a_list_and_a_sound(tmp_path: Path) -> None:
    """Only one of them could read it."""
    run = run_extract(tmp_path, "-", "out.npy", "--files-from", "-")

    assert (run.returncode, "stdin is a sound already" in run.stderr) == (2, True)


@pytest.mark.slow
def test_a_run_over_standard_input(tmp_path: Path) -> None:
    """The rows are those of the file; two workers read the channels of one sound."""
    soundfile.write(tmp_path / "a.flac", np.random.default_rng(0).normal(size=(40_000, 2)) / 10, RATE)
    each = ("--set", "audio.channels=each")
    with (tmp_path / "a.flac").open("rb") as file:
        run = run_extract(tmp_path, "-", "out.npy", *each, stdin=file)

    assert (run.returncode, run.stderr) == (0, "")
    assert run_extract(tmp_path, "a.flac", "file.npy", *each).returncode == 0
    assert (tmp_path / "out.npy").read_bytes() == (tmp_path / "file.npy").read_bytes()
    index = (tmp_path / "out.index.csv").read_text()
    assert index == (tmp_path / "file.index.csv").read_text().replace("a.flac", "-")
