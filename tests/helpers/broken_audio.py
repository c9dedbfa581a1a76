"""Files that lie, break, or are none: made here, each by a function named as it is bad.

`write_all(folder)` writes every one. What a file is expected to come to stands beside it in `NASTY`.
"""

import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from helpers.sample_data import Float, noise

RATE = 16_000
SECONDS = 1.5


class Nasty(NamedTuple):
    """One bad file.

    Attributes:
        name: of the file.
        make: writes it at a path.
        status: that it comes to.
        cause: of its failure, or "" if it has none.
    """

    name: str
    make: Callable[[Path], None]
    status: str
    cause: str = ""


NASTY: list[Nasty] = []


def nasty(
    name: str, status: str, cause: str = ""
) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    """Enter a maker in the table."""

    def enter(make: Callable[[Path], None]) -> Callable[[Path], None]:
        NASTY.append(Nasty(name, make, status, cause))
        return make

    return enter


def write_all(folder: Path) -> list[Nasty]:
    """Write every bad file into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for bad in NASTY:
        bad.make(folder / bad.name)
    return NASTY


def sound(seconds: float = SECONDS, seed: int = 1) -> Float:
    """Mono noise at `RATE`."""
    return noise(round(seconds * RATE), seed)


def good(path: Path, seconds: float = SECONDS, seed: int = 1) -> None:
    """A file without fault."""
    soundfile.write(path, sound(seconds, seed), RATE)


# --- no audio at all -----------------------------------------------------------------------------


@nasty("zero_bytes.wav", "failed", "0 bytes")
def _zero_bytes(path: Path) -> None:
    path.write_bytes(b"")


@nasty("text.wav", "failed", "not audio")
def _text(path: Path) -> None:
    path.write_text("This is a letter, not a recording.\n" * 40)


@nasty("header_cut.wav", "failed", "not audio")
def _header_cut(path: Path) -> None:
    good(path)
    os.truncate(path, 30)


@nasty("apple_double.wav", "failed", "not audio")
def _apple_double(path: Path) -> None:
    path.write_bytes(bytes.fromhex("0005160700020000") + b"Mac OS X        " + bytes(200))


@nasty("folder.wav", "failed", "not a file")
def _folder(path: Path) -> None:
    path.mkdir()


@nasty("fifo.wav", "failed", "not a file")
def _fifo(path: Path) -> None:
    os.mkfifo(path)


@nasty("socket.wav", "failed", "not a file")
def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's name has 107 bytes at most
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path.name)
    finally:
        os.chdir(here)


@nasty("device.wav", "failed", "not a file")
def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@nasty("link_to_nowhere.wav", "failed", "missing")
def _link_to_nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


@nasty("link_to_itself.wav", "failed", "unreadable")
def _link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


# --- headers that lie ----------------------------------------------------------------------------


def _with_data_size(path: Path, size: int) -> None:
    """A WAV file of 16 bits whose header gives this size of its samples."""
    soundfile.write(path, sound(), RATE, "PCM_16")
    whole = bytearray(path.read_bytes())
    at = whole.index(b"data") + 4
    struct.pack_into("<I", whole, at, size)
    path.write_bytes(whole)


BYTES = 2 * round(SECONDS * RATE)


@nasty("says_none.wav", "failed", "header")
def _says_none(path: Path) -> None:
    _with_data_size(path, 0)


@nasty("says_unknown.wav", "ok")
def _says_unknown(path: Path) -> None:  # what a program writes that cannot seek: ffmpeg to a pipe
    _with_data_size(path, 0xFFFFFFFF)


@nasty("says_twice.wav", "ok")
def _says_twice(path: Path) -> None:
    _with_data_size(path, 2 * BYTES)


@nasty("says_half.wav", "failed", "header")
def _says_half(path: Path) -> None:
    _with_data_size(path, BYTES // 2)


@nasty("says_2_to_the_63.rf64", "ok")
def _says_2_to_the_63(path: Path) -> None:
    soundfile.write(path, sound(), RATE, "PCM_16", format="RF64")
    whole = bytearray(path.read_bytes())
    at = whole.index(b"ds64") + 8
    struct.pack_into("<qqq", whole, at, 2**63 - 1, 2**63 - 1, 2**63 - 1)
    path.write_bytes(whole)


def _with_field(path: Path, at: int, layout: str, value: int) -> None:
    """A WAV file with one field of its `fmt ` chunk overwritten, `at` bytes after the chunk's size."""
    soundfile.write(path, sound(), RATE, "PCM_16")
    whole = bytearray(path.read_bytes())
    struct.pack_into(layout, whole, whole.index(b"fmt ") + 8 + at, value)
    path.write_bytes(whole)


@nasty("rate_0.wav", "failed", "not audio")
def _rate_0(path: Path) -> None:
    _with_field(path, 4, "<I", 0)


@nasty("rate_1.wav", "failed", "rate")
def _rate_1(path: Path) -> None:
    _with_field(path, 4, "<I", 1)


@nasty("rate_2_to_the_31.wav", "failed", "rate")
def _rate_2_to_the_31(path: Path) -> None:
    _with_field(path, 4, "<I", 2**31 - 1)


@nasty("channels_0.wav", "failed", "not audio")
def _channels_0(path: Path) -> None:
    _with_field(path, 2, "<H", 0)


@nasty("channels_65535.wav", "failed", "not audio")
def _channels_65535(path: Path) -> None:
    _with_field(path, 2, "<H", 65_535)


@nasty("channels_1024.wav", "ok")
def _channels_1024(path: Path) -> None:
    soundfile.write(path, np.tile(sound(0.1)[:, None], 1024), RATE, "PCM_16", format="WAV")


@nasty("says_more_than_bytes_hold.w64", "failed", "header")
def _says_more_than_bytes_hold(
    path: Path,
) -> None:  # libsndfile repeats the last block for months
    soundfile.write(path, sound(), RATE, "GSM610", format="W64")
    whole = bytearray(path.read_bytes())
    struct.pack_into("<Q", whole, whole.index(b"data\xf3\xac") + 16, 0xFFFFFF00_00001000)
    path.write_bytes(whole)


# --- files that break half-way -------------------------------------------------------------------


@nasty("cut.wav", "ok")
def _cut_wav(path: Path) -> None:  # a WAV file has no end to miss: what is there is what there is
    good(path)
    os.truncate(path, path.stat().st_size // 2)


@nasty("cut.flac", "failed", "broken")
def _cut_flac(path: Path) -> None:
    good(path)
    os.truncate(path, path.stat().st_size * 6 // 10)


@nasty("garbage_inside.flac", "failed", "broken")
def _garbage_inside(path: Path) -> None:
    good(path, seconds=8)
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 20_000] = np.random.default_rng(5).bytes(20_000)
    path.write_bytes(whole)


@nasty("changes.ogg", "failed", "header")
def _changes(
    path: Path,
) -> None:  # two streams one after another, the second of another rate and two channels
    good(path)
    first = path.read_bytes()
    soundfile.write(path, np.column_stack([sound(1.0), sound(1.0, 2)]), 44_100, format="OGG")
    path.write_bytes(first + path.read_bytes())


# --- numbers that are none -----------------------------------------------------------------------


def _with_sample(path: Path, value: float) -> None:
    samples = sound()
    samples[20_000] = value
    soundfile.write(path, samples, RATE, "FLOAT")


@nasty("nan.wav", "failed", "not finite")
def _nan(path: Path) -> None:
    _with_sample(path, np.nan)


@nasty("inf.wav", "failed", "not finite")
def _inf(path: Path) -> None:
    _with_sample(path, -np.inf)


@nasty("huge.wav", "failed", "not finite")
def _huge(path: Path) -> None:
    _with_sample(path, 1e29)


# --- files that are good, but hold little --------------------------------------------------------


@nasty("no_samples.wav", "empty")
def _no_samples(path: Path) -> None:
    good(path, seconds=0)


@nasty("one_sample.wav", "ok")
def _one_sample(path: Path) -> None:
    soundfile.write(path, sound()[:1], RATE)


@nasty("silent.wav", "ok")
def _silent(path: Path) -> None:
    soundfile.write(path, np.zeros(RATE, np.float32), RATE)
