"""The arithmetic of frames, clips and mel bands, against the rules restated one by one and against librosa.

Each `naive_` function walks over frames or clips as a person would, with no formula. Sizes are small and
may all differ, so that a swap cannot hide.
"""

import itertools
from fractions import Fraction
from functools import partial
from math import ceil
from typing import NamedTuple

import hypothesis
import librosa
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from librosa.filters import mel as mel_filters

from specfeat.config import load_config
from specfeat.config.clip_grid import ClipGrid, ClipSpan
from specfeat.config.clips import Clips
from specfeat.config.mel_scale import compute_band_edges_hz, find_empty_bands, hz_to_mel, mel_to_hz
from specfeat.config.seconds import convert_to_samples
from specfeat.config.spectrogram import Spectrogram

examples = partial(hypothesis.settings, deadline=None, derandomize=True)


class Case(NamedTuple):
    """What a cutter is made of, and the cutter."""

    spectrogram: Spectrogram
    clips: Clips
    clip_grid: ClipGrid


# --- the rules, restated -------------------------------------------------------------------------


def length_of_a_frame(s: Spectrogram) -> int:
    window = s.win_length if s.win_length is not None else s.n_fft
    return window if s.framing == "win_length" else s.n_fft


def naive_frames(s: Spectrogram, samples: int) -> int:
    """Lay frame after frame: whole ones only, or with `pad_end` all that begin in the sound."""
    length, start, count = length_of_a_frame(s), 0, 0
    padded = samples + (2 * (length // 2) if s.center and samples else 0)
    while start < samples if s.pad_end else start + length <= padded:
        start, count = start + s.hop_length, count + 1
    return count


def naive_fewest(s: Spectrogram, frames: int) -> int:
    """Add samples until they give so many frames."""
    samples = 1
    while naive_frames(s, samples) < frames:
        samples += 1
    return samples


def naive_lengths(s: Spectrogram, clips: Clips) -> tuple[int, int, int]:
    """Return a clip's samples, the samples from clip to clip, and those from one possible start to the next.

    Frames of a padded file stand for a hop each, so a clip of it spans its hops; all other clips span what
    their frames are cut from.
    """
    grid = s.hop_length if clips.cut == "frames" else 1
    if clips.samples:
        return clips.samples, clips.hop or clips.samples, grid
    frames = clips.frames or 0
    hops = clips.cut == "frames" and (s.center or s.pad_end)
    length = frames * s.hop_length if hops else naive_fewest(s, frames)
    laid_end_to_end = length if clips.cut == "samples" else frames * s.hop_length
    return length, clips.hop * s.hop_length if clips.hop else laid_end_to_end, grid


def naive_starts(length: int, hop: int, grid: int, clips: Clips, samples: int) -> list[int]:
    """Lay clip after clip."""
    if samples < length:
        return [0] if clips.short == "pad" and samples else []
    starts = [0]
    if clips.tail == "pad":
        while starts[-1] + length < samples and starts[-1] + hop < samples:
            starts.append(starts[-1] + hop)
        return starts
    while starts[-1] + hop + length <= samples:
        starts.append(starts[-1] + hop)
    last_possible = max(range(0, samples - length + 1, grid))
    if clips.tail == "shift" and starts[-1] < last_possible:
        starts.append(last_possible)
    return starts


# --- what is drawn -------------------------------------------------------------------------------


@st.composite
def spectrograms(draw: st.DrawFn) -> Spectrogram:
    n_fft = draw(st.integers(2, 12))
    window = draw(st.none() | st.integers(1, n_fft))
    center = draw(st.booleans())
    return Spectrogram(
        n_fft=n_fft,
        win_length=window,
        hop_length=draw(st.integers(1, window or n_fft)),
        center=center,
        pad_end=not center and draw(st.booleans()),
        framing=draw(st.sampled_from(["n_fft", "win_length"])),
    )


@st.composite
def cases(draw: st.DrawFn, /, **fixed: object) -> Case:
    """Draw a cutter; its clips' hop is at times larger than the clip."""
    s = draw(spectrograms())
    settings: dict[str, object] = {
        "cut": draw(st.sampled_from(["frames", "samples"])),
        "hop": draw(st.none() | st.integers(1, 15)),
        "tail": draw(st.sampled_from(["pad", "drop", "shift"])),
        "short": draw(st.sampled_from(["pad", "skip"])),
        **fixed,
    }
    if settings["cut"] == "samples" and draw(st.booleans()):
        settings["samples"] = draw(st.integers(naive_fewest(s, 1), 40))
    else:
        settings["frames"] = draw(st.integers(1, 9))
    clips = Clips.model_validate(settings)
    return Case(s, clips, ClipGrid(s, clips))


SAMPLES = st.integers(0, 150)


# --- frames --------------------------------------------------------------------------------------


@given(spectrograms(), SAMPLES)
@examples(max_examples=100)
def test_frames_are_those_that_can_be_laid(s: Spectrogram, samples: int) -> None:
    assert naive_frames(s, samples) == s.count_frames(samples)


@given(spectrograms(), st.integers(1, 30))
@examples(max_examples=100)
def test_samples_are_the_fewest_that_give_so_many_frames(s: Spectrogram, frames: int) -> None:
    assert naive_fewest(s, frames) == s.count_samples(frames)


# --- clips ---------------------------------------------------------------------------------------


@given(cases(), SAMPLES)
@examples(max_examples=250)
def test_clips_are_those_that_can_be_laid(case: Case, samples: int) -> None:
    """From the start, a hop apart; the tail padded, dropped or taken by one clip that is shifted back."""
    length, hop, grid = naive_lengths(case.spectrogram, case.clips)
    starts = naive_starts(length, hop, grid, case.clips, samples)

    assert [ClipSpan(start, start + length) for start in starts] == list(
        case.clip_grid.iterate_spans(samples)
    )


@given(cases(tail="drop", edges="repeat"), SAMPLES)
@examples(max_examples=150)
def test_with_repeated_edges_there_is_a_row_for_each_hop(case: Case, samples: int) -> None:
    """Row r has the clip that begins half a clip, in whole hops, before hop r; at the ends the nearest one."""
    s, cutter = case.spectrogram, case.clip_grid
    plain = list(ClipGrid(s, case.clips.model_copy(update={"edges": "cut"})).iterate_spans(samples))
    length, hop, grid = naive_lengths(s, case.clips)
    ends_padded = s.center or s.pad_end
    there = (
        samples // grid
        if ends_padded or (grid == 1 and case.clips.cut == "samples")
        else naive_frames(s, samples)
    )
    clip = case.clips.frames if case.clips.cut == "frames" else length
    assert clip
    before = (clip // 2) // (hop // grid)
    rows = [row for row in range(samples + 1) if row * (hop // grid) < there] or [0]

    wanted = [plain[min(max(row - before, 0), len(plain) - 1)] for row in rows if plain]

    assert wanted == list(cutter.iterate_spans(samples))
    assert set(plain) == set(wanted)


@pytest.mark.parametrize("frames", [68, 69, 70, 71, 1462, 7450, 7451])
def test_rows_are_as_many_as_inaspeechsegmenters_patches(frames: int) -> None:
    """Its _get_patches: whole windows of 68 every 2, 17 copies before them, 16 or (odd) 17 behind."""
    spectrogram = Spectrogram(n_fft=512, win_length=400, hop_length=160, center=False, framing="win_length")
    cutter = ClipGrid(spectrogram, Clips(frames=68, hop=2, tail="drop", edges="repeat"))

    starts = [span.start // 160 for span in cutter.iterate_spans((frames - 1) * 160 + 400)]

    windows = list(range(0, frames - 68 + 1, 2))
    assert starts == [0] * 17 + windows + [windows[-1]] * (16 + frames % 2)


@given(cases(), SAMPLES)
@examples(max_examples=100)
def test_the_count_is_known_before_the_clips(case: Case, samples: int) -> None:
    assert len(list(case.clip_grid.iterate_spans(samples))) == case.clip_grid.count_rows(samples)


@given(cases(), SAMPLES)
@examples(max_examples=100)
def test_every_clip_begins_inside_the_file(case: Case, samples: int) -> None:
    """A row stands for some part of the file, however much silence is added to it."""
    assert all(0 <= span.start < samples for span in case.clip_grid.iterate_spans(samples))


@given(cases(), SAMPLES)
@examples(max_examples=100)
def test_the_padded_share_of_a_clip_is_counted(case: Case, samples: int) -> None:
    for start, end in case.clip_grid.iterate_spans(samples):
        silent = sum(position >= samples for position in range(start, end))
        share = ClipSpan(start, end).compute_padded_share(samples)
        assert share == pytest.approx(silent / (end - start), abs=1e-12)
        assert 0.0 <= share < 1.0


@given(cases(tail="pad", short="pad"), st.integers(1, 150))
@examples(max_examples=100)
def test_padding_the_tail_leaves_no_sample_out(case: Case, samples: int) -> None:
    """Where clips meet or overlap, each sample is in a clip."""
    assume(case.clip_grid.hop_samples <= case.clip_grid.clip_samples)

    inside = {n for span in case.clip_grid.iterate_spans(samples) for n in range(*span)}

    assert inside >= set(range(samples))


@given(cases(tail="drop"), st.integers(1, 150))
@examples(max_examples=100)
def test_dropping_the_tail_leaves_whole_clips_only(case: Case, samples: int) -> None:
    assume(samples >= case.clip_grid.clip_samples)

    assert all(span.compute_padded_share(samples) == 0.0 for span in case.clip_grid.iterate_spans(samples))


@given(cases(tail="shift"), st.integers(1, 150))
@examples(max_examples=100)
def test_shifting_ends_the_last_clip_where_the_file_ends(case: Case, samples: int) -> None:
    """At the last sample where samples are cut; at the last whole frame, so less than a hop before, else."""
    assume(samples >= case.clip_grid.clip_samples)
    *_, last = case.clip_grid.iterate_spans(samples)

    assert 0 <= samples - last.end < (case.spectrogram.hop_length if case.clips.cut == "frames" else 1)


@given(cases(), SAMPLES)
@examples(max_examples=100)
def test_the_padded_file_holds_its_last_clip_and_no_more(case: Case, samples: int) -> None:
    ends = [span.end for span in case.clip_grid.iterate_spans(samples)]
    adds = case.clips.tail == "pad" or samples < case.clip_grid.clip_samples

    assert max([samples, *(ends if adds else [])]) == case.clip_grid.compute_padded_length(samples)


@given(cases(), SAMPLES)
@examples(max_examples=100)
def test_every_clip_has_its_frames(case: Case, samples: int) -> None:
    """In the spectrogram of the padded file, or of the clip itself where samples are cut."""
    s, cutter = case.spectrogram, case.clip_grid

    if case.clips.cut == "samples":
        assert naive_frames(s, cutter.clip_samples) == cutter.frames
    else:
        there = naive_frames(s, cutter.compute_padded_length(samples))
        assert all(
            span.start // s.hop_length + cutter.frames <= there for span in cutter.iterate_spans(samples)
        )
        assert cutter.hop_frames * s.hop_length == cutter.hop_samples


def test_a_file_of_whole_clips_has_no_clip_of_silence() -> None:
    """The default config's clips are a second, centred frames or not: ten seconds are ten rows."""
    cutter = load_config("default").settings.clip_grid

    assert [cutter.count_rows(samples) for samples in (1, 16000, 16001, 160_000, 160_001)] == [
        1,
        1,
        2,
        10,
        11,
    ]


@pytest.fixture(scope="module")
def yamnet() -> ClipGrid:
    return load_config("yamnet").settings.clip_grid


@given(samples=st.integers(1, 2_000_000) | st.sampled_from([15600, 15601, 15600 + 7680, 15600 + 7681]))
@examples(max_examples=100)
def test_yamnets_clips_are_as_many_as_its_own_code_pads_for(yamnet: ClipGrid, samples: int) -> None:
    """Its features.py pads to 0.975 s and then to whole hops of 0.48 s, at 16 kHz."""
    assert 1 + ceil(Fraction(max(0, samples - 15600), 7680)) == yamnet.count_rows(samples)


# --- seconds -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
def test_seconds_are_samples_only_where_they_are_whole(rate: int) -> None:
    """Every millisecond up to three seconds: what was written counts, not its nearest binary number."""
    for ms in range(1, 3001):
        samples = Fraction(ms, 1000) * rate
        wanted = int(samples) if samples.denominator == 1 else None
        assert wanted == convert_to_samples(ms / 1000, rate), ms


@pytest.mark.parametrize(
    ("seconds", "rate", "samples"),
    [(1, 16000, 16000), (1e-3, 8000, 8), (6.25e-5, 16000, 1), (1e-5, 16000, None), (1e6, 48000, 48 * 10**9)],
)
def test_seconds_may_be_written_in_any_way(seconds: float, rate: int, samples: int | None) -> None:
    assert samples == convert_to_samples(seconds, rate)


# --- mel -----------------------------------------------------------------------------------------

HZ = [0.0, 0.5, 20.0, 60.0, 440.0, 999.999, 1000.0, 1000.001, 3999.5, 6400.0, 8000.0, 24000.0]
MEL = [0.0, 0.3, 7.0, 14.999, 15.0, 15.001, 40.0, 61.5, 700.0, 2840.0]


@pytest.mark.parametrize("htk", [False, True])
def test_hz_and_mel_are_librosas(htk: bool) -> None:
    mels = [mel for mel in MEL if htk or mel < 100]

    np.testing.assert_allclose([hz_to_mel(hz, htk=htk) for hz in HZ], librosa.hz_to_mel(HZ, htk=htk), 1e-12)
    np.testing.assert_allclose(
        [mel_to_hz(mel, htk=htk) for mel in mels], librosa.mel_to_hz(mels, htk=htk), 1e-12
    )


@pytest.mark.parametrize("htk", [False, True])
@given(hz=st.floats(0, 1e5))
@examples(max_examples=100)
def test_mel_and_back_is_the_same_frequency(htk: bool, hz: float) -> None:
    assert mel_to_hz(hz_to_mel(hz, htk=htk), htk=htk) == pytest.approx(hz, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize(
    ("n_mels", "fmin", "fmax"), [(1, 0, 4000), (28, 60, 7800), (64, 125, 7500), (128, 0, 24000)]
)
def test_edges_of_the_bands_are_librosas(htk: bool, n_mels: int, fmin: float, fmax: float) -> None:
    edges = compute_band_edges_hz(n_mels, fmin, fmax, htk=htk)

    wanted = librosa.mel_frequencies(n_mels + 2, fmin=fmin, fmax=fmax, htk=htk)
    np.testing.assert_allclose(edges, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore:Empty filters")
@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_empty_bands_are_librosas_rows_of_zeros(rate: int, htk: bool) -> None:
    """Few and many bands, short and long FFTs. The limits stand off the bins, where rounding would decide."""
    empties = 0
    for n_fft, n_mels in itertools.product((128, 255, 400, 512, 1024, 2048), (1, 28, 64, 80, 128, 256)):
        for fmin, share in ((0.0, 0.4801), (20.3, 0.4801), (0.0, 0.2503), (125.7, 0.4701)):
            fmax = rate * share
            filters = mel_filters(
                sr=rate,
                n_fft=n_fft,
                n_mels=n_mels,
                fmin=fmin,
                fmax=fmax,
                htk=htk,
                norm=None,
                dtype=np.float64,
            )

            empty = find_empty_bands(compute_band_edges_hz(n_mels, fmin, fmax, htk=htk), rate, n_fft)

            assert np.flatnonzero(filters.max(axis=1) == 0).tolist() == empty
            empties += bool(empty)
    assert 0 < empties < 6 * 6 * 4


@pytest.mark.parametrize(
    ("edges", "empty"),
    [
        ((0.0, 20.0, 31.25), [0]),
        ((0.0, 20.0, 31.26), []),
        ((31.25, 40.0, 62.5), [0]),
        ((31.24, 40.0, 62.5), []),
        ((0.0, 10.0, 20.0, 30.0, 40.0), [0, 1]),
    ],
)
def test_a_bin_on_the_foot_of_a_triangle_does_not_count(edges: tuple[float, ...], empty: list[int]) -> None:
    """Bins are 31.25 Hz apart; at its two feet a triangle is 0."""
    assert empty == find_empty_bands(edges, 16000, 512)


@pytest.mark.parametrize("n_mels", [24, 60, 80, 100])
def test_a_band_is_empty_when_its_only_bin_is_dropped(n_mels: int) -> None:
    """As the filters say, whose top bins are dropped."""
    edges = compute_band_edges_hz(n_mels, 100, 7990, htk=True)
    filters = mel_filters(sr=16000, n_fft=512, n_mels=n_mels, fmin=100, fmax=7990, htk=True)
    for band in range(n_mels):
        falling = [k for k in range(257) if edges[band + 1] < k * 31.25 <= edges[band + 2]]
        filters[band, falling[-1:]] = 0

    assert np.flatnonzero(filters.max(axis=1) == 0).tolist() == find_empty_bands(
        edges, 16000, 512, drop_top=True
    )


@pytest.mark.parametrize(("htk", "empty"), [(False, []), (True, [0])])
def test_128_bands_of_a_short_fft(htk: bool, empty: list[int]) -> None:
    """16 kHz, 512 points: bins are 31.25 Hz apart, and HTK's lowest of 128 triangles ends at 27.5 Hz."""
    assert empty == find_empty_bands(compute_band_edges_hz(128, 0, 8000, htk=htk), 16000, 512)
