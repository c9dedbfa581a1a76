"""The sounds of one file: their samples, how often the file is decoded, and how much memory it takes."""

import math
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from helpers.sample_data import Float, examples, join_blocks, make_noise
from specfeat.audio import decode
from specfeat.audio.sound_reader import MAX_DECODERS, MAX_WAITING_S, SoundReader, plan_decoders
from specfeat.config.audio import Audio
from specfeat.errors import AudioError
from specfeat.sound import Sound, SoundPart

RATE = 1000
SECONDS = 200
AUDIO = Audio(sample_rate=RATE)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sounds") / "a.wav"
    soundfile.write(path, make_noise(SECONDS * RATE), RATE, subtype="FLOAT")
    return path


def make_sounds(path: Path, *times: tuple[float | None, float | None]) -> list[Sound]:
    return [Sound(str(path), SoundPart(start_s=start, end_s=end)) for start, end in times]


def read_all(sounds: list[Sound]) -> list[Float]:
    with SoundReader(sounds, AUDIO) as reader:
        return [join_blocks(reader.read_samples(number)) for number in range(len(sounds))]


@pytest.mark.parametrize(
    ("times", "decoders"),
    [
        ([(k, k + 1) for k in range(0, SECONDS, 2)], 1),
        ([(k, k + 3) for k in range(SECONDS - 3)], 1),  # windows that overlap
        ([(None, None), *((k, k + 1) for k in range(0, SECONDS, 2))], 2),  # the file, and events in it
        ([(5, 100), (6, 101)], 2),
        ([(0, None)] * 3, 3),
    ],
)
def test_a_file_is_decoded_as_few_times_as_possible(
    path: Path, count_opens: Callable[[], int], times: list[tuple[int | None, int | None]], decoders: int
) -> None:
    """Parts that overlap by at most `MAX_WAITING_S` need one decoder; each part has its own samples."""
    samples = soundfile.read(path, dtype="float32")[0]
    before = count_opens()
    for (start, end), result in zip(times, read_all(make_sounds(path, *times)), strict=True):
        stop = end * RATE if end else None
        np.testing.assert_array_equal(result, samples[(start or 0) * RATE : stop])
    assert count_opens() - before == decoders


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 400)), min_size=1, max_size=40))
@examples(max_examples=200)
def test_the_plan_keeps_little(parts: list[tuple[int, int]]) -> None:
    """No decoder has read more than `MAX_WAITING_S` beyond the start of a part when it begins to read this part."""
    plan = plan_decoders([SoundPart(start_s=start, end_s=start + length) for start, length in parts])
    positions = dict.fromkeys(range(MAX_DECODERS), -math.inf)
    for (start, length), decoder in zip(parts, plan, strict=True):
        if decoder is None:
            assert all(position - start > MAX_WAITING_S for position in positions.values())
            continue
        assert positions[decoder] - start <= MAX_WAITING_S
        positions[decoder] = max(positions[decoder], start + length)


def test_parts_that_need_many_decoders(path: Path) -> None:
    """More long parts than decoders that overlap by turns are read all the same."""
    times = [(k, k + 150) for k in range(2 * MAX_DECODERS)]
    samples = soundfile.read(path, dtype="float32")[0]
    for (start, end), result in zip(times, read_all(make_sounds(path, *times)), strict=True):
        np.testing.assert_array_equal(result, samples[start * RATE : end * RATE])


def test_a_part_that_fails_does_not_affect_the_others(path: Path) -> None:
    """Each wrong part fails with its own message, and the parts between them have their samples."""
    times = [(-1.0, 2.0), (1.0, 2.0), (3.0, 3.0), (5.0, 4.0), (6.0, 7.0), (199.0, 200.5), (300.0, None)]
    problems = {
        0: "begins before the start",
        2: "has no samples",
        3: "ends before it begins",
        5: "ends after the end of the file, at 200 s",
        6: "begins after the end of the file, at 200 s",
    }
    with SoundReader(make_sounds(path, *times), AUDIO) as reader:
        for number in range(len(times)):
            if number not in problems:
                assert len(join_blocks(reader.read_samples(number))) == RATE
                continue
            with pytest.raises(AudioError, match=problems[number]):
                join_blocks(reader.read_samples(number))


def test_a_part_that_may_end_early(path: Path) -> None:
    """With `may_end_early`, a part that is longer than its file ends with the file; it must begin in the file."""
    longer = Sound(str(path), SoundPart(start_s=150.0, end_s=999.0, may_end_early=True))
    later = Sound(str(path), SoundPart(start_s=200.0, end_s=999.0, may_end_early=True))

    assert len(join_blocks(decode.read_samples(longer, AUDIO))) == 50 * RATE
    with pytest.raises(AudioError, match="begins after the end"):
        join_blocks(decode.read_samples(later, AUDIO))


def test_a_part_that_is_not_read_takes_no_memory(tmp_path: Path) -> None:
    """If a sound is given up, what is decoded afterwards is not kept for it."""
    path = tmp_path / "long.wav"
    soundfile.write(path, make_noise(4_000_000), RATE, subtype="PCM_16")
    sounds = make_sounds(path, (0.0, 4000.0), (10.0, 11.0), (3900.0, 3999.0))
    sounds[2] = Sound(str(path), SoundPart(start_s=3990.0, end_s=3999.0))
    with SoundReader(sounds, AUDIO) as reader:
        samples = reader.read_samples(0)
        next(samples)
        del samples
        join_blocks(reader.read_samples(1))
        tracemalloc.start()
        assert len(join_blocks(reader.read_samples(2))) == 9 * RATE
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8 * 4 * decode.BLOCK_VALUES  # the file has 16 MB as float32
