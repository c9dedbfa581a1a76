"""Clips: their shape, number and place, and that blocks do not matter."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, reject
from hypothesis import strategies as st
from pydantic import ValidationError

from helpers.sample_data import Float, bits, blocks, clips, examples, frames, noise, settings, tone
from specfeat.audio.clips import ClipMaker, cut_windows
from specfeat.config.settings import Settings
from specfeat.errors import AudioError

# --- any settings --------------------------------------------------------------------------------

COMPRESS: tuple[dict[str, Any], ...] = (
    {"db": {}},
    {"ln": {"amin": 1e-6}},
    {"log10": {}},
    {"power": {"exponent": 0.3}},
    {"pcen": {}},
)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def spectrograms(draw: st.DrawFn) -> dict[str, Any]:
    """Small settings of every kind, nearly all of which are allowed."""
    kind = draw(st.sampled_from(["linear", "mel", "mfcc"]))
    n_fft = draw(st.integers(4, 40))
    window = draw(st.integers(3, n_fft))
    center, pad_end = draw(st.sampled_from([(True, False), (False, False), (False, True)]))
    spectrogram: dict[str, Any] = {
        "kind": kind,
        "n_fft": n_fft,
        "win_length": window,
        "hop_length": draw(st.integers(1, window)),
        "center": center,
        "pad_end": pad_end,
        "pad_mode": draw(st.sampled_from(["constant", "reflect"])),
        "framing": draw(st.sampled_from(["n_fft", "win_length"])),
        "power": draw(st.sampled_from([1, 2, 1.5])),
        "window": draw(st.sampled_from(["hann", "povey", "bartlett"])),
        "remove_dc_offset": draw(st.booleans()),
        "preemphasis": draw(maybe(st.sampled_from([{"per": "file"}, {"per": "frame"}]))),
        "normalize": draw(
            maybe(
                st.sampled_from(
                    [
                        {"mean": 1, "std": 2},
                        {"clip": "mean_std"},
                        {"clip": "max"},
                        {"clip": "subtract_max", "floor": -3},
                    ]
                )
            )
        ),
        "deltas": draw(maybe(st.sampled_from([{"order": 1, "width": 3}, {"order": 2, "width": 5}]))),
    }
    if kind != "linear":
        n_mels = draw(st.integers(1, 7))
        spectrogram["mel"] = {
            "n_mels": n_mels + draw(st.integers(0, 2)),
            "keep": n_mels,
            "empty_bands": "keep",
            "htk": draw(st.booleans()),
            "top_bin": draw(st.sampled_from(["keep", "drop"])),
        }
    if kind == "mfcc":
        spectrogram["mfcc"] = {"n_mfcc": draw(st.integers(1, n_mels))}
    else:
        spectrogram["compress"] = draw(maybe(st.sampled_from(COMPRESS)))
    return spectrogram


@st.composite
def cuts(draw: st.DrawFn) -> dict[str, Any]:
    """Clips of 1 to 9 frames, or of some samples, with a hop that may be longer than they are."""
    clip: dict[str, Any] = {
        "cut": draw(st.sampled_from(["frames", "samples"])),
        "tail": draw(st.sampled_from(["pad", "drop", "shift"])),
        "short": draw(st.sampled_from(["pad", "skip"])),
    }
    clip["edges"] = draw(st.sampled_from(["cut", "repeat"])) if clip["tail"] == "drop" else "cut"
    if clip["cut"] == "samples" and draw(st.booleans()):
        clip["samples"] = draw(st.integers(20, 120))
        clip["hop"] = draw(maybe(st.integers(30, 200)))
    else:
        clip["frames"] = draw(st.integers(1, 9))
        clip["hop"] = draw(maybe(st.integers(30, 200) if clip["cut"] == "samples" else st.integers(1, 14)))
    return clip


def allowed(spectrogram: dict[str, Any], clip: dict[str, Any]) -> Settings:
    """The settings, unless a rule refuses their combination."""
    try:
        return settings(clips=clip, **spectrogram)
    except ValidationError:
        reject()


# A place near an edge of the first clips, where off-by-one lies.
PLACES = st.tuples(st.integers(0, 3), st.sampled_from(["clip", "window", "n_fft"]), st.integers(-2, 2))


def samples_at(made: Settings, place: tuple[int, str, int]) -> int:
    hops, unit, offset = place
    spectrogram = made.spectrogram
    lengths = {
        "clip": made.clip_grid.clip_samples,
        "window": spectrogram.window_samples,
        "n_fft": spectrogram.n_fft,
    }
    return max(0, hops * made.clip_grid.hop_samples + lengths[unit] + offset)


@given(
    spectrogram=spectrograms(),
    clip=cuts(),
    length=st.integers(0, 300) | PLACES,
    sizes=st.lists(st.integers(0, 60), max_size=8),
)
@examples(max_examples=300)
def test_the_settings_know_the_clips_before_there_are_any(
    spectrogram: dict[str, Any], clip: dict[str, Any], length: int | tuple[int, str, int], sizes: list[int]
) -> None:
    """Their shape, their number, the samples read; and blocks do not matter."""
    made = allowed(spectrogram, clip)
    samples = length if isinstance(length, int) else samples_at(made, length)
    sound = noise(samples)

    given_clips = ClipMaker(made).clips(blocks(sound, sizes))
    got = [one.copy() for one in given_clips]

    assert {one.shape for one in got} <= {made.input_shape}
    assert {one.dtype for one in got} <= {np.dtype(np.float32)}
    assert len(got) == given_clips.count == made.clip_grid.count_rows(samples)
    assert len(got) == len(list(made.clip_grid.iterate_spans(samples)))
    assert given_clips.samples == samples
    assert [bits(one) for one in got] == [bits(one) for one in clips(made, sound)]


# --- where the clips lie -------------------------------------------------------------------------


@given(spectrogram=spectrograms(), clip=cuts(), samples=st.integers(1, 300))
@examples(max_examples=40)
def test_a_clip_of_samples_is_the_spectrogram_of_its_span(
    spectrogram: dict[str, Any], clip: dict[str, Any], samples: int
) -> None:
    """To the bit: with `cut: samples` nothing of a clip depends on what lies around it."""
    made = allowed(spectrogram, {**clip, "cut": "samples"})
    sound = noise(samples)
    maker = ClipMaker(made).spectrogram

    got = clips(made, sound)

    silence = np.zeros(made.clip_grid.compute_padded_length(samples), np.float32)
    padded = np.concatenate([sound, silence])
    for one, span in zip(got, made.clip_grid.iterate_spans(samples), strict=True):
        assert bits(one) == bits(maker.clip(frames(made, padded[span.start : span.end])))


@given(
    spectrogram=spectrograms(), tail=st.sampled_from(["pad", "drop", "shift"]), samples=st.integers(1, 500)
)
@examples(max_examples=100)
def test_a_clip_of_frames_is_a_stretch_of_the_files_spectrogram(
    spectrogram: dict[str, Any], tail: str, samples: int
) -> None:
    made = allowed({**spectrogram, "normalize": None}, {"frames": 5, "hop": 3, "tail": tail})
    sound = noise(samples)

    got = clips(made, sound)

    missing = made.clip_grid.compute_padded_length(samples) - samples
    whole = frames(made, np.concatenate([sound, np.zeros(missing, np.float32)]))
    for one, span in zip(got, made.clip_grid.iterate_spans(samples), strict=True):
        first = span.start // made.spectrogram.hop_length
        assert bits(one) == bits(whole[first : first + 5].copy())


CLIP = 5 * 20 + 64 - 20  # samples of five frames

TAILS = [
    # (samples, tail, starts of the clips in samples): clips of 5 frames every 3, frames of 64 every 20
    (CLIP, "pad", [0]),
    (CLIP, "drop", [0]),
    (CLIP, "shift", [0]),
    (CLIP + 1, "pad", [0, 60]),
    (CLIP + 1, "drop", [0]),
    (CLIP + 1, "shift", [0]),  # not one frame more
    (CLIP + 20, "shift", [0, 20]),
    (CLIP + 60, "pad", [0, 60]),
    (CLIP + 60, "shift", [0, 60]),
    (CLIP + 61, "pad", [0, 60, 120]),
    (CLIP + 80, "drop", [0, 60]),
    (CLIP + 80, "shift", [0, 60, 80]),
]


@pytest.mark.parametrize(("samples", "tail", "starts"), TAILS)
def test_the_tail_is_padded_dropped_or_shifted(samples: int, tail: str, starts: list[int]) -> None:
    made = settings(center=False, clips={"frames": 5, "hop": 3, "tail": tail})
    sound = np.zeros(400, np.float32)
    sound[:samples] = noise(samples)

    got = clips(made, sound[:samples])

    whole = frames(made, sound)
    assert [bits(one) for one in got] == [bits(whole[s // 20 : s // 20 + 5].copy()) for s in starts]


@pytest.mark.parametrize(("samples", "tail", "starts"), [
    (40, "pad", [0]), (41, "pad", [0, 30]), (41, "drop", [0]), (41, "shift", [0, 1]), (70, "shift", [0, 30]),
    (71, "shift", [0, 30, 31]), (39, "shift", [0]), (39, "drop", [0]), (1, "pad", [0]),
])  # fmt: skip
def test_the_tail_of_samples(samples: int, tail: str, starts: list[int]) -> None:
    made = settings(n_fft=16, hop_length=8, clips={"cut": "samples", "samples": 40, "hop": 30, "tail": tail})
    sound = np.zeros(200, np.float32)
    sound[:samples] = noise(samples)

    got = clips(made, sound[:samples])

    assert [bits(one) for one in got] == [bits(frames(made, sound[start : start + 40])) for start in starts]


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
    """Clips of 5 frames every 3, hops of 20: the frame centred on a clip's end belongs to the next one."""
    made = settings(**ends, clips={"frames": 5, "hop": 3, "tail": tail})
    length = max(samples, starts[-1] + 100)
    sound = np.zeros(length, np.float32)
    sound[:samples] = noise(samples)

    got = clips(made, sound[:samples])

    whole = frames(made, sound)
    assert [bits(one) for one in got] == [bits(whole[s // 20 : s // 20 + 5].copy()) for s in starts]


@pytest.mark.parametrize(("samples", "starts"), [(150, [0]), (160, [0]), (161, [0, 160]), (320, [0, 160])])
def test_a_clip_after_a_gap_begins_inside_the_file(samples: int, starts: list[int]) -> None:
    """Clips of 5 frames every 8: what lies in a gap makes no clip of silence."""
    made = settings(center=False, clips={"frames": 5, "hop": 8, "tail": "pad"})
    sound = np.zeros(600, np.float32)
    sound[:samples] = noise(samples)

    got = clips(made, sound[:samples])

    whole = frames(made, sound)
    assert [bits(one) for one in got] == [bits(whole[s // 20 : s // 20 + 5].copy()) for s in starts]


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
def test_the_clips_at_the_ends_are_given_again(samples: int, hops: list[int]) -> None:
    """A row for each hop begun, in its clip's middle; at the ends the nearest clip."""
    clip = {"frames": 6, "hop": 2, "tail": "drop", "edges": "repeat"}
    made = settings(center=False, clips=clip)
    sound = np.zeros(400, np.float32)
    sound[:samples] = noise(samples)

    got = clips(made, sound[:samples])

    whole = frames(made, sound)
    assert [bits(one) for one in got] == [bits(whole[2 * k : 2 * k + 6].copy()) for k in hops]
    assert [span.start for span in made.clip_grid.iterate_spans(samples)] == [40 * k for k in hops]


def test_padding_is_silence_in_samples() -> None:
    """Frames that straddle the end hold both; no frame is made up."""
    made = settings(center=False, compress={"db": {}}, clips={"frames": 9})
    sound = noise(100)

    got = clips(made, sound)[0]

    assert bits(got[:2].copy()) == bits(frames(made, sound)[:2])
    assert (got[2:5].max(axis=(1, 2)) > -60).all()  # frames at 40, 60 and 80 still hold some of it
    np.testing.assert_allclose(got[5:], -100, rtol=1e-7)


# --- short files and streams ---------------------------------------------------------------------

STREAMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "centred": ({}, {"frames": 30, "hop": 11}),
    "reflected, drop": ({"pad_mode": "reflect"}, {"frames": 30, "tail": "drop"}),
    "uncentred, shift": ({"center": False}, {"frames": 30, "hop": 7, "tail": "shift"}),
    "uncentred, gaps": ({"center": False}, {"frames": 5, "hop": 40}),
    "gaps, shift": ({"framing": "win_length"}, {"frames": 5, "hop": 40, "tail": "shift"}),
    "pad_end": ({"center": False, "pad_end": True}, {"frames": 30, "hop": 11, "short": "skip"}),
    "pcen": ({"compress": {"pcen": {}}}, {"frames": 30, "hop": 11}),
    "deltas": ({"deltas": {"order": 2}, "preemphasis": {}}, {"frames": 30, "tail": "shift", "hop": 20}),
    "own values": ({"normalize": {"clip": "mean_std"}}, {"frames": 30, "hop": 11}),
    "repeated": ({"center": False}, {"frames": 30, "hop": 4, "tail": "drop", "edges": "repeat"}),
    "repeated, samples": (
        {"normalize": {"clip": "mean_std"}},
        {"cut": "samples", "samples": 600, "hop": 70, "tail": "drop", "edges": "repeat"},
    ),
    "samples": ({"preemphasis": {}, "pad_mode": "reflect"}, {"cut": "samples", "samples": 1001, "hop": 300}),
    "samples, shift": ({"compress": {"pcen": {}}}, {"cut": "samples", "frames": 40, "tail": "shift"}),
    "samples, gaps": ({"deltas": {"order": 1}}, {"cut": "samples", "samples": 600, "hop": 900}),
}


def stream_settings(name: str) -> Settings:
    spectrogram, clip = STREAMS[name]
    return settings(
        clips=clip, kind="mel", mel={"n_mels": 12}, n_fft=512, win_length=40, hop_length=20, **spectrogram
    )


@pytest.mark.parametrize("name", STREAMS)
@given(samples=st.integers(0, 7000), sizes=st.lists(st.integers(0, 3000), max_size=12))
@example(samples=7000, sizes=[1] * 7000)
@example(samples=6021, sizes=[0, 1, 0, 0, 2560, 0, 1])
@examples(max_examples=10)
def test_a_stream_gives_the_bits_of_the_whole(name: str, samples: int, sizes: list[int]) -> None:
    made, sound = stream_settings(name), noise(samples)

    assert bits(clips(made, sound, sizes)) == bits(clips(made, sound))


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize(
    "edge", ["0", "1", "window-1", "window", "n_fft-1", "n_fft", "clip-1", "clip", "clip+1"]
)
def test_a_short_file_has_one_clip_or_none(edge: str, name: str) -> None:
    made = stream_settings(name)
    clip = made.clip_grid.clip_samples
    lengths = {"window": 40, "n_fft": 512, "clip": clip}
    unit, sign, offset = edge.partition("+") if "+" in edge else edge.partition("-")
    samples = lengths[unit] + int(f"{sign}{offset}" or 0) if unit in lengths else int(unit)

    maker = ClipMaker(made).clips([noise(samples)])
    got = [one.copy() for one in maker]

    if samples < clip:
        assert len({bits(one) for one in got}) == (samples > 0 and made.clips.short == "pad")
    else:
        assert len(got) >= 1
    assert len(got) == made.clip_grid.count_rows(samples)
    assert maker.samples == samples
    assert all(one.shape == made.input_shape and np.isfinite(one).all() for one in got)


@given(
    total=st.integers(0, 60),
    length=st.integers(1, 9),
    hop=st.integers(1, 14),
    sizes=st.lists(st.integers(0, 20), max_size=9),
    shift=st.booleans(),
)
@examples(max_examples=200)
def test_cut_gives_every_whole_window(
    total: int, length: int, hop: int, sizes: list[int], shift: bool
) -> None:
    stream = np.arange(2 * total, dtype=np.float32).reshape(total, 2)
    starts = list(range(0, total - length + 1, hop))
    if shift and starts and starts[-1] + length < total:
        starts.append(total - length)

    got = [one.tolist() for one in cut_windows(blocks(stream, sizes), length, hop, shift=shift)]

    assert got == [stream[start : start + length].tolist() for start in starts]


def test_hops_of_one_sample_give_the_clips_that_are_counted() -> None:
    """A centred frame of an even length: one sample gives a frame before it and a frame after it."""
    for clip in ({"frames": 1}, {"cut": "samples", "frames": 1}):
        try:
            made = settings(n_fft=8, hop_length=1, clips=clip)
        except ValidationError:
            continue  # to refuse it is an answer too
        got = [one.copy() for one in ClipMaker(made).clips([noise(3)])]

        assert {one.shape for one in got} == {made.input_shape}
        assert len(got) == made.clip_grid.count_rows(3)


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize("clip", ["mean_std", "max"])
@pytest.mark.parametrize("level", [0.0, 0.25])
@pytest.mark.parametrize("compress", [None, {"ln": {"offset": 1.0}}])
def test_digital_silence_is_normalised_to_zeros(compress: Any, level: float, clip: str) -> None:
    """Never NaN; a constant sound, whose frames are all alike once DC is gone, is as silent."""
    made = settings(compress=compress, remove_dc_offset=True, center=False, normalize={"clip": clip})

    got = clips(made, np.full(64 + 20 * 9, level, np.float32))

    assert len(got)
    assert (got == 0).all()


def test_silence_at_the_floor_of_decibels_has_no_deviation() -> None:
    made = settings(compress={"db": {}}, clips={"frames": 7}, normalize={"clip": "mean_std"})

    assert (clips(made, np.zeros(500, np.float32)) == 0).all()


def test_each_clip_is_normalised_by_itself() -> None:
    """A quiet clip after a loud one comes out as large."""
    made = settings(compress={"db": {}}, clips={"frames": 7}, normalize={"clip": "mean_std"})
    sound = np.concatenate([noise(1000), 1e-3 * noise(1000)]).astype(np.float32)

    got = clips(made, sound)[:-1]

    np.testing.assert_allclose(got.mean(axis=(1, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(got.std(axis=(1, 2, 3)), 1, atol=1e-6)


def test_a_tone_stays_in_its_bin_in_every_clip() -> None:
    made = settings(center=False, clips={"frames": 11, "hop": 4, "tail": "drop"})

    got = clips(made, tone(10 * 8000 / 64, 3000))

    assert got.shape == (made.clip_grid.count_rows(3000), 11, 33, 1)
    assert (got[..., 0].argmax(axis=2) == 10).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_a_clip_that_is_not_finite_is_an_error_of_its_file(bad: float) -> None:
    """The clips before it are given; 1e30 is finite, but its power is not."""
    made = settings(center=False, clips={"frames": 5})
    sound = noise(1000)
    sound[500] = bad
    given_clips = ClipMaker(made).clips([sound])

    with pytest.raises(AudioError, match="clip 4 is not finite"):
        list(given_clips)

    assert given_clips.count == 4


def test_a_broken_stream_ends_the_clips() -> None:
    made = settings(center=False, clips={"frames": 5})

    def breaking() -> Any:
        yield noise(30_000)
        raise AudioError("cut off")

    given_clips = ClipMaker(made).clips(breaking())
    with pytest.raises(AudioError, match="cut off"):
        list(given_clips)

    assert given_clips.count > 0
    assert given_clips.samples == 30_000


def test_the_rows_of_a_file_do_not_depend_on_the_files_before_it() -> None:
    maker = ClipMaker(stream_settings("pcen"))
    sound = noise(5000)

    def rows(one: Float) -> list[Any]:
        return [bits(clip) for clip in maker.clips([one])]

    alone = rows(sound)
    rows(9 * noise(3000, seed=5))

    assert rows(sound) == alone
