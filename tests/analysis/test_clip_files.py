"""Pieces of audio files as WAV files."""

from pathlib import Path

import pytest
import soundfile

from helpers.specfeat_command import write_noise
from specfeat.analysis import clip_files
from specfeat.analysis.audio_events import AudioEvent
from specfeat.analysis.clip_files import ClipFile, write_clips


def make_clips(folder: Path, *pieces: tuple[float, float, int | None]) -> list[ClipFile]:
    """Return a clip of `a.wav` for each piece: its start and end in seconds, and its channel."""
    return [
        ClipFile(
            folder / f"{number}.wav",
            AudioEvent(name="a.wav", start_s=start_s, end_s=end_s, channel=channel),
            str(folder / "a.wav"),
        )
        for number, (start_s, end_s, channel) in enumerate(pieces)
    ]


def test_a_wrong_piece_does_not_concern_the_others(tmp_path: Path) -> None:
    """A channel that the file does not have, and a piece without samples, give a message each."""
    write_noise(tmp_path / "a.wav", 1)
    messages = write_clips(make_clips(tmp_path, (0, 0.5, 7), (0.25, 0.75, None), (0.5, 0.5, None)))

    assert len(messages) == 2
    assert messages[0].endswith("a.wav: has no channel 7")
    assert messages[1].endswith("has no samples")
    wanted, _ = soundfile.read(tmp_path / "a.wav", start=4000, stop=12000)
    assert soundfile.read(tmp_path / "1.wav")[0].tolist() == wanted.tolist()
    assert not (tmp_path / "0.wav").exists()


def test_a_piece_that_is_too_large_for_a_wav_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit counts samples, channels and three bytes for each value: an hour of 8 channels is above 4 GiB."""
    assert 3600 * 96_000 * 8 * 3 > clip_files.MAX_DATA_BYTES == 2**32 - 100
    monkeypatch.setattr(clip_files, "MAX_DATA_BYTES", 8000 * 3)
    write_noise(tmp_path / "a.wav", 1)
    (message,) = write_clips(make_clips(tmp_path, (0, 0.5, None), (0, 0.500_062_5, None)))

    assert message.endswith("a.wav: the piece has 24,003 bytes, too many for a WAV file")
    assert soundfile.info(tmp_path / "0.wav").frames == 8000
