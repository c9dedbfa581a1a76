"""Labels from folders and from tables."""

from pathlib import Path

import pytest

from helpers.training_data import write_table, write_tones
from specfeat.config.train import Labels
from specfeat.errors import SpecfeatError, UsageError
from specfeat.training.labels import LabeledSound, read_labeled_sounds

pytestmark = pytest.mark.usefixtures("_in_an_empty_folder")

HEADER = ("path", "label", "start", "end", "split")


def _read(*inputs: str, **labels: object) -> list[LabeledSound]:
    return read_labeled_sounds(inputs, Labels.model_validate(labels), needs_labels=True)


def _refuse(*lines: tuple[object, ...], **labels: object) -> str:
    """Return the message about a table, which is one line that begins with its name."""
    write_tones(Path("in"), files=1)
    write_table(Path("labels.csv"), *lines)
    with pytest.raises(UsageError) as error:
        _read("in", file="labels.csv", **labels)
    message = str(error.value)
    assert message.startswith("labels.csv: ")
    assert message.isprintable()
    return message.removeprefix("labels.csv: ")


def test_the_label_is_the_folder_below_the_input() -> None:
    """Deeper folders do not change the label, and extensions may be in capitals."""
    write_tones(Path("in"), files=1)
    Path("in/400/deep/deeper").mkdir(parents=True)
    Path("in/900/00.wav").rename("in/400/deep/deeper/x.WAV")

    assert [(s.name, s.labels) for s in _read("in/")] == [
        ("2000/00.wav", ("2000",)),
        ("400/00.wav", ("400",)),
        ("400/deep/deeper/x.WAV", ("400",)),
    ]


def test_a_file_in_no_folder_has_no_label() -> None:
    """The message names the file and both ways to give a label; tasks without labels take the file."""
    write_tones(Path("in"), files=1, tones=(400,))
    Path("in/400/00.wav").rename("in/a.wav")

    with pytest.raises(UsageError, match=r"^in/a.wav: is in no folder below the input, .*table of labels$"):
        _read("in")
    assert [s.labels for s in read_labeled_sounds(["in"], Labels(), needs_labels=False)] == [()]


def test_tasks_without_labels_need_none_in_the_table() -> None:
    """Without labels to learn, the table may lack the column, and what is in it does not matter."""
    write_tones(Path("in"), files=2, tones=(400,))
    Path("labels.csv").write_text("path,label,split\n400/00.wav,,train\n400/01.wav,only here,validation\n")
    Path("paths.csv").write_text("path\nin/400/00.wav\n")  # relative to the current folder, as in a split.csv

    for table, count in (("labels.csv", 2), ("paths.csv", 1)):
        sounds = read_labeled_sounds(["in"], Labels(file=table), needs_labels=False)
        assert [sound.labels for sound in sounds] == [()] * count
        assert all(Path(sound.sound.path).exists() for sound in sounds)
    with pytest.raises(UsageError, match="has no label"):
        _read("in", file="labels.csv")


@pytest.mark.parametrize("name", ["labels.csv", "labels.tsv"])
def test_a_table_gives_labels_times_parts_and_columns(name: str) -> None:
    """Paths are relative to the input or to the table; an empty time is the start or the end of the file."""
    write_tones(Path("in"), files=2, tones=(400,))
    write_table(
        Path(name),
        (*HEADER, "speaker"),
        ("400/00.wav", "cat", "0.1", "", "train", "anna"),
        ("in/400/00.wav", "dog", "", "0.1", "TEST", "ben"),
        ("./400/01.wav", " dog ", "", "", "validation", "ben"),
    )
    sounds = _read("in", file=name)

    assert [s.labels for s in sounds] == [("cat",), ("dog",), ("dog",)]
    assert [(s.sound.part.start_s, s.sound.part.end_s) for s in sounds] == [
        (0.1, None),
        (None, 0.1),
        (None, None),
    ]
    assert [s.part for s in sounds] == ["train", "test", "validation"]
    assert [s.columns and s.columns["speaker"] for s in sounds] == ["anna", "ben", "ben"]
    assert sounds[2].name == "400/01.wav"


def test_several_labels_of_a_sound_are_separated() -> None:
    """With `multi`, a sound has each label once, or none."""
    write_tones(Path("in"), files=2, tones=(400,))
    write_table(Path("t.csv"), ("path", "label"), ("400/00.wav", "a; b;a"), ("400/01.wav", ""))

    assert [s.labels for s in _read("in", file="t.csv", multi=True)] == [("a", "b"), ()]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([("path", "lable"), ("400/00.wav", "a")],
         "has no column 'label' (did you mean 'lable'?); it has path, lable; name the column with train.labels.label"),
        ([("file", "label"), ("400/00.wav", "a")], "has no column 'path'; it has file, label; name the column with train.labels.path"),
        ([("path", "label")], "has no lines after the header; give one line for each sound"),
        ([], "has no column 'path'; it has no header line; name the column with train.labels.path"),
        ([("path", "label"), ("400/00.wav", " ")], "line 2: has no label; fill in the column 'label'"),
        ([("path", "label"), ("400/00.wav",)], "line 2: has 1 values, and the header 2"),
        ([("path", "label"), ("400/00.wav", "a", "b")], "line 2: has 3 values, and the header 2"),
        ([("path", "label"), ("400/00.wav", "a"), ("in/400/00.wav", "b")],
         "line 3: names the sound of line 2 again; keep one of the lines"),
        ([HEADER, ("400/00.wav", "a", "x", "", "")], "line 2: start is 'x'; give a time in seconds, 0 or more"),
        ([HEADER, ("400/00.wav", "a", "nan", "", "")], "line 2: start is 'nan'; give a time in seconds, 0 or more"),
        ([HEADER, ("400/00.wav", "a", "-1", "", "")], "line 2: start is '-1'; give a time in seconds, 0 or more"),
        ([HEADER, ("400/00.wav", "a", "2", "1", "")], "line 2: end is 1, which is not after start"),
        ([HEADER, ("400/00.wav", "a", "", "", "dev")], "line 2: split is 'dev'; give one of train, validation, test"),
        ([("path", "label"), ("no.wav", "a")],
         "none of its 1 files exists, e.g. in/no.wav; paths are relative to the input folder, the folder of the table or the current folder"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_mistake_in_a_table_is_told_in_one_sentence(lines: list[tuple[object, ...]], message: str) -> None:
    """The sentence names the table, the line, and what is wrong."""
    assert _refuse(*lines) == message


def test_a_table_that_is_no_text_is_refused() -> None:
    """A file of another kind, or none, is named."""
    write_tones(Path("in"), files=1)
    for content, reason in (
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (None, "the table of labels cannot be read: No such file or directory; check its name"),
    ):
        if content is None:
            Path("labels.csv").unlink()
        else:
            Path("labels.csv").write_bytes(content)
        with pytest.raises(SpecfeatError, match=f"^labels.csv: {reason}"):
            _read("in", file="labels.csv")
