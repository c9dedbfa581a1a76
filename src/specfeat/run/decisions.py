"""Two tables: what a run does with unfinished work, and what it does with an existing output.

A row of a table gives, for one wish of the caller and one state, two actions: without and with `force`.

It takes time to examine a large output, because all of it is compared with its hashes. So if the action does
not depend on the state, the work or the output is not examined, and its state is `UNEXAMINED`.
"""

from enum import Enum


class UnfinishedState(Enum):
    """The state of the work folder that an interrupted run left."""

    ABSENT = "there is no finished file"
    UNEXAMINED = "there are finished files; they were not examined, because the action is the same anyway"
    USABLE = "there are finished files, and this run would give them the same rows"
    OTHER_SETTINGS = "the finished files were made with different settings"
    DAMAGED = "the journal has invalid values, or the rows do not fit the journal"


class UnfinishedAction(Enum):
    """What the run does with the unfinished work."""

    NOTHING = "there is nothing to do"
    CONTINUE = "keep the finished files, and extract the others"
    DISCARD = "remove the finished files, and say so"
    REFUSE = "end with an error; the finished files stay"


class OutputUse(Enum):
    """What the run wants to do with an existing output."""

    START_NEW = "the run wants to write a new output, and does not use an existing one"
    CONTINUE_REPLACEMENT = "the run wants to continue a run that replaces the output without using it"
    CHECK_RESULT = (
        "the run wants to resume, but there is no unfinished work: the output may be complete already"
    )
    UPDATE = "the run wants to take the rows of unchanged files from the output"


class OutputState(Enum):
    """The state of the three files of the output: array, index and record."""

    ABSENT = "none of the three files is there"
    UNEXAMINED = "at least one of the three files is there; they were not examined"
    UNCHANGED_SINCE_START = "the files have the sizes and times that they had when the unfinished run started"
    UP_TO_DATE = "made with the same settings from the same files"
    OTHER_FILES = "made with the same settings; the files or their order differ"
    OTHER_SETTINGS = "made with different settings"
    DAMAGED = "a file is missing or has been changed, or the record is not a valid record"


class OutputAction(Enum):
    """What the run does with the output."""

    NOTHING = "there is no output; the run writes one"
    KEEP = "the output is what the run would make, so nothing is written"
    REUSE = "take the rows of unchanged files, extract the others, and replace the output"
    REPLACE = "take no rows from the output, and replace it"
    REFUSE = "end with an error; the output stays"


# (the caller asks to resume or to update, state): (without force, with force)
UNFINISHED_ACTIONS = {
    (False, UnfinishedState.ABSENT): (UnfinishedAction.NOTHING, UnfinishedAction.NOTHING),
    (True, UnfinishedState.ABSENT): (UnfinishedAction.NOTHING, UnfinishedAction.NOTHING),
    (False, UnfinishedState.UNEXAMINED): (UnfinishedAction.REFUSE, UnfinishedAction.DISCARD),
    (True, UnfinishedState.USABLE): (UnfinishedAction.CONTINUE, UnfinishedAction.CONTINUE),
    (True, UnfinishedState.OTHER_SETTINGS): (UnfinishedAction.REFUSE, UnfinishedAction.DISCARD),
    (True, UnfinishedState.DAMAGED): (UnfinishedAction.REFUSE, UnfinishedAction.DISCARD),
}

# (what the run wants, state): (without force, with force)
OUTPUT_ACTIONS = {
    (OutputUse.START_NEW, OutputState.ABSENT): (OutputAction.NOTHING, OutputAction.NOTHING),
    (OutputUse.START_NEW, OutputState.UNEXAMINED): (OutputAction.REFUSE, OutputAction.REPLACE),
    (OutputUse.CONTINUE_REPLACEMENT, OutputState.ABSENT): (OutputAction.NOTHING, OutputAction.NOTHING),
    (OutputUse.CONTINUE_REPLACEMENT, OutputState.UNCHANGED_SINCE_START): (
        OutputAction.REPLACE,
        OutputAction.REPLACE,
    ),
    (OutputUse.CONTINUE_REPLACEMENT, OutputState.UNEXAMINED): (OutputAction.REFUSE, OutputAction.REPLACE),
    (OutputUse.CHECK_RESULT, OutputState.ABSENT): (OutputAction.NOTHING, OutputAction.NOTHING),
    (OutputUse.CHECK_RESULT, OutputState.UP_TO_DATE): (OutputAction.KEEP, OutputAction.KEEP),
    (OutputUse.CHECK_RESULT, OutputState.OTHER_FILES): (OutputAction.REFUSE, OutputAction.REUSE),
    (OutputUse.CHECK_RESULT, OutputState.OTHER_SETTINGS): (OutputAction.REFUSE, OutputAction.REPLACE),
    (OutputUse.CHECK_RESULT, OutputState.DAMAGED): (OutputAction.REFUSE, OutputAction.REPLACE),
    (OutputUse.UPDATE, OutputState.ABSENT): (OutputAction.NOTHING, OutputAction.NOTHING),
    (OutputUse.UPDATE, OutputState.UP_TO_DATE): (OutputAction.KEEP, OutputAction.KEEP),
    (OutputUse.UPDATE, OutputState.OTHER_FILES): (OutputAction.REUSE, OutputAction.REUSE),
    (OutputUse.UPDATE, OutputState.OTHER_SETTINGS): (OutputAction.REFUSE, OutputAction.REPLACE),
    (OutputUse.UPDATE, OutputState.DAMAGED): (OutputAction.REFUSE, OutputAction.REPLACE),
}


def decide_on_unfinished_work(
    *, is_continuing: bool, state: UnfinishedState, force: bool
) -> UnfinishedAction:
    """Return what the run does with unfinished work.

    Args:
        is_continuing: whether the caller asks to resume or to update.
        state: the state of the work folder.
        force: whether the caller allows the run to discard unfinished work.
    """
    return UNFINISHED_ACTIONS[is_continuing, state][force]


def decide_on_output(*, use: OutputUse, state: OutputState, force: bool) -> OutputAction:
    """Return what the run does with the output.

    Args:
        use: what the run wants to do with the output.
        state: the state of the output.
        force: whether the caller allows the run to replace the output.
    """
    return OUTPUT_ACTIONS[use, state][force]
