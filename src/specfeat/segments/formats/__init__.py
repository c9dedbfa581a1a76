"""The formats of segment tables. Each is one module with the object `FORMAT`, and one line in `FORMATS`."""

from pathlib import Path

from specfeat.errors import InstallError, Remedy, UsageError
from specfeat.files import format_path
from specfeat.plugins import find_plugin, list_plugins
from specfeat.segments.base import SegmentFormat, make_reading_error
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
        InstallError: the format of another package cannot be loaded.
    """
    if name in FORMATS:
        return FORMATS[name]
    if name is not None:
        if name in (plugins := list_plugins(PLUGIN_GROUP)):
            return _load_plugin(name)
        names = [*FORMATS, *plugins]
        raise UsageError(
            f"there is no format of segment tables {name!r}{suggest_name(name, names)}; "
            f"give one of {join_names(names)}"
        )
    start = _read_start(path)
    for own_format in FORMATS.values():
        if own_format.is_format_of(path, start):
            return own_format
    for plugin in list_plugins(PLUGIN_GROUP):
        plugin_format = _load_plugin(plugin)
        if plugin_format.is_format_of(path, start):
            return plugin_format
    raise UsageError(
        f"{format_path(str(path))}: the format of this table of segments is not recognised",
        remedy=Remedy.NAME_SEGMENT_FORMAT,
    )


def _load_plugin(name: str) -> SegmentFormat:
    plugin = find_plugin(PLUGIN_GROUP, name)
    plugin_format = plugin.load() if plugin else None
    if not isinstance(plugin_format, SegmentFormat):
        raise InstallError(
            f"the format of segment tables {name!r} of another package is no `SegmentFormat`; "
            "update or remove this package"
        )
    return plugin_format


def _read_start(path: Path) -> str:
    try:
        if path.is_dir():
            return ""
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            return file.read(_START_CHARACTERS)
    except (OSError, ValueError) as e:
        raise make_reading_error(path, "the table of segments", e) from e
