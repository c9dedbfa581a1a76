"""Files with impossible values in their header: each is an error with a cause, or is read; none takes much memory.

One worker of a real pool reads all of them. Its peak of memory is read from /proc, so a header for which the
worker allocates what the header says is found, whichever file has it.
"""

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile

from helpers.broken_audio import RATE, make_sound, write_good_file
from helpers.sample_data import Float, get_bits
from specfeat.audio.worker_pool import WorkerPool
from specfeat.config import load_config
from specfeat.errors import AudioError
from specfeat.sound import make_file_sound

pytestmark = pytest.mark.slow

MAX_WORKER_BYTES = 300e6
SETTINGS = load_config("minimal").settings
SAMPLES = 24_000
ENDLESS = 2**62  # samples, or bytes


class Layout(NamedTuple):
    """Where the fields of a container's header are.

    Each has the bytes by which it is found, its distance in bytes from their beginning, and its format: of the
    module `struct`, or "x" for the 80-bit float of AIFF.
    """

    rate: tuple[bytes, int, str]
    channels: tuple[bytes, int, str]
    length: tuple[bytes, int, str]


W64_GUID = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"  # after `fmt ` and `data`
FORMAT_CHUNK = {"rate": (b"fmt ", 12, "<I"), "channels": (b"fmt ", 10, "<H")}
LAYOUTS = {
    "WAV": Layout(**FORMAT_CHUNK, length=(b"data", 4, "<I")),
    "WAVEX": Layout(**FORMAT_CHUNK, length=(b"data", 4, "<I")),
    "RF64": Layout(**FORMAT_CHUNK, length=(b"ds64", 16, "<Q")),
    "W64": Layout(
        rate=(b"fmt " + W64_GUID, 28, "<I"),
        channels=(b"fmt " + W64_GUID, 26, "<H"),
        length=(b"data" + W64_GUID, 16, "<Q"),
    ),
    "CAF": Layout(rate=(b"desc", 12, ">d"), channels=(b"desc", 36, ">I"), length=(b"data", 4, ">Q")),
    "AIFF": Layout(rate=(b"COMM", 16, "x"), channels=(b"COMM", 8, ">H"), length=(b"COMM", 10, ">I")),
    "AU": Layout(rate=(b".snd", 16, ">I"), channels=(b".snd", 20, ">I"), length=(b".snd", 8, ">I")),
}
MAX_VALUES = {"H": 2**16 - 1, "I": 2**32 - 1, "Q": ENDLESS}


def _pack(layout: str, value: int) -> bytes:
    if layout != "x":
        return struct.pack(layout, min(value, MAX_VALUES.get(layout[-1], value)))
    exponent = value.bit_length() - 1
    return struct.pack(">HQ", 16383 + exponent, value << 63 - exponent) if value else bytes(10)


def _set_fields(path: Path, layout: Layout, **fields: int) -> None:
    content = bytearray(path.read_bytes())
    for name, value in fields.items():
        mark, distance, field_layout = getattr(layout, name)
        start = content.index(mark) + distance
        data = _pack(field_layout, value)
        content[start : start + len(data)] = data
    path.write_bytes(content)


def _set_flac_fields(path: Path, *, rate: int = RATE, channels: int = 1, length: int = SAMPLES) -> None:
    """STREAMINFO (RFC 9639, 8.2): 20 bits of rate, 3 of channels - 1, 5 of bits - 1, 36 of samples."""
    content = bytearray(path.read_bytes())
    depth = int.from_bytes(content[18:26]) >> 36 & 31
    content[18:26] = (rate << 44 | channels - 1 << 41 | depth << 36 | length).to_bytes(8)
    path.write_bytes(content)


RATES = (0, 1, 999, 2**31 - 1, 2**32 - 1)
CHANNELS = (0, 1024, 65_535, 2**32 - 1)


def _write_files(folder: Path) -> Iterator[str]:
    """Write every file, and yield its name: `CONTAINER.FIELD_VALUE`, with a further field after a dot."""
    for container, layout in LAYOUTS.items():
        fields = [{"rate": rate} for rate in RATES] + [{"channels": count} for count in CHANNELS]
        fields += [{"length": ENDLESS}, {"channels": 1024, "length": ENDLESS}]
        fields += [{"rate": 2**31 - 1, "channels": 1024, "length": ENDLESS}]
        for values in fields:
            name = f"{container}.{'.'.join(f'{key}_{value}' for key, value in values.items())}"
            soundfile.write(folder / name, make_sound(), RATE, "PCM_16", format=container)
            _set_fields(folder / name, layout, **values)
            yield name
    for values in ({"rate": 0}, {"rate": 1}, {"rate": 2**20 - 1}, {"channels": 8}, {"length": 2**36 - 1}):
        name = f"FLAC.{'.'.join(f'{key}_{value}' for key, value in values.items())}"
        soundfile.write(folder / name, make_sound(), RATE, "PCM_16", format="FLAC")
        _set_flac_fields(folder / name, **values)
        yield name


class Outcome(NamedTuple):
    """What a worker makes of a file: its error, or its samples and clips."""

    error: AudioError | None
    samples: int
    clips: Float


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> "Outcomes":
    """Read every file, and at last a good one, in one worker; also return the worker's peak of memory in bytes."""
    folder = tmp_path_factory.mktemp("headers")
    names = list(_write_files(folder))
    write_good_file(folder / "good.wav")
    sounds = [make_file_sound(str(folder / name)) for name in [*names, "good.wav"]]
    outcomes: dict[str, Outcome] = {}
    with WorkerPool(SETTINGS, 1, timeout_s=60) as pool:
        (pid,) = pool.process_ids
        for stream in pool.stream_clips(sounds):
            clips: list[Float] = [np.empty((0, *SETTINGS.input_shape), np.float32)]
            error = None
            try:
                clips += [some.copy() for some in stream]
            except AudioError as e:
                error = e
            outcomes[Path(stream.sound.path).name] = Outcome(error, stream.samples, np.concatenate(clips))
        # If the worker had died, there would be another one now, and this file would be missing.
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return outcomes, 1024 * int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])


Outcomes = tuple[dict[str, Outcome], float]


def _select(outcomes: Outcomes, *fields: str) -> list[tuple[str, Outcome]]:
    """Return the files that have these fields, in any container, and what the worker makes of them."""
    selected = [(name, file) for name, file in outcomes[0].items() if name.partition(".")[2] in fields]
    assert selected
    return selected


def _get_causes(outcomes: Outcomes, *fields: str) -> dict[str, str]:
    return {name: file.error.cause if file.error else "" for name, file in _select(outcomes, *fields)}


def test_an_impossible_rate_is_an_error(outcomes: Outcomes) -> None:
    """No file has 0, 1 or 2 thousand million samples per second, and nothing is resampled from such a rate."""
    rates = [f"rate_{rate}" for rate in RATES] + [f"rate_{2**31 - 1}.channels_1024.length_{ENDLESS}"]
    causes = _get_causes(outcomes, *rates)

    assert set(causes.values()) == {"rate", "not audio"}, causes


def test_an_impossible_number_of_channels_is_an_error(outcomes: Outcomes) -> None:
    """A file has at least one channel, and at most the 1,024 of libsndfile."""
    causes = _get_causes(outcomes, *(f"channels_{count}" for count in CHANNELS if count != 1024))

    assert set(causes.values()) == {"not audio"}, causes


def test_an_impossible_length_is_not_believed(outcomes: Outcomes) -> None:
    """The samples of the file are read, or it is an error; there are never more samples than the bytes can hold."""
    for name, file in _select(outcomes, f"length_{ENDLESS}", f"length_{2**36 - 1}"):
        assert file.samples == SAMPLES or (file.error and file.error.cause == "not audio"), name
    for name, file in _select(outcomes, "channels_1024", f"channels_1024.length_{ENDLESS}"):
        assert file.samples <= SAMPLES // 1024 + 1, name
        assert not file.error or file.error.cause == "not audio", name


def test_a_flac_with_different_channels_in_its_frames_is_broken(outcomes: Outcomes) -> None:
    """STREAMINFO has eight channels, each frame has one."""
    assert _get_causes(outcomes, "channels_8") == {"FLAC.channels_8": "broken"}


def test_no_header_takes_memory(outcomes: Outcomes) -> None:
    """The worker that reads all files stays below 300 MB, and does not die."""
    results, peak_bytes = outcomes

    assert 20e6 < peak_bytes < MAX_WORKER_BYTES
    assert not {file.error.cause for file in results.values() if file.error} & {
        "crash",
        "memory",
        "timeout",
        "bug",
    }


def test_a_good_file_after_them_has_the_clips_that_it_has_alone(outcomes: Outcomes, tmp_path: Path) -> None:
    """Its clips have the bytes that a worker gives that has read nothing else."""
    write_good_file(tmp_path / "good.wav")
    with WorkerPool(SETTINGS, 1) as pool:
        stream = next(pool.stream_clips([make_file_sound(str(tmp_path / "good.wav"))]))
        alone = [clips.copy() for clips in stream]

    assert get_bits(outcomes[0]["good.wav"].clips) == get_bits(np.concatenate(alone))
