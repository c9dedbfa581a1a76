"""Saves a linear head as a JSON file with an .npz file beside it, and reads them with strict checks."""

import hashlib
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from specfeat.analysis.linear_head import Activation, LinearHead
from specfeat.atomic_file import write_atomically
from specfeat.errors import UsageError, WeightsError
from specfeat.files import compute_sha256, describe_os_error, format_path
from specfeat.output.field_types import Count, Text
from specfeat.output.records import ConfigIdentity
from specfeat.weights.files.formats import DAMAGE_ERRORS
from specfeat.weights.files.npz import read_npz

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None

FORMAT = 1
MAX_CLASSES = 10_000
_MAX_JSON_BYTES = 2**24
_MAX_ARRAY_BYTES = 2**30
_ARRAYS = ("mean", "scale", "kernel", "bias")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadRecord:
    """What the JSON file of a head says.

    Attributes:
        format: the number of the format, 1.
        specfeat: the version of specfeat that wrote it.
        classes: the names of the classes, in the order of the scores.
        activation: "softmax" or "sigmoid"; see `LinearHead`.
        l2: the strength of the penalty.
        precision: the precision of the thresholds, 0 to 1.
        thresholds: the threshold of each class; see `ClassQuality`.
        recalls: the recall of each class; see `ClassQuality`.
        average_precisions: the average precision of each class; see `ClassQuality`.
        rows: how many rows the head was fitted on.
        files: how many files these rows belong to.
        features: how many features a row has.
        config: the config of the rows.
        weights: "random" (the seed) or "sha256" of the weights of the network that computed the rows.
        arrays_sha256: the SHA-256 of the .npz file.
    """

    format: Literal[1] = 1
    specfeat: Text
    classes: Annotated[tuple[Text, ...], Field(min_length=1, max_length=MAX_CLASSES)]
    activation: Activation
    l2: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    precision: Annotated[float, Field(ge=0, le=1)]
    thresholds: tuple[Share, ...]
    recalls: tuple[Share, ...]
    average_precisions: tuple[Share, ...]
    rows: Count
    files: Count
    features: Annotated[int, Field(ge=1, lt=2**31)]
    config: ConfigIdentity
    weights: dict[str, int | str]
    arrays_sha256: Text


_RECORD_TYPE = TypeAdapter(HeadRecord)


def get_head_paths(model: str) -> tuple[Path, Path]:
    """Return the paths of the JSON file and of the .npz file of a head.

    Args:
        model: the path of the JSON file, with or without its extension.
    """
    path = Path(model if model.endswith(".json") else f"{model}.json")
    return path, path.with_suffix(".npz")


def format_arrays(head: LinearHead) -> bytes:
    """Return the .npz file of a head; the same arrays give the same bytes."""
    file = io.BytesIO()
    np.savez(file, **{name: getattr(head, name) for name in _ARRAYS})
    return file.getvalue()


def save_head(model: str, head: LinearHead, record: HeadRecord) -> None:
    """Write a head; `record.arrays_sha256` must be that of `format_arrays`. Existing files are replaced.

    Raises:
        OutputError: a file cannot be written.
    """
    path, arrays_path = get_head_paths(model)
    write_atomically(arrays_path, format_arrays(head))
    # The JSON file is the last one: it shows that the head is complete.
    write_atomically(path, json.dumps(asdict(record), indent=1).encode() + b"\n")


def hash_arrays(head: LinearHead) -> str:
    """Return the SHA-256 of the .npz file of a head."""
    return hashlib.sha256(format_arrays(head)).hexdigest()


def load_head(model: str) -> tuple[LinearHead, HeadRecord]:
    """Read a head.

    Raises:
        UsageError: a file cannot be read, is not a head, or the two files do not belong together.
    """
    path, arrays_path = get_head_paths(model)
    record = _read_record(path)
    name = format_path(str(arrays_path))
    try:
        if not arrays_path.is_file() or arrays_path.stat().st_size > _MAX_ARRAY_BYTES:
            raise UsageError(f"{name}: is missing or too large for the arrays of {path.name}")
        if compute_sha256(arrays_path) != record.arrays_sha256:
            raise UsageError(f"{name}: does not belong to {path.name}, which has another SHA-256 for it")
        with read_npz(arrays_path) as contents:
            arrays = {array.name: array.read() for array in contents.arrays}
    except OSError as e:
        raise UsageError(f"{name}: cannot be read: {describe_os_error(e)}") from e
    except (WeightsError, *DAMAGE_ERRORS) as e:
        raise UsageError(f"{name}: is not the arrays of a classifier: {e}") from e
    features, classes = record.features, len(record.classes)
    shapes = dict(zip(_ARRAYS, ((features,), (features,), (features, classes), (classes,)), strict=True))
    if arrays.keys() != shapes.keys() or not all(_is_valid(arrays[key], shapes[key]) for key in shapes):
        raise UsageError(f"{name}: has arrays of other names, shapes or types than {path.name} says")
    return LinearHead(record.activation, **{key: arrays[key] for key in _ARRAYS}), record


def _is_valid(array: Any, shape: tuple[int, ...]) -> bool:
    return array.dtype == np.float64 and array.shape == shape and bool(np.isfinite(array).all())


def _is_file_text(text: str) -> bool:
    """Return whether a text can be written to a file: UTF-8, or bytes that the name of a file can have."""
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _read_record(path: Path) -> HeadRecord:
    name = format_path(str(path))
    try:
        if not path.is_file():
            raise UsageError(f"{name}: no such file; give the MODEL that specfeat classify fit has written")
        with path.open("rb") as file:
            text = file.read(_MAX_JSON_BYTES + 1)
    except OSError as e:
        raise UsageError(f"{name}: cannot be read: {describe_os_error(e)}") from e
    try:
        if len(text) > _MAX_JSON_BYTES:
            raise ValueError
        # Not from the JSON text itself, because the names of classes may have bytes that are not UTF-8.
        record = _RECORD_TYPE.validate_python(json.loads(text))
    except (ValueError, RecursionError, ValidationError):
        raise UsageError(f"{name}: is not a classifier of this version of specfeat") from None
    lists = (record.thresholds, record.recalls, record.average_precisions, {*record.classes})
    if any(len(one) != len(record.classes) for one in lists) or not all(map(_is_file_text, record.classes)):
        raise UsageError(f"{name}: is not a classifier of this version of specfeat")
    return record
