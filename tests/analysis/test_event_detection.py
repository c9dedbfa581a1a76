"""From the scores of one class to events: thresholds, smoothing, gaps, lengths, and the times of rows."""

from pathlib import Path

import numpy as np
import pytest

from helpers.handmade_outputs import CONFIG
from specfeat.analysis.event_detection import (
    find_class_events,
    find_top_columns,
    follow_thresholds,
    smooth_scores,
)
from specfeat.analysis.event_rules import EventRules, Smoothing, read_thresholds
from specfeat.analysis.row_times import RowTimes, compute_row_times
from specfeat.config import load_config
from specfeat.config.settings import Settings
from specfeat.errors import UsageError
from specfeat.output.records import SoundEntry


def find_events(scores: list[float], rules: EventRules, hop_s: float = 1.0) -> list[tuple[float, float]]:
    """Return the times of the events of rows that follow each other."""
    starts = np.arange(len(scores), dtype=np.float64) * np.float64(hop_s)
    times = RowTimes(starts, starts, starts + hop_s)
    found = find_class_events("a", np.array(scores, np.float32), times, rules, None)
    return [(event.start_s, event.end_s) for event in found]


def test_thresholds_are_followed_row_by_row() -> None:
    """The events are those of a machine with two states that reads one score after the other."""
    generator = np.random.default_rng(1)
    for _ in range(200):
        scores = generator.random(generator.integers(0, 30)).round(1).astype(np.float32)
        scores[generator.random(len(scores)) < 0.1] = np.nan
        wanted, is_on = [], False
        for score in scores:
            is_on = bool(score >= np.float32(0.4)) if is_on else bool(score >= np.float32(0.7))
            wanted.append(is_on)

        assert follow_thresholds(scores, 0.7, 0.4).tolist() == wanted


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_scores_are_smoothed_over_the_rows_that_exist(statistic: str) -> None:
    """Each score becomes the statistic of the window around it; a score that is not a number is left out."""
    scores = np.random.default_rng(2).random(40, np.float32)
    scores[[3, 20, 21, 22, 23, 24]] = np.nan
    smoothed = smooth_scores(scores, Smoothing(5, "median" if statistic == "median" else "mean"))

    for k, value in enumerate(smoothed):
        window = [x for x in scores[max(0, k - 2) : k + 3] if not np.isnan(x)]
        wanted = getattr(np, statistic)(window) if window else np.nan
        np.testing.assert_allclose(value, wanted, rtol=1e-6)
    assert np.isnan(smoothed[22])


def test_gaps_are_closed_before_short_events_are_dropped() -> None:
    """Two short events with a small gap between them can be one event that is long enough."""
    scores = [0.9, 0, 0.9, 0, 0, 0, 0.9, 0, 0, 0.9, 0.9]
    assert find_events(scores, EventRules()) == [(0, 1), (2, 3), (6, 7), (9, 11)]
    assert find_events(scores, EventRules(max_gap_s=1)) == [(0, 3), (6, 7), (9, 11)]
    assert find_events(scores, EventRules(min_length_s=2)) == [(9, 11)]
    assert find_events(scores, EventRules(max_gap_s=1, min_length_s=2)) == [(0, 3), (9, 11)]
    # 3 rows of 0.1 s are not less than 0.3 s, although the times are rounded.
    assert len(find_events([1, 1, 1, 0], EventRules(min_length_s=0.3), hop_s=0.1)) == 1


def test_an_event_has_the_mean_and_the_largest_of_its_scores() -> None:
    """The scores are those of the output, not the smoothed ones, and those of a closed gap count."""
    times = RowTimes(*(np.arange(k, 5 + k, dtype=float) for k in (0, 0, 1)))
    rules = EventRules(max_gap_s=1, smoothing=Smoothing(1))
    (event,) = find_class_events("a", np.array([0, 0.75, 0.25, 1, 0], np.float32), times, rules, None)

    assert event[:3] == ("a", 1.0, 4.0)
    assert event.mean == pytest.approx(2 / 3)
    assert event.largest == 1.0


def test_each_class_can_have_its_thresholds(tmp_path: Path) -> None:
    """A table gives thresholds of classes; an end above the beginning is refused."""
    (tmp_path / "t.csv").write_text("label,on,off\nwren,0.8,0.2\nowl,0.3,\n")
    on, off = read_thresholds(tmp_path / "t.csv")
    rules = EventRules(on=0.5, off=0.4, on_of_label=on, off_of_label=off)

    assert [rules.get_thresholds(label) for label in ("wren", "owl", "robin")] == [
        (0.8, 0.2),
        (0.3, 0.3),
        (0.5, 0.4),
    ]
    with pytest.raises(UsageError, match=r"ends \(0.7\) is higher than that at which it begins \(0.5\)"):
        EventRules(on=0.5, off=0.7).get_thresholds("wren")
    for text, message in (
        ("class,on\na,1\n", "has no column 'label'"),
        ("label,on\na,high\n", "line 2: 'high' is not a threshold"),
        ("label,on\na,1\na,2\n", "line 3: the class 'a' has two lines"),
    ):
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(UsageError, match=message):
            read_thresholds(tmp_path / "t.csv")


def test_the_highest_scores_of_a_row() -> None:
    """Equal scores are taken in the order of the columns, and a score that is not a number comes last."""
    scores = np.array([[0.1, 0.5, 0.5], [np.nan, 0.0, -1.0]], np.float32)

    assert find_top_columns(scores, 2).tolist() == [[1, 2], [1, 2]]
    assert find_top_columns(scores, 1).tolist() == [[1], [1]]
    assert find_top_columns(scores, 9).shape == (2, 3)


def make_entry(samples: int, rows: int, start_s: float | None = None) -> SoundEntry:
    return SoundEntry(
        path="a.wav",
        start_s=start_s,
        size=1,
        mtime_ns=1,
        status="ok",
        rows=rows,
        samples=samples,
        seconds=0.0,
    )


def compute_times(settings: Settings, samples: int, start_s: float | None = None) -> RowTimes:
    """Return the times of the rows of a sound, from the times that the index would have."""
    spans = np.array([*settings.iterate_row_spans(samples)])[:, :2]
    starts, ends = (start_s or 0.0) + spans.T / settings.audio.sample_rate
    return compute_row_times(make_entry(samples, len(starts), start_s), settings, starts, ends)


def test_rows_of_overlapping_clips_share_the_time() -> None:
    """Clips of 0.975 s every 0.48 s: a row has the 0.48 s around its middle, the first and the last row have more."""
    settings = load_config("yamnet").settings
    times = compute_times(settings, 16_000 * 3, start_s=10.0)

    assert times.ends[:-1].tolist() == times.starts[1:].tolist()  # no gap, and no time twice
    assert times.starts[0] == 10.0
    np.testing.assert_allclose(times.ends[:2], [10.7275, 11.2075])
    assert times.ends[-1] == 13.0  # not after the end of the sound, where the last clip is padded


def test_rows_have_the_times_of_clips_that_do_not_overlap(tmp_path: Path) -> None:
    """Without overlap the times are exactly those of the index, up to the end of the sound."""
    values = {"width": 1, "labels": ["a"], "clips": "{frames: 50}", "embedding": "", "features": "scores"}
    (tmp_path / "c.yaml").write_text(CONFIG.format(**values))
    settings = load_config(tmp_path / "c.yaml").settings
    samples = 8000 * 300 + 100
    spans = [*settings.iterate_row_spans(samples)]
    times = compute_times(settings, samples)

    assert times.starts.tolist() == [span.start / 8000 for span in spans]
    assert times.ends.tolist() == [min(span.end, samples) / 8000 for span in spans]


def test_a_row_for_each_hop_has_the_time_of_its_hop() -> None:
    """With `edges: repeat` the clips at both ends are repeated, and row k is hop k."""
    settings = load_config("inaspeech").settings
    times = compute_times(settings, 16_000)

    np.testing.assert_allclose(times.starts, np.arange(len(times.starts)) * 0.02, atol=1e-12)
    np.testing.assert_allclose(times.ends, np.arange(1, len(times.starts) + 1) * 0.02, atol=1e-12)
    assert (times.clip_starts[:18] == 0).all()


def test_one_row_of_a_file_has_the_time_of_the_file() -> None:
    """With `--per file` an event is a whole file."""
    settings = load_config("yamnet", ["rows.per=file"]).settings
    times = compute_times(settings, 20_000)

    assert (times.starts.tolist(), times.ends.tolist()) == ([0.0], [1.25])
