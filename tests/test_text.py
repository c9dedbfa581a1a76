"""Files in a message: few by their names, many by their extensions."""

import os

import pytest

from specfeat.files import to_record_name
from specfeat.output.summary import list_visible_files
from specfeat.text import describe_files


@pytest.mark.parametrize(
    ("paths", "description"),
    [
        (["in/a.txt"], "in/a.txt"),
        (["a\nb", os.fsdecode(b"odd\xff.mat"), "c.d/e"], r"a\nb, odd\xff.mat, c.d/e"),
        (["a.txt", "b.TXT", "c.json", "README"], "2 .txt, 1 .json, 1 without extension"),
        ([f"{k}.{kind}" for k, kind in enumerate("aabbccdde")], "2 .a, 2 .b, 2 .c, 2 .d, 1 more"),
    ],
)
def test_files_are_named_or_counted(paths: list[str], description: str) -> None:
    """Up to three names; of more files the most frequent extensions, in any case of letters."""
    assert describe_files(paths) == description


def test_hidden_files_are_not_named() -> None:
    """Nobody expects them to be read; the others have their paths again."""
    names = ["a/.b.wav", to_record_name(os.fsdecode(b"odd\xff")), ".c", "d.txt"]

    assert list_visible_files(names) == [os.fsdecode(b"odd\xff"), "d.txt"]
