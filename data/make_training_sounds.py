#!/usr/bin/env python3
"""Makes sounds to train the network `default` with: spoken words, and sounds of a random synthesiser.

    python data/make_training_sounds.py FOLDER [--speech 4000] [--synthetic 3000] [--seed 0]

The words of `spoken_words.txt` are spoken by espeak-ng, and by flite if it is installed, in many voices.
Their licences do not apply to the sounds that they produce. The synthesiser is in this file: noises,
glides, impulses and their mixtures. The same seed and the same versions of the programs give the same
bytes.
"""

import argparse
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE_RATE = 16_000
Samples = NDArray[np.float64]

WORDS = (Path(__file__).parent / "spoken_words.txt").read_text().split()
VARIANTS = (
    "",
    "+m1",
    "+m2",
    "+m3",
    "+m4",
    "+m5",
    "+m6",
    "+m7",
    "+f1",
    "+f2",
    "+f3",
    "+f4",
    "+f5",
    "+croak",
    "+whisper",
)
# English, and languages that give English words other vowels and consonants. A language that is listed
# several times is chosen more often.
LANGUAGES = (
    "en-us",
    "en-gb",
    "en-gb-x-rp",
    "en-gb-scotland",
    "en-gb-x-gbclan",
    "en-029",
    "en-gb-x-gbcwmd",
    "en-us",
    "en-gb",
    "en-us",
    "de",
    "fr-fr",
    "es",
    "it",
    "nl",
    "sv",
    "pl",
    "pt-br",
    "ru",
    "tr",
    "hi",
    "id",
    "fi",
    "cs",
)


def make_speech(folder: Path, seed: int, number: int) -> None:
    """Write one file with one to three spoken words."""
    random = np.random.default_rng([seed, 0, number])
    words = " ".join(random.choice(WORDS, random.choice([1, 1, 1, 2, 3])))
    path = folder / f"speech_{number:05d}.wav"
    flite_voice = random.choice(["awb", "kal16", "rms", "slt"])
    if shutil.which("flite") and random.random() < 0.1:
        command = ["flite", "-voice", flite_voice, "-t", words, "-o", str(path)]
    else:
        voice = random.choice(LANGUAGES) + random.choice(VARIANTS)
        speed, pitch = random.integers(110, 260), random.integers(15, 85)
        command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "-w", str(path), words]
    # No shell reads the command, and its words come from this file and from `spoken_words.txt`.
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    samples, rate = soundfile.read(path, dtype="float32")
    path.unlink()
    samples = _cut_silence(soxr.resample(samples, rate, SAMPLE_RATE))
    _write(folder / f"speech_{number:05d}.flac", samples)


def make_synthetic(folder: Path, seed: int, number: int) -> None:
    """Write one file of the synthesiser: one to three layers, each of a random kind."""
    random = np.random.default_rng([seed, 1, number])
    length = int(SAMPLE_RATE * random.uniform(0.6, 3.0))
    mixture = np.zeros(length)
    for _ in range(random.choice([1, 1, 2, 3])):
        kind: Callable[[np.random.Generator, int], Samples] = KINDS[random.integers(len(KINDS))]
        layer = kind(random, length) * make_envelope(random, length)
        mixture += layer / (np.sqrt(np.mean(layer**2)) + 1e-9) * 10 ** (random.uniform(-20, 0) / 20)
    _write(folder / f"synthetic_{number:05d}.flac", mixture)


def make_noise(random: np.random.Generator, length: int) -> Samples:
    """Return noise with a random spectrum, which may move."""
    spectrum = np.fft.rfft(random.standard_normal(length))
    frequencies = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    points = np.geomspace(50, 8000, random.integers(3, 12))
    gain_db = random.uniform(-40, 0, len(points)) + random.uniform(-12, 3) * np.log2(points / 1000)
    shape = np.interp(np.log(np.maximum(frequencies, 1)), np.log(points), gain_db)
    return np.fft.irfft(spectrum * 10 ** (shape / 20), length)


def make_glide(random: np.random.Generator, length: int) -> Samples:
    """Return a harmonic tone whose pitch moves along random points, like a call or a siren."""
    count = random.integers(2, 10)
    pitch = np.exp(
        np.interp(
            np.linspace(0, 1, length),
            np.linspace(0, 1, count),
            np.log(random.uniform(80, 4000) * 2 ** random.uniform(-1, 1, count)),
        )
    )
    if random.random() < 0.4:
        pitch *= 1 + random.uniform(0, 0.08) * np.sin(
            2 * np.pi * random.uniform(3, 12) * np.arange(length) / SAMPLE_RATE
        )
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    tone = np.zeros(length)
    decay = random.uniform(0.5, 2.5)
    for harmonic in range(1, random.integers(1, 16) + 1):
        audible = pitch * harmonic < 7800
        tone += audible * np.sin(harmonic * phase + random.uniform(0, 6.3)) * harmonic**-decay
    return tone


def make_impulses(random: np.random.Generator, length: int) -> Samples:
    """Return decaying bursts at regular or irregular times, like steps, clocks, drops and drums."""
    samples = np.zeros(length)
    period = random.uniform(0.03, 0.6)
    time_s = random.uniform(0, period)
    burst_length = int(SAMPLE_RATE * random.uniform(0.005, 0.4))
    decay = np.exp(-np.arange(burst_length) / (burst_length / random.uniform(3, 9)))
    is_tonal = random.random() < 0.5
    resonances = random.uniform(100, 6000, random.integers(1, 6))
    jitter = random.choice([0.0, 0.05, 0.6])
    while time_s < length / SAMPLE_RATE:
        times = np.arange(burst_length) / SAMPLE_RATE
        if is_tonal:
            burst = sum(np.sin(2 * np.pi * f * times + random.uniform(0, 6.3)) for f in resonances)
        else:
            burst = make_noise(random, burst_length)
        start = int(time_s * SAMPLE_RATE)
        piece = (burst * decay * random.uniform(0.5, 1))[: length - start]
        samples[start : start + len(piece)] += piece
        time_s += period * (1 + jitter * random.uniform(-1, 1))
    return samples


def make_modulated(random: np.random.Generator, length: int) -> Samples:
    """Return frequency modulation with a fast modulator, like bells, insects and machines."""
    times = np.arange(length) / SAMPLE_RATE
    carrier, ratio = random.uniform(100, 3000), random.choice([0.5, 1, 1.41, 2, 3.5, random.uniform(0.1, 5)])
    index = random.uniform(0.2, 8) * np.exp(-times * random.uniform(0, 6))
    return np.sin(2 * np.pi * carrier * times + index * np.sin(2 * np.pi * carrier * ratio * times))


def make_rough(random: np.random.Generator, length: int) -> Samples:
    """Return noise or a tone that is switched at an audible rate, like engines and saws."""
    times = np.arange(length) / SAMPLE_RATE
    rate = random.uniform(8, 120) * np.exp(
        np.interp(np.linspace(0, 1, length), np.linspace(0, 1, 4), random.uniform(-0.3, 0.3, 4))
    )
    phase = np.cumsum(rate) / SAMPLE_RATE % 1
    source = (
        make_noise(random, length)
        if random.random() < 0.6
        else np.sin(2 * np.pi * random.uniform(60, 900) * times)
    )
    return source * np.exp(-phase * random.uniform(1, 8))


KINDS = (make_noise, make_glide, make_impulses, make_modulated, make_rough)


def make_envelope(random: np.random.Generator, length: int) -> Samples:
    """Return a random envelope, 0 to 1: steady, decaying, or along random points."""
    if random.random() < 0.3:
        return np.ones(length)
    if random.random() < 0.4:
        return np.exp(-np.arange(length) / SAMPLE_RATE * random.uniform(0.5, 12))
    count = random.integers(3, 12)
    return np.interp(np.linspace(0, 1, length), np.linspace(0, 1, count), random.uniform(0, 1, count) ** 2)


def _cut_silence(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    loud = np.flatnonzero(np.abs(samples) > 1e-3)
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples


def _write(path: Path, samples: Samples | NDArray[np.float32]) -> None:
    peak = float(np.abs(samples).max(initial=0))
    soundfile.write(path, samples / peak * 0.7 if peak > 0 else samples, SAMPLE_RATE, subtype="PCM_16")


def main() -> None:
    """Read the command line, and write the files in one process for each core."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--speech", type=int, default=4000, help="files with spoken words")
    parser.add_argument("--synthetic", type=int, default=3000, help="files of the synthesiser")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.speech and not shutil.which("espeak-ng"):
        sys.exit("espeak-ng is not installed; install it, or use --speech 0")
    with ProcessPoolExecutor() as pool:
        for name, count, make in (
            ("speech", arguments.speech, make_speech),
            ("synthetic", arguments.synthetic, make_synthetic),
        ):
            folder = arguments.folder / name
            folder.mkdir(parents=True, exist_ok=True)
            for _ in pool.map(partial(make, folder, arguments.seed), range(count), chunksize=32):
                pass


if __name__ == "__main__":
    main()
