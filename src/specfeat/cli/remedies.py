"""What the user of the command line can do about an error: the options that the library does not know."""

from specfeat.errors import Remedy, SpecfeatError, append_suggestion

SUGGESTIONS = {
    Remedy.REPLACE_OUTPUT: "use --force to recompute everything",
    Remedy.UPDATE_OR_REPLACE_OUTPUT: (
        "give another name, use --update to bring it up to date, or --force to replace it"
    ),
    Remedy.RESUME_OR_REPLACE: "use --resume to continue it, or --force to start again",
    Remedy.SAME_SETTINGS_OR_REPLACE: "use the same settings to continue it, or --force to start again",
    Remedy.WAIT_FOR_LOCK: "use --lock-wait SECONDS to wait for it",
    Remedy.START_FEWER_WORKERS: "start fewer with --workers N",
    Remedy.ALLOW_MORE_TIME: "allow more time with --timeout-per-file SECONDS",
    Remedy.CHOOSE_OTHER_DEVICE: "choose another one with --device",
    Remedy.RESUME_OR_UPDATE: "add --resume or --update",
    Remedy.CONTINUE_AFTER_FAILURES: "use --on-error skip to continue after failures",
    Remedy.ALLOW_MORE_FAILURES: "allow more with --max-failures",
}


def add_options(error: BaseException) -> None:
    """Append the options that would help to the message of an error, once."""
    if isinstance(error, SpecfeatError):
        append_suggestion(error, SUGGESTIONS)
