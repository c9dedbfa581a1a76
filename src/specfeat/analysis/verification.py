"""Verifies a finished output: its index, and some of its rows, which are computed from the audio again."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from specfeat.anonymous_file import open_temporary_file
from specfeat.audio.clip_stream import LocalClipStream
from specfeat.audio.clips import ClipMaker
from specfeat.audio.decode import read_samples
from specfeat.audio.inputs.listing import list_sounds_by_input
from specfeat.config import Config, Settings
from specfeat.errors import AudioError, UsageError
from specfeat.events import RowsEvent
from specfeat.files import from_record_name, read_file_size
from specfeat.network.ready_network import ReadyNetwork
from specfeat.output.finished_output import FinishedOutput
from specfeat.output.index import write_index
from specfeat.output.recorded_settings import parse_settings
from specfeat.output.records import SoundEntry
from specfeat.pipeline import extract_rows
from specfeat.run.provenance import add_network, collect_provenance, describe_differences
from specfeat.sound import Sound

RowStatus = Literal["same", "close", "different", "unchecked"]
Rows = NDArray[np.float32]

# With other versions, another processor or device, values differ in their last bits. This share of the
# largest value of a row is a thousand times the precision of float32, and far below the differences between
# clips.
TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedRow:
    """One row that was computed again.

    Attributes:
        row: the number of the row, counted from 0.
        path: the name of its file, as the record has it.
        status: "same": it has the same bytes. "close": it differs by less than `TOLERANCE`, and was made with
            other versions or on another machine. "different", or "unchecked" if the audio cannot be read.
        largest_difference: the largest difference of a feature; None if the row is unchecked.
        reason: why the row is unchecked or different; "" if it is neither.
    """

    row: int
    path: str
    status: RowStatus
    largest_difference: float | None = None
    reason: str = ""


def verify_index(output: FinishedOutput) -> bool:
    """Return whether the index has exactly the lines that the record's settings and sounds give.

    Args:
        output: the output, whose index has the hash that the record says.

    Raises:
        UsageError: the record has settings of another version of specfeat.
    """
    record = output.record
    settings = parse_settings(record.provenance.config)
    if settings is None:
        raise UsageError(
            f"{output.paths.record}: the settings do not have the SHA-256 that the record gives, or are of "
            "another version of specfeat"
        )
    with open_temporary_file() as file:
        write_index(settings, record.files, record.columns, file)
        file.flush()
        file.seek(0)
        digest = hashlib.sha256()
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest() == record.index.sha256


def choose_rows(row_count: int, wanted: int) -> list[int]:
    """Return the numbers of the rows to compute again: the first one, the last one, and evenly spaced ones.

    The same output always gives the same numbers.

    Args:
        row_count: the number of rows of the output.
        wanted: how many rows to choose; all rows if there are not more.
    """
    if wanted >= row_count:
        return list(range(row_count))
    if wanted == 1:
        return [row_count // 2]
    return [number * (row_count - 1) // (wanted - 1) for number in range(wanted)]


def describe_other_conditions(output: FinishedOutput, config: Config, network: ReadyNetwork) -> str:
    """Return how this machine and its versions differ from those of the output; "" if they do not.

    Args:
        output: the output.
        config: its config, see `load_recorded_config`.
        network: the network that was built here.
    """
    recorded = output.record.provenance
    present = collect_provenance(config, keep_partial=recorded.keep_partial, engine=recorded.engine_name)
    return describe_differences(recorded, add_network(present, network, config.settings.rows))


def verify_rows(
    output: FinishedOutput, config: Config, network: ReadyNetwork, numbers: list[int], *, is_exact: bool
) -> Iterator[VerifiedRow]:
    """Compute rows again and compare them with those of the output.

    Args:
        output: the output.
        config: its config, see `load_recorded_config`.
        network: the network of this config.
        numbers: the numbers of the rows, in ascending order.
        is_exact: whether the rows must have the same bytes, because nothing differs from the run.

    Yields:
        The result for each row, in order.

    Raises:
        OutputError: the array cannot be read.
    """
    stored = output.load_rows()
    entry_numbers = output.list_row_entries()
    rows_of_entry: dict[int, list[int]] = defaultdict(list)
    for number in numbers:
        rows_of_entry[int(entry_numbers[number])].append(number)
    for entry_number, rows in rows_of_entry.items():
        entry = output.record.files[entry_number]
        first_row = int(np.searchsorted(entry_numbers, entry_number))
        try:
            sound = _find_sound(output, entry)
            chosen = [row - first_row for row in rows]
            is_partial = entry.status == "partial"
            computed = _compute_rows(sound, config.settings, network, chosen, is_partial=is_partial)
        except (AudioError, UsageError, OSError) as e:
            for row in rows:
                yield VerifiedRow(row=row, path=entry.path, status="unchecked", reason=str(e))
            continue
        for row, place in zip(rows, chosen, strict=True):
            yield _compare(row, entry.path, stored[row], computed.get(place), is_exact=is_exact)


def _find_sound(output: FinishedOutput, entry: SoundEntry) -> Sound:
    """Return the sound of an entry, if its file is still there and has the same size.

    Raises:
        UsageError: it is not there, or has been changed.
    """
    path, part = output.find_file(entry), entry.key.part
    if path.is_file():
        if entry.size is not None and read_file_size(str(path)) != entry.size:
            raise UsageError("the file has been changed since the run: it has another size")
        return Sound(str(path), part)
    for archive in filter(Path.is_file, path.parents):
        for sound in list_sounds_by_input([str(archive)]).get(str(archive), []):
            if sound.path == str(path):
                return replace(sound, part=part)
    raise UsageError(f"there is no file {from_record_name(entry.path)} any more")


def _compute_rows(
    sound: Sound, settings: Settings, network: ReadyNetwork, places: list[int], *, is_partial: bool
) -> dict[int, Rows]:
    """Return some rows of a sound by their numbers in the sound; rows that do not exist are left out.

    Args:
        sound: the sound.
        settings: the settings of the config.
        network: the network of the config.
        places: the numbers of the rows, counted from 0, in ascending order.
        is_partial: whether the sound breaks in the middle and the rows before the break are kept.

    Raises:
        AudioError: the sound cannot be read.
    """
    breaks: list[AudioError] = []
    on_break = breaks.append if is_partial else None
    stream = LocalClipStream(
        sound, ClipMaker(settings), partial(read_samples, sound, settings.audio, on_break)
    )
    if settings.rows.statistics:  # a row is made from all clips
        return dict(enumerate(_extract_all(stream, settings, network)))
    wanted, clips = set(places), {}
    for place, clip in enumerate(stream):
        if place in wanted:
            clips[place] = clip[0]
        if place >= places[-1]:  # what comes later is not needed
            break
    return _run_network(clips, network)


def _extract_all(stream: LocalClipStream, settings: Settings, network: ReadyNetwork) -> list[Rows]:
    rows: list[Rows] = []
    for event in extract_rows([stream], network, settings.rows.statistics):
        if isinstance(event, RowsEvent):
            rows += [*event.rows]
        elif event.error is not None:
            raise event.error
    return rows


def _run_network(clips: dict[int, Rows], network: ReadyNetwork) -> dict[int, Rows]:
    """Return the rows of clips by the same numbers; a batch has as many places as in a run."""
    numbers = list(clips)
    rows: dict[int, Rows] = {}
    for start in range(0, len(numbers), network.places):
        part = numbers[start : start + network.places]
        batch = np.zeros((network.batch, *network.input_shape), np.float32)
        for place, number in enumerate(part):
            batch[place] = clips[number]
        rows.update(zip(part, network.compute_rows(batch), strict=False))
    return rows


def _compare(
    row: int, path: str, stored: NDArray[np.generic], computed: Rows | None, *, is_exact: bool
) -> VerifiedRow:
    if computed is None:
        return VerifiedRow(row=row, path=path, status="different", reason="the file gives fewer rows now")
    if stored.tobytes() == computed.astype(stored.dtype).tobytes():
        return VerifiedRow(row=row, path=path, status="same", largest_difference=0.0)
    values, others = np.asarray(stored, np.float64), np.asarray(computed, np.float64)
    difference = float(np.nan_to_num(np.abs(values - others), nan=np.inf, posinf=np.inf).max(initial=0.0))
    limit = TOLERANCE * max(1.0, float(np.nan_to_num(np.abs(values)).max(initial=0.0)))
    if difference <= limit and not is_exact:
        return VerifiedRow(row=row, path=path, status="close", largest_difference=difference)
    return VerifiedRow(
        row=row,
        path=path,
        status="different",
        largest_difference=difference,
        reason=f"differs by up to {difference:.3g}",
    )
