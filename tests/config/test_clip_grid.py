"""The arithmetic of frames and clips, against the rules written as loops.

The functions `..._by_loop` walk over frames or clips as a person would, without formulas. Sizes are small,
and all may differ, so that a swap cannot hide. Each rule is checked with the same cases, which are drawn once.
"""

import functools
import itertools
from fractions import Fraction
from math import ceil
from random import Random
from typing import Any, NamedTuple

import pytest

from specfeat.config import load_config
from specfeat.config.clip_grid import ClipGrid, ClipSpan
from specfeat.config.clips import Clips
from specfeat.config.spectrogram import Spectrogram

CASE_COUNT = 300  # small sizes, so that this number has every combination of the settings many times


class Case(NamedTuple):
    """A clip grid, the settings that it is made of, and the number of samples of a sound."""

    spectrogram: Spectrogram
    clips: Clips
    clip_grid: ClipGrid
    samples: int


def get_frame_length(spectrogram: Spectrogram) -> int:
    """Return how many samples a frame takes."""
    window = spectrogram.win_length if spectrogram.win_length is not None else spectrogram.n_fft
    return window if spectrogram.framing == "win_length" else spectrogram.n_fft


def count_frames_by_loop(spectrogram: Spectrogram, samples: int) -> int:
    """Lay frame after frame: only whole ones, or with `pad_end` all that begin in the sound."""
    length, start, count = get_frame_length(spectrogram), 0, 0
    padded_samples = samples + (2 * (length // 2) if spectrogram.center and samples else 0)
    while start < samples if spectrogram.pad_end else start + length <= padded_samples:
        start, count = start + spectrogram.hop_length, count + 1
    return count


def find_fewest_samples(spectrogram: Spectrogram, frames: int) -> int:
    """Add samples until they give so many frames, and return their number."""
    samples = 1
    while count_frames_by_loop(spectrogram, samples) < frames:
        samples += 1
    return samples


def compute_lengths(spectrogram: Spectrogram, clips: Clips) -> tuple[int, int, int]:
    """Return the samples of a clip, from clip to clip, and from one possible start of a clip to the next.

    In a file with padded ends a frame stands for a hop, so a clip spans its hops. All other clips span the
    samples that their frames are cut from.
    """
    unit = spectrogram.hop_length if clips.cut == "frames" else 1
    if clips.samples:
        return clips.samples, clips.hop or clips.samples, unit
    frames = clips.frames or 0
    spans_hops = clips.cut == "frames" and (spectrogram.center or spectrogram.pad_end)
    length = frames * spectrogram.hop_length if spans_hops else find_fewest_samples(spectrogram, frames)
    laid_end_to_end = length if clips.cut == "samples" else frames * spectrogram.hop_length
    return length, clips.hop * spectrogram.hop_length if clips.hop else laid_end_to_end, unit


def list_starts_by_loop(length: int, hop: int, unit: int, clips: Clips, samples: int) -> list[int]:
    """Lay clip after clip, and return the first sample of each."""
    if samples < length:
        return [0] if clips.short == "pad" and samples else []
    starts = [0]
    if clips.tail == "pad":
        while starts[-1] + length < samples and starts[-1] + hop < samples:
            starts.append(starts[-1] + hop)
        return starts
    while starts[-1] + hop + length <= samples:
        starts.append(starts[-1] + hop)
    last_possible = max(range(0, samples - length + 1, unit))
    if clips.tail == "shift" and starts[-1] < last_possible:
        starts.append(last_possible)
    return starts


def draw_spectrogram(random: Random) -> Spectrogram:
    """Draw settings of frames."""
    n_fft = random.randint(2, 12)
    window = random.choice([None, random.randint(1, n_fft)])
    center = random.choice([False, True])
    return Spectrogram(
        n_fft=n_fft,
        win_length=window,
        hop_length=random.randint(1, window or n_fft),
        center=center,
        pad_end=not center and random.choice([False, True]),
        framing=random.choice(["n_fft", "win_length"]),
    )


def draw_case(random: Random, fixed: dict[str, str]) -> Case:
    """Draw a clip grid, at times with a hop that is longer than the clip; `fixed` are settings of its clips."""
    spectrogram = draw_spectrogram(random)
    settings: dict[str, Any] = {
        "cut": random.choice(["frames", "samples"]),
        "hop": random.choice([None, random.randint(1, 15)]),
        "tail": random.choice(["pad", "drop", "shift"]),
        "short": random.choice(["pad", "skip"]),
        **fixed,
    }
    if settings["cut"] == "samples" and random.choice([False, True]):
        settings["samples"] = random.randint(find_fewest_samples(spectrogram, 1), 40)
    else:
        settings["frames"] = random.randint(1, 9)
    clips = Clips.model_validate(settings)
    return Case(spectrogram, clips, ClipGrid(spectrogram, clips), random.randint(0, 150))


@functools.cache
def make_cases(**fixed: str) -> tuple[Case, ...]:
    """Make the same cases in each run of the tests; `fixed` are settings that all their clips have."""
    random = Random(0)
    return tuple(draw_case(random, fixed) for _ in range(CASE_COUNT))


def test_frames_are_counted() -> None:
    """There are as many frames as can be laid on the sound, one hop apart."""
    for case in make_cases():
        count = case.spectrogram.count_frames(case.samples)

        assert count_frames_by_loop(case.spectrogram, case.samples) == count


def test_samples_of_frames_are_the_fewest() -> None:
    """One sample less gives one frame less."""
    for case, frames in itertools.product(make_cases(), (1, 2, 3, 7, 19, 30)):
        assert find_fewest_samples(case.spectrogram, frames) == case.spectrogram.count_samples(frames)


def test_clips_lie_one_hop_apart() -> None:
    """From the start of the file, one hop apart; the tail is padded, dropped or has a clip that is moved back."""
    for case in make_cases():
        length, hop, unit = compute_lengths(case.spectrogram, case.clips)
        starts = list_starts_by_loop(length, hop, unit, case.clips, case.samples)

        assert [ClipSpan(start, start + length) for start in starts] == list(
            case.clip_grid.iterate_spans(case.samples)
        )


def test_repeated_edges_give_a_row_for_each_hop() -> None:
    """Row r has the clip that begins half a clip, in whole hops, before hop r; at the ends, the nearest clip."""
    for case in make_cases(tail="drop", edges="repeat"):
        spectrogram, clip_grid = case.spectrogram, case.clip_grid
        plain = list(
            ClipGrid(spectrogram, case.clips.model_copy(update={"edges": "cut"})).iterate_spans(case.samples)
        )
        length, hop, unit = compute_lengths(spectrogram, case.clips)
        has_padded_ends = spectrogram.center or spectrogram.pad_end
        available_units = (
            case.samples // unit
            if has_padded_ends or (unit == 1 and case.clips.cut == "samples")
            else count_frames_by_loop(spectrogram, case.samples)
        )
        clip = case.clips.frames if case.clips.cut == "frames" else length
        assert clip
        clips_before = (clip // 2) // (hop // unit)
        rows = [row for row in range(case.samples + 1) if row * (hop // unit) < available_units] or [0]

        wanted = [plain[min(max(row - clips_before, 0), len(plain) - 1)] for row in rows if plain]

        assert wanted == list(clip_grid.iterate_spans(case.samples))
        assert set(plain) == set(wanted)


@pytest.mark.parametrize("frames", [68, 69, 70, 71, 1462, 7450, 7451])
def test_rows_are_those_of_inaspeechsegmenter(frames: int) -> None:
    """Its _get_patches: whole windows of 68 every 2, 17 copies before them, 16 or (odd) 17 after them."""
    spectrogram = Spectrogram(n_fft=512, win_length=400, hop_length=160, center=False, framing="win_length")
    clip_grid = ClipGrid(spectrogram, Clips(frames=68, hop=2, tail="drop", edges="repeat"))

    starts = [span.start // 160 for span in clip_grid.iterate_spans((frames - 1) * 160 + 400)]

    windows = list(range(0, frames - 68 + 1, 2))
    assert starts == [0] * 17 + windows + [windows[-1]] * (16 + frames % 2)


def test_rows_are_counted() -> None:
    """The number of rows is known without making the clips."""
    for case in make_cases():
        spans = list(case.clip_grid.iterate_spans(case.samples))

        assert len(spans) == case.clip_grid.count_rows(case.samples)


def test_clips_begin_inside_the_file() -> None:
    """A row stands for some part of the file, however much silence is added to it."""
    for case in make_cases():
        assert all(0 <= span.start < case.samples for span in case.clip_grid.iterate_spans(case.samples))


def test_the_padded_share_is_that_of_silent_samples() -> None:
    """The share of a clip that is padding is that of its samples after the end of the file."""
    for case in make_cases():
        for start, end in case.clip_grid.iterate_spans(case.samples):
            silent_samples = sum(position >= case.samples for position in range(start, end))
            share = ClipSpan(start, end).compute_padded_share(case.samples)
            assert share == pytest.approx(silent_samples / (end - start), abs=1e-12)
            assert 0.0 <= share < 1.0


def test_padding_leaves_no_sample_out() -> None:
    """Where clips meet or overlap, each sample is in a clip."""
    cases = make_cases(tail="pad", short="pad")
    for case in [case for case in cases if case.clip_grid.hop_samples <= case.clip_grid.clip_samples]:
        samples_in_clips = {n for span in case.clip_grid.iterate_spans(case.samples) for n in range(*span)}

        assert samples_in_clips >= set(range(case.samples))


def test_dropping_leaves_only_whole_clips() -> None:
    """With `tail: drop` no clip of a long enough file is padded."""
    cases = make_cases(tail="drop")
    for case in [case for case in cases if case.samples >= case.clip_grid.clip_samples]:
        assert all(
            span.compute_padded_share(case.samples) == 0.0
            for span in case.clip_grid.iterate_spans(case.samples)
        )


def test_shifting_ends_the_last_clip_where_the_file_ends() -> None:
    """At the last sample where the sound is cut; at the last whole frame, less than a hop before, otherwise."""
    cases = make_cases(tail="shift")
    for case in [case for case in cases if case.samples >= case.clip_grid.clip_samples]:
        *_, last_span = case.clip_grid.iterate_spans(case.samples)
        limit = case.spectrogram.hop_length if case.clips.cut == "frames" else 1

        assert 0 <= case.samples - last_span.end < limit


def test_the_padded_file_ends_with_its_last_clip() -> None:
    """Padding adds the silence that the last clip needs, and no more."""
    for case in make_cases():
        ends = [span.end for span in case.clip_grid.iterate_spans(case.samples)]
        is_padded = case.clips.tail == "pad" or case.samples < case.clip_grid.clip_samples
        padded_length = case.clip_grid.compute_padded_length(case.samples)

        assert max([case.samples, *(ends if is_padded else [])]) == padded_length


def test_clips_have_their_frames() -> None:
    """In the spectrogram of the padded file, or of the clip itself where the sound is cut."""
    for case in make_cases():
        spectrogram, clip_grid = case.spectrogram, case.clip_grid
        if case.clips.cut == "samples":
            assert count_frames_by_loop(spectrogram, clip_grid.clip_samples) == clip_grid.frames
        else:
            padded_length = clip_grid.compute_padded_length(case.samples)
            available_frames = count_frames_by_loop(spectrogram, padded_length)
            assert all(
                span.start // spectrogram.hop_length + clip_grid.frames <= available_frames
                for span in clip_grid.iterate_spans(case.samples)
            )
            assert clip_grid.hop_frames * spectrogram.hop_length == clip_grid.hop_samples


def test_a_file_of_whole_clips_has_no_clip_of_silence() -> None:
    """The default config's clips are a second long: ten seconds give ten rows."""
    clip_grid = load_config("default").settings.clip_grid

    rows = {1: 1, 16_000: 1, 16_001: 2, 160_000: 10, 160_001: 11}
    assert {samples: clip_grid.count_rows(samples) for samples in rows} == rows


def test_rows_are_those_of_yamnet() -> None:
    """YAMNet's features.py pads to 0.975 s and then to whole hops of 0.48 s, at 16 kHz."""
    yamnet = load_config("yamnet").settings.clip_grid
    random = Random(0)
    edges = [15600 + 7680 * hops + offset for hops in range(4) for offset in (-1, 0, 1)]
    for samples in (1, *edges, *(random.randint(1, 2_000_000) for _ in range(CASE_COUNT))):
        assert 1 + ceil(Fraction(max(0, samples - 15600), 7680)) == yamnet.count_rows(samples)


# --- all frames ----------------------------------------------------------------------------------


def draw_case_of_all_frames(random: Random) -> Case:
    """Draw a clip grid whose clips are cut from all frames: centred ones, padded ones, or those of Kaldi."""
    n_fft = random.randint(2, 12)
    ends: tuple[dict[str, object], ...] = (
        {"center": True},
        {"center": False, "pad_end": True},
        {"center": False, "snip_edges": False},
        {"center": False, "padding": (random.randint(0, 20), random.randint(0, 20))},
    )
    spectrogram = Spectrogram.model_validate(
        {"n_fft": n_fft, "hop_length": random.randint(1, n_fft), **random.choice(ends)}
    )
    settings = {
        "frames": random.randint(1, 9),
        "hop": random.choice([None, random.randint(1, 15)]),
        "tail": random.choice(["pad", "drop", "shift"]),
        "short": random.choice(["pad", "skip"]),
        "end_frame": "keep" if spectrogram.has_padded_ends else "drop",
    }
    clips = Clips.model_validate(settings)
    return Case(spectrogram, clips, ClipGrid(spectrogram, clips), random.randint(0, 150))


def list_frames_by_loop(spectrogram: Spectrogram, samples: int) -> list[range]:
    """Lay frame after frame over the padded sound, and return the samples of the sound that each spans.

    The rule for `snip_edges: false` is that of Kaldi's feature-window.cc, in integers: NumFrames and
    FirstSampleOfFrame.
    """
    length, hop = spectrogram.n_fft, spectrogram.hop_length
    if not samples:
        return []
    if not spectrogram.snip_edges:
        starts = [hop * t + hop // 2 - length // 2 for t in range((samples + hop // 2) // hop)]
    elif spectrogram.pad_end:
        starts = list(range(0, samples, hop))
    else:
        left, right = (length // 2, length // 2) if spectrogram.center else spectrogram.padding or (0, 0)
        starts = list(range(-left, samples + right - length + 1, hop))
    return [range(start, start + length) for start in starts]


def check_clips_of_all_frames(case: Case) -> None:
    """Compare a clip grid with all frames of its sound."""
    spectrogram, clips, grid, samples = case
    frames = list_frames_by_loop(spectrogram, samples)
    length, hop = clips.frames or 0, clips.hop or clips.frames or 0
    whole = list(range(0, len(frames) - length + 1, hop))

    firsts = [span.start // spectrogram.hop_length for span in grid.iterate_spans(samples)]

    assert spectrogram.count_frames(samples) == len(frames)
    if samples and len(frames) < length:
        assert firsts == ([0] if clips.short == "pad" else [])
    elif clips.tail == "drop":
        assert firsts == whole
    elif clips.tail == "shift" and samples:
        last = len(frames) - length
        assert firsts == whole + [last] * (whole[-1] < last)
    elif samples:
        assert firsts[: len(whole)] == whole
        assert firsts == [hop * k for k in range(len(firsts))]
        available = list_frames_by_loop(spectrogram, grid.compute_padded_length(samples))
        assert 1 + (len(available) - length) // hop == len(firsts)
        if hop <= length:
            used = available[: firsts[-1] + length]
            heard = {n for frame in used for n in frame}
            next_start = (firsts[-1] + hop) * spectrogram.hop_length
            assert set(range(samples)) <= heard or next_start >= samples


def test_clips_are_cut_from_all_frames() -> None:
    """There is a clip for each place where its frames are, and with `tail: pad` no frame or sample is left out.

    But for samples for which another clip would have to begin after the end of the sound.
    """
    random = Random(0)
    for _ in range(CASE_COUNT):
        check_clips_of_all_frames(draw_case_of_all_frames(random))


@pytest.fixture(scope="module")
def musicnn() -> ClipGrid:
    """Return the clip grid of MusiCNN."""
    return load_config("musicnn_vgg").settings.clip_grid


@pytest.mark.parametrize("hops", [186, 187, 372, 373, 374, 559, 560])
@pytest.mark.parametrize("rest", [0, 1, 255])
def test_rows_are_those_of_musicnn(musicnn: ClipGrid, hops: int, rest: int) -> None:
    """Its batch_data cuts 187 of librosa's 1 + samples // 256 frames as long as there are so many."""
    frames = 1 + (256 * hops + rest) // 256

    assert musicnn.count_rows(256 * hops + rest) == len(range(0, frames - 187 + 1, 187))
