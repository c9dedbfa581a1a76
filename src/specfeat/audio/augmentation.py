"""Random changes of the samples of a sound, for training: gain, speed, other sounds, noise, a random filter.

The changes of a sound depend on the seed, the number of the variant and the sound alone. So a sound gets the
same changes in each process, in each order, and at each sample rate.

A sound is changed in pieces of `PIECE_S` seconds, each with its own random numbers. So memory stays bounded,
and a long recording has many different changes. Only the speed is the same for the whole sound.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import soxr

from specfeat.audio import decode
from specfeat.audio.decode import Samples
from specfeat.config.audio import Audio
from specfeat.config.augmentation import Augmentation
from specfeat.errors import AudioError
from specfeat.sound import Sound

PIECE_S = 10.0
ADDED_S = 30.0  # only the first 30 seconds of an added sound are used
MIX_SNR_DB = (-3.0, 20.0)
EQUALIZER_POINTS = 8
EQUALIZER_LIMITS_HZ = (60.0, 16_000.0)
_QUIET = 1e-5  # the root mean square of a sound that counts as silence: -100 dBFS


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleAugmentation:
    """Which random changes are made to the samples of sounds.

    Attributes:
        steps: the changes, in order.
        seed: the seed of the training.
        variant: the number of the random form, from 0.
        sounds: the sounds that the step `mix` may add.
        noises: the sounds that each step `noise` may add, in the order of these steps.
        keeps_level: whether the step `gain` is left out; all other random numbers stay the same.
    """

    steps: tuple[Augmentation, ...]
    seed: int
    variant: int
    sounds: tuple[Sound, ...] = ()
    noises: tuple[tuple[Sound, ...], ...] = ()
    keeps_level: bool = False


def augment_samples(
    blocks: Iterable[Samples], sound: Sound, augmentation: SampleAugmentation, audio: Audio
) -> Iterator[Samples]:
    """Change the samples of a sound at random.

    Args:
        blocks: the mono samples at the config's rate.
        sound: the sound; with seed and variant it decides the random numbers.
        augmentation: the changes.
        audio: the config's sample rate and channel, with which added sounds are read.

    Raises:
        AudioError: the sound cannot be read. An added sound that cannot be read is left out.
    """
    speeds = [step.speed for step in augmentation.steps if step.speed is not None]
    if speeds:
        random = _make_generator(augmentation, sound, -1)
        factor = float(np.prod([np.exp(random.uniform(-1, 1) * np.log1p(speed)) for speed in speeds]))
        blocks = _change_speed(blocks, audio.sample_rate, factor)
    for number, piece in enumerate(_cut_pieces(blocks, round(PIECE_S * audio.sample_rate))):
        yield _change_piece(piece, _make_generator(augmentation, sound, number), augmentation, audio)


def _make_generator(augmentation: SampleAugmentation, sound: Sound, piece: int) -> np.random.Generator:
    """Return the generator of one piece of a sound; piece -1 stands for the whole sound."""
    key = (augmentation.seed, augmentation.variant, sound.key.name, sound.part, piece)
    digest = hashlib.sha256(repr(key).encode(errors="surrogateescape")).digest()
    return np.random.default_rng(np.frombuffer(digest, np.uint32))


def _cut_pieces(blocks: Iterable[Samples], length: int) -> Iterator[Samples]:
    pending = np.empty(0, np.float32)
    for block in blocks:
        pending = np.concatenate([pending, block])
        while len(pending) >= length:
            yield pending[:length]
            pending = pending[length:]
    if len(pending):
        yield pending


def _change_speed(blocks: Iterable[Samples], sample_rate: int, factor: float) -> Iterator[Samples]:
    """Play a stream faster by a factor, with a pitch that is higher by the same factor."""
    resampler = soxr.ResampleStream(sample_rate * factor, sample_rate, 1, dtype="float32")
    for block in blocks:
        yield resampler.resample_chunk(block)
    yield resampler.resample_chunk(np.empty(0, np.float32), last=True)


def _change_piece(
    samples: Samples, random: np.random.Generator, augmentation: SampleAugmentation, audio: Audio
) -> Samples:
    noises = iter(augmentation.noises)
    for step in augmentation.steps:
        if step.gain is not None:
            gain_db = random.uniform(*step.gain)
            if not augmentation.keeps_level:
                samples = samples * np.float32(10 ** (gain_db / 20))
        elif step.mix is not None and random.random() < step.mix:
            samples = _add_sound(samples, random, augmentation.sounds, MIX_SNR_DB, audio)
        elif step.noise is not None:
            sounds = next(noises)
            if random.random() < step.noise.probability:
                samples = _add_sound(samples, random, sounds, step.noise.snr, audio)
        elif step.equalize is not None:
            samples = _filter_samples(samples, random, step.equalize, audio.sample_rate)
    return samples


def _add_sound(
    samples: Samples,
    random: np.random.Generator,
    sounds: tuple[Sound, ...],
    snr_db: tuple[float, float],
    audio: Audio,
) -> Samples:
    """Add one of the sounds at a random place, weaker than the samples by a random number of dB."""
    snr, choice, place = random.uniform(*snr_db), random.random(), random.random()
    if not sounds:
        return samples
    added = _read_beginning(sounds[int(choice * len(sounds))], audio)
    surplus = len(added) - len(samples)
    if surplus > 0:
        start = int(place * surplus)
        added = added[start : start + len(samples)]
    level, added_level = _measure_level(samples), _measure_level(added)
    if level < _QUIET or added_level < _QUIET:
        return samples
    start = int(place * (len(samples) - len(added) + 1))
    mixed = samples.copy()
    mixed[start : start + len(added)] += added * np.float32(level / added_level * 10 ** (-snr / 20))
    return mixed


def _read_beginning(sound: Sound, audio: Audio) -> Samples:
    """Return the first `ADDED_S` seconds of a sound, or what can be read of them."""
    blocks: list[Samples] = []
    total, wanted = 0, round(ADDED_S * audio.sample_rate)
    try:
        for block in decode.read_samples(sound, audio):
            blocks.append(block)
            total += len(block)
            if total >= wanted:
                break
    except AudioError:  # a sound of the training is reported when its own clips are made
        pass
    return np.concatenate(blocks)[:wanted] if blocks else np.empty(0, np.float32)


def _measure_level(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def _filter_samples(
    samples: Samples, random: np.random.Generator, limit_db: float, sample_rate: int
) -> Samples:
    """Filter samples with a random gain at each of a few frequencies, linear in dB between them."""
    points = np.geomspace(*EQUALIZER_LIMITS_HZ, EQUALIZER_POINTS)
    gains_db = random.uniform(-limit_db, limit_db, EQUALIZER_POINTS)
    padded_length = 1 << (len(samples) + sample_rate // 10).bit_length()  # the filter rings into the padding
    spectrum = np.fft.rfft(samples, padded_length)
    frequencies = np.fft.rfftfreq(padded_length, 1 / sample_rate)
    gain = 10 ** (np.interp(np.log(np.maximum(frequencies, 1.0)), np.log(points), gains_db) / 20)
    filtered: Samples = np.fft.irfft(spectrum * gain, padded_length)[: len(samples)].astype(np.float32)
    return filtered
