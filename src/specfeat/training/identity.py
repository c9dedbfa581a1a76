"""The identity of a training: everything that decides its weights, so that only the same one is continued."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from specfeat.audio.discovery import find_sounds
from specfeat.config import Config
from specfeat.config.train import Train
from specfeat.run.provenance import collect_versions, describe_processor
from specfeat.training.teachers import LoadedTeacher
from specfeat.training.training_data import TrainingData
from specfeat.weights.files.source import compute_weights_hash

# A training can be continued with more epochs, another limit of space, and more or fewer checkpoints.
_CHANGEABLE_SETTINGS: Any = {"train": {"epochs": True, "checkpoint_s": True, "cache": {"max_gb": True}}}
# What a message says if a hash differs, by its key: the hashes themselves say nothing.
_CHANGES = {
    "data": "the sounds or their labels have changed",
    "noises": "the sounds in a folder of train.augment.noise have changed",
    "teachers": "the config, the weights or the output of a teacher has changed",
    "weights_files": "a weights file has changed",
}


def describe_training(
    config: Config, data: TrainingData, teachers: Sequence[LoadedTeacher], threads: int, device: str
) -> dict[str, Any]:
    """Return the identity of a training: settings, sounds, threads, versions and processor.

    Two trainings with the same identity and the same epochs have the same final weights.

    Args:
        config: the config, with the section `train`.
        data: the sounds, labels and parts.
        teachers: the teachers that the config names.
        threads: the number of threads of a step.
        device: the device on which the network is trained, as the user gave it.

    Raises:
        WeightsError: a weights file, of the config or of a teacher, does not exist or cannot be read.
        UsageError: a folder with noises does not exist.
        NoUsableAudioError: a folder with noises contains no audio.
    """
    versions = {name: version for name, version in collect_versions().items() if name != "platform"}
    weights_file = config.settings.model.weights.file
    identity = {
        "settings": config.settings.model_dump(mode="json", exclude=_CHANGEABLE_SETTINGS),
        "data": data.digest,
        "weights_files": [compute_weights_hash(weights_file)] if weights_file else [],
        "threads": threads,
        "device": device,
        "versions": versions,
        "processor": describe_processor(),
    }
    noises = _hash_noises(config.settings.train or Train())
    if noises:
        identity["noises"] = noises
    if teachers:
        identity["teachers"] = [teacher.describe() for teacher in teachers]
    return identity


def _hash_noises(train: Train) -> list[str]:
    """Return for each step `noise` the SHA-256 of the names, sizes and times of its sounds."""
    hashes = []
    for step in train.augment:
        if step.noise is not None:
            sounds = find_sounds([step.noise.folder]).sounds
            lines = [
                (sound.key.name, sound.file.size, sound.file.mtime_ns)
                + ((sound.file.version,) if sound.file.version else ())
                for sound in sounds
            ]
            hashes.append(hashlib.sha256(repr(lines).encode(errors="surrogateescape")).hexdigest())
    return hashes


def find_difference(old: Any, new: Any, name: str = "") -> str:
    """Return the first value that differs, e.g. "train.batch: 64, now 32"; "" if there is none."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            inner = key if name in ("", "settings") else f"{name}.{key}"
            difference = find_difference(old.get(key), new.get(key), inner)
            if difference:
                return difference
        return ""
    if old == new:
        return ""
    return _CHANGES.get(name) or f"{name}: {json.dumps(old)[:60]}, now {json.dumps(new)[:60]}"
