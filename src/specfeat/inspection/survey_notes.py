"""Writes the sentences with which `inspect` informs the user about the files of a survey."""

from collections import Counter
from collections.abc import Sequence

from specfeat.audio.conversion import describe_convertible_files
from specfeat.config import Settings
from specfeat.inspection.audio_survey import AudioSurvey, SurveyedFile, group_by_reason
from specfeat.inspection.config_description import count_empty_bins
from specfeat.text import describe_files, format_count

_MAX_REASONS = 5  # how many reasons, and how many sample rates, have a sentence of their own


def list_survey_notes(survey: AudioSurvey, settings: Settings) -> list[str]:
    """Return a sentence for each finding: first files that give no rows, then rows with empty bins.

    Args:
        survey: the files.
        settings: the checked settings.
    """
    notes = []
    if survey.convertible_files:
        notes.append(describe_convertible_files(survey.convertible_files))
    for status in ("failed", "short", "empty", "unknown"):
        groups = group_by_reason([file for file in survey.files if file.status == status])
        notes += [_describe_group(files, reason) for reason, files in [*groups.items()][:_MAX_REASONS]]
        if len(groups) > _MAX_REASONS:
            rest = sum(len(files) for files in [*groups.values()][_MAX_REASONS:])
            notes.append(f"{format_count(rest, 'more file')} cannot be read, for other reasons")
    notes += _describe_sample_rates(survey, settings)
    if survey.other_files:
        other = format_count(len(survey.other_files), "file")
        verb = "is" if len(survey.other_files) == 1 else "are"
        notes.append(f"{other} in the folders {verb} not audio ({describe_files(survey.other_files)})")
    return notes


def _describe_group(files: Sequence[SurveyedFile], reason: str) -> str:
    names = describe_files([file.path for file in files])
    if len(files) == 1:
        return f"{names}: {reason}"
    return f"{len(files)} files ({names}), each: {reason}"


def _describe_sample_rates(survey: AudioSurvey, settings: Settings) -> list[str]:
    """Return a sentence for each sample rate that is lower than that of the config and makes bins empty."""
    rates = [file.sample_rate for file in survey.files if file.sample_rate]
    counts = Counter(rate for rate in rates if rate < settings.audio.sample_rate)
    notes = []
    for rate, count in counts.most_common(_MAX_REASONS):
        empty = count_empty_bins(settings, rate / 2)
        if not empty:
            continue
        bins = "mel bands" if settings.spectrogram.mel else "bins"
        total = settings.spectrogram.mel.bands if settings.spectrogram.mel else settings.spectrogram.bins
        verb = "has" if count == 1 else "have"
        notes.append(
            f"{format_count(count, 'file')} {verb} a sample rate of {rate:,} Hz and would be resampled to "
            f"{settings.audio.sample_rate:,} Hz: there is no sound above {rate / 2:,.0f} Hz, so {empty} of "
            f"{total} {bins} are empty; use a config with a lower sample rate if the weights allow it"
        )
    return notes
