"""The formats of segment tables. Each is one module with the object `FORMAT`, and one line in `FORMATS`."""

from pathlib import Path

from specfeat.errors import CHECK_PATH_HINT, InstallError, Remedy, UsageError
from specfeat.files import describe_os_error, format_path
from specfeat.plugins import find_plugin, list_plugins
from specfeat.segments.base import SegmentFormat
from specfeat.segments.formats import audacity, columns, json_lines, kaldi, lhotse, raven
from specfeat.text import join_names, suggest_name

# A table has the first of these formats that recognises it.
FORMATS: dict[str, SegmentFormat] = {
    "kaldi": kaldi.FORMAT,
    "lhotse": lhotse.FORMAT,
    "jsonl": json_lines.FORMAT,
    "raven": raven.FORMAT,
    "audacity": audacity.FORMAT,
    "csv": columns.FORMAT,
}
PLUGIN_GROUP = "specfeat.segment_formats"
_START_CHARACTERS = 65_536


def find_segment_format(path: Path, name: str | None) -> SegmentFormat:
    """Return the format of a table.

    Args:
        path: the table.
        name: the name of the format, if the caller knows it; None to recognise it.

    Raises:
        UsageError: there is no format of this name, no format recognises the table, or it cannot be read.
    """
    if name in FORMATS:
        return FORMATS[name]
    if name is not None:
        if name in (plugins := list_plugins(PLUGIN_GROUP)):
            return _load(name)
        names = [*FORMATS, *plugins]
        raise UsageError(
            f"there is no format of segment tables {name!r}{suggest_name(name, names)}; "
            f"give one of {join_names(names)}"
        )
    start = _read_start(path)
    found = [known for known in FORMATS.values() if known.is_format_of(path, start)]
    if found:
        return found[0]
    for plugin in list_plugins(PLUGIN_GROUP):
        known = _load(plugin)
        if known.is_format_of(path, start):
            return known
    raise UsageError(
        f"{format_path(str(path))}: is no table of segments whose format is known",
        remedy=Remedy.NAME_SEGMENT_FORMAT,
    )


def _load(name: str) -> SegmentFormat:
    plugin = find_plugin(PLUGIN_GROUP, name)
    known = plugin.load() if plugin else None
    if not isinstance(known, SegmentFormat):
        raise InstallError(
            f"the format of segment tables {name!r} of another package is no `SegmentFormat`; "
            "update or remove this package"
        )
    return known


def _read_start(path: Path) -> str:
    try:
        if path.is_dir():
            return ""
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            return file.read(_START_CHARACTERS)
    except (OSError, ValueError) as e:
        hint = f"; {CHECK_PATH_HINT}" if isinstance(e, FileNotFoundError) else ""
        text = f"{format_path(str(path))}: the table of segments cannot be read: {describe_os_error(e)}{hint}"
        raise UsageError(text) from e
