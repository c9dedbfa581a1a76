"""The settings with which the rows of a finished output were made."""

from pydantic import ValidationError

from specfeat.config.settings import Settings
from specfeat.errors import UsageError
from specfeat.files import format_path
from specfeat.output.finished_output import FinishedOutput


def read_output_settings(output: FinishedOutput) -> Settings:
    """Return the settings that the record of an output contains.

    Raises:
        UsageError: this version of specfeat does not know one of the settings.
    """
    try:
        return Settings.model_validate(output.record.provenance.config.resolved, strict=False)
    except ValidationError:
        raise UsageError(
            f"{format_path(str(output.paths.record))}: has settings that this version of specfeat does not "
            "know; use the version that has written it, or extract the features again"
        ) from None
