"""The types of which journal and record consist: entries of sounds, provenance, journal header, record.

Journal and record are JSON: `to_json` returns the object that is written, and `record_json` reads it back and
checks it. The keys have the order of the fields. A field that has its default value is left out.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any, get_args

import numpy as np
from pydantic import AfterValidator, Field, InstanceOf, Strict

from specfeat.architecture.feature_sources import ColumnGroup
from specfeat.files import FileIdentity
from specfeat.output.digests import OutputDigests
from specfeat.output.field_types import Count, Flag, Integer, JsonObject, Seconds, Text, write_fields
from specfeat.output.shard_identity import ShardIdentity
from specfeat.sound import SoundKey, SoundPart, SoundStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundEntry:
    """The entry of one sound in journal and record.

    The first six fields identify the sound. The last four are None if the sound did not fail or break.

    Attributes:
        path: the name of the file, see `files.to_record_name`.
        channel, start_s, end_s, id, may_end_early: see `SoundPart`; the defaults are those of a whole file.
        columns: the values of the sound in the additional columns of the index, see `RunRecord.columns`.
        size: the size of the file in bytes before it was read; None if it could not be read.
        mtime_ns: the time of the file's last change before it was read, see `FileIdentity`.
        version: a checksum or another text that changes with the content, see `FileIdentity`.
        status: how the extraction of the sound ended.
        rows: how many rows of the array belong to the sound.
        samples: how many samples were read, at the config's sample rate. If there was no error, this is the
            length of the sound.
        seconds: how long it took to read the sound and to make its clips.
        silent: whether the sound has samples and all of them are 0.
        too_loud: whether a sample is far beyond -1..1, so that the file may have another scale.
        decoder: the version of FFmpeg if it decoded the file; None if libsndfile decoded it.
        stage: the stage at which it failed, see `AudioError`.
        cause: why it failed, as a word for programs.
        error: why it failed, as a sentence.
        at_s: the position in the file at which it failed, in seconds from the start of the file; None if that
            is not known.
    """

    path: Text
    channel: Count | None = None
    start_s: Seconds | None = None
    end_s: Seconds | None = None
    id: Text | None = None
    may_end_early: Flag = False
    columns: tuple[Text, ...] = ()
    size: Count | None
    mtime_ns: Integer | None
    version: Text | None = None
    status: SoundStatus
    rows: Count
    samples: Count
    seconds: Seconds
    silent: Flag = False
    too_loud: Flag = False
    decoder: Text | None = None
    stage: Text | None = None
    cause: Text | None = None
    error: Text | None = None
    at_s: Seconds | None = None

    @property
    def key(self) -> SoundKey:
        """The identity of the sound."""
        part = SoundPart(self.channel, self.start_s, self.end_s, self.id, self.may_end_early)
        return SoundKey(self.path, part)

    @property
    def file(self) -> FileIdentity:
        """Size, time and version of the file before it was read."""
        return FileIdentity(self.size, self.mtime_ns, self.version)

    @property
    def is_failure(self) -> bool:
        """Whether the sound failed or broke in the middle."""
        return self.status in ("failed", "partial")

    def to_json(self) -> JsonObject:
        """Return the entry as the JSON object that is written to journal and record."""
        return write_fields(self)

    @property
    def outcome(self) -> JsonObject:
        """The part of the JSON object that says how the extraction ended: all keys from `status` on."""
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
        resolved: all settings, including those that have their default.
    """

    name: Text
    sha256: Text
    resolved: Annotated[InstanceOf[JsonObject], AfterValidator(_check_resolved_config)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Everything that affects the numbers.

    One array may contain rows of two runs only if the provenance of both runs is the same.

    Attributes:
        config: the config.
        versions: the versions of specfeat, Python and the libraries. The entry `platform` (the operating
            system) does not affect the numbers.
        processor: the kind of the processor, and its instruction sets that affect the numbers.
        environment: the environment variables that affect the numbers, as far as they are set.
        keep_partial: whether the rows before the break of a file that breaks in the middle are kept.
        weights: the seed of random weights, or the weights file and its hash. None until the network is
            built, as are the next two.
        device: the device that runs the network, e.g. "cpu".
        features: the number of features in a row.
        engine: the engine that ran the network, with its version, e.g. "onnxruntime 1.32.0"; "" for
            TensorFlow, whose version is in `versions`.
        feature_columns: the columns of each layer and statistic, in order; empty if all columns belong to one
            layer that is not pooled.
    """

    config: ConfigIdentity
    versions: Annotated[InstanceOf[dict[str, str]], AfterValidator(_check_versions)]
    processor: Text
    environment: InstanceOf[dict[str, str]]
    keep_partial: Flag
    weights: InstanceOf[JsonObject] | None = None
    device: Text | None = None
    features: Annotated[int, Strict(), Field(ge=1, lt=2**31)] | None = None
    engine: Text = ""
    feature_columns: tuple[ColumnGroup, ...] = ()

    @property
    def width(self) -> int:
        """The number of features in a row, which is known when the network is built.

        Raises:
            RuntimeError: the network is not built yet.
        """
        if self.features is None:
            raise RuntimeError("the width of a row is known when the network is built")
        return self.features

    @property
    def dtype(self) -> "np.dtype[Any]":
        """The type of the features in the array: float32 or float16, little-endian."""
        rows = self.config.resolved.get("rows")
        name = rows.get("dtype") if isinstance(rows, dict) else None
        return np.dtype("<f2" if name == "float16" else "<f4")

    @property
    def engine_name(self) -> str:
        """The name of the engine, without its version."""
        return self.engine.partition(" ")[0] or "tensorflow"

    def to_json(self) -> JsonObject:
        """Return the keys of the provenance in the JSON object of a journal's header or of a record."""
        columns = [write_fields(group) for group in self.feature_columns]
        values = write_fields(self) | {"config": write_fields(self.config)}
        return values | ({"feature_columns": columns} if columns else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalHeader:
    """The first line of a journal.

    Attributes:
        provenance: the provenance of the rows; complete.
        output: the name of the array that the run writes.
        replaced_files: size in bytes and time of the last change (as in `FileIdentity`) of array, index and
            record when the run started; None for each file that did not exist. The JSON key is `replaces`.
        is_update: whether the run brings an output up to date. The JSON key is `updates`.
        shard: which shard of a divided run it is, e.g. "2/8"; "" if the run is not divided.
    """

    provenance: Provenance
    output: Text
    replaced_files: Annotated[tuple[tuple[Integer, Integer] | None, ...], Field(alias="replaces")]
    is_update: Annotated[Flag, Field(alias="updates")]
    shard: Text = ""

    def to_json(self) -> JsonObject:
        """Return the header as the JSON object that is written to the journal."""
        own = {"output": self.output, "replaces": self.replaced_files, "updates": self.is_update}
        return self.provenance.to_json() | own | ({"shard": self.shard} if self.shard else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord(OutputDigests):
    """The record of an output: how it was made, from which sounds, and how the extraction of each ended.

    Attributes:
        command: the words of the command line, without those that only continue an earlier run; for a run
            from Python, the name of the function.
        folder: the current folder of the process; None if it had been removed.
        started: when the run started, as text in ISO 8601.
        seconds: how long the run took, from the first file to the last byte, without the start of TensorFlow.
        build_seconds: how long it took to build the network; 0.0 if no network was needed.
        provenance: the provenance of the rows; complete.
        audio_seconds: the length of all sounds together, in seconds.
        files: the entries of all sounds, in the order of their rows.
        skipped_files: the names of the skipped files; JSON has them as `passed_over`.
        empty_places: how many places of each batch stay empty, because a clip would get other bits there.
        columns: the names of the additional columns of the index. Each entry has a value for each of them.
        converted_from: "output" and "sha256" of the array from which this one was converted; None if none.
        shard: which shard of a divided run the output is; None if the run is not divided.
    """

    command: tuple[Text, ...]
    folder: Text | None
    started: Text
    seconds: Seconds
    build_seconds: Seconds
    provenance: Provenance
    audio_seconds: Seconds
    files: tuple[SoundEntry, ...]
    skipped_files: Annotated[tuple[Text, ...], Field(alias="passed_over")]
    empty_places: Annotated[int, Strict(), Field(ge=0)] = 0
    columns: tuple[Text, ...] = ()
    converted_from: InstanceOf[JsonObject] | None = None
    shard: ShardIdentity | None = None

    @property
    def rows(self) -> int:
        """How many rows the array has."""
        return sum(entry.rows for entry in self.files)

    @property
    def counts(self) -> dict[str, int]:
        """How many sounds have each status, and how many are silent. A silent sound also has a status."""
        tally = Counter(entry.status for entry in self.files)
        silent = sum(entry.silent for entry in self.files)
        return {status: tally[status] for status in get_args(SoundStatus)} | {"silent": silent}

    def to_json(self) -> JsonObject:
        """Return the JSON object that is written, with `SoundEntry` objects, which `record_json` converts."""
        return {
            "format": self.format,
            "command": self.command,
            "folder": self.folder,
            "output": self.output,
            **({} if self.array_format == "npy" else {"array_format": self.array_format}),
            **({"converted_from": self.converted_from} if self.converted_from else {}),
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
            **({"columns": self.columns} if self.columns else {}),
            **({"shard": self.shard.to_json()} if self.shard else {}),
            "files": self.files,
            "passed_over": self.skipped_files,
        }
