"""Sounds whose header says what no sound has: a named error, and no memory taken on its word.

One worker of the real pool gets all of them, and its peak is read from /proc; so a header that makes it take
memory for what it promises is found, whichever it is.
"""

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile

from helpers.broken_audio import RATE, good, sound
from helpers.sample_data import Float, bits
from specfeat.audio.worker_pool import WorkerPool
from specfeat.config import load_config
from specfeat.errors import AudioError

MOST = 300e6  # bytes, of the worker
SETTINGS = load_config("minimal").settings
SAMPLES = 24_000
FOREVER = 2**62


class Layout(NamedTuple):
    """Where a container's header says what: the bytes before a field, how far after them it lies, its form.

    A form of "d" is a float64; "x" is the 80-bit float of AIFF.
    """

    rate: tuple[bytes, int, str]
    channels: tuple[bytes, int, str]
    length: tuple[bytes, int, str]


W64_GUID = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"  # after `fmt ` and `data`
FORM = {"rate": (b"fmt ", 12, "<I"), "channels": (b"fmt ", 10, "<H")}
LAYOUTS = {
    "WAV": Layout(**FORM, length=(b"data", 4, "<I")),
    "WAVEX": Layout(**FORM, length=(b"data", 4, "<I")),
    "RF64": Layout(**FORM, length=(b"ds64", 16, "<Q")),
    "W64": Layout(
        rate=(b"fmt " + W64_GUID, 28, "<I"),
        channels=(b"fmt " + W64_GUID, 26, "<H"),
        length=(b"data" + W64_GUID, 16, "<Q"),
    ),
    "CAF": Layout(rate=(b"desc", 12, ">d"), channels=(b"desc", 36, ">I"), length=(b"data", 4, ">Q")),
    "AIFF": Layout(rate=(b"COMM", 16, "x"), channels=(b"COMM", 8, ">H"), length=(b"COMM", 10, ">I")),
    "AU": Layout(rate=(b".snd", 16, ">I"), channels=(b".snd", 20, ">I"), length=(b".snd", 8, ">I")),
}
SIZES = {"H": 2**16 - 1, "I": 2**32 - 1, "Q": FOREVER}


def _packed(form: str, value: int) -> bytes:
    if form != "x":
        return struct.pack(form, min(value, SIZES.get(form[-1], value)))
    exponent = value.bit_length() - 1
    return struct.pack(">HQ", 16383 + exponent, value << 63 - exponent) if value else bytes(10)


def _with(path: Path, layout: Layout, **fields: int) -> None:
    whole = bytearray(path.read_bytes())
    for name, value in fields.items():
        before, after, form = getattr(layout, name)
        at = whole.index(before) + after
        put = _packed(form, value)
        whole[at : at + len(put)] = put
    path.write_bytes(whole)


def _flac_with(path: Path, *, rate: int = RATE, channels: int = 1, length: int = SAMPLES) -> None:
    """STREAMINFO (RFC 9639, 8.2): 20 bits of rate, 3 of channels - 1, 5 of bits - 1, 36 of samples."""
    whole = bytearray(path.read_bytes())
    depth = int.from_bytes(whole[18:26]) >> 36 & 31
    whole[18:26] = (rate << 44 | channels - 1 << 41 | depth << 36 | length).to_bytes(8)
    path.write_bytes(whole)


RATES = (0, 1, 999, 2**31 - 1, 2**32 - 1)
CHANNELS = (0, 1024, 65_535, 2**32 - 1)


def _write_all(folder: Path) -> Iterator[str]:
    for container, layout in LAYOUTS.items():
        fields = [{"rate": rate} for rate in RATES] + [{"channels": count} for count in CHANNELS]
        fields += [{"length": FOREVER}, {"channels": 1024, "length": FOREVER}]
        fields += [{"rate": 2**31 - 1, "channels": 1024, "length": FOREVER}]
        for said in fields:
            name = f"{container}.{'.'.join(f'{key}_{value}' for key, value in said.items())}"
            soundfile.write(folder / name, sound(), RATE, "PCM_16", format=container)
            _with(folder / name, layout, **said)
            yield name
    for said in ({"rate": 0}, {"rate": 1}, {"rate": 2**20 - 1}, {"channels": 8}, {"length": 2**36 - 1}):
        name = f"FLAC.{'.'.join(f'{key}_{value}' for key, value in said.items())}"
        soundfile.write(folder / name, sound(), RATE, "PCM_16", format="FLAC")
        _flac_with(folder / name, **said)
        yield name


class Came(NamedTuple):
    """What a file came to: its error, or its samples and clips."""

    error: AudioError | None
    samples: int
    clips: Float


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Came], float]:
    """Every file through one worker, a good one last; and the most memory that the worker has had."""
    folder = tmp_path_factory.mktemp("headers")
    names = list(_write_all(folder))
    good(folder / "good.wav")
    paths = [str(folder / name) for name in names]
    came: dict[str, Came] = {}
    with WorkerPool(SETTINGS, 1, timeout_s=60) as pool:
        process = pool._workers[0]._process
        for track in pool.tracks([*paths, str(folder / "good.wav")]):
            clips: list[Float] = [np.empty((0, *SETTINGS.input_shape), np.float32)]
            error = None
            try:
                clips += [some.copy() for some in track]
            except AudioError as e:
                error = e
            came[Path(track.path).name] = Came(error, track.samples, np.concatenate(clips))
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return came, 1024 * int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])


def _saying(came: dict[str, Came], *fields: str) -> list[tuple[str, Came]]:
    found = [(name, file) for name, file in came.items() if name.partition(".")[2] in fields]
    assert found
    return found


def _causes(came: dict[str, Came], *fields: str) -> dict[str, str]:
    return {name: file.error.cause if file.error else "" for name, file in _saying(came, *fields)}


Outcomes = tuple[dict[str, Came], float]


def test_an_absurd_rate_is_an_error(outcomes: Outcomes) -> None:
    """None, one or two thousand million samples a second: no file has them, and none is resampled from them."""
    rates = [f"rate_{rate}" for rate in RATES] + [f"rate_{2**31 - 1}.channels_1024.length_{FOREVER}"]
    causes = _causes(outcomes[0], *rates)

    assert set(causes.values()) == {"rate", "not audio"}, causes


def test_absurd_channels_are_an_error(outcomes: Outcomes) -> None:
    """No channel, or more than libsndfile's 1,024."""
    causes = _causes(outcomes[0], *(f"channels_{count}" for count in CHANNELS if count != 1024))

    assert set(causes.values()) == {"not audio"}, causes


def test_an_absurd_length_is_not_believed(outcomes: Outcomes) -> None:
    """What is there is read, or the file is refused; never more samples than the file has bytes for."""
    for name, file in _saying(outcomes[0], f"length_{FOREVER}", f"length_{2**36 - 1}"):
        assert file.samples == SAMPLES or (file.error and file.error.cause == "not audio"), name
    for name, file in _saying(outcomes[0], "channels_1024", f"channels_1024.length_{FOREVER}"):
        assert file.samples <= SAMPLES // 1024 + 1, name
        assert not file.error or file.error.cause == "not audio", name


def test_a_flac_of_other_channels_than_its_frames_is_broken(outcomes: Outcomes) -> None:
    """STREAMINFO says eight, each frame says one."""
    assert _causes(outcomes[0], "channels_8") == {"FLAC.channels_8": "broken"}


def test_no_header_takes_memory(outcomes: Outcomes) -> None:
    """The worker that had them all stays under 300 MB, and is the one that began."""
    came, peak = outcomes

    assert 20e6 < peak < MOST
    assert not {file.error.cause for file in came.values() if file.error} & {
        "crash",
        "memory",
        "timeout",
        "bug",
    }


def test_the_good_file_after_them_is_as_alone(outcomes: Outcomes, tmp_path: Path) -> None:
    """Its clips are byte for byte those of a worker that has seen nothing else."""
    good(tmp_path / "good.wav")
    with WorkerPool(SETTINGS, 1) as pool:
        alone = [clips.copy() for track in pool.tracks([str(tmp_path / "good.wav")]) for clips in track]

    assert bits(outcomes[0]["good.wav"].clips) == bits(np.concatenate(alone))
