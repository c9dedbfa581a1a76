"""Finds the sounds of a finished output again, in files and in archives."""

from contextlib import suppress
from pathlib import Path

from specfeat.audio.inputs.base import ListedFile
from specfeat.audio.inputs.registry import find_input_kind
from specfeat.errors import SpecfeatError
from specfeat.files import from_record_name, identify_file
from specfeat.output.finished_output import FinishedOutput
from specfeat.output.records import SoundEntry
from specfeat.sound import Sound


class RecordedSounds:
    """Finds the sounds of an output whose files have not changed since the run.

    Args:
        output: the output.
    """

    def __init__(self, output: FinishedOutput) -> None:
        self._output = output
        self._names = {from_record_name(entry.path) for entry in output.record.files}
        # The files in each archive, by their path in the record; an archive is listed once.
        self._members: dict[Path, dict[str, ListedFile]] = {}

    def find_sound(self, entry: SoundEntry) -> Sound | None:
        """Return a sound; None if its file is missing or has changed since the run."""
        path = self._output.find_file(entry)
        if identify_file(str(path)) == entry.file:
            return Sound(str(path), entry.key.part, entry.file)
        archive = next((folder for folder in path.parents if folder.is_file()), None)
        if archive is None:
            return None
        member = self._list_members(archive, path, entry).get(from_record_name(entry.path))
        if member is None or member.source is None or member.identity != entry.file:
            return None
        return Sound(str(path), entry.key.part, entry.file, source=member.source)

    def _list_members(self, archive: Path, path: Path, entry: SoundEntry) -> dict[str, ListedFile]:
        """Return the files of an archive that belong to the output.

        Args:
            archive: the archive.
            path: the path of one of its files, behind the path of the archive.
            entry: the entry of this file, whose path has the same end.
        """
        if archive not in self._members:
            inner = path.relative_to(archive).as_posix()
            prefix = from_record_name(entry.path).removesuffix(inner)
            self._members[archive] = {}
            with suppress(SpecfeatError):  # the archive has been replaced by one that cannot be read
                kind = find_input_kind(str(archive))
                if kind is not None:
                    listing = kind.list_files(str(archive), lambda name: prefix + name in self._names)
                    self._members[archive] = {prefix + file.path: file for file in listing.files}
        return self._members[archive]
