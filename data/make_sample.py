"""Write the clips of data/sample/: synthetic sounds, in the formats that recordings come in.

    python data/make_sample.py

The same versions of NumPy and libsndfile write the same bytes, so that running it again changes nothing.
"""

import struct
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

Sound = NDArray[np.float64]  # -1..1, shape (samples,) or (samples, channels)

FOLDER = Path(__file__).parent / "sample"
BLOCK = 4096  # samples; Ogg Vorbis written in one large piece crashes in libsndfile


def main() -> None:
    """Write every clip and say how large it became."""
    noise = np.random.default_rng(1)
    write("chirp.wav", chirp(2.0, 16_000, 200, 6_000), 16_000, "PCM_16")
    write("clicks.wav", clicks(0.25, 8_000, every=0.05), 8_000, "PCM_16")
    write("tones.flac", np.stack([tone(1.0, 44_100, 440), tone(1.0, 44_100, 660)], axis=1), 44_100, "PCM_24")
    write("bursts.ogg", bursts(2.5, 22_050, noise), 22_050, "VORBIS")
    write("chord.mp3", chord(2.2, 32_000, (262, 330, 392)), 32_000, "MPEG_LAYER_III")
    write("fall.opus", chirp(1.8, 48_000, 9_000, 300), 48_000, "OPUS")
    write("more/tremolo.aiff", tremolo(1.5, 11_025, 880, 6), 11_025, "PCM_16")


def times(seconds: float, rate: int) -> Sound:
    """Return the time of each sample, in seconds."""
    return np.arange(round(seconds * rate)) / rate


def tone(seconds: float, rate: int, frequency: float) -> Sound:
    """Return a sine, faded in and out so that its ends do not click."""
    return faded(0.5 * np.sin(2 * np.pi * frequency * times(seconds, rate)), rate)


def chirp(seconds: float, rate: int, start: float, end: float) -> Sound:
    """Return a sine that goes from one frequency to the other, by equal ratios in equal times."""
    octaves = np.log(end / start) / seconds
    phase = start * np.expm1(octaves * times(seconds, rate)) / octaves
    return faded(0.5 * np.sin(2 * np.pi * phase), rate)


def chord(seconds: float, rate: int, frequencies: tuple[float, ...]) -> Sound:
    """Return the mean of some tones."""
    mean: Sound = np.mean([tone(seconds, rate, frequency) for frequency in frequencies], axis=0)
    return mean


def tremolo(seconds: float, rate: int, frequency: float, beats: float) -> Sound:
    """Return a tone that swells and fades `beats` times a second."""
    swell = 0.5 - 0.5 * np.cos(2 * np.pi * beats * times(seconds, rate))
    return tone(seconds, rate, frequency) * swell


def bursts(seconds: float, rate: int, noise: np.random.Generator) -> Sound:
    """Return white noise that dies away and starts anew twice a second."""
    return 0.2 * noise.standard_normal(round(seconds * rate)) * np.exp(-12 * (times(seconds, rate) % 0.5))


def clicks(seconds: float, rate: int, every: float) -> Sound:
    """Return single samples of alternating sign in silence."""
    sound = np.zeros(round(seconds * rate))
    sound[:: round(every * rate)] = 0.9
    sound[:: 2 * round(every * rate)] *= -1
    return sound


def faded(sound: Sound, rate: int) -> Sound:
    """Raise the first and lower the last 20 ms."""
    ramp = np.linspace(0, 1, rate // 50)
    sound[: len(ramp)] *= ramp
    sound[-len(ramp) :] *= ramp[::-1]
    return sound


def write(name: str, sound: Sound, rate: int, subtype: str) -> None:
    """Write one clip below the folder."""
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = sound[0].size
    container = "OGG" if subtype == "OPUS" else None  # else the extension says it
    with soundfile.SoundFile(path, "w", rate, channels, subtype, format=container) as file:
        for start in range(0, len(sound), BLOCK):
            file.write(sound[start : start + BLOCK])
    if subtype in ("VORBIS", "OPUS"):
        path.write_bytes(renumbered(path.read_bytes()))
    print(f"{name}: {path.stat().st_size:,} bytes")


def renumbered(ogg: bytes, serial: int = 1) -> bytes:
    """Give an Ogg stream a fixed serial number: libsndfile draws it by the clock.

    Page layout and checksum: RFC 3533, section 6.
    """
    out, start = bytearray(ogg), 0
    while start < len(out):
        body = start + 27 + out[start + 26]
        end = body + sum(out[start + 27 : body])
        struct.pack_into("<I", out, start + 14, serial)
        struct.pack_into("<I", out, start + 22, 0)  # the checksum counts as zero in itself
        struct.pack_into("<I", out, start + 22, checksum(out[start:end]))
        start = end
    return bytes(out)


def checksum(page: bytes | bytearray) -> int:
    """Return the CRC of an Ogg page: polynomial 0x04C11DB7, neither reflected nor inverted."""
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = crc << 1 ^ (0x104C11DB7 if crc & 0x80000000 else 0)
    return crc


if __name__ == "__main__":
    main()
