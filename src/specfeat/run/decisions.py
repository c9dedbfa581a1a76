"""What a run does with unfinished work and with an output that it finds: two tables, and who reads them.

Each table says for what the caller wants and what is there which action follows, without and with `force`. A
state is examined only as far as a row needs it: to compare a large output with its hashes takes time, so
where the action is the same for everything that can be there, the state is `UNEXAMINED`.
"""

from enum import Enum


class UnfinishedState(Enum):
    """What the work folder has of a run that was interrupted."""

    ABSENT = "there is no finished file"
    UNEXAMINED = "there are finished files"
    USABLE = "there are finished files, and this run would give them the same rows"
    OTHER_SETTINGS = "they were made with different settings"
    DAMAGED = "they cannot be trusted: somebody has changed them, or the disk was at fault"


class UnfinishedAction(Enum):
    """What the run does with the unfinished work."""

    NOTHING = "there is nothing to do"
    CONTINUE = "keep the finished files, and extract the others"
    DISCARD = "remove the finished files, and say so"
    REFUSE = "end with an error; the finished files stay"


class OutputUse(Enum):
    """What this run wants from an output that is there."""

    NONE = "a new run: an output is in its way"
    REPLACE_AS_BEGUN = "continues a run that began without using the output"
    RESULT = (
        "asked to resume, and there is no unfinished work: the output may be the result of the earlier run"
    )
    UPDATE = "takes the rows of unchanged files from the output"


class OutputState(Enum):
    """What the run finds under the output's name."""

    ABSENT = "none of the three files is there"
    UNEXAMINED = "at least one of the three files is there"
    AS_BEGUN = "the files are the ones that the unfinished run was allowed to replace"
    UP_TO_DATE = "made with the same settings from the same files"
    OTHER_FILES = "made with the same settings; the files or their order differ"
    OTHER_SETTINGS = "made with different settings"
    DAMAGED = "a file is missing or has been changed, or the record is none"


class OutputAction(Enum):
    """What the run does with the output."""

    NOTHING = "there is no output; the run writes one"
    KEEP = "the output is what the run would make, so nothing is written"
    REUSE = "take the rows of unchanged files, extract the others, and replace the output"
    REPLACE = "compute every row, and replace the output"
    REFUSE = "end with an error; the output stays"


# (the caller asked to continue, state): (without force, with force)
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
    (OutputUse.NONE, OutputState.ABSENT): (OutputAction.NOTHING, OutputAction.NOTHING),
    (OutputUse.NONE, OutputState.UNEXAMINED): (OutputAction.REFUSE, OutputAction.REPLACE),
    (OutputUse.REPLACE_AS_BEGUN, OutputState.ABSENT): (OutputAction.NOTHING, OutputAction.NOTHING),
    (OutputUse.REPLACE_AS_BEGUN, OutputState.AS_BEGUN): (OutputAction.REPLACE, OutputAction.REPLACE),
    (OutputUse.REPLACE_AS_BEGUN, OutputState.UNEXAMINED): (OutputAction.REFUSE, OutputAction.REPLACE),
    (OutputUse.RESULT, OutputState.ABSENT): (OutputAction.NOTHING, OutputAction.NOTHING),
    (OutputUse.RESULT, OutputState.UP_TO_DATE): (OutputAction.KEEP, OutputAction.KEEP),
    (OutputUse.RESULT, OutputState.OTHER_FILES): (OutputAction.REFUSE, OutputAction.REUSE),
    (OutputUse.RESULT, OutputState.OTHER_SETTINGS): (OutputAction.REFUSE, OutputAction.REPLACE),
    (OutputUse.RESULT, OutputState.DAMAGED): (OutputAction.REFUSE, OutputAction.REPLACE),
    (OutputUse.UPDATE, OutputState.ABSENT): (OutputAction.NOTHING, OutputAction.NOTHING),
    (OutputUse.UPDATE, OutputState.UP_TO_DATE): (OutputAction.KEEP, OutputAction.KEEP),
    (OutputUse.UPDATE, OutputState.OTHER_FILES): (OutputAction.REUSE, OutputAction.REUSE),
    (OutputUse.UPDATE, OutputState.OTHER_SETTINGS): (OutputAction.REFUSE, OutputAction.REPLACE),
    (OutputUse.UPDATE, OutputState.DAMAGED): (OutputAction.REFUSE, OutputAction.REPLACE),
}


def decide_on_unfinished_work(
    *, is_continuing: bool, state: UnfinishedState, has_force: bool
) -> UnfinishedAction:
    """Return what the run does with unfinished work.

    Args:
        is_continuing: whether the caller asked to resume or to update.
        state: what the work folder has.
        has_force: whether the caller allows to discard what is in the way.
    """
    return UNFINISHED_ACTIONS[is_continuing, state][has_force]


def decide_on_output(*, use: OutputUse, state: OutputState, has_force: bool) -> OutputAction:
    """Return what the run does with the output.

    Args:
        use: what the run wants from it.
        state: what is there.
        has_force: whether the caller allows to replace it.
    """
    return OUTPUT_ACTIONS[use, state][has_force]
