"""Reads the settings in the record of an output."""

import json

from pydantic import ValidationError

from specfeat.config.settings import Settings
from specfeat.output.records import ConfigIdentity


def parse_settings(identity: ConfigIdentity) -> Settings | None:
    """Return the settings of a recorded config, exactly as they were when the output was written.

    Args:
        identity: the config in a record.

    Returns:
        The settings; None if this version of specfeat does not read them, or reads other settings from them.
    """
    try:
        settings = Settings.model_validate_json(json.dumps(identity.resolved))
    except ValidationError:
        return None
    return settings if settings.digest == identity.sha256 else None
