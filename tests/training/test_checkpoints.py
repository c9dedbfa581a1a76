"""Checkpoints: two are kept, and a damaged one is passed over."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specfeat.errors import OutputError
from specfeat.training.checkpoints import CheckpointFolder, TrainingProgress


class Variable:
    """An array that can be assigned, as Keras' variables."""

    def __init__(self, value: float) -> None:
        self.value = np.full((2, 3), value, np.float32)
        self.shape = self.value.shape

    def assign(self, value: Any) -> None:
        """Set the value."""
        self.value = value

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.value


def _save_three(folder: Path) -> CheckpointFolder:
    checkpoints = CheckpointFolder(folder)
    for epoch in range(3):
        history = [{"loss": 0.1 * n} for n in range(epoch)]
        checkpoints.save(
            TrainingProgress(epoch=epoch, step=9, history=history), [Variable(epoch), Variable(7)]
        )
    return checkpoints


def test_the_newest_of_two_is_loaded(tmp_path: Path) -> None:
    """Weights and progress are those that were saved last, and older checkpoints are removed."""
    checkpoints, variables = _save_three(tmp_path), [Variable(0), Variable(0)]
    progress, notes = checkpoints.load(variables)

    assert progress == TrainingProgress(epoch=2, step=9, history=[{"loss": 0.0}, {"loss": 0.1}])
    assert [variable.value[0, 0] for variable in variables] == [2, 7]
    assert notes == []
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("damage", ["cut", "empty", "one byte", "text"])
def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, damage: str) -> None:
    """The one before it is used, a sentence says so, and no variable is set by half."""
    checkpoints, variables = _save_three(tmp_path), [Variable(0), Variable(0)]
    newest = max(tmp_path.iterdir())
    content = bytearray(newest.read_bytes())
    if damage == "one byte":
        content[len(content) // 2] ^= 1
    contents = {"cut": content[:-30], "empty": bytearray(), "text": bytearray(b"checkpoint")}
    newest.write_bytes(contents.get(damage, content))
    progress, notes = checkpoints.load(variables)

    assert progress is not None
    assert progress.epoch == 1
    assert [variable.value[0, 0] for variable in variables] == [1, 7]
    assert len(notes) == 1
    assert str(newest) in notes[0]
    assert "the checkpoint is damaged" in notes[0]


def test_damaged_checkpoints_are_not_taken_for_none(tmp_path: Path) -> None:
    """If no checkpoint can be read, the training does not begin again from the start by itself."""
    checkpoints = _save_three(tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(b"")
    with pytest.raises(OutputError, match=r"all checkpoints are damaged; remove the folder$"):
        checkpoints.load([Variable(0), Variable(0)])


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    """A checkpoint with fewer arrays is damaged in the sense of a network with more."""
    _save_three(tmp_path)
    with pytest.raises(OutputError, match="all checkpoints are damaged"):
        CheckpointFolder(tmp_path).load([Variable(0)] * 3)
