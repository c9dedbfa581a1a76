"""Parts of a file: exactly their samples, in blocks, and one decoding for several parts."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st

from helpers.sample_data import Float, examples, join_blocks, make_noise
from specfeat.audio import decode
from specfeat.audio.decode import PartReader
from specfeat.audio.sound_parts import find_sample_range
from specfeat.config.audio import Audio
from specfeat.errors import AudioError
from specfeat.sound import Sound, SoundPart

RATE = 8000
SAMPLES = 10_000  # 1.25 s


def read_part(path: Path, sample_rate: int = RATE, **part: Any) -> Float:
    """Return the samples of a part; the arguments are those of `SoundPart`."""
    return join_blocks(
        decode.read_samples(Sound(str(path), SoundPart(**part)), Audio(sample_rate=sample_rate))
    )


def read_error(path: Path, **part: Any) -> AudioError:
    with pytest.raises(AudioError) as caught:
        read_part(path, **part)
    return caught.value


@pytest.fixture(scope="module")
def stereo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Float]:
    """A file, and its samples, shape (SAMPLES, 2)."""
    path = tmp_path_factory.mktemp("parts") / "a.wav"
    samples = np.stack([make_noise(SAMPLES, 1), make_noise(SAMPLES, 2)], axis=1)
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    return path, samples


@pytest.mark.parametrize(
    ("start_s", "end_s", "samples"),
    [
        (None, None, slice(0, SAMPLES)),
        (0.0, 1.25, slice(0, SAMPLES)),
        (0.1, None, slice(800, SAMPLES)),
        (None, 0.2, slice(0, 1600)),
        (0.25, 0.5, slice(2000, 4000)),
        (0.00006, 0.00019, slice(0, 2)),  # the nearest samples to 0.48 and 1.52
        (1.249875, 1.25, slice(SAMPLES - 1, SAMPLES)),
    ],
)
def test_a_part_has_exactly_its_samples(
    stereo: tuple[Path, Float],
    monkeypatch: pytest.MonkeyPatch,
    start_s: float | None,
    end_s: float | None,
    samples: slice,
) -> None:
    """The samples are those of the file from the start to the end, for any size of the blocks."""
    path, file_samples = stereo
    for block in (50, 700, 131_072):
        monkeypatch.setattr(decode, "BLOCK_VALUES", block)
        for channel in (0, 1):
            result = read_part(path, channel=channel, start_s=start_s, end_s=end_s)
            np.testing.assert_array_equal(result, file_samples[samples, channel])


def test_a_part_is_cut_before_it_is_resampled(stereo: tuple[Path, Float]) -> None:
    """The samples around a part have no effect on it."""
    path, samples = stereo

    result = read_part(path, 16_000, channel=1, start_s=0.3, end_s=0.7)

    np.testing.assert_array_equal(result, soxr.resample(samples[2400:5600, 1], RATE, 16_000))


def test_a_part_without_channel_has_the_configs_channel(stereo: tuple[Path, Float]) -> None:
    """The channel of the part comes before the channel of the config."""
    path, samples = stereo
    audio = Audio(sample_rate=RATE, channels="right")

    by_config = join_blocks(decode.read_samples(Sound(str(path), SoundPart(end_s=0.5)), audio))
    by_part = join_blocks(decode.read_samples(Sound(str(path), SoundPart(channel=0, end_s=0.5)), audio))

    np.testing.assert_array_equal(by_config, samples[:4000, 1])
    np.testing.assert_array_equal(by_part, samples[:4000, 0])


@given(
    seconds=st.lists(st.floats(0, 100, allow_nan=False), min_size=3, max_size=3, unique=True),
    rate=st.sampled_from([8_000, 11_025, 44_100, 48_000]),
)
@examples(max_examples=100)
def test_parts_that_meet_share_no_sample(seconds: list[float], rate: int) -> None:
    """One part begins with the sample after the last sample of the part before it."""
    start_s, middle_s, end_s = sorted(seconds)
    try:
        before = find_sample_range(SoundPart(start_s=start_s, end_s=middle_s), rate)
        after = find_sample_range(SoundPart(start_s=middle_s, end_s=end_s), rate)
    except AudioError:
        return  # shorter than a sample

    assert before.end == after.start


def test_seconds_count_as_they_are_written() -> None:
    """0.009 s at 48 kHz is sample 432, although the binary number for 0.009 is a little different."""
    samples = find_sample_range(SoundPart(start_s=0.009, end_s=1e-2), 48_000)

    assert (samples.start, samples.end) == (432, 480)


@pytest.mark.parametrize(
    ("part", "message", "stage"),
    [
        ({"start_s": 2.0}, "the part from 2 s to the end begins after the end of the file, at 1.25 s", "decode"),
        ({"start_s": 1.25}, "the part from 1.25 s to the end begins after the end of the file, at 1.25 s", "decode"),
        ({"end_s": 1.5}, "the part from 0 s to 1.5 s ends after the end of the file, at 1.25 s", "decode"),
        ({"start_s": 0.5, "end_s": 0.5}, "the part from 0.5 s to 0.5 s has no samples", "open"),
        ({"start_s": 0.5, "end_s": 0.4}, "the part from 0.5 s to 0.4 s ends before it begins", "open"),
        ({"start_s": -0.5}, "the part from -0.5 s to the end begins before the start of the file", "open"),
        ({"end_s": float("nan")}, "the part from 0 s to nan s has a time that is not a number", "open"),
        ({"id": "call 7", "end_s": 9.0}, "the part 'call 7' from 0 s to 9 s ends after the end of the file, at 1.25 s", "decode"),
    ],
    ids=str,
)  # fmt: skip
def test_a_part_that_the_file_does_not_have_is_an_error(
    stereo: tuple[Path, Float], part: dict[str, Any], message: str, stage: str
) -> None:
    """The message names the part and what is wrong with it."""
    error = read_error(stereo[0], **part)

    assert (str(error), error.stage, error.cause) == (message, stage, "part")


def test_a_channel_that_the_file_does_not_have_is_an_error(stereo: tuple[Path, Float]) -> None:
    assert str(read_error(stereo[0], channel=2)) == "has 2 channels, counted from 0, so no channel 2"


def test_what_comes_after_a_part_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A break after the end of a part does not concern it; a break before its start does."""
    monkeypatch.setattr(decode, "BLOCK_VALUES", 1000)
    path = tmp_path / "a.flac"
    samples = make_noise(40_000)
    soundfile.write(path, samples, RATE, subtype="PCM_16")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    np.testing.assert_allclose(read_part(path, start_s=0.5, end_s=1.0), samples[4000:8000], atol=1e-4)
    assert read_error(path, start_s=4.0, end_s=4.5).cause == "broken"


def test_an_error_names_the_place_in_the_file(tmp_path: Path) -> None:
    """Samples and seconds are counted from the start of the file, not of the part."""
    samples = make_noise(8000)
    samples[6000] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")

    error = read_error(tmp_path / "a.wav", start_s=0.5)

    assert (str(error), error.at_s) == ("sample 6000 of channel 0 is nan", 0.75)
    np.testing.assert_array_equal(read_part(tmp_path / "a.wav", end_s=0.75), samples[:6000])


def test_a_part_that_breaks_can_keep_its_beginning(stereo: tuple[Path, Float]) -> None:
    """With `on_break`, a part that ends after the file has the samples that there are."""
    path, samples = stereo
    errors: list[AudioError] = []
    sound = Sound(str(path), SoundPart(channel=0, start_s=1.0, end_s=2.0))

    result = join_blocks(decode.read_samples(sound, Audio(sample_rate=RATE), errors.append))

    np.testing.assert_array_equal(result, samples[8000:, 0])
    assert [error.cause for error in errors] == ["part"]


# --- several parts of one file -------------------------------------------------------------------

PARTS = (
    SoundPart(channel=0, end_s=0.5),
    SoundPart(channel=1, end_s=0.5),
    SoundPart(start_s=0.25, end_s=0.75),  # overlaps the others
    SoundPart(start_s=1.0),
    SoundPart(),
)
AUDIO = Audio(sample_rate=16_000)


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (3, 0, 4, 2, 1)], ids=str)
def test_one_decoding_serves_several_parts(
    stereo: tuple[Path, Float],
    monkeypatch: pytest.MonkeyPatch,
    count_opens: Callable[[], int],
    order: tuple[int, ...],
) -> None:
    """The file is opened once, and each part has the samples that it has alone, in any order of reading."""
    monkeypatch.setattr(decode, "BLOCK_VALUES", 600)
    path, _ = stereo
    with PartReader(str(path), PARTS, AUDIO) as reader:
        result = {number: join_blocks(reader.read_samples(number)) for number in order}
    opens = count_opens()
    alone = [join_blocks(decode.read_samples(Sound(str(path), part), AUDIO)) for part in PARTS]

    assert opens == 1
    for number, samples in result.items():
        np.testing.assert_array_equal(samples, alone[number])


def test_parts_can_be_read_by_turns(stereo: tuple[Path, Float], count_opens: Callable[[], int]) -> None:
    """Two channels of the same time are read block by block, so no channel waits as a whole."""
    path, samples = stereo
    parts = [SoundPart(channel=0), SoundPart(channel=1)]
    with PartReader(str(path), parts, Audio(sample_rate=RATE), block_values=500) as reader:
        blocks = list(zip(reader.read_samples(0), reader.read_samples(1), strict=True))

    assert count_opens() == 1
    assert max(len(left) for left, _ in blocks) == 250
    np.testing.assert_array_equal(join_blocks(left for left, _ in blocks), samples[:, 0])
    np.testing.assert_array_equal(join_blocks(right for _, right in blocks), samples[:, 1])


def test_a_bad_part_costs_only_itself(stereo: tuple[Path, Float]) -> None:
    """The others have their samples, before and after it."""
    path, _ = stereo
    bad_parts = [SoundPart(start_s=9.0), SoundPart(end_s=0.0), SoundPart(channel=7)]
    causes = []
    with PartReader(str(path), [*PARTS, *bad_parts], AUDIO) as reader:
        for number in range(len(PARTS), len(PARTS) + len(bad_parts)):
            with pytest.raises(AudioError) as caught:
                join_blocks(reader.read_samples(number))
            causes.append(caught.value.cause)
        result = [join_blocks(reader.read_samples(number)) for number in range(len(PARTS))]

    assert causes == ["part", "part", "channel"]
    for samples, part in zip(result, PARTS, strict=True):
        np.testing.assert_array_equal(
            samples, join_blocks(decode.read_samples(Sound(str(path), part), AUDIO))
        )


def test_a_break_fails_the_parts_that_it_concerns(tmp_path: Path) -> None:
    """A part that ends before the break has its samples; each later one has the error."""
    path = tmp_path / "a.flac"
    soundfile.write(path, make_noise(40_000), RATE, subtype="PCM_16")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    parts = [SoundPart(end_s=1.0), SoundPart(start_s=4.0, end_s=4.5), SoundPart()]
    with PartReader(str(path), parts, AUDIO, block_values=1000) as reader:
        for number in (1, 2):
            with pytest.raises(AudioError, match="breaks off at sample"):
                join_blocks(reader.read_samples(number))

        assert len(join_blocks(reader.read_samples(0))) == 16_000


def test_parts_in_order_take_little_memory(tmp_path: Path) -> None:
    """Read in the order in which they begin, parts that do not overlap are not kept."""
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(2_000_000, np.int16), RATE, subtype="PCM_16")
    parts = [SoundPart(start_s=10.0 * k, end_s=10.0 * k + 5) for k in range(25)]
    with PartReader(str(path), parts, Audio(sample_rate=RATE)) as reader:
        tracemalloc.start()
        try:
            counts = [sum(map(len, reader.read_samples(number))) for number in range(len(parts))]
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert counts == [40_000] * len(parts)
    assert peak < 8 * 4 * decode.BLOCK_VALUES  # the file has 8 MB as float32
