"""What `specfeat train` refuses before TensorFlow is loaded, and what --dry-run prints."""

from pathlib import Path

import pytest

from helpers.specfeat_command import run_in_this_process
from helpers.training_data import CONFIG, write_tones


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with sounds in `in` and a config."""
    write_tones(tmp_path / "in", files=5)
    (tmp_path / "my.yaml").write_text(CONFIG)
    return tmp_path


def test_a_dry_run_shows_the_data_and_writes_nothing(folder: Path) -> None:
    """It prints the classes with their counts in each part, and the shape of a batch."""
    done = run_in_this_process(folder, "train", "in", "run", "-c", "my.yaml", "--dry-run")

    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "15 sounds: 12 train, 3 validation, 0 test",
        "2000  train 4  validation 1  test 0",
        "400   train 4  validation 1  test 0",
        "900   train 4  validation 1  test 0",
    ]
    assert "a batch has the shape 16 x 16 x 16 x 1; nothing is trained" in done.stderr
    assert not (folder / "run").exists()


def test_a_dry_run_names_what_a_training_will_lack(folder: Path) -> None:
    """A file of the table that does not exist, and a part for validation without sounds."""
    (folder / "labels.csv").write_text("path,label\n400/00.wav,a\n900/00.wav,b\n400/0O.wav,a\n")

    words = ("--labels", "labels.csv", "--set", "train.split.validation=0")
    done = run_in_this_process(folder, "train", "in", "run", "-c", "my.yaml", *words, "--dry-run")

    assert done.returncode == 0
    assert "1 file does not exist, e.g. in/400/0O.wav; correct the path in the table" in done.stderr
    assert (
        "there are no sounds for validation, so the best epoch is the one with the smallest loss"
        in done.stderr
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "in"), "give INPUTS first and FOLDER last, e.g. specfeat train recordings/ trained/"),
        (("train", "no", "run"), "no: no such file or folder; check its name"),
        (("train", "in", "my.yaml", "-c", "my.yaml"), "my.yaml: is a file; give a folder for the results"),
        (("train", "in", ".", "-c", "my.yaml"), ".: has files that are not of a training, e.g. in; give a new folder for the results"),
        (("train", "in/400", "run", "-c", "my.yaml"), "in/400/00.wav: is in no folder below the input"),
        (("train", "in", "run", "--labels", "it's no.csv"), "it's no.csv: the table of labels cannot be read"),
        (("train", "in", "run", "-c", "my.yaml", "--set", "model.features=[{conv2d_1: mean}]"), "a training needs one layer, e.g. features: embedding"),
        (("train", "in", "run", "--set", "train.epochs=0"), "--set train.epochs=0: train.epochs: is 0; wanted more than 0"),
    ],
    ids=lambda value: "" if isinstance(value, tuple) else value[:30],
)  # fmt: skip
def test_a_mistake_is_told_in_one_sentence(folder: Path, words: tuple[str, ...], message: str) -> None:
    """The exit code is 2, and no folder is made."""
    done = run_in_this_process(folder, *words)

    assert done.returncode == 2
    assert message in done.stderr
    assert not (folder / "run").exists()
