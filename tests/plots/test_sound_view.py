"""What a plot of a sound shows is what the network receives."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from helpers.sample_data import RATE, Float, compute_clips, make_chirp, make_settings
from specfeat.config.settings import Settings
from specfeat.errors import AudioError, UsageError
from specfeat.plots.sound_view import (
    SoundView,
    TimeRange,
    list_clip_spans,
    measure_sound,
    read_clip,
    read_sound_view,
)

SAMPLES = 730
WHOLE = TimeRange()


def write_sound(folder: Path, samples: int = SAMPLES, channels: int = 1) -> tuple[str, Float]:
    """Write a sound of float values, and return its path and its samples."""
    sound = make_chirp(samples)
    path = str(folder / "a.wav")
    soundfile.write(path, np.stack([sound * (n + 1) for n in range(channels)], axis=1), RATE, subtype="FLOAT")
    return path, sound


def read_view(
    path: str, settings: Settings, *, shown: TimeRange = WHOLE, channel: int | None = None
) -> SoundView:
    """Read what a plot of a sound shows."""
    return read_sound_view(measure_sound(path, settings, channel, shown), settings)


CLIPS: dict[str, dict[str, Any]] = {
    "pad": {"frames": 8},
    "drop": {"frames": 8, "tail": "drop"},
    "shift": {"frames": 8, "tail": "shift"},
    "overlap": {"frames": 8, "hop": 3},
    "gaps": {"frames": 4, "hop": 7},
    "repeat": {"frames": 8, "hop": 3, "tail": "drop", "edges": "repeat"},
    "samples": {"samples": 200, "cut": "samples"},
    "overlap of samples": {"samples": 200, "hop": 90, "cut": "samples"},
}


@pytest.mark.parametrize("clips", CLIPS.values(), ids=CLIPS)
def test_the_spectrogram_has_the_values_of_the_clips(clips: dict[str, Any], tmp_path: Path) -> None:
    """Each column has the values of the frame there, of the last clip that has begun; with gaps it is blank."""
    settings = make_settings(clips=clips, compress={"db": {}})
    path, sound = write_sound(tmp_path)
    view = read_view(path, settings)
    once = {**clips, "edges": "cut"}
    expected_clips = compute_clips(make_settings(clips=once, compress={"db": {}}), sound)
    spans = list(list_clip_spans(settings, SAMPLES))
    frame_samples = 20 if clips.get("cut") != "samples" else 200 / settings.input_shape[0]

    assert view.channels is not None
    assert len(spans) == len(expected_clips) == view.clip_count
    columns = len(view.channels[0])
    assert view.length.end == max(SAMPLES, spans[-1].end)
    for column in range(0, columns, 7):
        time = (column + 0.5) * view.length.end / columns
        begun = [number for number, span in enumerate(spans) if span.start <= time]
        number = begun[-1]
        frame = int((time - spans[number].start) // frame_samples)
        if time >= spans[number].end:
            assert np.isnan(view.channels[0][column]).all()
        else:
            expected = expected_clips[number][min(frame, settings.input_shape[0] - 1), :, 0]
            assert np.array_equal(view.channels[0][column], expected)


def test_the_envelope_is_that_of_the_samples(tmp_path: Path) -> None:
    """The waveform has the samples of the sound, and nothing after its end."""
    path, sound = write_sound(tmp_path)
    view = read_view(path, make_settings(clips={"frames": 40}))
    low, high = view.envelope

    assert (np.nanmin(low), np.nanmax(high)) == (sound.min(), sound.max())
    assert np.isnan(low[int(SAMPLES / view.length.end * len(low)) + 2 :]).all()
    assert view.length.end > SAMPLES


def test_a_part_shows_the_clips_of_the_whole_file(tmp_path: Path) -> None:
    """With a start and an end, the clips are those that overlap the part, with their numbers in the file."""
    settings = make_settings(clips={"frames": 8})
    path, _ = write_sound(tmp_path)
    view = read_view(path, settings, shown=TimeRange(200 / RATE, 470 / RATE))

    assert (view.length.start, view.length.end) == (200, 470)
    assert [(number, span.start) for number, span in view.clips] == [(1, 160), (2, 320)]
    number, span, clip = read_clip(measure_sound(path, settings, None, TimeRange(200 / RATE)), settings)
    assert (number, span.start) == (1, 160)
    assert np.array_equal(clip, compute_clips(settings, make_chirp(SAMPLES))[1])


def test_a_sound_shorter_than_a_clip_has_a_waveform_only(tmp_path: Path) -> None:
    """If the config skips short sounds, there is no clip, and no error."""
    path, _ = write_sound(tmp_path)
    settings = make_settings(clips={"frames": 99, "short": "skip"})

    assert read_view(path, settings).channels is None
    with pytest.raises(AudioError, match="is shorter than a clip"):
        read_clip(measure_sound(path, settings, None, WHOLE), settings)


def test_the_channel_is_the_one_that_is_asked_for(tmp_path: Path) -> None:
    """A channel can be chosen, and replaces the mean of the config."""
    path, sound = write_sound(tmp_path, channels=3)
    settings = make_settings(clips={"frames": 8})

    _, high = read_view(path, settings, channel=2).envelope
    assert np.nanmax(high) == (sound * 3).max()
    with pytest.raises(AudioError, match="no channel 3"):
        measure_sound(path, settings, 3, WHOLE)


def test_a_sound_without_samples_is_refused(tmp_path: Path) -> None:
    """The error names the file; so does that about a start after the end."""
    path, _ = write_sound(tmp_path, samples=0)
    settings = make_settings(clips={"frames": 8})
    with pytest.raises(AudioError, match=r"a\.wav: has no samples"):
        measure_sound(path, settings, None, WHOLE)

    path, _ = write_sound(tmp_path)
    with pytest.raises(UsageError, match=r"a\.wav: has 0\.09125 s, so nothing is there at 1 s"):
        measure_sound(path, settings, None, TimeRange(1.0))


def test_a_file_that_breaks_is_shown_up_to_the_break(tmp_path: Path) -> None:
    """What can be read is shown, and the error says where the file breaks."""
    samples = np.concatenate([make_chirp(3 * RATE), np.full(10, np.nan, np.float32), make_chirp(RATE)])
    path = str(tmp_path / "b.wav")
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    length = measure_sound(path, make_settings(clips={"frames": 8}), None, WHOLE)

    assert length.samples == 3 * RATE
    assert "is nan" in str(length.break_error)
