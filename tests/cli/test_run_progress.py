"""How much of a run is done: the estimate, the lines, and the events."""

import json
from pathlib import Path
from typing import Any

import pytest

from helpers.specfeat_command import write_noise
from specfeat.audio.header_length import read_header_seconds
from specfeat.cli import json_log, progress_display
from specfeat.cli.json_log import JsonLog
from specfeat.cli.progress import ProgressReporter
from specfeat.cli.progress_display import ProgressLines
from specfeat.cli.run_progress import RunProgress, format_remaining_time, make_run_progress
from specfeat.files import FileIdentity
from specfeat.sound import Sound, SoundPart, make_file_sound

SOUNDS = [Sound("a.wav", file=FileIdentity(1000, 0)), Sound("b.wav", file=FileIdentity(3000, 0))]


def test_the_rest_is_estimated_from_the_sizes_of_the_files() -> None:
    """A quarter of the bytes took 2 s and had 10 s of audio, so 30 s of audio and 6 s of time remain."""
    times = iter([0.0, 2.0, 2.0])
    run = RunProgress(SOUNDS, lambda: next(times))
    run.add_seconds(10)
    assert (run.total_seconds, run.remaining_s) == (None, None)

    run.end_sound("a.wav")
    assert run.total_seconds == 40
    assert run.speed == 5
    assert run.remaining_s == 6


def test_an_estimate_that_was_too_low_grows() -> None:
    """The audio that was read is never more than the total."""
    run = RunProgress(SOUNDS)
    run.add_seconds(10)
    run.end_sound("a.wav")
    run.add_seconds(100)

    assert run.total_seconds == pytest.approx(1.02 * 110)


def test_parts_of_a_file_share_its_size() -> None:
    """The two parts of a file count as much as the file, and each of them as half of it."""
    parts = [Sound("a.wav", SoundPart(start_s=start), FileIdentity(1000, 0)) for start in (0.0, 5.0)]
    run = RunProgress([*parts, SOUNDS[1]])
    run.add_seconds(5)
    run.end_sound("a.wav")
    assert run.total_seconds == 40

    run.add_seconds(5)
    run.end_sound("a.wav")
    assert run.total_seconds == 40


def test_a_single_file_has_a_percentage_from_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The length of the part that is read counts. If the header gives too little, the total grows."""
    monkeypatch.setattr(progress_display, "LINE_INTERVAL_S", 0.0)
    path = tmp_path / "a.wav"
    write_noise(path, 10)
    lines = ProgressLines([make_file_sound(str(path))])
    lines.add_seconds(2.5)
    part = make_run_progress([Sound(str(path), SoundPart(start_s=4.0, end_s=99.0))])
    assert "0 of 1 file done, 2.5 s of audio read (25%), " in capsys.readouterr().err
    assert (part.total_seconds, part.share) == (6.0, 0.0)

    part.add_seconds(12)
    assert part.total_seconds == pytest.approx(1.02 * 12)
    assert make_run_progress([make_file_sound(str(path))] * 2).total_seconds is None


def test_a_length_that_is_not_known_is_no_error(tmp_path: Path) -> None:
    """A file that is missing or not audio, and the bytes of another program, have none before they are read."""
    (tmp_path / "a.wav").write_text("text")
    for name in ("a.wav", "gone.wav"):
        assert read_header_seconds(make_file_sound(str(tmp_path / name))) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (12_600, "3.5 h")]
)
def test_a_remaining_time_is_rounded(seconds: float, text: str) -> None:
    """Seconds, minutes or hours, with few digits."""
    assert format_remaining_time(seconds) == text


class _End:
    """The end of a sound without an error."""

    def __init__(self, sound: Sound) -> None:
        self.sound, self.error, self.status, self.rows = sound, None, "ok", 3

    def to_entry(self) -> Any:
        return type("Entry", (), {"outcome": {"status": "ok", "rows": 3}})


def _run(listener: Any) -> None:
    with listener.show_progress(SOUNDS):
        listener.on_audio_read(1.0)
        listener.on_audio_read(1.0)
        listener.on_sound_end(_End(SOUNDS[0]))
        listener.on_audio_read(2.0)


def test_lines_of_progress(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`lines` prints lines on any stderr, but not more often than the interval; `none` and quiet print nothing."""
    monkeypatch.setattr(progress_display, "LINE_INTERVAL_S", 0.0)
    _run(ProgressReporter(quiet=False, verbose=False, form="lines"))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("specfeat: 0 of 2 files done, 1.0 s of audio read, ")
    assert lines[2].startswith("specfeat: 1 of 2 files done, 4.0 s of audio read, ")
    assert lines[2].endswith(" left")

    monkeypatch.setattr(progress_display, "LINE_INTERVAL_S", 1000.0)
    _run(ProgressReporter(quiet=False, verbose=False, form="lines"))
    _run(ProgressReporter(quiet=True, verbose=False, form="lines"))
    _run(ProgressReporter(quiet=False, verbose=False, form="none"))
    assert capsys.readouterr().err == ""


def test_a_bar_can_be_forced(capsys: pytest.CaptureFixture[str]) -> None:
    """`bar` shows a bar even if stderr is no terminal; `auto` does not."""
    _run(ProgressReporter(quiet=False, verbose=False, form="auto"))
    assert capsys.readouterr().err == ""
    _run(ProgressReporter(quiet=False, verbose=False, form="bar"))
    assert "s of audio" in capsys.readouterr().err


def test_events_of_progress(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The log has files, seconds of audio and the remaining time, at most one event each interval."""
    monkeypatch.setattr(json_log, "PROGRESS_INTERVAL_S", 0.0)
    with JsonLog(str(tmp_path / "log")) as log:
        _run(log)
    monkeypatch.setattr(json_log, "PROGRESS_INTERVAL_S", 1000.0)
    with JsonLog(str(tmp_path / "rare")) as log:
        _run(log)
    events, rare = (
        [
            event
            for event in map(json.loads, (tmp_path / name).read_text().splitlines())
            if event["event"] == "progress"
        ]
        for name in ("log", "rare")
    )

    assert [(event["done"], event["total"], event["audio_seconds"]) for event in events] == [
        (0, 2, 1.0),
        (0, 2, 2.0),
        (1, 2, 4.0),
    ]
    assert [event["eta_s"] is None for event in events] == [True, True, False]
    assert len(rare) == 1
