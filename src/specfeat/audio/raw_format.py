"""The formats of sound without a header, as the user writes them: `RATE:CHANNELS:FORMAT`."""

from specfeat.config.audio import SAMPLE_RATE_LIMITS
from specfeat.errors import UsageError, escape_control_characters
from specfeat.sound import RawFormat
from specfeat.text import join_names, suggest_name

MAX_CHANNELS = 1024  # as many as libsndfile reads
# For each of FFmpeg's names: libsndfile's name of the coding, the order of the bytes, and bytes per sample.
RAW_CODINGS = {
    "u8": ("PCM_U8", "FILE", 1),
    "s8": ("PCM_S8", "FILE", 1),
    "s16le": ("PCM_16", "LITTLE", 2),
    "s16be": ("PCM_16", "BIG", 2),
    "s24le": ("PCM_24", "LITTLE", 3),
    "s24be": ("PCM_24", "BIG", 3),
    "s32le": ("PCM_32", "LITTLE", 4),
    "s32be": ("PCM_32", "BIG", 4),
    "f32le": ("FLOAT", "LITTLE", 4),
    "f32be": ("FLOAT", "BIG", 4),
    "f64le": ("DOUBLE", "LITTLE", 8),
    "f64be": ("DOUBLE", "BIG", 8),
    "alaw": ("ALAW", "FILE", 1),
    "mulaw": ("ULAW", "FILE", 1),
}


def parse_raw_format(text: str) -> RawFormat:
    """Read a format such as "16000:1:s16le".

    Args:
        text: the sample rate in Hz, the number of channels, and the coding (one of `RAW_CODINGS`).

    Raises:
        UsageError: a part is missing or wrong.
    """
    parts = text.split(":")
    shown = escape_control_characters(text[:40])
    if len(parts) != 3:
        raise UsageError(f"the raw format is {shown!r}; write RATE:CHANNELS:FORMAT, e.g. 16000:1:s16le")
    rate, channels = (int(part) if part.isascii() and part.isdecimal() else 0 for part in parts[:2])
    lowest, highest = SAMPLE_RATE_LIMITS
    if not lowest <= rate <= highest:
        raise UsageError(f"the rate in the raw format {shown!r} is not a number from {lowest} to {highest}")
    if not 1 <= channels <= MAX_CHANNELS:
        raise UsageError(
            f"the channels in the raw format {shown!r} are not a number from 1 to {MAX_CHANNELS}"
        )
    if parts[2] not in RAW_CODINGS:
        hint = suggest_name(parts[2], RAW_CODINGS)
        raise UsageError(
            f"the raw format {shown!r} is not known{hint}; give one of {join_names([*RAW_CODINGS])}"
        )
    return RawFormat(rate, channels, parts[2])
