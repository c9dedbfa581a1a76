"""Random changes of samples: the same for a sound in each process, as strong as asked, in bounded memory."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from helpers.sample_data import make_noise, make_settings, make_tone
from specfeat.audio.augmentation import PIECE_S, SampleAugmentation, augment_samples
from specfeat.config.augmentation import Augmentation
from specfeat.sound import Sound

RATE = 8000
AUDIO = make_settings(rate=RATE).audio


def _augment(samples: Any, *steps: dict[str, Any], sound: Sound | None = None, **options: Any) -> Any:
    augmentation = SampleAugmentation(
        steps=tuple(Augmentation.model_validate(step, strict=False) for step in steps),
        **{"seed": 0, "variant": 0, **options},
    )
    blocks = iter(np.split(samples, range(1000, len(samples), 1000)))
    return np.concatenate(list(augment_samples(blocks, sound or Sound("a.wav"), augmentation, AUDIO)))


def _measure_db(samples: Any) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


def test_a_gain_lies_between_its_limits() -> None:
    """Twenty sounds have twenty different gains between -20 and 6 dB."""
    tone = make_tone(440, RATE)
    gains = [
        _measure_db(_augment(tone, {"gain": [-20, 6]}, sound=Sound(f"{n}.wav"))) - _measure_db(tone)
        for n in range(20)
    ]

    assert min(gains) >= -20
    assert max(gains) <= 6
    assert len({round(gain, 3) for gain in gains}) == 20


def test_a_teacher_hears_the_same_changes_without_the_gain() -> None:
    """With `keeps_level`, only the gain is left out; the added sounds, the speed and the filter stay the same."""
    steps: list[dict[str, Any]] = [{"speed": 0.3}, {"gain": [-20, -10]}, {"equalize": 9}]
    tone = make_noise(RATE)
    changed, kept = (_augment(tone, *steps, keeps_level=keeps_level) for keeps_level in (False, True))

    factor = np.sqrt(np.mean(np.square(changed)) / np.mean(np.square(kept)))
    assert 10 ** (-20 / 20) <= factor <= 10 ** (-10 / 20)
    np.testing.assert_allclose(changed, factor * kept, atol=1e-6)


def test_a_change_of_speed_changes_length_and_pitch_alike() -> None:
    """A tone that is played faster by a factor is shorter and higher by the same factor."""
    tone, ratios = make_tone(500, 4 * RATE), []
    for n in range(6):
        fast = _augment(tone, {"speed": 0.5}, sound=Sound(f"{n}.wav"))
        ratio = len(tone) / len(fast)
        spectrum = np.abs(np.fft.rfft(fast * np.hanning(len(fast))))
        peak = np.argmax(spectrum) * RATE / len(fast)
        assert 1 / 1.5 - 0.01 <= ratio <= 1.51
        assert peak == pytest.approx(500 * ratio, rel=0.01)
        ratios.append(ratio)
    assert max(ratios) / min(ratios) > 1.1


def test_an_added_sound_has_the_level_that_is_asked_for(tmp_path: Path) -> None:
    """A noise with an SNR of 10 dB has a tenth of the power of the sound."""
    path = tmp_path / "noise.wav"
    soundfile.write(path, make_noise(RATE * 4), RATE, subtype="FLOAT")
    tone = make_tone(440, RATE)
    step = {"noise": {"folder": "x", "probability": 1, "snr": [10, 10]}}
    mixed = _augment(tone, step, noises=((Sound(str(path)),),))

    assert _measure_db(tone) - _measure_db(mixed - tone) == pytest.approx(10, abs=0.01)


def test_a_filter_stays_within_its_limit() -> None:
    """No frequency is changed by more than so many dB, and not all by the same."""
    noise = make_noise(8 * RATE)
    gain_db = 20 * np.log10(
        np.abs(np.fft.rfft(_augment(noise, {"equalize": 6}))) / np.abs(np.fft.rfft(noise))
    )
    bands = [np.median(part) for part in np.array_split(gain_db[100:-100], 30)]

    assert np.max(np.abs(bands)) <= 6.1
    assert np.ptp(bands) > 1


@pytest.mark.slow
def test_the_changes_depend_on_sound_variant_and_seed_alone() -> None:
    """Another process makes the same samples, whatever the hash seed; another variant or seed makes others."""
    code = (
        "import hashlib, numpy as np; from tests.audio.test_augmentation import _augment; from helpers.sample_data import make_noise;"
        "print(hashlib.sha256(_augment(make_noise(90000), {'gain': [-9, 9]}, {'speed': .2}, {'equalize': 9}).tobytes()).hexdigest())"
    )
    root = Path(__file__).parents[2]
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env={"PYTHONPATH": f"{root}:{root / 'tests'}:{root / 'src'}", "PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    noise = make_noise(1000)
    forms = [
        _augment(noise, {"gain": [-9, 9]}, seed=seed, variant=variant)
        for seed in (0, 1)
        for variant in (0, 1)
    ]

    assert len(outputs) == 1
    assert len({form.tobytes() for form in forms}) == 4


def test_blocks_of_any_size_give_the_same_samples() -> None:
    """The changes do not depend on how the samples are cut into blocks."""
    noise = make_noise(3 * RATE)
    augmentation = SampleAugmentation(
        steps=(Augmentation(speed=0.3), Augmentation(equalize=6.0)), seed=0, variant=0
    )
    results = [
        np.concatenate(
            list(augment_samples(iter(np.array_split(noise, count)), Sound("a.wav"), augmentation, AUDIO))
        )
        for count in (1, 7)
    ]

    assert np.allclose(results[0], results[1], atol=1e-6)


def test_a_long_sound_needs_memory_for_one_piece_only() -> None:
    """Blocks are taken as pieces are given, and no piece is longer than `PIECE_S`."""
    taken = 0

    def read_blocks() -> Iterator[Any]:
        nonlocal taken
        for _ in range(120):
            taken += 1
            yield np.zeros(RATE, np.float32)

    augmentation = SampleAugmentation(steps=(Augmentation(gain=(-6.0, 6.0)),), seed=0, variant=0)
    pieces = augment_samples(read_blocks(), Sound("a.wav"), augmentation, AUDIO)
    first = next(pieces)

    assert len(first) == round(PIECE_S * RATE)
    assert taken <= PIECE_S + 1
