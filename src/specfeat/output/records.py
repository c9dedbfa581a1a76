"""What journal and record say, as types: of a sound, of what the rows were made with, and of a run.

Journal and record are JSON: `to_json` gives the object that is written, and `record_json` reads it back and
checks it. The keys have the order of the fields; a field that has its default value is left out.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, get_args

from pydantic import AfterValidator, Field, InstanceOf, Strict

from specfeat.files import FileIdentity
from specfeat.output.digests import OutputDigests
from specfeat.output.field_types import Count, Flag, Integer, JsonObject, Seconds, Text, write_fields
from specfeat.sound import SoundKey, SoundPart, SoundStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundEntry:
    """What journal and record say of one sound.

    Attributes:
        path: the file's name, see `files.to_record_name`.
        channel: see `SoundPart`; None for a whole file, as are the next three.
        start_s: see `SoundPart`.
        end_s: see `SoundPart`.
        id: see `SoundPart`.
        size: the file's size in bytes before it was read; None if it could not be read.
        mtime_ns: the file's time of change before it was read, as in `FileIdentity`.
        status: how its extraction ended.
        rows: how many rows the array has of it.
        samples: the length of the sound at the config's sample rate, or how far it was read.
        seconds: time spent on reading it and making its clips.
        silent: whether it has samples and all of them are 0.
        stage: the stage at which it failed, see `AudioError`; None if it did not fail, as are the next three.
        cause: why it failed, as a word for programs.
        error: why it failed, as a sentence.
        at_s: the position in the file at which it failed, in seconds from the file's start; None if that is
            not known.
    """

    path: Text
    channel: Count | None = None
    start_s: Seconds | None = None
    end_s: Seconds | None = None
    id: Text | None = None
    size: Count | None
    mtime_ns: Integer | None
    status: SoundStatus
    rows: Count
    samples: Count
    seconds: Seconds
    silent: Flag = False
    stage: Text | None = None
    cause: Text | None = None
    error: Text | None = None
    at_s: Seconds | None = None

    @property
    def key(self) -> SoundKey:
        """The identity of the sound."""
        return SoundKey(self.path, SoundPart(self.channel, self.start_s, self.end_s, self.id))

    @property
    def file(self) -> FileIdentity:
        """Size and time of the file before it was read."""
        return FileIdentity(self.size, self.mtime_ns)

    @property
    def is_failure(self) -> bool:
        """Whether the sound failed or broke in the middle."""
        return self.status in ("failed", "partial")

    def to_json(self) -> JsonObject:
        """Return the entry as the object that journal and record have."""
        return write_fields(self)

    @property
    def outcome(self) -> JsonObject:
        """How the extraction ended, without the identity of the sound: the object from `status` on."""
        entry = self.to_json()
        return {key: entry[key] for key in list(entry)[list(entry).index("status") :]}


def _check_resolved_config(resolved: JsonObject) -> JsonObject:
    model = resolved.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("weights"), dict):
        raise ValueError("model.weights")
    return resolved


def _check_versions(versions: dict[str, str]) -> dict[str, str]:
    if "python" not in versions or not all(isinstance(version, str) for version in versions.values()):
        raise ValueError("python")
    return versions


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigIdentity:
    """The config of a run.

    Attributes:
        name: the name or path of the config, as the user gave it.
        sha256: `Settings.digest`.
        resolved: the settings, every default spelt out.
    """

    name: Text
    sha256: Text
    resolved: Annotated[InstanceOf[JsonObject], AfterValidator(_check_resolved_config)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Everything that affects the numbers.

    Rows of two runs may stand in one array only if this is the same for both.

    Attributes:
        config: the config.
        versions: the versions of specfeat, Python and the libraries; `platform` does not affect the numbers.
        processor: the kind of machine, and those of its instructions that matter.
        environment: the environment variables that matter, as far as they are set.
        keep_partial: whether a file that breaks in the middle has the rows before the break.
        weights: the seed, or the file and its hash; None until the network is built, as are the next two.
        device: where the network runs, e.g. "cpu".
        features: features in a row.
    """

    config: ConfigIdentity
    versions: Annotated[InstanceOf[dict[str, str]], AfterValidator(_check_versions)]
    processor: Text
    environment: InstanceOf[dict[str, str]]
    keep_partial: Flag
    weights: InstanceOf[JsonObject] | None = None
    device: Text | None = None
    features: Annotated[int, Strict(), Field(ge=1, lt=2**31)] | None = None

    @property
    def width(self) -> int:
        """Features in a row, once they are known.

        Raises:
            RuntimeError: they are not.
        """
        if self.features is None:
            raise RuntimeError("the width of a row is known when the network is built")
        return self.features

    def to_json(self) -> JsonObject:
        """Return the keys that a journal's header and a record have of it."""
        return write_fields(self) | {"config": write_fields(self.config)}


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalHeader:
    """The first line of a journal.

    Attributes:
        provenance: what the rows of the run are made with; complete.
        output: the name of the array that the run is to write.
        replaces: size in bytes and time of change of the array, index and record that were there when the run
            began; None for each that was not.
        updates: whether the run brings an output up to date.
    """

    provenance: Provenance
    output: Text
    replaces: tuple[tuple[Integer, Integer] | None, ...]
    updates: Flag

    def to_json(self) -> JsonObject:
        """Return the header as the object that the journal has."""
        own = {"output": self.output, "replaces": self.replaces, "updates": self.updates}
        return self.provenance.to_json() | own


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord(OutputDigests):
    """The record of an output: what it was made from, with what, and how the extraction of each sound ended.

    Attributes:
        command: the words of the command line.
        folder: the working folder; None if it had been removed.
        started: when the run began, ISO 8601.
        seconds: how long it took, from the first file to the last byte.
        build_seconds: how long it took to build the network; 0.0 if none was needed.
        provenance: what the rows were made with; complete.
        audio_seconds: the length of all sounds.
        files: the sounds, in the order of their rows.
        passed_over: names of the skipped files: files in folders that are not audio.
        empty_places: how many places of each batch were left empty, because a clip would get other bits
            there.
    """

    command: tuple[Text, ...]
    folder: Text | None
    started: Text
    seconds: Seconds
    build_seconds: Seconds
    provenance: Provenance
    audio_seconds: Seconds
    files: tuple[SoundEntry, ...]
    passed_over: tuple[Text, ...]
    empty_places: Annotated[int, Strict(), Field(ge=0)] = 0

    @property
    def rows(self) -> int:
        """How many rows the array has."""
        return sum(entry.rows for entry in self.files)

    @property
    def counts(self) -> dict[str, int]:
        """How many sounds have each status, and how many are silent, which have another status besides."""
        tally = Counter(entry.status for entry in self.files)
        silent = sum(entry.silent for entry in self.files)
        return {status: tally[status] for status in get_args(SoundStatus)} | {"silent": silent}

    def to_json(self) -> JsonObject:
        """Return the object that is written, except that `files` has the entries and not their objects."""
        return {
            "format": self.format,
            "command": self.command,
            "folder": self.folder,
            "output": self.output,
            "started": self.started,
            "seconds": self.seconds,
            "build_seconds": self.build_seconds,
            **self.provenance.to_json(),
            **({"empty_places": self.empty_places} if self.empty_places else {}),
            "rows": self.rows,
            "audio_seconds": self.audio_seconds,
            "array": write_fields(self.array),
            "index": write_fields(self.index),
            "counts": self.counts,
            "files": self.files,
            "passed_over": self.passed_over,
        }
