"""What `specfeat train` prints while it works: lines, and a bar with the loss and the remaining time on a terminal."""

import io
import re
import sys

import pytest

from specfeat.cli.training_progress import TrainingReporter
from specfeat.sound import Sound
from specfeat.training.checkpoints import TrainingProgress


class Terminal(io.StringIO):
    """A stderr that is a terminal."""

    def isatty(self) -> bool:
        """Return true."""
        return True


def _train(reporter: TrainingReporter) -> None:
    """Tell a reporter of a stage with two sounds, and of the first two of three epochs with four steps each."""
    with reporter:
        reporter.on_stage("clips", 2)
        for name in "ab":
            reporter.on_sound(Sound(name))
        progress = TrainingProgress()
        reporter.on_start(progress, 4, 3)
        for epoch in range(2):
            for _ in range(4):
                reporter.on_step(progress, {"loss": 0.5 - 0.1 * epoch})
            progress.epoch, progress.best_epoch = epoch + 1, 0
            reporter.on_epoch(progress, {"loss": 0.5 - 0.1 * epoch, "val_loss": 0.25 + epoch})


def test_a_terminal_shows_a_bar_with_loss_and_remaining_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar counts the steps of all epochs: eight of twelve are done; what is printed for an epoch stays above it."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    _train(TrainingReporter(quiet=False))
    text = terminal.getvalue()

    assert re.search(r"training: +67%\|.*\| 8/12 \[\d\d:\d\d<\d\d:\d\d, .*epoch 2, loss 0\.4\]", text)
    assert "specfeat: epoch 1 of 3: loss 0.5, val_loss 0.25 (best)\n" in text
    assert "specfeat: epoch 2 of 3: loss 0.4, val_loss 1.25\n" in text


def test_a_file_gets_lines_only(capsys: pytest.CaptureFixture[str]) -> None:
    """No bar, and nothing if `--quiet` is given."""
    _train(TrainingReporter(quiet=False))
    assert capsys.readouterr().err.splitlines() == [
        "specfeat: making clips, with the random forms: 2 sounds",
        "specfeat: training: 12 steps",
        "specfeat: epoch 1 of 3: loss 0.5, val_loss 0.25 (best)",
        "specfeat: epoch 2 of 3: loss 0.4, val_loss 1.25",
    ]
    _train(TrainingReporter(quiet=True))
    assert capsys.readouterr().err == ""


def test_an_early_end_says_how_to_continue() -> None:
    """Before the data are known there is nothing to continue; then the clips are kept, and then the epochs."""
    reporter = TrainingReporter(quiet=True)
    assert reporter.describe_state("specfeat train --resume") == ""
    reporter.on_stage("clips", 2)
    assert reporter.describe_state("specfeat train --resume") == (
        "the clips made so far are kept; continue with specfeat train --resume"
    )
    _train(reporter)
    assert reporter.describe_state("specfeat train --resume") == (
        "2 of 3 epochs are done; continue with specfeat train --resume"
    )
