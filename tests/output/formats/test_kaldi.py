"""The formats for Kaldi, read back by kaldiio."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from helpers.tables import ROW_COUNTS, make_layout, make_rows, write_array
from specfeat.output.feature_table import Rows
from specfeat.output.formats import get_format
from specfeat.output.sound_names import list_utterance_ids
from specfeat.sound import SoundKey, SoundPart

# The ids of the sounds of `helpers.tables`: a space, a line break and bytes that are not UTF-8 are encoded.
IDS = (
    "in/a%20b.wav",
    'in/"x",y.wav',
    "in/line%0D%0Abreak.wav",
    "in/früh\N{PILE OF POO}.wav",
    "in/%FF%FE.wav",
)


@pytest.fixture
def kaldiio() -> ModuleType:
    """The reader of Kaldi's files; the test is skipped if it is not installed."""
    module: ModuleType = pytest.importorskip("kaldiio", reason="kaldiio is not installed")
    return module


def split_rows(rows: Rows) -> dict[str, Rows]:
    """Return the rows of each sound by its id."""
    return dict(zip(IDS, np.split(rows, np.cumsum(ROW_COUNTS)[:-1]), strict=True))


def check_matrices(found: dict[str, Rows], rows: Rows) -> None:
    """Check that the matrices have the same bits, and that no sound is missing."""
    assert {name: matrix.tobytes() for name, matrix in found.items()} == {
        name: matrix.tobytes() for name, matrix in split_rows(rows).items()
    }


def test_kaldiio_reads_a_binary_archive(tmp_path: Path, kaldiio: ModuleType) -> None:
    """One matrix for each sound, in the order of the sounds."""
    rows = make_rows()
    write_array(tmp_path / "out.ark", rows)
    found = dict(kaldiio.load_ark(str(tmp_path / "out.ark")))

    assert tuple(found) == IDS
    check_matrices(found, rows)


def test_kaldiio_reads_an_archive_of_text(tmp_path: Path, kaldiio: ModuleType) -> None:
    """The text of each number gives the same float32 again."""
    rows = make_rows()
    write_array(tmp_path / "out", rows, "ark-text")

    check_matrices(dict(kaldiio.load_ark(str(tmp_path / "out"))), rows)


def test_kaldiio_finds_a_matrix_in_the_list(
    tmp_path: Path, kaldiio: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list has the path that the user gives, and is sorted as `LC_ALL=C sort` does it."""
    rows = make_rows()
    monkeypatch.chdir(tmp_path)
    write_array(Path("out.kaldi"), rows)
    lines = Path("out.kaldi/feats.scp").read_bytes().splitlines()

    assert lines == sorted(lines)
    assert all(line.split(b" ", 1)[1].startswith(b"out.kaldi/feats.ark:") for line in lines)
    check_matrices(dict(kaldiio.load_scp("out.kaldi/feats.scp")), rows)


def test_another_archive_is_noticed(tmp_path: Path) -> None:
    """A missing list, another id and a cut archive are not the output; an archive that ends early is a bug."""
    rows = make_rows()
    layout, kaldi, ark = make_layout(rows), get_format("kaldi"), get_format("ark")
    write_array(tmp_path / "out.kaldi", rows)
    archive = tmp_path / "out.kaldi/feats.ark"
    assert kaldi.has_layout(tmp_path / "out.kaldi", layout)
    data = archive.read_bytes()
    for damaged in (data[:-1], b"x" + data[1:], data + b"\0"):
        archive.write_bytes(damaged)
        assert not ark.has_layout(archive, layout)
    archive.write_bytes(data[:-1])
    with pytest.raises(RuntimeError, match="ends before its last row"):
        list(ark.read_rows(archive, layout))
    archive.write_bytes(data)
    (tmp_path / "out.kaldi/mine.txt").touch()
    assert kaldi.find_other_file(tmp_path / "out.kaldi", layout) == "mine.txt"


def test_utterances_have_the_ids_of_the_segments() -> None:
    """If each sound has an id of its own, this is the id; otherwise it has the path, and the times of a part."""

    def list_names(*parts: SoundPart) -> list[str]:
        return list_utterance_ids([SoundKey("x/a.wav", part) for part in parts])

    assert list_names(SoundPart(id="u 1"), SoundPart(id="u2")) == ["u%201", "u2"]
    assert list_names(SoundPart(id="u"), SoundPart(id="u", channel=1)) == ["x/a.wav~u", "x/a.wav~u-1"]
    assert list_names(SoundPart(start_s=0.5), SoundPart()) == ["x/a.wav~0.5-end", "x/a.wav"]
    # Times that differ only in digits that a name does not have.
    assert list_names(SoundPart(start_s=0.25), SoundPart(start_s=0.2500000001)) == [
        "x/a.wav~0.25-end",
        "x/a.wav~0.25-end~2",
    ]
