"""The words of errors on the command line."""

import re

import pytest

from specfeat.cli import run_command_line
from specfeat.cli.messages import add_run_state, describe_error, print_message
from specfeat.cli.remedies import SUGGESTIONS
from specfeat.errors import AudioError, Remedy, SpecfeatError, UsageError

# The commands of the suggestions that are not for `specfeat extract`.
COMMANDS = {
    Remedy.DRAW_WITH_CHARACTERS: "plot",
    Remedy.EXTEND_OR_REPLACE: "train",
    Remedy.EXTRACT_AGAIN_OR_USE_ROW: "search",
    Remedy.NAME_WEIGHTS_FILE: "search",
    Remedy.NAME_CLASSES: "events",
}


def test_each_remedy_has_words() -> None:
    """Whatever remedy an error of the library names, the command line can say it."""
    assert set(SUGGESTIONS) == set(Remedy)


@pytest.mark.parametrize("remedy", Remedy, ids=lambda remedy: remedy.name)
def test_the_options_of_a_remedy_exist(remedy: Remedy, capsys: pytest.CaptureFixture[str]) -> None:
    """Each option that a suggestion names is one of the command that gives it."""
    run_command_line([COMMANDS.get(remedy, "extract"), "--help"])
    help_text = capsys.readouterr().out

    for option in re.findall(r"--[a-z-]+", SUGGESTIONS[remedy]):
        assert re.search(rf"(^|\s){option}\s", help_text), option


def test_an_error_is_described_in_one_order() -> None:
    """First what is wrong, then the option that would help, then what the run has written."""
    error = UsageError("out.npy: was made with different settings", remedy=Remedy.REPLACE_OUTPUT)
    add_run_state(error, "3 finished files are kept")

    assert describe_error(error) == (
        "out.npy: was made with different settings; use --force to recompute everything; "
        "3 finished files are kept"
    )
    assert str(error) == "out.npy: was made with different settings"


def test_an_error_without_remedy_is_its_message() -> None:
    """Nothing is added where nothing is known; an error without a message has its type's name."""
    assert describe_error(AudioError("is empty, 0 bytes")) == "is empty, 0 bytes"
    assert describe_error(BrokenPipeError()) == "BrokenPipeError"


def test_a_bug_has_the_state_of_the_run_below_its_traceback() -> None:
    """An error that is not ours gets a note; without a state it gets none."""
    error, other = ZeroDivisionError(), ZeroDivisionError()
    add_run_state(error, "out.npy is complete")
    add_run_state(other, "")

    assert error.__notes__ == ["out.npy is complete"]
    assert not hasattr(other, "__notes__")


def test_a_message_cannot_send_commands_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A message is one line whatever is in it."""
    print_message(str(SpecfeatError("a\x1b[2J\nb")))

    assert capsys.readouterr().err == "specfeat: a\\x1b[2J\\nb\n"


@pytest.mark.parametrize("words", [[], ["extract"], ["weights", "show"]], ids=" ".join)
def test_help_is_also_a_word(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """`specfeat help COMMAND` prints what `specfeat COMMAND --help` prints, as in other programs."""
    assert run_command_line([*words, "--help"]) == 0
    help_text = capsys.readouterr().out
    assert run_command_line(["help", *words]) == 0

    assert capsys.readouterr().out == help_text != ""
