"""Clips: their shape, number and place; the blocks in which a sound is read have no effect."""

from collections.abc import Iterator, Mapping
from random import Random
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from helpers.sample_data import (
    Float,
    compute_clips,
    compute_frames,
    cut_blocks,
    examples,
    get_bits,
    make_noise,
    make_settings,
    make_tone,
)
from specfeat.audio import stft
from specfeat.audio.clips import ClipMaker, cut_windows
from specfeat.audio.spectrogram import SpectrogramMaker
from specfeat.config.settings import Settings
from specfeat.errors import AudioError


@pytest.fixture(scope="module", autouse=True)
def small_blocks_of_frames() -> Iterator[None]:
    """Compute few frames at once: the short sounds of these tests then have several blocks, and take less time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stft, "BLOCK_VALUES", 1024)
        yield


# --- any settings --------------------------------------------------------------------------------

NORMALIZE: tuple[dict[str, Any], ...] = (
    {"mean": 1, "std": 2},
    {"clip": "mean_std"},
    {"clip": "max"},
    {"clip": "mean_std", "per": "band"},
    {"file": "mean_std"},
    {"file": "max", "per": "band"},
    {"clip": "subtract_max", "floor": -3},
)
COMPRESS: tuple[Any, ...] = (
    {"db": {}},
    {"ln": {"amin": 1e-6}},
    {"log10": {}},
    {"power": {"exponent": 0.3}},
    {"pcen": {}},
    [{"pcen": {}}, {"ln": {"offset": 1}}],
    {"db": {"ref": "max", "top_db": 20, "per": "file"}},
    {"db": {"top_db": 20, "per": "clip"}},
)


def draw_spectrogram(random: Random) -> dict[str, Any]:
    """Draw small settings of every kind; nearly all of them are allowed."""
    kind = random.choice(["linear", "mel", "mfcc"])
    n_fft = random.randint(4, 40)
    window = random.randint(3, n_fft)
    ends: tuple[dict[str, Any], ...] = (
        {"center": True},
        {"center": False},
        {"center": False, "pad_end": True},
        {"center": False, "padding": [3, 11]},
        {"center": False, "padding": [17, 0]},
        {"center": False, "snip_edges": False},
    )
    spectrogram: dict[str, Any] = {
        "kind": kind,
        "n_fft": n_fft,
        "win_length": window,
        "hop_length": random.randint(1, window),
        "pad_mode": random.choice(["constant", "reflect", "symmetric"]),
        **random.choice(ends),
        "framing": random.choice(["n_fft", "win_length"]),
        "power": random.choice([1, 2, 1.5]),
        "window": random.choice(["hann", "povey", "bartlett"]),
        "remove_dc_offset": random.choice([False, True]),
        "gain": random.choice([1, 100.0]),
        "dither": random.choice([None, {"std": 0.1, "seed": 3}]),
        "preemphasis": random.choice([None, {"per": "file"}, {"per": "frame"}]),
        "normalize": random.choice(NORMALIZE) if random.choice([False, True]) else None,
        "deltas": random.choice([None, {"order": 1, "width": 3}, {"order": 2, "width": 5}]),
    }
    n_mels = random.randint(1, 7)
    if kind != "linear":
        spectrogram["mel"] = {
            "n_mels": n_mels + random.randint(0, 2),
            "keep": n_mels,
            "empty_bands": "keep",
            "htk": random.choice([False, True]),
            "top_bin": random.choice(["keep", "drop"]),
        }
    if kind == "mfcc":
        spectrogram["mfcc"] = {"n_mfcc": random.randint(1, n_mels)}
    else:
        spectrogram["compress"] = random.choice([None, *COMPRESS])
    return spectrogram


def draw_clip(random: Random) -> dict[str, Any]:
    """Draw clips of 1 to 9 frames, or of some samples, with a hop that may be longer than a clip."""
    clip: dict[str, Any] = {
        "cut": random.choice(["frames", "samples"]),
        "tail": random.choice(["pad", "drop", "shift"]),
        "short": random.choice(["pad", "skip"]),
        "end_frame": random.choice(["drop", "keep"]),
    }
    clip["edges"] = random.choice(["cut", "repeat"]) if clip["tail"] == "drop" else "cut"
    if clip["cut"] == "samples" and random.choice([False, True]):
        clip["samples"] = random.randint(20, 120)
        clip["hop"] = random.choice([None, random.randint(30, 200)])
    else:
        clip["frames"] = random.randint(1, 9)
        limits = (30, 200) if clip["cut"] == "samples" else (1, 14)
        clip["hop"] = random.choice([None, random.randint(*limits)])
    return clip


def draw_settings(
    count: int, spectrogram: Mapping[str, Any] = MappingProxyType({}), **clip: object
) -> Iterator[tuple[Random, Settings]]:
    """Yield so many settings, the same in each run of the tests, and the generator for what a test draws.

    Args:
        count: how many settings, without those that a rule of the config forbids.
        spectrogram: settings that all have in this section.
        clip: settings that all have in the section of the clips.
    """
    random = Random(0)
    while count:
        sections = {**draw_spectrogram(random), **spectrogram}, {**draw_clip(random), **clip}
        try:
            settings = make_settings(clips=sections[1], **sections[0])
        except ValidationError:
            continue
        yield random, settings
        count -= 1


def draw_length(random: Random, settings: Settings) -> int:
    """Draw a number of samples, in half of the cases near the edge of one of the first clips."""
    if random.choice([False, True]):
        return random.randint(0, 300)
    spectrogram, grid = settings.spectrogram, settings.clip_grid
    edge = random.choice([grid.clip_samples, spectrogram.window_samples, spectrogram.n_fft])
    return max(0, random.randint(0, 3) * grid.hop_samples + edge + random.randint(-2, 2))


def test_the_settings_predict_the_clips() -> None:
    """They know shape and number of the clips before there are any; the size of blocks has no effect."""
    for random, settings in draw_settings(100):
        samples = draw_length(random, settings)
        sizes = [random.randint(0, 60) for _ in range(random.randint(0, 8))]
        sound = make_noise(samples)

        iterator = ClipMaker(settings).make_clips(cut_blocks(sound, sizes))
        clips = [clip.copy() for clip in iterator]

        assert {clip.shape for clip in clips} <= {settings.input_shape}
        assert {clip.dtype for clip in clips} <= {np.dtype(np.float32)}
        assert len(clips) == iterator.clip_count == settings.clip_grid.count_rows(samples)
        assert len(clips) == len(list(settings.clip_grid.iterate_spans(samples)))
        assert iterator.samples == samples
        assert [get_bits(clip) for clip in clips] == [
            get_bits(clip) for clip in compute_clips(settings, sound)
        ]


# --- where clips begin and end -------------------------------------------------------------------


def test_a_clip_of_samples_is_the_spectrogram_of_its_span() -> None:
    """With `cut: samples`, no bit of a clip depends on the samples around it."""
    for random, settings in draw_settings(40, cut="samples"):
        samples = random.randint(1, 300)
        sound = make_noise(samples)
        maker = SpectrogramMaker(settings)

        clips = compute_clips(settings, sound)

        silence = np.zeros(settings.clip_grid.compute_padded_length(samples), np.float32)
        padded = np.concatenate([sound, silence])
        for values, span in zip(clips, settings.clip_grid.iterate_spans(samples), strict=True):
            alone = maker.normalize_clip(compute_frames(settings, padded[span.start : span.end]))
            assert get_bits(values) == get_bits(alone)


def test_a_clip_of_frames_is_a_piece_of_the_spectrogram_of_the_sound() -> None:
    """But for the largest value of the file, to which the silence of the last clip does not count."""
    clip = {"cut": "frames", "frames": 5, "hop": 3, "edges": "cut", "end_frame": "drop", "short": "pad"}
    for random, settings in draw_settings(60, {"normalize": None}, **clip):
        if "'per': 'file'" in str(settings.spectrogram.model_dump(include={"compress"})):
            continue
        samples = random.randint(1, 500)
        sound, maker = make_noise(samples), SpectrogramMaker(settings)

        clips = compute_clips(settings, sound)

        missing = settings.clip_grid.compute_padded_length(samples) - samples
        frames = compute_frames(settings, np.concatenate([sound, np.zeros(missing, np.float32)]))
        for values, span in zip(clips, settings.clip_grid.iterate_spans(samples), strict=True):
            first = span.start // settings.spectrogram.hop_length
            assert get_bits(values) == get_bits(maker.normalize_clip(frames[first : first + 5].copy()))


CLIP = 5 * 20 + 64 - 20  # samples of five frames

TAILS = [
    # (samples, tail, starts of the clips in samples): clips of 5 frames every 3, frames of 64 every 20
    (CLIP, "pad", [0]),
    (CLIP, "drop", [0]),
    (CLIP, "shift", [0]),
    (CLIP + 1, "pad", [0, 60]),
    (CLIP + 1, "drop", [0]),
    (CLIP + 1, "shift", [0]),  # less than one frame more
    (CLIP + 20, "shift", [0, 20]),
    (CLIP + 60, "pad", [0, 60]),
    (CLIP + 60, "shift", [0, 60]),
    (CLIP + 61, "pad", [0, 60, 120]),
    (CLIP + 80, "drop", [0, 60]),
    (CLIP + 80, "shift", [0, 60, 80]),
]


@pytest.mark.parametrize(("samples", "tail", "starts"), TAILS)
def test_the_tail_is_padded_dropped_or_shifted(samples: int, tail: str, starts: list[int]) -> None:
    settings = make_settings(center=False, clips={"frames": 5, "hop": 3, "tail": tail})
    sound = np.zeros(400, np.float32)
    sound[:samples] = make_noise(samples)

    clips = compute_clips(settings, sound[:samples])

    frames = compute_frames(settings, sound)
    assert [get_bits(clip) for clip in clips] == [
        get_bits(frames[s // 20 : s // 20 + 5].copy()) for s in starts
    ]


@pytest.mark.parametrize(("samples", "tail", "starts"), [
    (40, "pad", [0]), (41, "pad", [0, 30]), (41, "drop", [0]), (41, "shift", [0, 1]), (70, "shift", [0, 30]),
    (71, "shift", [0, 30, 31]), (39, "shift", [0]), (39, "drop", [0]), (1, "pad", [0]),
])  # fmt: skip
def test_the_tail_of_samples(samples: int, tail: str, starts: list[int]) -> None:
    settings = make_settings(
        n_fft=16, hop_length=8, clips={"cut": "samples", "samples": 40, "hop": 30, "tail": tail}
    )
    sound = np.zeros(200, np.float32)
    sound[:samples] = make_noise(samples)

    clips = compute_clips(settings, sound[:samples])

    assert [get_bits(clip) for clip in clips] == [
        get_bits(compute_frames(settings, sound[start : start + 40])) for start in starts
    ]


@pytest.mark.parametrize("ends", [{}, {"center": False, "pad_end": True}], ids=str)
@pytest.mark.parametrize(
    ("samples", "tail", "starts"),
    [
        (1, "pad", [0]),
        (99, "drop", [0]),
        (100, "pad", [0]),
        (101, "pad", [0, 60]),
        (159, "drop", [0]),
        (160, "drop", [0, 60]),
        (119, "shift", [0]),
        (120, "shift", [0, 20]),
        (160, "shift", [0, 60]),
    ],
)
def test_where_ends_are_padded_a_clip_of_five_frames_spans_five_hops(
    samples: int, tail: str, starts: list[int], ends: dict[str, Any]
) -> None:
    """Clips of 5 frames every 3, hops of 20: the frame centred on the end of a clip belongs to the next clip."""
    settings = make_settings(**ends, clips={"frames": 5, "hop": 3, "tail": tail})
    length = max(samples, starts[-1] + 100)
    sound = np.zeros(length, np.float32)
    sound[:samples] = make_noise(samples)

    clips = compute_clips(settings, sound[:samples])

    frames = compute_frames(settings, sound)
    assert [get_bits(clip) for clip in clips] == [
        get_bits(frames[s // 20 : s // 20 + 5].copy()) for s in starts
    ]


@pytest.mark.parametrize(("samples", "starts"), [(150, [0]), (160, [0]), (161, [0, 160]), (320, [0, 160])])
def test_a_clip_after_a_gap_begins_inside_the_file(samples: int, starts: list[int]) -> None:
    """Clips of 5 frames every 8: samples in a gap do not lead to a clip of silence."""
    settings = make_settings(center=False, clips={"frames": 5, "hop": 8, "tail": "pad"})
    sound = np.zeros(600, np.float32)
    sound[:samples] = make_noise(samples)

    clips = compute_clips(settings, sound[:samples])

    frames = compute_frames(settings, sound)
    assert [get_bits(clip) for clip in clips] == [
        get_bits(frames[s // 20 : s // 20 + 5].copy()) for s in starts
    ]


REPEATS = [
    # (samples, hop of the clip of each row): clips of 6 frames every 2, frames of 64 every 20
    (164, [0, 0, 0]),  # 6 frames, 3 hops
    (184, [0, 0, 0, 0]),  # 7 frames: half a hop is one
    (204, [0, 0, 1, 1]),
    (264, [0, 0, 1, 2, 2, 2]),  # 11 frames: the last clip begins at frame 4
    (163, [0, 0, 0]),  # 5 frames: one clip, padded
    (84, [0]),  # 2 frames
    (1, [0]),  # none
]


@pytest.mark.parametrize(("samples", "hops"), REPEATS)
def test_the_clips_at_the_ends_are_repeated(samples: int, hops: list[int]) -> None:
    """One row for each hop, from the clip centred on it; near the ends, the first or last clip."""
    clip = {"frames": 6, "hop": 2, "tail": "drop", "edges": "repeat"}
    settings = make_settings(center=False, clips=clip)
    sound = np.zeros(400, np.float32)
    sound[:samples] = make_noise(samples)

    clips = compute_clips(settings, sound[:samples])

    frames = compute_frames(settings, sound)
    assert [get_bits(clip) for clip in clips] == [get_bits(frames[2 * k : 2 * k + 6].copy()) for k in hops]
    assert [span.start for span in settings.clip_grid.iterate_spans(samples)] == [40 * k for k in hops]


def test_padding_is_silence_in_samples() -> None:
    """Frames across the end have samples and silence; no frame is settings without the samples."""
    settings = make_settings(center=False, compress={"db": {}}, clips={"frames": 9})
    sound = make_noise(100)

    clips = compute_clips(settings, sound)[0]

    assert get_bits(clips[:2].copy()) == get_bits(compute_frames(settings, sound)[:2])
    assert (clips[2:5].max(axis=(1, 2)) > -60).all()  # frames at 40, 60 and 80 still have samples
    np.testing.assert_allclose(clips[5:], -100, rtol=1e-7)


# --- short sounds and streams --------------------------------------------------------------------

STREAMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "centred": ({}, {"frames": 30, "hop": 11}),
    "reflected, drop": ({"pad_mode": "reflect"}, {"frames": 30, "tail": "drop"}),
    "uncentred, shift": ({"center": False}, {"frames": 30, "hop": 7, "tail": "shift"}),
    "uncentred, gaps": ({"center": False}, {"frames": 5, "hop": 40}),
    "gaps, shift": ({"framing": "win_length"}, {"frames": 5, "hop": 40, "tail": "shift"}),
    "pad_end": ({"center": False, "pad_end": True}, {"frames": 30, "hop": 11, "short": "skip"}),
    "pcen": ({"compress": {"pcen": {}}}, {"frames": 30, "hop": 11}),
    "deltas": ({"deltas": {"order": 2}, "preemphasis": {}}, {"frames": 30, "tail": "shift", "hop": 20}),
    "normalised by clip": ({"normalize": {"clip": "mean_std"}}, {"frames": 30, "hop": 11}),
    "repeated": ({"center": False}, {"frames": 30, "hop": 4, "tail": "drop", "edges": "repeat"}),
    "repeated, samples": (
        {"normalize": {"clip": "mean_std"}},
        {"cut": "samples", "samples": 600, "hop": 70, "tail": "drop", "edges": "repeat"},
    ),
    "samples": ({"preemphasis": {}, "pad_mode": "reflect"}, {"cut": "samples", "samples": 1001, "hop": 300}),
    "samples, shift": ({"compress": {"pcen": {}}}, {"cut": "samples", "frames": 40, "tail": "shift"}),
    "samples, gaps": ({"deltas": {"order": 1}}, {"cut": "samples", "samples": 600, "hop": 900}),
}


def make_stream_settings(name: str) -> Settings:
    spectrogram, clip = STREAMS[name]
    return make_settings(
        clips=clip, kind="mel", mel={"n_mels": 12}, n_fft=512, win_length=40, hop_length=20, **spectrogram
    )


@pytest.mark.parametrize("name", STREAMS)
@given(samples=st.integers(0, 3000), sizes=st.lists(st.integers(0, 1500), max_size=12))
@example(samples=700, sizes=[1] * 700)
@example(samples=2421, sizes=[0, 1, 0, 0, 960, 0, 1])
@examples(max_examples=5)
def test_a_stream_gives_the_bits_of_the_whole(name: str, samples: int, sizes: list[int]) -> None:
    settings, sound = make_stream_settings(name), make_noise(samples)

    assert get_bits(compute_clips(settings, sound, sizes)) == get_bits(compute_clips(settings, sound))


@pytest.mark.parametrize("name", STREAMS)
def test_a_short_sound_has_one_clip_or_none(name: str) -> None:
    """Around the lengths of the window, of the FFT and of a clip."""
    settings = make_stream_settings(name)
    clip_length = settings.clip_grid.clip_samples
    clip_maker = ClipMaker(settings)
    for samples in (0, 1, 39, 40, 511, 512, clip_length - 1, clip_length, clip_length + 1):
        iterator = clip_maker.make_clips([make_noise(samples)])
        clips = [clip.copy() for clip in iterator]

        if samples < clip_length:
            count = int(samples > 0 and settings.clips.short == "pad")
            assert len({get_bits(clip) for clip in clips}) == count, samples
        else:
            assert len(clips) >= 1, samples
        assert len(clips) == settings.clip_grid.count_rows(samples), samples
        assert iterator.samples == samples
        assert all(clip.shape == settings.input_shape and np.isfinite(clip).all() for clip in clips)


@given(
    total=st.integers(0, 60),
    length=st.integers(1, 9),
    hop=st.integers(1, 14),
    sizes=st.lists(st.integers(0, 20), max_size=9),
    shift=st.booleans(),
)
@examples(max_examples=100)
def test_every_whole_window_is_cut(total: int, length: int, hop: int, sizes: list[int], shift: bool) -> None:
    stream = np.arange(2 * total, dtype=np.float32).reshape(total, 2)
    starts = list(range(0, total - length + 1, hop))
    if shift and starts and starts[-1] + length < total:
        starts.append(total - length)

    clips = [clip.tolist() for clip in cut_windows(cut_blocks(stream, sizes), length, hop, shift=shift)]

    assert clips == [stream[start : start + length].tolist() for start in starts]


def test_hops_of_one_sample_give_the_predicted_clips() -> None:
    """With centred frames of an even length, one sample has a frame before it and a frame after it."""
    for clip in ({"frames": 1}, {"cut": "samples", "frames": 1}):
        try:
            settings = make_settings(n_fft=8, hop_length=1, clips=clip)
        except ValidationError:
            continue  # a rule of the config may forbid it
        clips = [clip.copy() for clip in ClipMaker(settings).make_clips([make_noise(3)])]

        assert {clip.shape for clip in clips} == {settings.input_shape}
        assert len(clips) == settings.clip_grid.count_rows(3)


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize("clip", ["mean_std", "max"])
@pytest.mark.parametrize("level", [0.0, 0.25])
@pytest.mark.parametrize("compress", [None, {"ln": {"offset": 1.0}}])
def test_digital_silence_is_normalised_to_zeros(compress: Any, level: float, clip: str) -> None:
    """No value is NaN; a constant sound is silent, too, because its offset is removed."""
    settings = make_settings(compress=compress, remove_dc_offset=True, center=False, normalize={"clip": clip})

    clips = compute_clips(settings, np.full(64 + 20 * 9, level, np.float32))

    assert len(clips)
    assert (clips == 0).all()


def test_silence_at_the_floor_of_decibels_has_no_deviation() -> None:
    settings = make_settings(compress={"db": {}}, clips={"frames": 7}, normalize={"clip": "mean_std"})

    assert (compute_clips(settings, np.zeros(500, np.float32)) == 0).all()


def test_each_clip_is_normalised_by_itself() -> None:
    """A quiet clip after a loud one gets values of the same size."""
    settings = make_settings(compress={"db": {}}, clips={"frames": 7}, normalize={"clip": "mean_std"})
    sound = np.concatenate([make_noise(1000), 1e-3 * make_noise(1000)]).astype(np.float32)

    clips = compute_clips(settings, sound)[:-1]

    np.testing.assert_allclose(clips.mean(axis=(1, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(clips.std(axis=(1, 2, 3)), 1, atol=1e-6)


def test_a_tone_stays_in_its_bin_in_every_clip() -> None:
    settings = make_settings(center=False, clips={"frames": 11, "hop": 4, "tail": "drop"})

    clips = compute_clips(settings, make_tone(10 * 8000 / 64, 3000))

    assert clips.shape == (settings.clip_grid.count_rows(3000), 11, 33, 1)
    assert (clips[..., 0].argmax(axis=2) == 10).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_a_clip_that_is_not_finite_is_an_error(bad: float) -> None:
    """The clips before it are yielded; 1e30 is finite, but its power is not."""
    settings = make_settings(center=False, clips={"frames": 5})
    sound = make_noise(1000)
    sound[500] = bad
    clips = ClipMaker(settings).make_clips([sound])

    with pytest.raises(AudioError, match="clip 4 is not finite"):
        list(clips)

    assert clips.clip_count == 4


def test_an_error_of_the_samples_ends_the_clips() -> None:
    settings = make_settings(center=False, clips={"frames": 5})

    def breaking() -> Any:
        yield make_noise(30_000)
        raise AudioError("cut off")

    clips = ClipMaker(settings).make_clips(breaking())
    with pytest.raises(AudioError, match="cut off"):
        list(clips)

    assert clips.clip_count > 0
    assert clips.samples == 30_000


def test_the_clips_of_a_sound_do_not_depend_on_the_sounds_before_it() -> None:
    maker = ClipMaker(make_stream_settings("pcen"))
    sound = make_noise(5000)

    def make_clips(samples: Float) -> list[Any]:
        return [get_bits(clip) for clip in maker.make_clips([samples])]

    before = make_clips(sound)
    make_clips(9 * make_noise(3000, seed=5))

    assert make_clips(sound) == before
