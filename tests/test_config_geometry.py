"""The arithmetic of frames, clips and mel bands, against the rules restated one by one and against librosa.

Each `naive_` function walks over frames or clips as a person would, with no formula. Sizes are small and
may all differ, so that a swap cannot hide.
"""

import itertools
from fractions import Fraction
from functools import partial
from math import ceil

import hypothesis
import librosa
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from librosa.filters import mel as mel_filters

from specfeat.config import load_config
from specfeat.config.mel import band_edges_hz, empty_bands, hz_to_mel, mel_to_hz
from specfeat.config.sound import Clips, Cutter, Span, Spectrogram, exact_samples

examples = partial(hypothesis.settings, deadline=None, derandomize=True)


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


def naive_cover(s: Spectrogram, samples: int) -> int:
    """Lay uncentred frames until no sample is left; other frames are as many as there are."""
    if s.center or s.pad_end:
        return naive_frames(s, samples)
    count = 1
    while (count - 1) * s.hop_length + length_of_a_frame(s) < samples:
        count += 1
    return count


def naive_fewest(s: Spectrogram, frames: int) -> int:
    """Add samples until they give so many frames."""
    samples = 1
    while naive_frames(s, samples) < frames:
        samples += 1
    return samples


def naive_starts(size: int, step: int, whole: int, cover: int, tail: str) -> list[int]:
    """Lay clips of `size`, `step` apart; `whole` units are in the file, `cover` with silence added."""
    starts = [0]
    if tail == "pad":
        while starts[-1] + size < cover and starts[-1] + step < cover:
            starts.append(starts[-1] + step)
        return starts
    while starts[-1] + step + size <= whole:
        starts.append(starts[-1] + step)
    if tail == "shift" and starts[-1] + size < whole:
        starts.append(whole - size)
    return starts


def naive_spans(cutter: Cutter, samples: int) -> list[Span]:
    clips, s = cutter.clips, cutter.spectrogram
    by_samples = clips.cut == "samples"
    frames = clips.frames or naive_frames(s, clips.samples or 0)
    length = clips.samples or naive_fewest(s, frames)
    hop_frames = clips.hop or frames
    hop = (clips.hop or length) if clips.samples else hop_frames * s.hop_length
    if samples == 0 or (samples < length and clips.short == "skip"):
        return []
    if samples < length:
        return [Span(0, length)]
    if by_samples:
        starts = naive_starts(length, hop, samples, samples, clips.tail)
    else:
        whole, cover = naive_frames(s, samples), naive_cover(s, samples)
        starts = [
            start * s.hop_length for start in naive_starts(frames, hop_frames, whole, cover, clips.tail)
        ]
    return [Span(start, start + length) for start in starts]


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
def cutters(draw: st.DrawFn, /, **fixed: object) -> Cutter:
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
    hypothesis.note(f"{s!r}, {clips!r}")
    return Cutter(s, clips)


SAMPLES = st.integers(0, 150)


def a_frame_begins_at_the_end(s: Spectrogram, samples: int) -> bool:
    """Whether a centred frame stands on the sample after the last one: it is half in the file."""
    return s.center and (naive_frames(s, samples) - 1) * s.hop_length == samples


# --- frames --------------------------------------------------------------------------------------


@given(spectrograms(), SAMPLES)
@examples(max_examples=150)
def test_frames_are_those_that_can_be_laid(s: Spectrogram, samples: int) -> None:
    assert naive_frames(s, samples) == s.frames(samples)


@given(spectrograms(), st.integers(1, 150))
@examples(max_examples=150)
def test_the_covering_frames_are_the_fewest_in_which_each_sample_lies(s: Spectrogram, samples: int) -> None:
    assert naive_cover(s, samples) == s.frames_to_cover(samples)


@given(spectrograms(), st.integers(1, 30))
@examples(max_examples=150)
def test_samples_are_the_fewest_that_give_so_many_frames(s: Spectrogram, frames: int) -> None:
    assert naive_fewest(s, frames) == s.samples(frames)


# --- clips ---------------------------------------------------------------------------------------


@given(cutters(), SAMPLES)
@examples(max_examples=400)
def test_clips_are_those_that_can_be_laid(cutter: Cutter, samples: int) -> None:
    """From the start, a hop apart; the tail padded, dropped or taken by one clip that is shifted back."""
    assume(cutter.clips.cut == "samples" or not a_frame_begins_at_the_end(cutter.spectrogram, samples))

    assert naive_spans(cutter, samples) == list(cutter.spans(samples))


@given(cutters(), SAMPLES)
@examples(max_examples=150)
def test_the_count_is_known_before_the_clips(cutter: Cutter, samples: int) -> None:
    assert len(list(cutter.spans(samples))) == cutter.count(samples)


@given(cutters(), SAMPLES)
@examples(max_examples=150)
def test_every_clip_begins_inside_the_file(cutter: Cutter, samples: int) -> None:
    """A row stands for some part of the file, however much silence is added to it."""
    assert all(0 <= span.start < samples for span in cutter.spans(samples))


@given(cutters(), SAMPLES)
@examples(max_examples=150)
def test_the_padded_share_of_a_clip_is_counted(cutter: Cutter, samples: int) -> None:
    for start, end in cutter.spans(samples):
        silent = sum(position >= samples for position in range(start, end))
        share = Span(start, end).padded(samples)
        assert share == pytest.approx(silent / (end - start), abs=1e-12)
        assert 0.0 <= share <= 1.0


@given(cutters(tail="pad"), st.integers(1, 150))
@examples(max_examples=150)
def test_padding_the_tail_leaves_no_sample_out(cutter: Cutter, samples: int) -> None:
    """Where clips meet or overlap, each sample is in a clip; of spectrogram clips, in one of its frames."""
    s, size = cutter.spectrogram, cutter.clip_samples
    assume(samples >= size or cutter.clips.short == "pad")
    if cutter.clips.cut == "samples":
        assume(cutter.hop_samples <= size)
        seen = {n for span in cutter.spans(samples) for n in range(span.start, span.end)}
    else:
        length = length_of_a_frame(s)
        # librosa's centred frames leave samples out at the end if they hop by more than half of themselves.
        assume(cutter.hop_frames <= cutter.frames and (not s.center or 2 * s.hop_length <= length))
        first = [
            span.start + t * s.hop_length for span in cutter.spans(samples) for t in range(cutter.frames)
        ]
        margin = length // 2 if s.center else 0
        seen = {n for start in first for n in range(start - margin, start - margin + length)}

    assert seen >= set(range(samples))


@given(cutters(tail="drop"), st.integers(1, 150))
@examples(max_examples=150)
def test_dropping_the_tail_leaves_whole_clips_only(cutter: Cutter, samples: int) -> None:
    assume(samples >= cutter.clip_samples)
    assume(cutter.clips.cut == "samples" or not a_frame_begins_at_the_end(cutter.spectrogram, samples))

    assert all(span.padded(samples) == 0.0 for span in cutter.spans(samples))


@given(cutters(tail="shift"), st.integers(1, 150))
@examples(max_examples=150)
def test_shifting_ends_the_last_clip_where_the_file_ends(cutter: Cutter, samples: int) -> None:
    """At the last sample where samples are cut, at the last whole frame where frames are."""
    assume(samples >= cutter.clip_samples)
    *_, last = cutter.spans(samples)

    if cutter.clips.cut == "samples":
        assume(cutter.hop_samples <= cutter.clip_samples)
        assert samples == last.end
    else:
        hop = cutter.spectrogram.hop_length
        assert naive_frames(cutter.spectrogram, samples) * hop == last.start + cutter.frames * hop


@given(cutters(), SAMPLES)
@examples(max_examples=150)
def test_the_padded_file_holds_its_last_clip_and_no_more(cutter: Cutter, samples: int) -> None:
    spans = list(cutter.spans(samples))
    adds = cutter.clips.tail == "pad" or samples < cutter.clip_samples

    length = cutter.padded_length(samples)

    assert length == max([samples, *(span.end for span in spans if adds)])
    if cutter.clips.cut == "frames" and spans:
        needed = spans[-1].start // cutter.spectrogram.hop_length + cutter.frames
        assert needed <= naive_frames(cutter.spectrogram, length)


@pytest.fixture(scope="module")
def yamnet() -> Cutter:
    return load_config("yamnet").settings.cutter


@given(samples=st.integers(1, 2_000_000) | st.sampled_from([15600, 15601, 15600 + 7680, 15600 + 7681]))
@examples(max_examples=150)
def test_yamnets_clips_are_as_many_as_its_own_code_pads_for(yamnet: Cutter, samples: int) -> None:
    """Its features.py pads to 0.975 s and then to whole hops of 0.48 s, at 16 kHz."""
    assert 1 + ceil(Fraction(max(0, samples - 15600), 7680)) == yamnet.count(samples)


# --- seconds -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
def test_seconds_are_samples_only_where_they_are_whole(rate: int) -> None:
    """Every millisecond up to three seconds: what was written counts, not its nearest binary number."""
    for ms in range(1, 3001):
        samples = Fraction(ms, 1000) * rate
        wanted = int(samples) if samples.denominator == 1 else None
        assert wanted == exact_samples(ms / 1000, rate), ms


@pytest.mark.parametrize(
    ("seconds", "rate", "samples"),
    [(1, 16000, 16000), (1e-3, 8000, 8), (6.25e-5, 16000, 1), (1e-5, 16000, None), (1e6, 48000, 48 * 10**9)],
)
def test_seconds_may_be_written_in_any_way(seconds: float, rate: int, samples: int | None) -> None:
    assert samples == exact_samples(seconds, rate)


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
    edges = band_edges_hz(n_mels, fmin, fmax, htk=htk)

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

            empty = empty_bands(band_edges_hz(n_mels, fmin, fmax, htk=htk), rate, n_fft)

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
        ((0.0, 10.0, 20.0, 40.0, 50.0), [0, 2]),
    ],
)
def test_a_bin_on_the_foot_of_a_triangle_does_not_count(edges: tuple[float, ...], empty: list[int]) -> None:
    """Bins are 31.25 Hz apart; at its two feet a triangle is 0."""
    assert empty == empty_bands(edges, 16000, 512)


@pytest.mark.parametrize(("htk", "empty"), [(False, []), (True, [0])])
def test_128_bands_of_a_short_fft(htk: bool, empty: list[int]) -> None:
    """16 kHz, 512 points: bins are 31.25 Hz apart, and HTK's lowest of 128 triangles ends at 27.5 Hz."""
    assert empty == empty_bands(band_edges_hz(128, 0, 8000, htk=htk), 16000, 512)
