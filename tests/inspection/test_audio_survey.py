"""The dry run of `inspect`: it reads headers, and says what a run would make of the files."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from specfeat.audio import discovery
from specfeat.audio.audio_extensions import list_audio_extensions
from specfeat.audio.decode import read_samples
from specfeat.audio.discovery import search_inputs
from specfeat.config import Settings, load_config
from specfeat.inspection.audio_survey import AudioSurvey, compute_resampled_length, survey_files
from specfeat.inspection.survey_notes import list_survey_notes
from specfeat.sound import make_file_sound


def _survey(folder: Path, settings: Settings) -> AudioSurvey:
    return survey_files(search_inputs([str(folder)]), settings, 10)


def _write(path: Path, samples: int, rate: int, channels: int = 1) -> Path:
    soundfile.write(path, np.full((samples, channels), 0.1, np.float32), rate)
    return path


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 96_000])
@pytest.mark.parametrize("samples", [1, 6_171, 12_345])
def test_the_length_is_that_of_the_decoded_sound(samples: int, rate: int, tmp_path: Path) -> None:
    """The rows are those of the samples that the decoder and soxr give, computed without decoding."""
    settings = load_config("minimal").settings
    path = _write(tmp_path / "a.wav", samples, rate)
    decoded = sum(map(len, read_samples(make_file_sound(str(path)), settings.audio)))
    (file,) = _survey(tmp_path, settings).files

    assert compute_resampled_length(samples, rate, 16_000) == decoded
    assert file.rows == settings.count_rows(decoded)
    assert (file.array_bytes, file.seconds) == (40 * settings.count_rows(decoded), samples / rate)


def test_each_file_without_rows_has_its_reason(tmp_path: Path) -> None:
    """Too short, empty, damaged, without the channel: a sentence says it; other files in the folder are named."""
    settings = load_config("minimal", ["audio.channels=right", "clips.short=skip"]).settings
    _write(tmp_path / "good.wav", 16_000, 16_000, 2)
    _write(tmp_path / "short.wav", 100, 16_000, 2)
    _write(tmp_path / "empty.wav", 0, 16_000, 2)
    _write(tmp_path / "mono.wav", 16_000, 16_000)
    (tmp_path / "damaged.wav").write_bytes(b"RIFF")
    for name in ("notes.txt", ".hidden.wav"):
        (tmp_path / name).write_bytes(b"text")
    survey = _survey(tmp_path, settings)
    notes = "\n".join(list_survey_notes(survey, settings))

    assert {Path(file.path).stem: file.status for file in survey.files} == {
        "good": "ok", "short": "short", "empty": "empty", "mono": "failed", "damaged": "failed",
    }  # fmt: skip
    assert survey.hidden_files == 1
    assert survey.rows == settings.count_rows(16_000) > 0
    for words in (
        "mono.wav: has 1 channel, counted from 0, so no channel 1",
        "short.wav: is shorter than a clip of 0.28 s, and clips.short is skip",
        "empty.wav: has no samples",
        "damaged.wav: ",
        "1 file in the folders is not audio",
    ):
        assert words in notes


def test_a_file_of_each_channel_gives_rows_for_each(tmp_path: Path) -> None:
    """With `channels: each`, a file counts once for each of its channels."""
    settings = load_config("minimal", ["audio.channels=each"]).settings
    _write(tmp_path / "a.wav", 16_000, 16_000, 3)

    assert _survey(tmp_path, settings).rows == 3 * settings.count_rows(16_000)


def test_a_low_sample_rate_leaves_bands_empty(tmp_path: Path) -> None:
    """Above half of a file's sample rate there is no sound; the number of bands there is what librosa's filters say."""
    settings = load_config("minimal", ["audio.sample_rate=48000", "spectrogram.hop_length=480"]).settings
    for number in range(3):
        _write(tmp_path / f"{number}.wav", 22_050, 22_050)
    (note,) = list_survey_notes(_survey(tmp_path, settings), settings)
    mel = settings.spectrogram.mel
    assert mel is not None
    # The lower edge of band k is edge k (librosa.filters.mel).
    empty = sum(edge >= 11_025 for edge in mel.compute_edges_hz(48_000)[:28])

    assert 0 < empty < 28
    assert "3 files have a sample rate of 22,050 Hz and would be resampled to 48,000 Hz" in note
    assert f"no sound above 11,025 Hz, so {empty} of 28 mel bands are empty" in note


def test_a_rare_low_rate_is_not_lost_among_high_rates(tmp_path: Path) -> None:
    """Only rates below that of the config need a sentence, however many others there are."""
    settings = load_config("minimal").settings
    for rate in (16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 8_000):
        _write(tmp_path / f"{rate}.wav", 16_000, rate)
    (note,) = list_survey_notes(_survey(tmp_path, settings), settings)

    assert "1 file has a sample rate of 8,000 Hz" in note


def test_files_that_need_ffmpeg_are_named_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra `av`, a folder of M4A files gives no rows; the note has the command that installs it."""
    extensions = list_audio_extensions() - {"m4a"}
    monkeypatch.setattr(discovery, "list_audio_extensions", lambda: extensions)
    for number in range(4):
        (tmp_path / f"{number}.m4a").write_bytes(b"\0\0\0\x18ftypM4A ")
    settings = load_config("minimal").settings
    survey = _survey(tmp_path, settings)
    (note,) = list_survey_notes(survey, settings)

    assert survey.files == ()
    assert note.startswith("4 files of a format that cannot be read (4 .m4a)")
    assert "pip install 'specfeat[av]'" in note
