"""Writes and reads archives of matrices in Kaldi's binary form, without Kaldi.

An archive has one entry for each sound: the id of the utterance, a space, and a matrix with the sound's rows.
The description of the format: https://kaldi-asr.org/doc/io.html. The matrix is written by
`Matrix<float>::Write` in https://github.com/kaldi-asr/kaldi/blob/master/src/matrix/kaldi-matrix.cc
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from specfeat.file_access import open_regular_file
from specfeat.files import read_size, wrap_os_errors
from specfeat.output.feature_table import ArrayLayout, FeatureTable, Rows
from specfeat.output.formats.npy import read_some_rows
from specfeat.output.records import SoundEntry
from specfeat.output.sound_names import list_utterance_ids

# "\0B" begins binary data, "FM " a matrix of float32, and "\4" an integer of 4 bytes.
_MATRIX_HEADER = struct.Struct("<2s3sbibi")


def write_archive(path: Path, table: FeatureTable) -> list[tuple[str, int]]:
    """Write a table as an archive.

    Args:
        path: a file that exists and is empty.
        table: the table; its features are float32.

    Returns:
        For each sound the id of the utterance, and the position in the file at which its matrix begins, in
        bytes. A list of matrices (`scp`) has these positions.

    Raises:
        OutputError: the file cannot be written.
    """
    positions = []
    ids = list_ids(table.layout.entries)
    with wrap_os_errors(path), open_regular_file(path, "wb") as file:
        for utterance, (_, sound_table) in zip(ids, table.split_by_sound(), strict=True):
            file.write(f"{utterance} ".encode())
            positions.append((utterance, file.tell()))
            file.write(_make_matrix_header(sound_table.layout))
            for rows in sound_table.read_rows():
                file.write(np.ascontiguousarray(rows, "<f4").data)
    return positions


def is_archive(path: Path, layout: ArrayLayout) -> bool:
    """Return whether a file can be the archive of this layout: its size and its first entry are compared.

    Raises:
        OutputError: the file cannot be read.
    """
    starts = [*_list_entry_starts(layout)]
    with wrap_os_errors(path, "read"), open_regular_file(path) as file:
        size = sum(map(len, starts)) + layout.rows * layout.row_bytes
        return read_size(path) == size and all(file.read(len(start)) == start for start in starts[:1])


def read_archive(path: Path, layout: ArrayLayout) -> Iterator[Rows]:
    """Yield all rows of an archive in order, in arrays of a few MB.

    Raises:
        OSError: the file cannot be read.
        RuntimeError: the file has other entries than the layout.
    """
    with open_regular_file(path) as file:
        for start, entry in zip(_list_entry_starts(layout), layout.entries, strict=True):
            yield from _read_entry(file, start, entry, layout)


def list_ids(entries: Sequence[SoundEntry]) -> list[str]:
    """Return the ids of the utterances of sounds."""
    return list_utterance_ids([entry.key for entry in entries])


def _read_entry(file: BinaryIO, start: bytes, entry: SoundEntry, layout: ArrayLayout) -> Iterator[Rows]:
    if file.read(len(start)) != start:
        raise RuntimeError(f"{file.name}: has no matrix of {entry.path} where its record says so")
    yield from read_some_rows(file, entry.rows, layout.width, np.dtype("<f4"))


def _list_entry_starts(layout: ArrayLayout) -> Iterator[bytes]:
    """Yield the bytes of each entry before its values."""
    for utterance, entry in zip(list_ids(layout.entries), layout.entries, strict=True):
        yield f"{utterance} ".encode() + _MATRIX_HEADER.pack(b"\0B", b"FM ", 4, entry.rows, 4, layout.width)


def _make_matrix_header(layout: ArrayLayout) -> bytes:
    return _MATRIX_HEADER.pack(b"\0B", b"FM ", 4, layout.rows, 4, layout.width)
