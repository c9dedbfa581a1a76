"""RTTM files (Rich Transcription Time Marked), which programs for speaker diarization read.

The format is described in the evaluation plan of NIST's Rich Transcription 2009. No value can have a space.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from specfeat.analysis.audio_events import EventFile, EventTable

_WHITE_SPACE = re.compile(r"\s+")


def format_rttm(table: EventTable) -> Iterator[bytes]:
    """Yield an RTTM file with a line for each event. White space in names and labels becomes `_`."""
    names = _name_files(table.files)
    for event in table.events:
        name, channel = names[event.name], (event.channel or 0) + 1
        start, length = f"{event.start_s:.6f}", f"{event.end_s - event.start_s:.6f}"
        label = _remove_spaces(event.label)
        line = f"SPEAKER {name} {channel} {start} {length} <NA> <NA> {label} <NA> <NA>\n"
        yield line.encode("utf-8", "surrogateescape")


def _name_files(files: Sequence[EventFile]) -> Mapping[str, str]:
    """Return a name for each file: its own name without the extension, as is usual in RTTM.

    If two files would have the same name, both have their whole paths.
    """
    short = {file.name: _remove_spaces(PurePosixPath(file.name).stem) for file in files}
    counts = Counter(short.values())
    return {name: one if counts[one] == 1 else _remove_spaces(name) for name, one in short.items()}


def _remove_spaces(text: str) -> str:
    return _WHITE_SPACE.sub("_", text.strip()) or "_"
