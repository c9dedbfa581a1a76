"""Writes files that are damaged, have a wrong header, or are not audio.

Each file has a function that writes it, and `write_broken_files(folder)` writes all files. `BROKEN_FILES` has the
status and the cause that a run must give to each file.
"""

import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from helpers.sample_data import Float, make_noise

RATE = 16_000
SECONDS = 1.5


class BrokenFile(NamedTuple):
    """One broken file.

    Attributes:
        name: the name of the file.
        write: the function that writes the file to a path.
        status: the status that a run must give to the file.
        cause: the cause of the failure that a run must give; "" if the file must not fail.
    """

    name: str
    write: Callable[[Path], None]
    status: str
    cause: str = ""


BROKEN_FILES: list[BrokenFile] = []


def register(
    name: str, status: str, cause: str = ""
) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    """Add the decorated function, which writes a file, to `BROKEN_FILES`."""

    def add(write: Callable[[Path], None]) -> Callable[[Path], None]:
        BROKEN_FILES.append(BrokenFile(name, write, status, cause))
        return write

    return add


def write_broken_files(folder: Path) -> list[BrokenFile]:
    """Write every broken file into a folder, and return the table of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in BROKEN_FILES:
        file.write(folder / file.name)
    return BROKEN_FILES


def make_sound(seconds: float = SECONDS, seed: int = 1) -> Float:
    """Make mono noise at `RATE`."""
    return make_noise(round(seconds * RATE), seed)


def write_good_file(path: Path, seconds: float = SECONDS, seed: int = 1) -> None:
    """Write a file that is not broken."""
    soundfile.write(path, make_sound(seconds, seed), RATE)


# --- not audio at all ----------------------------------------------------------------------------


@register("zero_bytes.wav", "failed", "0 bytes")
def _write_zero_bytes(path: Path) -> None:
    path.write_bytes(b"")


@register("text.wav", "failed", "not audio")
def _write_text(path: Path) -> None:
    path.write_text("This is a letter, not a recording.\n" * 40)


@register("header_cut.wav", "failed", "not audio")
def _write_header_cut(path: Path) -> None:
    write_good_file(path)
    os.truncate(path, 30)


@register("apple_double.wav", "failed", "not audio")
def _write_apple_double(path: Path) -> None:
    path.write_bytes(bytes.fromhex("0005160700020000") + b"Mac OS X        " + bytes(200))


@register("folder.wav", "failed", "not a file")
def _write_folder(path: Path) -> None:
    path.mkdir()


@register("fifo.wav", "failed", "not a file")
def _write_fifo(path: Path) -> None:
    os.mkfifo(path)


@register("socket.wav", "failed", "not a file")
def _write_socket(path: Path) -> None:
    folder = Path.cwd()
    os.chdir(path.parent)  # because the name of a socket has at most 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(folder)


@register("device.wav", "failed", "not a file")
def _write_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@register("link_to_nowhere.wav", "failed", "missing")
def _write_link_to_nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


@register("link_to_itself.wav", "failed", "unreadable")
def _write_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


# --- wrong headers -------------------------------------------------------------------------------


def _write_with_data_size(path: Path, size: int) -> None:
    """Write a WAV file of 16 bits, and change the size of the samples in its header."""
    soundfile.write(path, make_sound(), RATE, "PCM_16")
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    struct.pack_into("<I", content, at, size)
    path.write_bytes(content)


BYTES = 2 * round(SECONDS * RATE)


@register("says_none.wav", "ok")
def _write_says_none(path: Path) -> None:  # as a recorder writes that is switched off in the middle
    _write_with_data_size(path, 0)


@register("says_unknown.wav", "ok")
def _write_says_unknown(path: Path) -> None:  # like ffmpeg when it writes to a pipe
    _write_with_data_size(path, 0xFFFFFFFF)


@register("says_twice.wav", "ok")
def _write_says_twice(path: Path) -> None:
    _write_with_data_size(path, 2 * BYTES)


@register("says_half.wav", "failed", "header")
def _write_says_half(path: Path) -> None:
    _write_with_data_size(path, BYTES // 2)


@register("says_2_to_the_63.rf64", "ok")
def _write_says_2_to_the_63(path: Path) -> None:
    soundfile.write(path, make_sound(), RATE, "PCM_16", format="RF64")
    content = bytearray(path.read_bytes())
    at = content.index(b"ds64") + 8
    struct.pack_into("<qqq", content, at, 2**63 - 1, 2**63 - 1, 2**63 - 1)
    path.write_bytes(content)


def _write_with_field(path: Path, at: int, layout: str, value: int) -> None:
    """Write a WAV file, and overwrite the field that is `at` bytes after the size of its `fmt ` chunk."""
    soundfile.write(path, make_sound(), RATE, "PCM_16")
    content = bytearray(path.read_bytes())
    struct.pack_into(layout, content, content.index(b"fmt ") + 8 + at, value)
    path.write_bytes(content)


@register("rate_0.wav", "failed", "not audio")
def _write_rate_0(path: Path) -> None:
    _write_with_field(path, 4, "<I", 0)


@register("rate_1.wav", "failed", "rate")
def _write_rate_1(path: Path) -> None:
    _write_with_field(path, 4, "<I", 1)


@register("rate_2_to_the_31.wav", "failed", "rate")
def _write_rate_2_to_the_31(path: Path) -> None:
    _write_with_field(path, 4, "<I", 2**31 - 1)


@register("channels_0.wav", "failed", "not audio")
def _write_channels_0(path: Path) -> None:
    _write_with_field(path, 2, "<H", 0)


@register("channels_65535.wav", "failed", "not audio")
def _write_channels_65535(path: Path) -> None:
    _write_with_field(path, 2, "<H", 65_535)


@register("channels_1024.wav", "ok")
def _write_channels_1024(path: Path) -> None:
    soundfile.write(path, np.tile(make_sound(0.1)[:, None], 1024), RATE, "PCM_16", format="WAV")


@register("says_more_than_bytes_hold.w64", "ok")
def _write_says_more_than_bytes_hold(path: Path) -> None:
    # libsndfile would repeat the last block for months of sound.
    soundfile.write(path, make_sound(), RATE, "GSM610", format="W64")
    content = bytearray(path.read_bytes())
    struct.pack_into("<Q", content, content.index(b"data\xf3\xac") + 16, 0xFFFFFF00_00001000)
    path.write_bytes(content)


# --- files that are damaged in the middle --------------------------------------------------------------


@register("cut.wav", "ok")
def _write_cut_wav(path: Path) -> None:  # a WAV file has no mark at its end
    write_good_file(path)
    os.truncate(path, path.stat().st_size // 2)


@register("cut.flac", "failed", "broken")
def _write_cut_flac(path: Path) -> None:
    write_good_file(path)
    os.truncate(path, path.stat().st_size * 6 // 10)


@register("garbage_inside.flac", "failed", "broken")
def _write_garbage_inside(path: Path) -> None:
    write_good_file(path, seconds=8)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20_000] = np.random.default_rng(5).bytes(20_000)
    path.write_bytes(content)


@register("changes.ogg", "failed", "header")
def _write_changes(path: Path) -> None:
    # Two streams one after another. The second one has another sample rate and two channels.
    write_good_file(path)
    first = path.read_bytes()
    soundfile.write(path, np.column_stack([make_sound(1.0), make_sound(1.0, 2)]), 44_100, format="OGG")
    path.write_bytes(first + path.read_bytes())


# --- values that are not finite ------------------------------------------------------------------


def _write_with_sample(path: Path, value: float) -> None:
    samples = make_sound()
    samples[20_000] = value
    soundfile.write(path, samples, RATE, "FLOAT")


@register("nan.wav", "failed", "not finite")
def _write_nan(path: Path) -> None:
    _write_with_sample(path, np.nan)


@register("inf.wav", "failed", "not finite")
def _write_inf(path: Path) -> None:
    _write_with_sample(path, -np.inf)


@register("huge.wav", "failed", "not finite")
def _write_huge(path: Path) -> None:
    _write_with_sample(path, 1e29)


# --- files that are not broken, but have little sound --------------------------------------------


@register("no_samples.wav", "empty")
def _write_no_samples(path: Path) -> None:
    write_good_file(path, seconds=0)


@register("one_sample.wav", "ok")
def _write_one_sample(path: Path) -> None:
    soundfile.write(path, make_sound()[:1], RATE)


@register("silent.wav", "ok")
def _write_silent(path: Path) -> None:
    soundfile.write(path, np.zeros(RATE, np.float32), RATE)
